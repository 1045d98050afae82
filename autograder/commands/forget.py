"""autograder forget: removes a person from a course."""

from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, app, short, some
from autograder.course_folder.layout import DEFAULT_COURSE, Course
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course_folder.forget import Left

IN_GRADEBOOK = "a comment or a group's name says it: change it in the formgrader, or with autograder roster --groups"


@app.command()
def forget(
    student: Annotated[str, typer.Argument(help="The student's id, or the name of a TA with a link.")],
    course: CourseOption = DEFAULT_COURSE,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it; there is no way back.")] = False,
) -> None:
    """Remove a student: submissions, marks, pages, links, name. Example: autograder forget S101 --yes.

    Backups of the gradebook lose the student too. The history keeps its lines, and nothing says whose they are.
    """
    place = Course.at(course, create=False)
    from autograder.course_folder.forget import forget as remove
    from autograder.course_folder.forget import is_known, left, made_with, person_of, traces

    if not is_known(place, student):
        raise UserError(f"nothing in {place.root} is about “{student}”: name the id of a student on the roster.")
    person, found, made = person_of(place, student), traces(place, student), made_with(place, student)
    if not yes:
        print(f"would remove {person.display_name}: the marks in the gradebook and its backups, the link, and")
        for path in (*found, *made):
            print(f"  {short(path)}{f'; {made[path]} makes it again' if path in made else ''}")
        print("Nothing was removed. Run this again with --yes to remove it all; there is no way back.")
        return
    remove(place, student)
    print(f"removed {student}: the marks, {len(found)} folders and files; the history does not say any more who it was")
    for command in dict.fromkeys(made.values()):
        paths = [short(path) for path in made if made[path] == command]
        print(f"removed, because the student was in it: {some(paths)}; {command} makes it again without")
    _say_what_is_left(place, left(place, person))


def _say_what_is_left(course: Course, rest: "Left") -> None:
    for path in rest.by_people:
        fix = IN_GRADEBOOK if path == course.gradebook else "correct it or delete it"
        print(f"still has the name: {short(path)}; {fix}")
    if rest.work_of_others:
        print(f"named in the work of others, which is theirs: {some([short(path) for path in rest.work_of_others])}")
    print("What is outside of the course folder stays: backups of it, downloads from the LMS, mailed links, receipts.")
