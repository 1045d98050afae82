"""A feedback page for each student: marks, what the checks said, comments, the student's own answers."""

from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.student_answers import LONGEST
from autograder.pages import render_page
from autograder.report.marks import QuestionMark, StudentMarks, class_marks
from autograder.text import clean
from qlab.cells import grade_id, is_answer
from qlab.check.outcome import Outcome
from qlab.check.render import as_html


@dataclass(frozen=True)
class Section:
    """A question on a feedback page.

    Attributes:
        name: the question's.
        mark: its points.
        cards: what its checks said, as HTML.
        comments: what a person wrote to the student.
        answers: the student's own cells.
        empty: whether a text that is graded by hand is still as it was handed out.
    """

    name: str
    mark: QuestionMark
    cards: list[str]
    comments: list[str]
    answers: list[str]
    empty: bool = False


def write_feedback(course: Course, lab: GradedLab) -> list[Path]:
    """Write a feedback page for every student with a record of the lab; return their paths."""
    paths = []
    for row in class_marks(course, lab.name):
        path = course.feedback(lab.name, row.record.student)
        sections = sections_of(course, row)
        page = render_page("feedback.html", row=row, record=row.record, title=lab_title(lab), sections=sections)
        write_atomic(path, page)
        paths.append(path)
    return paths


def lab_title(lab: GradedLab) -> str:
    """The lab's heading."""
    first = lab.released.cells[0].source.strip().splitlines()[0] if lab.released.cells else lab.name
    return str(first.lstrip("# "))


def sections_of(course: Course, row: StudentMarks) -> list[Section]:
    """What the page says about each question."""
    path = course.autograded(row.record.lab, row.record.student)
    try:
        cells: list[NotebookNode] = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, AttributeError, KeyError, nbformat.reader.NotJSONError, nbformat.ValidationError):
        cells = []  # the page is worth having even without the student's own answers
    cards: dict[str, list[str]] = {}
    for grade in row.record.cells:
        if grade.outcome is not None:
            cards.setdefault(grade.question, []).append(_card(grade.outcome))
    # From the record, not from the marks: a question without points has a card and no mark.
    names = dict.fromkeys(grade.question for grade in row.record.cells)
    return [
        Section(
            name,
            row.questions.get(name, QuestionMark(None, 0.0)),
            cards.get(name, []),
            [mark.comment for cell, mark in row.cells.items() if question_of(cell) == name and mark.comment],
            [
                clean(cell.source, LONGEST)
                for cell in cells
                if grade_id(cell) and is_answer(cell) and question_of(grade_id(cell)) == name
            ],
            any(not grade.answered for grade in row.record.cells if grade.question == name),
        )
        for name in names
    ]


def _card(outcome: Outcome) -> str:
    """The check's card; the running total is left out, because it is about the notebook at that time."""
    return as_html(replace(outcome, so_far=""))
