"""autograder essays: what is to be graded by hand."""

import sys
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab, lab_names
from autograder.errors import UserError


@app.command()
def essays(
    lab: Annotated[str, typer.Argument(help="A lab's name, or the beginning of it; all labs by default.")] = "",
    course: CourseOption = DEFAULT_COURSE,
) -> None:
    """List what is to be graded by hand: student, question, words, file. Example: autograder essays lab1."""
    place = Course.at(course, create=False)
    names = [find_lab(lab, place)] if lab else lab_names(place)
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release and grade first.")
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from autograder.report.manual_grading import pending_answers

    table = Table("lab", "question", "student", "points", "words", "file", box=None, pad_edge=False)
    for column in table.columns[3:5]:
        column.justify = "right"
    table.columns[5].no_wrap = True
    table.columns[5].overflow = "ignore"  # people copy the path, so it must not be cut
    pending = [answer for name in names for answer in pending_answers(place, name)]
    for answer in pending:
        words = "?" if answer.words is None else str(answer.words)
        again = " (again)" if answer.again else ""
        lab_name, points = answer.lab.split("_")[0], f"{answer.out_of:g}"
        table.add_row(*map(Text, (lab_name, answer.cell + again, answer.student, points, words, short(answer.file))))
    if not pending:
        print("nothing to grade by hand")
        return
    widest = max(len(short(answer.file)) for answer in pending)
    Console(width=None if sys.stdout.isatty() else 100 + widest).print(table)
    students = len({answer.student for answer in pending})
    print(
        f"{len(pending)} to be graded by hand, from {students} student{'' if students == 1 else 's'}; "
        "mark them in nbgrader's formgrader"
    )
