"""autograder history: how a student's mark came about."""

import sys
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError


@app.command()
def history(
    lab: LabArgument,
    student: Annotated[str, typer.Argument(help="The student's id, email or name.")],
    course: CourseOption = DEFAULT_COURSE,
) -> None:
    """Show what changed a student's marks, when, and who did it. Example: autograder history lab1 S101."""
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release and grade first.")
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from autograder import gradebook
    from autograder.course_folder.roster import Roster
    from autograder.course_folder.settings import CourseSettings
    from autograder.report.mark_history import mark_history, update

    update(place)
    roster = Roster(gradebook.roster(place))
    who = student if student in roster.students else roster.exact(student).only
    if not who:
        raise UserError(f"“{student}” is not one student of the roster: name a student's id.")
    timezone = CourseSettings.of(place.root).timezone
    found = mark_history(place, name, who, timezone)
    print(f"{roster.display_name(who)}, {name}; times in {timezone.display_name}")
    table = Table("when", "what", "marks", "by", box=None, pad_edge=False, header_style="bold")
    table.columns[0].no_wrap = True
    for row in found.rows:
        table.add_row(*map(Text, (row.when, row.what, row.marks, row.by)))
    if found.rows:
        Console(width=None if sys.stdout.isatty() else 150).print(table)
    else:
        print("nothing has happened yet")
    if found.unexplained:
        marks = ", ".join(
            f"{cell} {'–' if points is None else f'{points:g}'}" for cell, points in found.unexplained.items()
        )
        print(f"the gradebook now has other marks, as after a backup was copied over it: {marks}")
    if found.damaged:
        print(f"{found.damaged} lines of {place.history.name} cannot be read")
