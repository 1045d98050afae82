"""What a student sees of an attempt: no more than the course shows, and the marks as they are now."""

from dataclasses import replace

import pytest

from autograder.grade.record import GradingRecord
from autograder.serve.attempts import State
from autograder.serve.shown import MESSAGES, RECEIVED, shown, shown_now
from tests.autograder.classes import LAB, mark_by_hand, record, save
from tests.autograder.serve.bench import notebook, points_of

WAITS = "It is graded, but for what a person has to read: Q3."


def show_only(bench, what):
    (bench.course.root / "rules.toml").write_text(f'[serve]\nshow = "{what}"\n')
    bench.start()


def seen(bench, attempt, **options):
    return shown_now(bench.service, bench.service.attempts.find(attempt.id), **options)


@pytest.fixture
def graded(bench):
    """An attempt of Ada's, graded."""
    attempt = bench.upload("ada", 1)
    bench.settle()
    return attempt


def test_everything_is_shown_where_the_course_says_nothing(bench, graded):
    found = seen(bench, graded)
    assert (found.state, found.place, found.message) == ("graded", None, WAITS)
    assert found.points == sum(points_of(notebook(1))) and found.out_of == 35
    assert [each.question for each in found.outcomes] == ["Q1", "Q2"] and not any(
        each.so_far for each in found.outcomes
    )
    assert set(found.questions) == {"Q1", "Q2", "Q3"} and found.questions["Q3"].points is None
    assert found.mistakes == GradingRecord.read(bench.course.record(LAB, "ada")).mistakes


def test_only_points_or_only_that_it_was_received(bench, graded):
    show_only(bench, "points")
    found = seen(bench, graded)
    assert found.points == sum(points_of(notebook(1))) and found.message == WAITS
    assert not found.outcomes and not found.questions and not found.mistakes and found.marks is None
    show_only(bench, "received")
    found = seen(bench, graded)
    assert (found.state, found.message) == ("graded", RECEIVED) and (found.points, found.out_of) == (None, None)
    assert not found.outcomes and not found.questions and not found.mistakes and found.marks is None
    assert seen(bench, graded, to_staff=True).outcomes, "staff see everything"


def test_a_lab_that_was_taken_back_shows_nothing(bench, graded):
    (bench.course.release(LAB) / f"{LAB}.ipynb").unlink()
    bench.start()
    assert LAB not in bench.service.view.state.labs
    found = seen(bench, graded)
    assert found.points is None and found.message == RECEIVED and not found.outcomes


def test_marks_that_a_person_gives_afterwards_are_shown(bench, graded):
    mark_by_hand(bench.course, LAB, "ada", 15)
    found = seen(bench, graded)
    assert found.points == sum(points_of(notebook(1))) + 15 and found.questions["Q3"].points == 15


def test_an_older_attempt_keeps_the_marks_it_had(bench, graded):
    newer = bench.upload("ada", 2)
    bench.settle()
    mark_by_hand(bench.course, LAB, "ada", 15)
    old, new = seen(bench, graded), seen(bench, newer)
    assert old.points == sum(points_of(notebook(1))) and old.marks is None and not old.outcomes
    assert old.questions["Q1"].points == points_of(notebook(1))[0] and old.questions["Q3"].points is None
    assert new.points == sum(points_of(notebook(2))) + 15 and new.marks is not None


def test_a_partner_sees_the_partners_own_marks(group_bench):
    attempt = group_bench.upload("ada", 1)
    group_bench.settle()
    mark_by_hand(group_bench.course, LAB, "bob", 7)
    points = sum(points_of(notebook(1)))
    assert seen(group_bench, attempt).points == points
    assert seen(group_bench, attempt, to="bob").points == points + 7


def test_what_waits_has_its_place_and_no_mark(bench):
    bench.queue.at_once = False
    attempts = [bench.upload(student, student) for student in ("ada", "bob")]
    found = seen(bench, attempts[0])
    assert (found.state, found.place, found.message) == ("waiting", None, MESSAGES[State.RECEIVED])
    for _ in attempts:
        bench.service._chores.step(0)
    bench.queue.place = lambda lab, student: {"ada": 0, "bob": 1}[student]
    states = [(each.state, each.place, each.message) for each in (seen(bench, attempt) for attempt in attempts)]
    assert states == [("grading", None, MESSAGES[State.WAITING]), ("waiting", 1, MESSAGES[State.WAITING])]


def test_without_a_mark_the_reason_is_said_until_there_is_one(bench):
    attempt = bench.upload("ada", "HOPELESS")
    bench.settle()
    found = seen(bench, attempt)
    assert (found.state, found.message, found.points) == ("no mark", "There is no mark: it is hopeless.", None)
    before = GradingRecord.read(bench.course.record(LAB, "ada"))
    save(bench.course, replace(record("ada", 10, 5), sha256=before.sha256))
    found = seen(bench, attempt)
    assert (found.state, found.points) == ("graded", 15), "a teaching assistant graded it once more"


def test_a_record_of_another_file_is_not_taken_for_this_ones(bench, graded):
    now = GradingRecord.read(bench.course.record(LAB, "ada"))
    replace(now, sha256="f" * 64).write(bench.course.record(LAB, "ada"))
    found = shown(bench.service, bench.service.attempts.find(graded.id))
    assert found.marks is None and found.points == sum(points_of(notebook(1)))
