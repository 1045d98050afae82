"""A lab's totals in the columns that the grade imports of Moodle and Canvas expect.

Both tables contain only students who have a mark, because Moodle takes an empty cell for "no grade" and erases the one
that is there. Moodle stops at the first student whom it does not know; Canvas asks who is meant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.files import write_atomic
from autograder.report.marks import StudentMarks, as_csv, class_marks

MOODLE = ["First name", "Last name", "ID number", "Email address"]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
CANVAS_POSSIBLE = ["    Points Possible", "", "", "", ""]


def moodle_student(student: Student) -> list[str]:
    """A student in Moodle's columns."""
    return [student.first, student.last, student.id, student.email]


def canvas_student(student: Student) -> list[str]:
    """A student in Canvas's columns. The roster's lms_id is Canvas's own number, or else a login."""
    number = student.lms_id if student.lms_id.isdecimal() else ""
    login = "" if number else student.lms_id
    name = ", ".join(filter(None, (student.last, student.first))) or student.id
    return [name, number, student.id, login, ""]


@dataclass(frozen=True)
class ExportResult:
    """The table that was written.

    Attributes:
        path: the table.
        rows: how many students are in it.
        without_mark: students who are not in it, because they have no mark.
        not_final: students in it whose total may change, because a part is still to be graded by hand.
        unnamed: students in it of whom the roster has no name.
    """

    path: Path
    rows: int
    without_mark: tuple[str, ...]
    not_final: tuple[str, ...]
    unnamed: tuple[str, ...]


def write_moodle(course: Course, lab: str, column: str) -> ExportResult:
    """The table for Moodle's grade import; `column` is the grade's name there."""

    def rows(marks: list[tuple[Student, StudentMarks]]) -> Iterator[list[str]]:
        yield [*MOODLE, column]
        for student, row in marks:
            yield [*moodle_student(student), f"{row.total:g}"]

    return _write(course, lab, "moodle", rows)


def write_canvas(course: Course, lab: str, column: str) -> ExportResult:
    """The table for Canvas's gradebook import; `column` is the assignment's name there, best with its number."""

    def rows(marks: list[tuple[Student, StudentMarks]]) -> Iterator[list[str]]:
        yield [*CANVAS, column]
        out_of = max((row.out_of for _, row in marks), default=0.0)
        yield [*CANVAS_POSSIBLE, f"{out_of:g}"]
        for student, row in marks:
            yield [*canvas_student(student), f"{row.total:g}"]

    return _write(course, lab, "canvas", rows)


Rows = Callable[[list[tuple[Student, StudentMarks]]], Iterator[list[str]]]


def _write(course: Course, lab: str, lms: str, rows: Rows) -> ExportResult:
    roster = {student.id: student for student in gradebook.roster(course)}
    marks, without_mark = [], []
    ungraded = dict.fromkeys(course.submitted(lab))
    for row in class_marks(course, lab):
        ungraded.pop(row.record.student, None)
        if row.total is None:
            without_mark.append(row.record.student)
        else:
            marks.append((roster.get(row.record.student, Student(row.record.student)), row))
    path = course.root / f"marks_{lab.split('_')[0]}_{lms}.csv"
    if marks:
        write_atomic(path, as_csv(rows(marks)))
    not_final = tuple(student.id for student, row in marks if row.waiting)
    unnamed = tuple(student.id for student, _ in marks if not student.name)
    # A student collected since the last grading has no record, and would otherwise be missing without a word.
    return ExportResult(path, len(marks), (*without_mark, *ungraded), not_final, unnamed)
