"""A lab's totals in the columns that Moodle's and Canvas's imports of grades want.

Both tables hold only students who have a mark: Moodle takes an empty cell for "no grade" and would erase one that is
there. Moodle stops at the first student whom it does not know, Canvas asks who is meant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.files import write_atomic
from autograder.report.marks import StudentMarks, as_csv, class_marks


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the table.
        rows: how many students are in it.
        without_mark: students who are not, since they have none.
        not_final: students of whose total a part waits for a person.
        unnamed: students of whom the roster knows nothing but the id.
    """

    path: Path
    rows: int
    without_mark: tuple[str, ...]
    not_final: tuple[str, ...]
    unnamed: tuple[str, ...]


def write_moodle(course: Course, lab: str, column: str) -> Exported:
    """The table for Moodle's grade import; `column` is the grade's name there."""

    def rows(marked: list[tuple[Student, StudentMarks]]) -> Iterator[list[str]]:
        yield ["First name", "Last name", "ID number", "Email address", column]
        for student, row in marked:
            yield [student.first, student.last, student.id, student.email, f"{row.total:g}"]

    return _write(course, lab, "moodle", rows)


def write_canvas(course: Course, lab: str, column: str) -> Exported:
    """The table for Canvas's gradebook import; `column` is the assignment's name there, best with its number."""

    def rows(marked: list[tuple[Student, StudentMarks]]) -> Iterator[list[str]]:
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column]
        most = max((row.out_of for _, row in marked), default=0.0)
        yield ["    Points Possible", "", "", "", "", f"{most:g}"]
        for student, row in marked:
            # Canvas's own number, or a login where the roster has that instead.
            number = student.lms_id if student.lms_id.isdecimal() else ""
            login = "" if number else student.lms_id
            name = ", ".join(filter(None, (student.last, student.first))) or student.id
            yield [name, number, student.id, login, "", f"{row.total:g}"]

    return _write(course, lab, "canvas", rows)


Rows = Callable[[list[tuple[Student, StudentMarks]]], Iterator[list[str]]]


def _write(course: Course, lab: str, lms: str, rows: Rows) -> Exported:
    known = {student.id: student for student in gradebook.roster(course)}
    marked, without = [], []
    ungraded = dict.fromkeys(course.submitted(lab))
    for row in class_marks(course, lab):
        ungraded.pop(row.record.student, None)
        if row.total is None:
            without.append(row.record.student)
        else:
            marked.append((known.get(row.record.student, Student(row.record.student)), row))
    path = course.root / f"marks_{lab.split('_')[0]}_{lms}.csv"
    if marked:
        write_atomic(path, as_csv(rows(marked)))
    not_final = tuple(student.id for student, row in marked if row.waiting)
    unnamed = tuple(student.id for student, _ in marked if not student.name)
    # Whoever was collected after the last grading has no record, and would be missing without a word.
    return Exported(path, len(marked), (*without, *ungraded), not_final, unnamed)
