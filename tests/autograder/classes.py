"""A made-up class for tests: a lab with two questions and a text, and records of its students."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab
from autograder.grade.record import CellGrade, GradingRecord
from qlab.check.outcome import Outcome

LAB = "lab1_linear_quantization"
# What a teacher adds to nbgrader_config.py, so that a day late costs ten per cent.
TEN_PERCENT_A_DAY = """
from nbgrader.plugins import LateSubmissionPlugin


class TenPercentADay(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score * min(1.0, 0.1 * -(-total_seconds_late // 86400))


c = get_config()
c.AssignLatePenalties.plugin_class = TenPercentADay
"""
STUB = "def double(x):\n    return __"


def cell(name: str, source: str, *, solution: bool = False, points: float | None = None, text: bool = False) -> Any:
    """A cell with nbgrader's metadata."""
    new_cell = (new_markdown_cell if text else new_code_cell)(source, id=name)
    new_cell.metadata.nbgrader = {"grade_id": name, "solution": solution, "grade": points is not None}
    if points is not None:
        new_cell.metadata.nbgrader["points"] = points
    return new_cell


def small_lab() -> GradedLab:
    """Q1 and Q2 have checks, Q3 is graded by hand."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Lab 1 · Small", id="title"),
            cell("q1", STUB, solution=True),
            cell("q1-check", "check(q1)", points=10),
            cell("q2", "half = __", solution=True),
            cell("q2-check", "check(q2)", points=5),
            cell("q3", "*Your text*", solution=True, points=20, text=True),
        ]
    )
    notebook.metadata.qlab = {"release": "r", "version": "v"}
    return GradedLab(LAB, notebook, notebook, {}, {})


def outcome(question: str, points: float, out_of: float, *mistakes: str, title: str = "") -> Outcome:
    """What a check said."""
    fails = ("something",) if mistakes else ()
    hint = f"think about {mistakes[0]}" if mistakes else ""
    return Outcome(question, title, points, out_of, fails=fails, mistakes=mistakes, next=hint)


def record(student: str, q1: float = 10, q2: float = 5, essay: float | None = None, **changes: Any) -> GradingRecord:
    """A graded submission; a question without all its points has a named mistake."""
    cells = (
        CellGrade("q1-check", "Q1", q1, 10, True, outcome("Q1", q1, 10, *["halved"] * (q1 < 10), title="double")),
        CellGrade("q2-check", "Q2", q2, 5, True, outcome("Q2", q2, 5, *["doubled"] * (q2 < 5), title="half")),
        CellGrade("q3", "Q3", essay, 20, essay is None),
    )
    fields = {"cells": cells, "seconds": {"q1": 0.01, "q1-check": 0.25}, **changes}
    return GradingRecord(student, LAB, "0" * 64, 1, "r", "v", **fields)


def save(course: Course, record: GradingRecord, answers: dict[str, str] | None = None) -> GradingRecord:
    """Write a record into the course, and a graded notebook with these answers."""
    record.write(course.record(LAB, record.student))
    if answers is not None:
        notebook = nbformat.from_dict(json.loads(json.dumps(small_lab().released)))
        for notebook_cell in notebook.cells:
            notebook_cell.source = answers.get(notebook_cell.id, notebook_cell.source)
        write_atomic(course.autograded(LAB, record.student), nbformat.writes(notebook))
    return record


def released_course(root: Path) -> Course:
    """A course in which the small lab is released, without nbgrader and so without a gradebook."""
    course, lab = Course.at(root), small_lab()
    for folder in (course.source(LAB), course.release(LAB)):
        write_atomic(folder / f"{LAB}.ipynb", nbformat.writes(lab.released))
    return course


LAB2, LAB3 = "lab2_integer_only", "lab3_calibration"


def add_labs(course: Course, *labs: str) -> None:
    """Put labs into the gradebook as a release does: q1-check of 10 points, q2-check of 5, and the text q3 of 20."""
    with gradebook.open_gradebook(course) as book:
        for lab in labs:
            book.add_assignment(lab)
            book.add_notebook(lab, lab)
            for name, points, kind in (("q1-check", 10, "code"), ("q2-check", 5, "code"), ("q3", 20, "markdown")):
                book.add_grade_cell(name, lab, lab, max_score=points, cell_type=kind)
            book.add_solution_cell("q3", lab, lab)
        book.db.commit()


def grade(course: Course, lab: str, student: str, *points: Any, action: str = "grade", **changes: Any) -> None:
    """Store a graded submission, with the points of `record`."""
    graded = replace(record(student, *points), **{"lab": lab, **changes})
    graded.write(course.record(lab, student))
    with gradebook.open_writer(course, action) as writer:
        writer.store(graded)


def mark_by_hand(course: Course, lab: str, student: str, points: float, *, cell: str = "q3", extra: float = 0) -> None:
    """Give a mark as somebody does in the formgrader."""
    with gradebook.open_gradebook(course) as book:
        grade = book.find_grade(cell, lab, lab, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        if extra:
            grade.extra_credit = extra
        book.db.commit()
