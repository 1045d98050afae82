"""autograder export: marks for people, spreadsheets and LMSs."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, app, say_disagreements, short, some
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab, lab_names
from autograder.errors import UserError
from autograder.files import write_atomic

if TYPE_CHECKING:
    from autograder.export.lms import ExportResult


class Format(StrEnum):
    """Who is to read the marks."""

    CSV = "csv"
    XLSX = "xlsx"
    MOODLE = "moodle"
    CANVAS = "canvas"


@app.command()
def export(
    lab: Annotated[str, typer.Argument(help="For moodle and canvas: the lab whose totals to write.")] = "",
    course: CourseOption = DEFAULT_COURSE,
    to: Annotated[Format, typer.Option(help="marks.csv, marks.xlsx, or the columns of an LMS's import.")] = Format.CSV,
    column: Annotated[
        str, typer.Option(help="The grade's name in the LMS, as the LMS's own export writes it: 'Lab 1 (4711)'.")
    ] = "",
) -> None:
    """Write the marks, including those given by hand. Example: autograder export lab1 --to moodle.

    csv and xlsx contain every lab and question; moodle and canvas, one lab's totals of students who have a mark.
    """
    place = Course.at(course, create=False)
    for_lms = to in (Format.MOODLE, Format.CANVAS)
    if for_lms and not lab:
        raise UserError(f"which lab? autograder export lab1 --to {to} writes its totals.")
    if column and not for_lms:
        raise UserError(f"--column names a grade in an LMS: it goes with --to moodle or canvas, not with {to}.")
    name = find_lab(lab, place) if lab else ""
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release and grade first.")
    from autograder.deductions import late
    from autograder.report import mark_history

    for lab_name in [name] if for_lms else lab_names(place):
        late.update(place, lab_name)
        say_disagreements(place, lab_name)
    mark_history.update(place)
    if for_lms:
        _for_lms(place, name, to, column)
    elif to is Format.XLSX:
        _workbook(place)
    else:
        from autograder.report.marks import write_marks

        print(f"marks: {short(write_marks(place))}")


def _workbook(course: Course) -> None:
    from autograder.export.xlsx import workbook
    from autograder.report.marks import marks_table, write_marks

    path = course.root / "marks.xlsx"
    write_marks(course)
    write_atomic(path, workbook(marks_table(course)))
    print(f"marks: {short(path)}")


def _for_lms(course: Course, lab: str, to: Format, column: str) -> None:
    course.check_released(lab)
    from autograder.export.lms import write_canvas, write_moodle
    from autograder.grade.lab import GradedLab
    from autograder.report.feedback import lab_title

    write = write_moodle if to is Format.MOODLE else write_canvas
    result: ExportResult = write(course, lab, column or lab_title(GradedLab.of(lab, course)))
    if not result.rows:
        raise UserError(f"nobody has a mark for {lab} yet: run autograder grade {lab} first.")
    print(f"marks: {short(result.path)}, {result.rows} students")
    if result.without_mark:
        print(f"not in the file, because they have no mark: {some(result.without_mark)}")
    if result.not_final:
        print(f"not final, because a part is still to be graded by hand: {some(result.not_final)}")
    if result.unnamed:
        print(f"no name on the roster for: {some(result.unnamed)}")
