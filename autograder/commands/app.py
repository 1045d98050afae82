"""The application with which every command registers, and what commands share: options, progress bar, short paths."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.course_folder.layout import DEFAULT_COURSE, Course, notebook_names
from autograder.errors import UserError

if TYPE_CHECKING:
    from tqdm import tqdm

    from autograder.course_folder.roster import Roster

MAX_NAMES = 10  # of students in a sentence

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a plain help text is there at once, and a screen reader reads it
    context_settings={"max_content_width": 110},
    help="Build labs, grade submissions, write feedback. Exit codes: 0 done; 2 something is missing or wrong (the "
    "message names the fix); 3 done, but a submission has no mark, a file was refused or a lab lacks something; "
    "4 a replay does not reproduce its record.",
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from qlab import __version__

        print(f"autograder {__version__}")
        raise typer.Exit


@app.callback()
def autograder(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The commands of teaching assistants."""


def lab_names_beginning(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell's completion: the notebooks whose names begin like this; none if there are no sources."""
    course = Course(Path(context.params.get("course") or DEFAULT_COURSE).resolve())
    try:
        return [name for name in notebook_names(course) if name.startswith(incomplete)]
    except UserError:
        return []


CourseOption = Annotated[Path, typer.Option("--course", help="The course folder.", show_default="course")]
LabArgument = Annotated[
    str, typer.Argument(help="A lab's name, or the beginning of it: lab1.", autocompletion=lab_names_beginning)
]


def short(path: Path) -> str:
    """A path as the user would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def progress(what: str, total: int, unit: str = "submission") -> "tqdm[None]":
    """A bar on stderr that counts."""
    from tqdm import tqdm  # imported here: a help text needs no bar

    return tqdm(total=total, desc=what, unit=unit, file=sys.stderr)


def students_of(course: Course, lab: str, only: str = "") -> list[str]:
    """The students who submitted, or only this one; UserError if there is nobody."""
    students = list(course.submitted(lab))
    if not students:
        raise UserError(
            f"nothing was handed in for {lab}: collect a download with autograder collect, or put notebooks into "
            f"{course.root}/submitted/<student>/{lab}/{lab}.ipynb."
        )
    if only and only not in students:
        raise UserError(f"{only} handed in nothing for {lab}; these students did: {some(students)}.")
    return [only] if only else students


def find_student(text: str, roster: "Roster") -> str:
    """The student whom a text means exactly."""
    match = roster.exact(text)
    if match.only:
        return match.only
    if match.students:
        people = " or ".join(sorted(map(roster.display_name, match.students)))
        raise UserError(f"“{text}” may be {people}: name the id.")
    closest = roster.closest(text)
    hint = f"the closest is {closest}" if closest else "autograder roster students.csv adds students"
    raise UserError(f"nobody on the roster is called “{text}”: {hint}.")


def say_disagreements(course: Course, lab: str) -> None:
    """Print for which cells the members of a group have different marks by hand."""
    from autograder.grade.group_marks import disagreements

    for text in disagreements(course, lab):
        print(f"{lab.split('_')[0]} {text}")


def some(students: Sequence[str]) -> str:
    """Students in a sentence: the first few, and how many more there are."""
    more = f" and {len(students) - MAX_NAMES} more" if len(students) > MAX_NAMES else ""
    return f"{', '.join(students[:MAX_NAMES])}{more}"
