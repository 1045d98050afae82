"""What people read after grading: the marks table, and a feedback page a student."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import jinja2
import nbformat
from nbformat.notebooknode import NotebookNode

from autograder import gradebook
from autograder.course_folder.layout import Course, lab_names
from autograder.deductions import screenshots
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.record import Record
from autograder.gradebook import CellMark
from qlab.check.outcome import Outcome
from qlab.check.render import as_html
from qlab.notebook import grade_id, is_answer

TRUSTED = "graded without a sandbox: trust the mark as far as you trust the notebook"

# What makes a spreadsheet run a cell's text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")


@dataclass(frozen=True)
class QuestionMark:
    """A question's points: None while nothing is known; `waiting` while a person has to read a part of it."""

    points: float | None
    out_of: float
    waiting: bool = False


@dataclass(frozen=True)
class Deduction:
    """Points that are taken off a lab's total, and why."""

    points: float
    why: str

    @property
    def told(self) -> str:
        """As a sentence for the student and the table."""
        return f"{self.points:g} points off: {self.why}" if self.points else self.why


@dataclass(frozen=True)
class StudentMarks:
    """A student's row: what grading found, what the gradebook holds, and what the course's rules take off."""

    record: Record
    cells: dict[str, CellMark]
    deductions: tuple[Deduction, ...] = ()

    @cached_property
    def questions(self) -> dict[str, QuestionMark]:
        """Marks by question, in the lab's order; empty where there is no mark."""
        found: dict[str, QuestionMark] = {}
        for grade in self.record.cells:
            mark = self.cells.get(grade.cell) or CellMark(grade.points, grade.out_of, grade.points is None)
            old = found.get(grade.question, QuestionMark(None, 0.0))
            points = old.points if mark.points is None else (old.points or 0) + mark.points
            found[grade.question] = QuestionMark(points, old.out_of + mark.out_of, old.waiting or mark.waiting)
        return {name: mark for name, mark in found.items() if mark.out_of}

    @property
    def total(self) -> float | None:
        """All points so far, less what is taken off; None where there is no mark."""
        if not self.questions:
            return None
        return max(0.0, sum(mark.points or 0 for mark in self.questions.values()) - self.off)

    @property
    def off(self) -> float:
        """The points that are taken off."""
        return sum(deduction.points for deduction in self.deductions)

    @property
    def out_of(self) -> float:
        """The most that could be had."""
        return sum(mark.out_of for mark in self.questions.values())

    @property
    def waiting(self) -> list[str]:
        """Questions that wait for a person."""
        return [name for name, mark in self.questions.items() if mark.waiting]

    @property
    def remarks(self) -> str:
        """Why there is no mark, or what was taken off and repaired; and whether there was no sandbox."""
        trusted = () if self.record.sandboxed else (TRUSTED,)
        off = (deduction.told for deduction in self.deductions)
        return self.record.reason or "; ".join((*off, *self.record.remarks, *trusted))


def class_marks(course: Course, lab: str) -> Iterator[StudentMarks]:
    """Every student who handed in the lab, sorted; one at a time, since a class may be large."""
    stored, late = gradebook.marks(course, lab), gradebook.penalties(course, lab)
    missing = screenshots.Rule.of(course, lab)
    for path in sorted((course.root / "records" / lab).glob("*.json")):
        if (record := Record.read(path)) is None:
            continue
        off = [Deduction(late[record.student], "handed in late")] if record.student in late else []
        row = StudentMarks(record, stored.get(record.student, {}))
        if missing is not None and row.questions:
            points, why = missing.off(record.student, row.out_of)
            off += [Deduction(points, why)] if why else []
        yield replace(row, deductions=tuple(off))


def write_marks(course: Course) -> Path:
    """Write marks.csv: a row a student, a column a question of every lab that was graded."""
    write_atomic(course.marks, as_csv(marks_table(course)))
    return course.marks


def marks_table(course: Course) -> list[list[str]]:
    """The marks of every lab that was graded: a header, then a row a student."""
    labs = [_Columns.of(course, lab) for lab in lab_names(course)]
    labs = [columns for columns in labs if columns.rows]
    header = ["student_id", *(name for columns in labs for name in columns.header)]
    students = sorted({student for columns in labs for student in columns.rows})
    return [header, *([one, *(cell for columns in labs for cell in columns.cells(one))] for one in students)]


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV in which no spreadsheet finds a formula."""
    table = io.StringIO()
    csv.writer(table).writerows([cell if NUMBER.fullmatch(cell) else safe_text(cell) for cell in row] for row in rows)
    return table.getvalue()


@dataclass
class _Columns:
    """A lab's columns of the marks table; "off" is one of them where anything was taken off anybody.

    Attributes:
        short: the lab's number.
        questions: with their maxima, in the lab's order.
        rows: by student: points by question, total, who waits, remarks.
        off: what was taken off, by student.
    """

    short: str
    questions: dict[str, float]
    rows: dict[str, tuple[dict[str, str], str, str, str]]
    off: dict[str, float]

    @classmethod
    def of(cls, course: Course, lab: str) -> "_Columns":
        made = cls(lab.split("_")[0], {}, {}, {})
        for row in class_marks(course, lab):
            made.questions |= {name: mark.out_of for name, mark in row.questions.items()}
            points = {name: _points(mark.points) for name, mark in row.questions.items()}
            made.rows[row.record.student] = (points, _points(row.total), " ".join(row.waiting), row.remarks)
            if row.off:
                made.off[row.record.student] = row.off
        return made

    @property
    def header(self) -> list[str]:
        names = [f"{self.short} {name} /{out_of:g}" for name, out_of in self.questions.items()]
        total = f"{self.short} total /{sum(self.questions.values()):g}"
        off = [f"{self.short} off"] if self.off else []
        return [*names, *off, total, f"{self.short} waiting", f"{self.short} remarks"]

    def cells(self, student: str) -> list[str]:
        if student not in self.rows:
            return [""] * len(self.header)
        points, *rest = self.rows[student]
        off = [_points(self.off.get(student))] if self.off else []
        return [*(points.get(name, "") for name in self.questions), *off, *rest]


def _points(points: float | None) -> str:
    return "" if points is None else f"{points:g}"


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading apostrophe where it would; one line."""
    text = " ".join(text.split())
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


@dataclass(frozen=True)
class Section:
    """A question on a feedback page: its mark, cards, what a person wrote, the student's own answer.

    `empty` tells that a text to be read by a person was left as it was handed out.
    """

    name: str
    mark: QuestionMark
    cards: list[str]
    comments: list[str]
    answers: list[str]
    empty: bool = False


def write_feedback(course: Course, lab: GradedLab) -> list[Path]:
    """Write a feedback page for every student who handed in the lab."""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (Path(__file__).parent / "feedback.html").read_text("utf-8")
    )
    paths = []
    for row in class_marks(course, lab.name):
        path = course.feedback(lab.name, row.record.student)
        page = template.render(row=row, record=row.record, title=lab_title(lab), sections=_sections(course, row))
        write_atomic(path, page)
        paths.append(path)
    return paths


def lab_title(lab: GradedLab) -> str:
    """The lab's heading."""
    first = lab.released.cells[0].source.strip().splitlines()[0] if lab.released.cells else lab.name
    return str(first.lstrip("# "))


def _sections(course: Course, row: StudentMarks) -> list[Section]:
    path = course.autograded(row.record.lab, row.record.student)
    try:
        cells: list[NotebookNode] = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, AttributeError, KeyError, nbformat.reader.NotJSONError, nbformat.ValidationError):
        cells = []  # the page is still worth having without the student's own answers
    outcomes: dict[str, list[str]] = {}
    for grade in row.record.cells:
        if grade.outcome is not None:
            outcomes.setdefault(grade.question, []).append(_card(grade.outcome))
    # Questions without points have a card and no mark.
    names = dict.fromkeys(grade.question for grade in row.record.cells)
    return [
        Section(
            name,
            row.questions.get(name, QuestionMark(None, 0.0)),
            outcomes.get(name, []),
            [mark.comment for cell, mark in row.cells.items() if question_of(cell) == name and mark.comment],
            [
                cell.source
                for cell in cells
                if grade_id(cell) and is_answer(cell) and question_of(grade_id(cell)) == name
            ],
            any(not grade.answered for grade in row.record.cells if grade.question == name),
        )
        for name in names
    ]


def _card(outcome: Outcome) -> str:
    """The card without the running total, which is a thing of the notebook; all text in it is escaped."""
    return as_html(replace(outcome, so_far=""))
