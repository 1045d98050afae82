"""autograder extend: more time for a student."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, find_student, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course_folder.roster import Roster
    from autograder.course_folder.settings import Timezone
    from autograder.deductions.extensions import Extension


@app.command()
def extend(
    lab: LabArgument,
    student: Annotated[
        str, typer.Argument(help="An id, email or name; or a CSV with the columns id and extension.")
    ] = "",
    until: Annotated[
        str, typer.Argument(metavar="7d|DATE", help="7d, 12h, 2026-10-19, '2026-10-19 23:59'; none takes it back.")
    ] = "",
    course: CourseOption = DEFAULT_COURSE,
    timezone: Annotated[
        str, typer.Option(help="Of DATE: Europe/Berlin; by default that of rules.toml or this machine.")
    ] = "",
) -> None:
    """Give a student more time. Example: autograder extend lab1 S104 7d. Without a student: list the extensions.

    7d is added to the lab's deadline, whenever that is; a date without a time means the whole day.
    """
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    place.check_released(name)
    is_table = not until and (student.lower().endswith(".csv") or Path(student).is_file()) and bool(student)
    if student and not until and not is_table:
        raise UserError(f"how long? autograder extend {lab} {student} 7d, or a date such as 2026-10-19.")
    from autograder import gradebook
    from autograder.course_folder.roster import Roster
    from autograder.course_folder.settings import CourseSettings, Timezone
    from autograder.deductions.extensions import Extension
    from autograder.deductions.extensions_csv import read_extensions

    zone = Timezone(timezone) if timezone else CourseSettings.of(place.root).timezone
    roster = Roster(gradebook.roster(place))
    if is_table:
        _grant(place, name, roster, zone, read_extensions(Path(student), roster, zone))
    elif student:
        _grant(place, name, roster, zone, {find_student(student, roster): Extension.parse(until, zone)})
    _show(place, name, roster, zone)


def _grant(
    course: Course, lab: str, roster: "Roster", zone: "Timezone", extensions: "dict[str, Extension | None]"
) -> None:
    """Grant extensions, and bring the marks up to date."""
    from autograder import gradebook
    from autograder.deductions import late
    from autograder.deductions.extensions import grant
    from autograder.report import mark_history
    from autograder.report.marks import write_marks

    due = gradebook.deadline(course, lab)
    for student, extension in extensions.items():
        own = extension.deadline(due) if extension else None
        if due and own and own <= due:
            raise UserError(
                f"{roster.display_name(student)}: {zone.show(own)} is not after the deadline, {zone.show(due)}: name a "
                "later date. Nothing was changed."
            )
    gradebook.back_up(course)
    grant(course, lab, extensions)
    late.update(course, lab)
    mark_history.update(course)
    if course.marks.is_file():
        print(f"marks: {short(write_marks(course))}")


def _show(course: Course, lab: str, roster: "Roster", zone: "Timezone") -> None:
    """List a lab's extensions."""
    from autograder import gradebook
    from autograder.deductions.extensions import granted

    due, extensions = gradebook.deadline(course, lab), granted(course, lab)
    print(f"{lab}: deadline {zone.show(due)}" if due else f"{lab}: no deadline yet, autograder collect sets one")
    for student, extension in sorted(extensions.items()):
        own = extension.deadline(due)
        waits = f"{extension.duration} after the deadline, once there is one"
        print(f"  {roster.display_name(student)}: {f'until {zone.show(own)}' if own else waits}")
    print(f"{len(extensions)} extension{'' if len(extensions) == 1 else 's'}; times are {zone.display_name}")
