"""A course's grade sheet in the columns that the grade imports of LMSs expect; see also `lms`.

Sources: for Brightspace (D2L) https://community.d2l.com/brightspace/kb/articles/3538-importing-grades, for Blackboard
its page on working offline with the Grade Center. Neither has been checked on a live LMS.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from autograder.course_folder.roster import Student
from autograder.errors import UserError
from autograder.export.gradesheet import GradeSheet, SheetRow
from autograder.export.gradesheet_columns import number
from autograder.export.lms import CANVAS, CANVAS_POSSIBLE, MOODLE, canvas_student, moodle_student

TOTAL = "total"


def importable(sheet: GradeSheet) -> list[SheetRow]:
    """The rows that an LMS may import: a lab without a mark yet would be imported as 0 points, or erase a grade."""
    return [row for row in sheet.rows if not row.pending]


def moodle_table(sheet: GradeSheet, names: Mapping[str, str]) -> list[list[str]]:
    """The table for Moodle's grade import; for `names` see `chosen`."""
    return _table(sheet, chosen(sheet, names), MOODLE, moodle_student)


def canvas_table(sheet: GradeSheet, names: Mapping[str, str]) -> list[list[str]]:
    """The table for Canvas's gradebook import; for `names` see `chosen`."""
    grades = chosen(sheet, names)
    possible = {**sheet.out_of, TOTAL: Fraction(100)}
    header, *rows = _table(sheet, grades, CANVAS, canvas_student)
    return [header, [*CANVAS_POSSIBLE, *(number(possible[grade]) for grade in grades)], *rows]


def brightspace_table(sheet: GradeSheet, names: Mapping[str, str]) -> list[list[str]]:
    """The table for Brightspace's grade import, which wants a last column of #; for `names` see `chosen`."""
    grades = {grade: f"{title} Points Grade" for grade, title in chosen(sheet, names).items()}
    header, *rows = _table(sheet, grades, ["OrgDefinedId"], lambda student: [student.id])
    return [[*header, "End-of-Line Indicator"], *([*row, "#"] for row in rows)]


def blackboard_table(sheet: GradeSheet, names: Mapping[str, str]) -> list[list[str]]:
    """The table for Blackboard's upload of grades; for `names` see `chosen`. Titles end with the column's id there."""

    def who(student: Student) -> list[str]:
        return [student.last, student.first, student.lms_id or student.id]

    return _table(sheet, chosen(sheet, names), ["Last Name", "First Name", "Username"], who)


TABLES = {
    "moodle": moodle_table,
    "canvas": canvas_table,
    "brightspace": brightspace_table,
    "blackboard": blackboard_table,
}


def chosen(sheet: GradeSheet, names: Mapping[str, str]) -> dict[str, str]:
    """What to write, a lab or "total", and what it is called in the LMS.

    Args:
        sheet: whose labs.
        names: by a lab's name, its short name or "total"; without any, everything is written under its short name
            for which anybody has a mark.

    Raises:
        UserError: a name means nothing in the sheet.
    """
    every = {**sheet.short, TOTAL: TOTAL}
    if not names:
        return {grade: title for grade, title in every.items() if grade not in sheet.unmarked}
    by_name = {**{short: lab for lab, short in every.items()}, **{lab: lab for lab in every}}
    if unknown := [name for name in names if name not in by_name]:
        raise UserError(f"--column {unknown[0]} is not in the sheet: choose from {', '.join(every.values())}.")
    return {by_name[name]: title for name, title in names.items()}


def _table(
    sheet: GradeSheet,
    grades: Mapping[str, str],
    header: Sequence[str],
    who: Callable[[Student], list[str]],
) -> list[list[str]]:
    lines = [[*who(row.student), *(_points(row, grade) for grade in grades)] for row in importable(sheet)]
    return [[*header, *grades.values()], *lines]


def _points(row: SheetRow, grade: str) -> str:
    return f"{row.total.rounded:f}" if grade == TOTAL else number(row.labs[grade].total or Fraction())
