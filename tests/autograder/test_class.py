"""The sample class: everyone gets the mark, or the reason for none, that class.toml says."""

import csv
import json
import time

import nbformat
import psutil
import pytest

from autograder import gradebook
from autograder.collect.sample_class import class_list
from autograder.grade.grade_class import grade_class
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers
from autograder.report.marks import class_marks
from qlab.cells import is_test
from tests.autograder.conftest import LAB
from tests.conftest import SANDBOXED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("class")]

STUDENTS = [student["id"] for student in class_list(LAB)]
MARKED = [student["id"] for student in class_list(LAB) if "reason" not in student]
every_student = pytest.mark.parametrize("student", STUDENTS)
every_marked = pytest.mark.parametrize("student", MARKED)


def record(graded, student):
    return GradingRecord.read(graded.course.record(LAB, student))


def test_the_class_is_large_enough():
    assert len(STUDENTS) >= 12


@every_student
def test_marks_are_as_expected(graded, student):
    expected, actual = graded.students[student], record(graded, student)
    marks = {cell: points for cell, points in actual.marks().items() if points}
    assert marks == expected.get("marks", {})
    waiting = [cell for cell, points in actual.marks().items() if points is None]
    assert waiting == expected.get("read_by_hand", [])


@every_student
def test_mistakes_remarks_and_reasons_are_as_expected(graded, student):
    expected, actual = graded.students[student], record(graded, student)
    for question, name in expected.get("mistakes", {}).items():
        assert actual.mistakes[question] == (name,)
    assert expected.get("remark", "") in "; ".join(actual.remarks)
    assert expected.get("reason", "") in actual.reason and bool(actual.reason) == ("reason" in expected)


def test_no_submission_stops_the_others(graded):
    assert graded.result.graded_now == len(STUDENTS) and all(record(graded, student) for student in STUDENTS)


@every_student
def test_the_record_is_complete_and_reads_back(graded, student):
    actual = record(graded, student)
    assert (
        GradingRecord.parse(actual.text()) == actual and GradingRecord.parse(actual.text()).digest() == actual.digest()
    )
    assert len(actual.sha256) == 64 and actual.release == graded.lab.stamp["release"] and actual.sandboxed == SANDBOXED


def test_seeds_differ_between_students(graded):
    assert len({record(graded, student).seed for student in STUDENTS}) == len(STUDENTS)


@every_marked
def test_the_gradebook_has_the_same_marks(graded, student):
    cells = gradebook.marks(graded.course, LAB)[student]
    for grade in record(graded, student).cells:
        assert (cells[grade.cell].points, cells[grade.cell].waiting) == (grade.points, grade.points is None)


@every_marked
def test_the_graded_notebook_shows_no_hidden_test(graded, student):
    notebook = nbformat.read(graded.course.autograded(LAB, student), as_version=4)
    text = json.dumps(notebook)
    assert "HIDDEN" not in text and ".also(" not in text
    assert sum(is_test(cell) for cell in notebook.cells) == 7


@every_student
def test_feedback_has_marks_and_messages_but_no_hidden_source(graded, student):
    page = graded.course.feedback(LAB, student).read_text("utf-8")
    actual = record(graded, student)
    if actual.reason:
        assert "Not marked" in page and actual.reason.split(",")[0] in page
        return
    assert f"{actual.auto_points:g} of 100 points" in page
    for names in actual.mistakes.values():
        assert all(name.replace("'", "&#x27;").replace("blanks left", "blank") in page for name in names)
    assert "HIDDEN" not in page and ".also(" not in page and "<script" not in page


def test_marks_csv_has_one_row_per_student_and_one_column_per_question(graded):
    with graded.course.marks.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student_id"] for row in rows] == sorted(STUDENTS)
    first = rows[0]
    columns = [
        f"lab1 {name}"
        for name in (
            *("Q1 /15", "Q2 /15", "Q2b /10", "Q3 /20"),
            *("Q4 /10", "Q5 /10", "Q6 /15", "Q7 /5"),
        )
    ]
    assert list(first) == ["student_id", *columns, "lab1 total /100", "lab1 waiting", "lab1 remarks"]
    assert [first[name] for name in columns] == ["15", "15", "10", "20", "5", "10", "", ""]
    assert (first["lab1 total /100"], first["lab1 waiting"]) == ("75", "Q4 Q6 Q7")
    noor = next(row for row in rows if row["student_id"] == "noor")
    assert noor["lab1 total /100"] == "" and "ends in the middle" in noor["lab1 remarks"]


def test_what_has_not_changed_is_not_graded_again(graded):
    def never(lab):
        raise AssertionError("graded again")

    stored = []
    again = grade_class(graded.course, graded.lab, STUDENTS, Workers(never, 1), stored.append, sandboxed=SANDBOXED)
    assert (again.graded_now, again.unchanged) == (0, len(STUDENTS))
    assert stored == [record(graded, student) for student in STUDENTS]


def test_a_replay_with_the_records_seed_gives_its_marks(graded, grade_one):
    before = record(graded, "chen")
    again = grade_one("chen", graded.course.submitted(LAB)["chen"], graded.lab, seed=before.seed).record
    assert (again.marks(), again.mistakes) == (before.marks(), before.mistakes)


def test_no_process_outlives_its_submission(graded, grade_one):
    grade_one("ada", graded.course.submitted(LAB)["ada"], graded.lab)
    deadline = time.monotonic() + 10
    while len(left := students_processes()) > 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def students_processes():
    """The students' processes among this one's descendants: those that a lab's server has forked."""
    python = [
        p for p in psutil.Process().children(recursive=True) if "autograder.grade.student" in " ".join(p.cmdline())
    ]
    servers = [p for p in python if p.parent() in python and "bwrap" not in p.parent().name()]
    return [p for p in python if p.parent() in servers]


def test_questions_graded_by_hand_wait(graded):
    ada = next(row for row in class_marks(graded.course, LAB) if row.record.student == "ada")
    assert ada.waiting == ["Q4", "Q6", "Q7"] and ada.total == 75 and ada.out_of == 100
