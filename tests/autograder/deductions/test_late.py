"""Late penalties: nbgrader's plugin decides, for us as for nbgrader itself, and both reach the same totals."""

import csv
import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from autograder import gradebook
from autograder.collect.collection import CollectOptions, collect
from autograder.collect.sample_class import class_list, essays, submission, written_answers
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.deductions import late
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab
from autograder.grade.record import CellGrade, GradingRecord
from autograder.grade.submission import Submission
from autograder.report.feedback import write_feedback
from autograder.report.marks import class_marks, write_marks
from tests.autograder.collect.conftest import tarred
from tests.autograder.conftest import LAB
from tests.autograder.grade.test_stock import nbgrader
from tests.conftest import REPOSITORY

DUE = datetime(2026, 10, 12, 15, 59, tzinfo=UTC)
# The plugin that docs/collecting.md shows is the one that is tested.
PAGE = (REPOSITORY / "docs" / "collecting.md").read_text("utf-8")
A_DAY = "\n" + next(code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "TenPercentADay" in code)
ZERO = '\nget_config().LateSubmissionPlugin.penalty_method = "zero"\n'


def configure(course, text):
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text("utf-8") + text)


def submit(course, student, late_by, points=10.0, essay=None):
    """Store a graded submission, with its timestamp."""
    cells = (CellGrade("q1-check", "Q1", points, 15.0), CellGrade("q6", "Q6", essay, 15.0))
    record = GradingRecord(student, LAB, "0" * 64, 1, "r", "v", cells=cells)
    record.write(course.record(LAB, student))
    gradebook.store(course, [record])
    write_atomic(course.submission_folder(LAB, student) / f"{LAB}.ipynb", "{}")
    write_atomic(course.submission_folder(LAB, student) / "timestamp.txt", late.timestamp(DUE + late_by))


def totals(course):
    return {row.record.student: row.total for row in class_marks(course, LAB)}


@pytest.fixture
def due(course):
    gradebook.set_deadline(course, LAB, DUE)
    return course


def test_nothing_is_deducted_unless_the_course_says_so(due):
    submit(due, "ada", timedelta(days=3))
    late.update(due, LAB)
    assert totals(due) == {"ada": 10.0} and gradebook.penalties(due, LAB) == {}


def test_the_courses_plugin_decides_by_the_time_beside_the_notebook(due):
    configure(due, A_DAY)
    submit(due, "ada", timedelta(0))
    submit(due, "bob", timedelta(seconds=1))
    submit(due, "chen", timedelta(days=2, seconds=1))
    late.update(due, LAB)
    assert totals(due) == {"ada": 10.0, "bob": 9.0, "chen": 7.0}
    with write_marks(due).open(newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert [rows[name]["lab1 off"] for name in ("ada", "bob", "chen")] == ["", "1", "3"]
    assert "3 points off: handed in late" in rows["chen"]["lab1 remarks"]
    (page,) = [path for path in write_feedback(due, GradedLab.of(LAB, due)) if "chen" in str(path)]
    assert "3 points off: handed in late" in page.read_text("utf-8") and "7 of 30 points" in page.read_text("utf-8")


def test_points_given_by_hand_since_then_count(due):
    configure(due, ZERO)
    submit(due, "ada", timedelta(hours=1))
    late.update(due, LAB)
    assert totals(due) == {"ada": 0.0}
    with gradebook.open_gradebook(due) as book:
        book.find_grade("q6", LAB, LAB, "ada").manual_score = 15.0
        book.db.commit()
    assert totals(due) == {"ada": 15.0}  # as nbgrader leaves it
    late.update(due, LAB)
    assert totals(due) == {"ada": 0.0} and gradebook.penalties(due, LAB) == {"ada": 25.0}


def test_an_extension_and_a_moved_deadline_give_points_back(due):
    configure(due, ZERO)
    submit(due, "ada", timedelta(hours=1))
    submit(due, "bob", timedelta(hours=1))
    late.update(due, LAB)
    with gradebook.open_gradebook(due) as book:
        book.grant_extension(LAB, "ada", hours=2)
    late.update(due, LAB)
    assert totals(due) == {"ada": 10.0, "bob": 0.0}
    gradebook.set_deadline(due, LAB, DUE + timedelta(days=1))
    late.update(due, LAB)
    assert totals(due) == {"ada": 10.0, "bob": 10.0}


@pytest.mark.parametrize(("penalty", "deducted"), [("-5", 0.0), ("score * 9", 10.0), ("None", 0.0)])
def test_a_penalty_is_neither_below_0_nor_above_the_score(due, penalty, deducted):
    configure(due, A_DAY.replace("score * min(1.0, 0.1 * -(-total_seconds_late // 86400))", penalty))
    submit(due, "ada", timedelta(hours=1))
    late.update(due, LAB)
    assert totals(due) == {"ada": 10.0 - deducted}


@pytest.mark.parametrize("broken", ["raise ValueError('no')", "return 'much'"])
def test_a_plugin_that_fails_is_one_sentence(due, broken):
    configure(due, A_DAY.replace("return score", f"{broken}\n        return score"))
    submit(due, "ada", timedelta(hours=1))
    with pytest.raises(UserError, match=r"nbgrader_config\.py failed"):
        late.update(due, LAB)


def test_a_time_that_cannot_be_read_counts_as_unknown(due):
    submit(due, "ada", timedelta(hours=1))
    for text in ("", "soon", "2026-99-99 UTC"):
        (due.submission_folder(LAB, "ada") / "timestamp.txt").write_text(text)
        assert late.read_timestamp(due.submission_folder(LAB, "ada")) is None
    late.update(due, LAB)
    assert totals(due) == {"ada": 10.0}


def test_the_time_beside_a_notebook_is_no_part_of_the_submission(due):
    """Or correcting a time zone would make another submission, with all marks given by hand to be looked at again."""
    submit(due, "ada", timedelta(hours=1))
    path = due.submitted(LAB)["ada"]
    before = Submission.read("ada", path)
    (path.parent / "timestamp.txt").write_text(late.timestamp(DUE))
    assert Submission.read("ada", path).sha256 == before.sha256 and before.files == {}


def export(course, target):
    done = nbgrader(course, "export", "--to", str(target))
    assert done.returncode == 0, done.stderr[-2000:]
    with target.open(newline="") as file:
        return {
            row["student_id"]: (float(row["score"]), float(row["late_submission_penalty"]), row["timestamp"])
            for row in csv.DictReader(file)
            if row["timestamp"]
        }


@pytest.mark.slow
def test_stock_nbgrader_and_ours_agree_on_late_submissions(due, tmp_path, grade_one):
    """Collected by us, graded by us and by nbgrader autograde: the same times, penalties and totals."""
    configure(due, A_DAY)
    lab = GradedLab.of(LAB, due)
    answers = {(answer.question, answer.name): answer.source for answer in written_answers(LAB)}
    people = [student for student in class_list(LAB) if "stock_cannot_grade" not in student][:3]
    gradebook.enter_roster(due, [Student(student["id"], "", student["id"].title()) for student in people])
    archives = []
    for days, student in enumerate(people):
        content = submission(student, lab, answers, essays(LAB))
        when = (DUE + timedelta(days=days, minutes=-1)).strftime("%Y-%m-%d-%H-%M-%S")
        archives.append(tmp_path / f"{days}.tar")
        archives[-1].write_bytes(tarred({f"Lab 1_{student['id']}_attempt_{when}_lab1.ipynb": content}, "w"))
    report = collect(due, LAB, archives, CollectOptions(timezone="UTC"))
    assert [row.late for row in sorted(report.rows, key=lambda row: row.when)] == ["", "23 h 59 min", "1 d 23 h"]

    theirs = Course.at(tmp_path / "theirs")
    shutil.copytree(due.root, theirs.root, dirs_exist_ok=True)
    done = nbgrader(theirs, "autograde", LAB, "--Execute.timeout=300")  # no answer here is endless; a core may be busy
    assert done.returncode == 0, done.stderr[-2000:]

    records = [grade_one(student, path, lab).record for student, path in due.submitted(LAB).items()]
    gradebook.store(due, records)
    late.update(due, LAB)
    for record in records:
        record.write(due.record(LAB, record.student))

    ours = export(due, tmp_path / "ours.csv")
    assert ours == export(theirs, tmp_path / "theirs.csv") and len(ours) == 3
    assert {student: total for student, (total, _, _) in ours.items()} == totals(due)
    assert sorted(penalty > 0 for _, penalty, _ in ours.values()) == [False, True, True]
