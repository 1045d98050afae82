"""autograder release: solutions/ becomes labs/ and the course's source/ and release/."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app, short
from autograder.course_folder.layout import (
    DEFAULT_COURSE,
    Course,
    find_notebook,
    labs_folder,
    notebook_names,
    source_folder,
)


@app.command()
def release(
    lab: Annotated[str, typer.Argument(help="A lab's name, or the beginning of it; all labs by default.")] = "",
    course: CourseOption = DEFAULT_COURSE,
    force: Annotated[bool, typer.Option(help="Also build labs that are up to date.")] = False,
    archive: Annotated[bool, typer.Option("--zip", help="Also write the zips for students, into handout/.")] = False,
) -> None:
    """Build labs/ and the course's source/ and release/ from solutions/. Example: autograder release lab1 --zip.

    A lab of your own, in the course's solutions/, goes to the course's labs/.
    """
    place = Course.at(course)
    names = [find_notebook(lab, place)] if lab else notebook_names(place)
    release_labs(names, place, force=force)
    if archive:
        from autograder.release.handout_zip import write_handout

        for name in names:
            labs = labs_folder(source_folder(name, place))
            print(f"for students: {short(write_handout(name, place.root / 'handout', labs))}")


def release_labs(labs: Iterable[str], course: Course, *, force: bool) -> None:
    """Build labs that are not up to date, or all of them."""
    print("Loading nbgrader …", file=sys.stderr, flush=True)
    from autograder.release.build import release, up_to_date

    for lab in labs:
        if not force and up_to_date(lab, course):
            print(f"{lab}: up to date")
            continue
        print(f"{lab}: building …", flush=True)
        copies = labs_folder(source_folder(lab, course))
        print(f"{lab}: released to {short(release(lab, course, copies))} and {short(copies / lab)}")
