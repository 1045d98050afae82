"""autograder forget: removes a person from a course."""

from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course
from autograder.errors import UserError


@app.command()
def forget(
    student: Annotated[str, typer.Argument(help="The student's id.")],
    course: CourseOption = DEFAULT_COURSE,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it; there is no way back.")] = False,
) -> None:
    """Remove a student: submissions, marks, pages, name. Example: autograder forget S101 --yes.

    Backups of the gradebook lose the student too. The history keeps its lines, and nothing says whose they are.
    """
    place = Course.at(course, create=False)
    from autograder import gradebook
    from autograder.course_folder.forget import forget as remove
    from autograder.course_folder.forget import is_known, still_naming, traces
    from autograder.course_folder.roster import Student

    if not is_known(place, student):
        raise UserError(f"nothing in {place.root} is about “{student}”: name the id of a student on the roster.")
    people = {person.id: person for person in gradebook.roster(place)}
    person = people.get(student, Student(student))
    found = traces(place, student)
    if not yes:
        print(f"would remove {person.display_name}: the marks in the gradebook and its backups, and")
        for path in found:
            print(f"  {short(path)}")
        print("Nothing was removed. Run this again with --yes to remove it all; there is no way back.")
        return
    remove(place, student)
    from autograder.report.marks import write_marks

    if place.marks.is_file():
        write_marks(place)
    print(f"removed {student}: the marks, {len(found)} folders and files; the history does not say any more who it was")
    for path in still_naming(place, person):
        print(f"still has the name: {short(path)}; write it again or delete it")
    print("What you downloaded from the LMS is outside of the course folder: delete it yourself.")
