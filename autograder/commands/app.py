"""The application that every command registers with, and what commands share: options, a progress bar, short paths."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from autograder.course_folder.layout import Course
from autograder.errors import UserError

MOST_NAMED = 10  # students in a sentence

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build labs, grade submissions, write feedback. Exit codes: 0 done; 2 something is missing or called wrongly "
    "(the message names the fix); 3 done, but a submission has no mark, a file was refused or a lab lacks something; "
    "4 a replay does not reproduce its record.",
)
CourseOption = Annotated[Path, typer.Option("--course", help="The course folder.", show_default="autograder/course")]
LabArgument = Annotated[str, typer.Argument(help="A lab's name, or a beginning of it: lab1.")]


def short(path: Path) -> str:
    """A path as the user would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def progress(what: str, total: int) -> "tqdm[None]":
    """A bar on stderr that counts submissions."""
    return tqdm(total=total, desc=what, unit="submission", file=sys.stderr)


def students_of(course: Course, lab: str, only: str = "") -> list[str]:
    """Who handed in, or only this one; UserError where there is nobody."""
    students = list(course.submitted(lab))
    if not students:
        raise UserError(
            f"nothing was handed in for {lab}: bring a download in with autograder collect, or put notebooks into "
            f"{course.root}/submitted/<student>/{lab}/{lab}.ipynb."
        )
    if only and only not in students:
        raise UserError(f"{only} handed in nothing for {lab}; those who did: {', '.join(students[:10])}.")
    return [only] if only else students


def some(students: Sequence[str]) -> str:
    """Students in a sentence: the first ones, and how many more there are."""
    more = f" and {len(students) - MOST_NAMED} more" if len(students) > MOST_NAMED else ""
    return f"{', '.join(students[:MOST_NAMED])}{more}"
