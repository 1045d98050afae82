"""autograder lint: what a lab lacks."""

import sys
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab, source_folder
from autograder.errors import LACKING


@app.command()
def lint(
    lab: LabArgument,
    course: CourseOption = DEFAULT_COURSE,
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Only check texts, questions and answers on file; grade and run nothing.")
    ] = False,
) -> None:
    """Say what a lab lacks, one sentence for each problem. Example: autograder lint lab12.

    The exit code is 3 if there is a problem. The lab's own code runs with your rights, without a sandbox. Nothing is
    written.
    """
    place = Course.at(course, dry=True)
    source = source_folder(find_lab(lab, place), place)
    print("Loading …", file=sys.stderr, flush=True)
    from autograder.release.lint import lint as find

    sentences = find(source, run=not no_run, progress=lambda what: print(f"{what} …", file=sys.stderr, flush=True))
    for sentence in sentences:
        print(f"- {sentence}")
    if sentences:
        print(f"\n{len(sentences)} problem{'' if len(sentences) == 1 else 's'} found in {short(source)}.")
        raise typer.Exit(LACKING)
    print(f"no problems found in {short(source)}{' (without a run)' if no_run else ''}.")
