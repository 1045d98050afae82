"""autograder essays: what waits for a person."""

import sys
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab, lab_names
from autograder.errors import UserError


@app.command()
def essays(
    lab: Annotated[str, typer.Argument(help="A lab's name, or a beginning of it; all labs by default.")] = "",
    course: CourseOption = DEFAULT_COURSE,
) -> None:
    """List what waits to be read by a person: student, question, words, file. Example: autograder essays lab1."""
    place = Course.at(course, create=False)
    names = [find_lab(lab, place)] if lab else lab_names(place)
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release and grade first.")
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from autograder.report.manual_grading import waiting

    table = Table("lab", "question", "student", "points", "words", "file", box=None, pad_edge=False)
    for column in table.columns[3:5]:
        column.justify = "right"
    table.columns[5].no_wrap = True
    table.columns[5].overflow = "ignore"  # a path is copied; half of one is nobody's
    found = [one for name in names for one in waiting(place, name)]
    for one in found:
        words = "?" if one.words is None else str(one.words)
        again = " (again)" if one.again else ""
        row = (one.lab.split("_")[0], one.cell + again, one.student, f"{one.out_of:g}", words, short(one.file))
        table.add_row(*map(Text, row))
    if not found:
        print("nothing waits for a person")
        return
    widest = max(len(short(one.file)) for one in found)
    Console(width=None if sys.stdout.isatty() else 100 + widest).print(table)
    students = len({one.student for one in found})
    whose = f"{students} student{'' if students == 1 else 's'}"
    print(f"{len(found)} to be read, of {whose}; nbgrader's formgrader is where they are marked")
