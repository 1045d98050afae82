"""autograder essays: what is to be graded by hand."""

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
    from autograder.report.manual_grading import pending_answers
    from autograder.tables import print_table
    from qlab.tables import Column

    pending = [answer for name in names for answer in pending_answers(place, name)]
    rows = []
    for answer in pending:
        words = "?" if answer.words is None else str(answer.words)
        again = " (again)" if answer.again else ""
        lab_name, points = answer.lab.split("_")[0], f"{answer.out_of:g}"
        rows.append((lab_name, answer.cell + again, answer.student, points, words, short(answer.file)))
    if not pending:
        print("nothing to grade by hand")
        return
    texts, numbers = (
        map(Column, ("lab", "question", "student")),
        (Column("points", right=True), Column("words", right=True)),
    )
    print_table((*texts, *numbers, Column("file", prose=True)), rows)
    students = len({answer.student for answer in pending})
    print(
        f"{len(pending)} to be graded by hand, from {students} student{'' if students == 1 else 's'}; "
        "mark them in nbgrader's formgrader"
    )
