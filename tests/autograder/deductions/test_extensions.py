"""Extensions: how people write them, where they are kept, and what they do to a deadline."""

from datetime import UTC, datetime, timedelta

import pytest

from autograder import gradebook
from autograder.course_folder.settings import Timezone
from autograder.deductions.extensions import Extension, deadlines, grant, granted
from autograder.errors import UserError
from tests.autograder.conftest import LAB

DUE = datetime(2026, 10, 12, 15, 59, tzinfo=UTC)
TAIPEI, BERLIN = Timezone("Asia/Taipei"), Timezone("Europe/Berlin")


@pytest.mark.parametrize(("text", "longer"), [
    ("7d", timedelta(days=7)), ("12h", timedelta(hours=12)), ("1w", timedelta(weeks=1)),
    ("90min", timedelta(hours=1.5)), ("2d12h", timedelta(days=2.5)), ("2d 12h", timedelta(days=2.5)),
    (" 3 D ", timedelta(days=3)),
])  # fmt: skip
def test_a_duration_is_added_to_the_labs_deadline(text, longer):
    assert Extension.parse(text, TAIPEI).deadline(DUE) == DUE + longer
    assert Extension.parse(text, TAIPEI).deadline(None) is None
    assert Extension.parse(Extension.parse(text, TAIPEI).duration, TAIPEI).longer == longer


@pytest.mark.parametrize(
    ("text", "shown"), [("1w", "7d"), ("90min", "1h 30min"), ("2d12h", "2d 12h"), ("36h", "1d 12h")]
)
def test_a_duration_is_shown_as_people_write_it(text, shown):
    assert Extension.parse(text, TAIPEI).duration == shown


@pytest.mark.parametrize(("text", "until"), [
    ("2026-10-19 23:59", datetime(2026, 10, 19, 15, 59, tzinfo=UTC)),
    ("2026-10-19T23:59:30", datetime(2026, 10, 19, 15, 59, 30, tzinfo=UTC)),
    ("2026-10-19", datetime(2026, 10, 19, 15, 59, 59, tzinfo=UTC)),
    ("20261019", datetime(2026, 10, 19, 15, 59, 59, tzinfo=UTC)),
    ("2026-10-19T23:59+02:00", datetime(2026, 10, 19, 21, 59, tzinfo=UTC)),
    ("2026-10-19T23:59Z", datetime(2026, 10, 19, 23, 59, tzinfo=UTC)),
])  # fmt: skip
def test_a_date_is_the_students_own_deadline_whatever_the_labs_is(text, until):
    for due in (DUE, None):
        assert Extension.parse(text, TAIPEI).deadline(due) == until


def test_a_date_beyond_the_change_of_the_clocks_is_in_the_time_of_that_day():
    assert Extension.parse("2026-10-24 12:00", BERLIN).until == datetime(2026, 10, 24, 10, tzinfo=UTC)
    assert Extension.parse("2026-10-26 12:00", BERLIN).until == datetime(2026, 10, 26, 11, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "7", "0d", "-7d", "7x", "soon", "12.10.2026", "2026-13-01", "9999999999d", "d7"])
def test_what_is_neither_is_one_sentence_that_says_how(text):
    with pytest.raises(UserError, match="write 7d"):
        Extension.parse(text, TAIPEI)


def test_extensions_are_kept_by_lab_and_can_be_taken_back(course):
    gradebook.set_deadline(course, LAB, DUE)
    grant(course, LAB, {"S1": Extension.parse("7d", TAIPEI), "王,“小”": Extension.parse("2026-10-20 12:00", TAIPEI)})
    grant(course, "lab2_other", {"S1": Extension.parse("1d", TAIPEI)})
    assert deadlines(course, LAB) == {
        "S1": DUE + timedelta(days=7),
        "王,“小”": datetime(2026, 10, 20, 4, tzinfo=UTC),
    }
    gradebook.set_deadline(course, LAB, DUE + timedelta(days=1))
    assert deadlines(course, LAB)["S1"] == DUE + timedelta(days=8)
    grant(course, LAB, {"S1": Extension.parse("none", TAIPEI)})
    assert set(granted(course, LAB)) == {"王,“小”"} and set(granted(course, "lab2_other")) == {"S1"}


def test_without_a_deadline_a_duration_waits_for_one(course):
    grant(course, LAB, {"S1": Extension.parse("7d", TAIPEI)})
    assert deadlines(course, LAB) == {} and set(granted(course, LAB)) == {"S1"}


def test_what_nbgrader_granted_counts_and_ours_replaces_it(course):
    gradebook.set_deadline(course, LAB, DUE)
    with gradebook.open_gradebook(course) as book:
        for student in ("S1", "S2"):
            book.add_student(student)
            book.add_submission(LAB, student)
            book.grant_extension(LAB, student, hours=2)
    grant(course, LAB, {"S1": Extension.parse("7d", TAIPEI)})
    assert deadlines(course, LAB) == {"S1": DUE + timedelta(days=7), "S2": DUE + timedelta(hours=2)}
    grant(course, LAB, {"S1": None, "S2": None})
    assert deadlines(course, LAB) == {}


@pytest.mark.parametrize("text", ["", "a,b\n", "lab,student_id,extension\nx,S1,soon\n", "lab,student_id,extension\nx\n",
                                  "lab,student_id,extension\nx,S1,2026-10-12\n"])  # fmt: skip
def test_a_damaged_table_is_one_sentence(text, course):
    course.extensions.write_text(text)
    with pytest.raises(UserError, match=r"granted_extensions\.csv cannot be read"):
        granted(course, LAB)
