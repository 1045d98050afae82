"""Nothing from a submission runs in a browser or a spreadsheet."""

import csv

import nbformat
import pytest

from autograder import gradebook
from autograder.course_folder.roster import Student
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab
from autograder.grade.record import CellGrade, GradingRecord
from autograder.report.feedback import write_feedback
from autograder.report.marks import FORMULA_STARTS, write_marks
from qlab.check.outcome import Outcome
from tests.autograder.conftest import LAB

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def save(course, student="ada", **changes):
    outcome = Outcome("Q1", HOSTILE, 6, 15, (HOSTILE,), (HOSTILE,), (HOSTILE,), HOSTILE, HOSTILE, (HOSTILE,))
    cells = (CellGrade("q1-check", "Q1", 6.0, 15.0, True, outcome), CellGrade("q6", "Q6", None, 20.0))
    record = GradingRecord(student, LAB, "0" * 64, 1, "r", "v", **{"cells": cells, "remarks": (HOSTILE,), **changes})
    record.write(course.record(LAB, student))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(HOSTILE)])
    notebook.cells[0].metadata.nbgrader = {"grade_id": "q1", "solution": True, "grade": False}
    write_atomic(course.autograded(LAB, student), nbformat.writes(notebook))
    return record


def test_feedback_escapes_everything_from_a_submission(course):
    save(course)
    (path,) = write_feedback(course, GradedLab.of(LAB, course))
    page = path.read_text("utf-8")
    assert "<script" not in page and "<img" not in page and page.count("&lt;script&gt;") >= 6
    assert "default-src 'none'" in page


@pytest.mark.parametrize("start", [*"=+-@", "\t=", "\r="])
def test_no_cell_of_the_marks_table_is_a_formula(course, start):
    student = f"{start.strip()}cmd"
    save(course, student, cells=(), reason=f"{start}HYPERLINK(1)")
    with write_marks(course).open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[1][0] == f"'{student}"
    assert not any(cell.startswith(FORMULA_STARTS) for row in rows for cell in row)


def test_everybody_on_the_roster_has_a_row(course):
    gradebook.enter_roster(course, [Student("ada", "Ada"), Student("bob", "Bob"), Student("eve", "Eve")])
    save(course)
    course.submission_folder(LAB, "eve").mkdir(parents=True)
    with write_marks(course).open(newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["ada", "bob", "eve"] and rows["ada"]["lab1 total /35"] == "6"
    assert rows["bob"]["lab1 total /35"] == "" and rows["bob"]["lab1 remarks"] == "nothing handed in"
    assert rows["eve"]["lab1 remarks"] == "handed in, not graded yet"


def test_the_roster_is_in_the_table_before_anything_is_graded(course):
    gradebook.enter_roster(course, [Student("ada", "Ada"), Student("bob", "Bob")])
    assert write_marks(course).read_text("utf-8").split() == ["student_id", "ada", "bob"]


def test_names_in_any_script_stay_as_they_are(course):
    save(course, "王小明")
    assert "王小明" in write_marks(course).read_text("utf-8")
    assert write_feedback(course, GradedLab.of(LAB, course))[0].parts[-3] == "王小明"


def test_a_record_that_cannot_be_read_is_graded_again(tmp_path):
    path = tmp_path / "r.json"
    for content in ("", "{", '{"format": 1}', '{"format": 99}', "[]"):
        path.write_text(content)
        assert GradingRecord.read(path) is None
