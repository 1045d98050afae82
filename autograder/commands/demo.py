"""autograder demo: the whole loop on the sample class."""

import sys
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app, short
from autograder.commands.feedback import write_feedback
from autograder.commands.grade import GradeOptions, grade_lab
from autograder.commands.release import release_labs
from autograder.course_folder.layout import (
    DEFAULT_COURSE,
    Course,
    find_lab,
    lab_names,
    labs_folder,
    notebook_names,
    source_folder,
)


@app.command()
def demo(
    lab: Annotated[str, typer.Argument(help="A lab's name, or the beginning of it; all labs by default.")] = "",
    course: CourseOption = DEFAULT_COURSE,
) -> None:
    """Run the whole loop on the sample class: release, submit, grade, feedback, marks. Example: autograder demo."""
    place = Course.at(course)
    labs = [find_lab(lab, place)] if lab else lab_names(place)
    sandboxed = _has_sandbox()
    release_labs(labs if lab else notebook_names(place), place, force=False)
    from autograder.collect.sample_class import write_submissions
    from autograder.grade.lab import GradedLab

    for name in labs:
        students = write_submissions(GradedLab.of(name, place), place)
        if not students:
            print(f"{name}: no sample class")
            continue
        print(f"{name}: {len(students)} sample submissions in {short(place.root / 'submitted')}")
        summary = grade_lab(place, name, GradeOptions(sandboxed=sandboxed))
        write_feedback(place, name)
        summary.show(terminal=sys.stdout.isatty())
    for path in dict.fromkeys(labs_folder(source_folder(name, place)) for name in labs):
        print(f"{'labs:':10}{short(path)}")
    for what, path in (("marks", place.marks), ("feedback", place.root / "feedback")):
        print(f"{what + ':':10}{short(path)}")


def _has_sandbox() -> bool:
    """Whether there is a sandbox; if not, say so. The sample class does not need one, because its code is ours."""
    from autograder.grade.sandbox import NoSandboxError
    from autograder.grade.zygote import close_fork_server, fork_server

    try:
        fork_server(True)
    except NoSandboxError as error:
        close_fork_server(True)
        print(f"The sample class is graded without a sandbox: {error}", file=sys.stderr)
        return False
    return True
