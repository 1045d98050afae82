"""autograder gradesheet: everybody's points, totals and grades at the end of a term."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, app, say_disagreements, short, some
from autograder.course_folder.layout import DEFAULT_COURSE, Course, lab_names
from autograder.errors import WITHOUT_MARK, UserError
from autograder.files import write_atomic

if TYPE_CHECKING:
    from autograder.export.gradesheet import GradeSheet


class SheetFormat(StrEnum):
    """Who is to read the sheet."""

    CSV = "csv"
    XLSX = "xlsx"
    MOODLE = "moodle"
    CANVAS = "canvas"
    BRIGHTSPACE = "brightspace"
    BLACKBOARD = "blackboard"


@app.command()
def gradesheet(
    course: CourseOption = DEFAULT_COURSE,
    to: Annotated[
        SheetFormat, typer.Option(help="gradesheet.csv, gradesheet.xlsx with formulas, or the columns of an LMS.")
    ] = SheetFormat.CSV,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TITLE", help="For an LMS: only this lab or the total, and its title there; several times."
        ),
    ] = None,
) -> None:
    """Write everybody's points, total and grade by rules.toml. Example: autograder gradesheet --to xlsx.

    The sheet has everybody on the roster, also who handed in nothing.
    """
    place = Course.at(course, create=False)
    for_lms = to not in (SheetFormat.CSV, SheetFormat.XLSX)
    if column and not for_lms:
        raise UserError(f"--column names a grade in an LMS: it goes with --to moodle or another LMS, not with {to}.")
    names = _names(column or [])
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release, roster and grade first.")
    from autograder.deductions import late
    from autograder.export.gradesheet import grade_sheet
    from autograder.report import mark_history

    for lab in lab_names(place):
        late.update(place, lab)
        say_disagreements(place, lab)
    mark_history.update(place)
    sheet = grade_sheet(place)
    if not sheet.rows:
        raise UserError("nobody is on the roster, and nobody has a mark: run autograder roster students.csv first.")
    path = place.root / (f"gradesheet_{to}.csv" if for_lms else f"gradesheet.{to}")
    write_atomic(path, _content(sheet, to, names))
    written = sum(not (for_lms and row.pending) for row in sheet.rows)
    print(f"grade sheet: {short(path)}, {written} student{'' if written == 1 else 's'}")
    _tell(sheet, for_lms=for_lms)
    if any(row.pending or row.unsettled for row in sheet.rows):
        raise typer.Exit(WITHOUT_MARK)


def _names(columns: list[str]) -> dict[str, str]:
    names = dict(column.split("=", 1) for column in columns if "=" in column)
    if wrong := [column for column in columns if "=" not in column or not all(column.split("=", 1))]:
        raise UserError(
            f"--column {wrong[0]} gives no title: write --column 'lab1=Lab 1 (4711)' or --column total=Total."
        )
    return names


def _content(sheet: "GradeSheet", to: SheetFormat, names: dict[str, str]) -> str | bytes:
    if to is SheetFormat.XLSX:
        from autograder.export.gradesheet_xlsx import workbook

        return workbook(sheet)
    from autograder.export.gradesheet_columns import table
    from autograder.export.gradesheet_lms import TABLES
    from autograder.report.marks import as_csv

    return as_csv(table(sheet) if to is SheetFormat.CSV else TABLES[to](sheet, names))


def _tell(sheet: "GradeSheet", *, for_lms: bool) -> None:
    """Say what is not final."""
    from autograder.deductions.handing_in import SETTLE

    if len(sheet.unmarked) == len(sheet.out_of):
        print("nobody has a mark in any lab yet: every total is 0")
    for lab in sheet.unmarked:
        print(f"{lab}: nobody has a mark yet, so it counts as 0")
    if not sheet.rules.has_weights:
        print("rules.toml has no [weights]: the labs count by their points")
    if waiting := [row.student.id for row in sheet.rows if row.waiting]:
        print(f"not final, because a part is still to be graded by hand: {some(waiting)}")
    if pending := [row.student.id for row in sheet.rows if row.pending]:
        where = "not in the file" if for_lms else "counts as 0"
        print(f"handed in something that has no mark ({where}): {some(pending)}")
    if unsettled := [row.student.id for row in sheet.rows if row.unsettled]:
        print(f"late by an unknown amount, nothing taken off: {some(unsettled)}; {SETTLE}")
    if unnamed := [row.student.id for row in sheet.rows if not row.student.name]:
        print(f"no name on the roster for: {some(unnamed)}")
