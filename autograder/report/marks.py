"""The marks of a class: what the checks and people gave, less deductions, as rows and as the table marks.csv."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course, lab_names
from autograder.deductions.handing_in import HandingIn, handing_in
from autograder.deductions.screenshots import ScreenshotRule
from autograder.files import write_atomic
from autograder.grade.record import GradingRecord
from autograder.grade.shared import partners
from autograder.gradebook import CellMark
from autograder.text import clean

LATE = "handed in late"
NOTHING = "nothing handed in"
NOT_GRADED = "handed in, not graded yet"
UNSANDBOXED = "graded without a sandbox: trust the mark as far as you trust the notebook"

# What makes a spreadsheet take a cell's text for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")


@dataclass(frozen=True)
class QuestionMark:
    """A question's marks.

    Attributes:
        points: of the parts that have any; None if no part has.
        out_of: the most points that the question gives.
        waiting: whether a part of it is still to be graded by hand.
        so_far: the most points that the parts give that have any.
    """

    points: float | None
    out_of: float
    waiting: bool = False
    so_far: float = 0.0

    def plus(self, part: CellMark) -> "QuestionMark":
        """The marks with those of another part."""
        out_of, waiting = self.out_of + part.out_of, self.waiting or part.waiting
        if part.points is None:
            return replace(self, out_of=out_of, waiting=waiting)
        return QuestionMark((self.points or 0) + part.points, out_of, waiting, self.so_far + part.out_of)


@dataclass(frozen=True)
class Deduction:
    """Points deducted from a lab's total, and why."""

    points: float
    why: str

    @property
    def text(self) -> str:
        """For the student and the table."""
        return f"{self.points:g} points off: {self.why}" if self.points else self.why


@dataclass(frozen=True)
class StudentMarks:
    """A student's row: the record, the marks in the gradebook, the course's deductions, when it came in, the partners.

    Partners are the others in the student's group who have the same submission, and so the same marks.
    """

    record: GradingRecord
    cells: dict[str, CellMark]
    deductions: tuple[Deduction, ...] = ()
    partners: tuple[str, ...] = ()
    handing_in: HandingIn | None = None

    @cached_property
    def questions(self) -> dict[str, QuestionMark]:
        """Marks by question, in the lab's order; empty if there is no mark."""
        questions: dict[str, QuestionMark] = {}
        for grade in self.record.cells:
            mark = self.cells.get(grade.cell) or CellMark(grade.points, grade.out_of, grade.points is None)
            questions[grade.question] = questions.get(grade.question, QuestionMark(None, 0.0)).plus(mark)
        return {name: mark for name, mark in questions.items() if mark.out_of}

    @property
    def by_question(self) -> dict[str, tuple[float | None, float]]:
        """Points and the most points by question; no points where a person has yet to give some."""
        return {name: (None if mark.waiting else mark.points, mark.out_of) for name, mark in self.questions.items()}

    @property
    def total(self) -> float | None:
        """All points so far, less the deductions; None if there is no mark."""
        if not self.questions:
            return None
        return max(0.0, sum(mark.points or 0 for mark in self.questions.values()) - self.deducted)

    @property
    def deducted(self) -> float:
        """The points that are deducted."""
        return sum(deduction.points for deduction in self.deductions)

    @property
    def out_of(self) -> float:
        """The most points that the lab gives."""
        return sum(mark.out_of for mark in self.questions.values())

    @property
    def waiting(self) -> list[str]:
        """Questions that are still to be graded by hand."""
        return [name for name, mark in self.questions.items() if mark.waiting]

    @property
    def unsettled(self) -> bool:
        """Whether it was late, says the LMS, and a person has to say by how much."""
        return self.handing_in is not None and self.handing_in.unsettled

    @property
    def remarks(self) -> str:
        """How it was handed in; and why there is no mark, or else what was deducted, repaired or not sandboxed."""
        handed_in = () if self.handing_in is None else self.handing_in.remarks
        unsandboxed = () if self.record.sandboxed else (UNSANDBOXED,)
        deductions = (deduction.text for deduction in self.deductions)
        marked = (*deductions, *handed_in, *self.record.remarks, *unsandboxed)
        return "; ".join((self.record.reason, *handed_in) if self.record.reason else marked)

    @property
    def together(self) -> str:
        """Who has the same submission, in a sentence; "" if nobody has."""
        return f"handed in with {' and '.join(self.partners)}" if self.partners else ""


def student_marks(course: Course, lab: str, student: str) -> StudentMarks | None:
    """One student's row; None without a record."""
    return next(class_marks(course, lab, student), None)


def class_marks(course: Course, lab: str, only: str = "") -> Iterator[StudentMarks]:
    """Every student with a record of the lab, sorted, or only one; a generator, because a class may be large."""
    stored, late = gradebook.marks(course, lab, only), gradebook.penalties(course, lab)
    rule, together = ScreenshotRule.of(course, lab), partners(course, lab, only)
    handed_in = handing_in(course, lab, only)
    for path in [course.record(lab, only)] if only else sorted((course.root / "records" / lab).glob("*.json")):
        if (record := GradingRecord.read(path)) is None:
            continue
        deductions = [Deduction(late[record.student], LATE)] if record.student in late else []
        row = StudentMarks(record, stored.get(record.student, {}))
        if rule is not None and row.questions:
            points, why = rule.deduction(record.student, row.out_of)
            deductions += [Deduction(points, why)] if why else []
        own = handed_in.get(record.student)
        yield replace(row, deductions=tuple(deductions), partners=together.get(record.student, ()), handing_in=own)


def write_marks(course: Course) -> Path:
    """Write marks.csv: one row per student of the roster, one column per question of every lab that was graded."""
    write_atomic(course.marks, as_csv(marks_table(course)))
    return course.marks


def marks_table(course: Course) -> list[list[str]]:
    """The marks of every lab that was graded: a header, then a row for everybody who is on the roster or has a mark."""
    labs = [_Columns.of(course, lab) for lab in lab_names(course)]
    labs = [columns for columns in labs if columns.rows]
    header = ["student_id", *(name for columns in labs for name in columns.header)]
    on_roster = {student.id for student in gradebook.roster(course)}
    students = sorted(on_roster.union(*(columns.rows for columns in labs)))
    return [
        header,
        *([student, *(cell for columns in labs for cell in columns.cells(student))] for student in students),
    ]


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV in which no spreadsheet sees a formula."""
    table = io.StringIO()
    csv.writer(table).writerows([cell if NUMBER.fullmatch(cell) else safe_text(cell) for cell in row] for row in rows)
    return table.getvalue()


@dataclass
class _Columns:
    """A lab's columns of the marks table. The column "off" is only there if anybody has a deduction.

    Attributes:
        short: the lab's short name, such as lab1.
        questions: their maxima, in the lab's order.
        rows: by student: points by question, total, questions still to be graded by hand, remarks.
        deducted: points deducted, by student.
        ungraded: students who handed in and were not graded yet.
    """

    short: str
    questions: dict[str, float]
    rows: dict[str, tuple[dict[str, str], str, str, str]]
    deducted: dict[str, float]
    ungraded: set[str]

    @classmethod
    def of(cls, course: Course, lab: str) -> "_Columns":
        columns = cls(lab.split("_")[0], {}, {}, {}, set(course.submitted(lab)))
        for row in class_marks(course, lab):
            columns.questions |= {name: mark.out_of for name, mark in row.questions.items()}
            points = {name: _points(mark.points) for name, mark in row.questions.items()}
            remarks = "; ".join(filter(None, (row.together, row.remarks)))
            columns.rows[row.record.student] = (points, _points(row.total), " ".join(row.waiting), remarks)
            if row.deducted:
                columns.deducted[row.record.student] = row.deducted
        return columns

    @property
    def header(self) -> list[str]:
        names = [f"{self.short} {name} /{out_of:g}" for name, out_of in self.questions.items()]
        total = f"{self.short} total /{sum(self.questions.values()):g}"
        off = [f"{self.short} off"] if self.deducted else []
        return [*names, *off, total, f"{self.short} waiting", f"{self.short} remarks"]

    def cells(self, student: str) -> list[str]:
        if student not in self.rows:
            return [*[""] * (len(self.header) - 1), NOT_GRADED if student in self.ungraded else NOTHING]
        points, *rest = self.rows[student]
        off = [_points(self.deducted.get(student))] if self.deducted else []
        return [*(points.get(name, "") for name in self.questions), *off, *rest]


def _points(points: float | None) -> str:
    return "" if points is None else f"{points:g}"


def safe_text(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula: one that would be gets a leading apostrophe."""
    text = " ".join(clean(text).split())
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
