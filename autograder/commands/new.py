"""autograder new: the folder of a lab of your own."""

from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app, short
from autograder.course_folder.layout import DEFAULT_COURSE, SOLUTIONS, Course, sources
from autograder.errors import UserError


@app.command()
def new(
    lab: Annotated[str, typer.Argument(help="Its name: lab and a number, then words if you like: lab12_pooling.")],
    title: Annotated[str, typer.Option(help="The notebook's title.")],
    course: CourseOption = DEFAULT_COURSE,
    bundled: Annotated[
        bool, typer.Option("--bundled", help="Make it one of this repository's labs instead, to contribute it.")
    ] = False,
) -> None:
    """Make a lab of your own in the course's solutions/. Example: autograder new lab12 --title "Pooling".

    It has one question, two named mistakes, an essay and a sample class, and you can release and grade it as it is.
    """
    from autograder.release.new import new_lab

    if bundled and not SOLUTIONS.is_dir():
        raise UserError("--bundled is for a clone of the repository: leave it out to put the lab into a course.")
    place = Course.at(course, dry=True)
    taken = sources(place) if SOLUTIONS.is_dir() or place.solutions.is_dir() else {}
    folder = new_lab(lab, title, SOLUTIONS if bundled else place.solutions, taken)
    if not bundled:
        Course.at(course)
    print(f"new: {short(folder)}")
    where = "" if bundled or place.root == DEFAULT_COURSE.resolve() else f" --course {short(place.root)}"
    print(f"next: autograder lint {lab}{where}, then autograder release {lab}{where}")
