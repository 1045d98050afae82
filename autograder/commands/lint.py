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
        bool, typer.Option("--no-run", help="Look at texts, questions and answers on file; grade and run nothing.")
    ] = False,
) -> None:
    """Say what a lab lacks, a sentence each; exit code 3 if anything. Example: autograder lint lab12.

    The lab's own code runs with your rights, without a sandbox. Nothing is written.
    """
    place = Course.at(course, dry=True)
    source = source_folder(find_lab(lab, place), place)
    print("Loading …", file=sys.stderr, flush=True)
    from autograder.release.lint import lint as find

    sentences = find(source, run=not no_run, progress=lambda what: print(f"{what} …", file=sys.stderr, flush=True))
    for sentence in sentences:
        print(f"- {sentence}")
    if sentences:
        print(f"\n{short(source)} lacks {len(sentences)} thing{'' if len(sentences) == 1 else 's'}.")
        raise typer.Exit(LACKING)
    print(f"{short(source)} lacks nothing that can be seen{' without a run' if no_run else ''}.")
