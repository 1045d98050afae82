"""autograder collect: from an LMS's download to submitted/."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from autograder.collect.counting import Count
from autograder.commands.app import CourseOption, LabArgument, app, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import REFUSED, UserError


@app.command()
def collect(
    lab: LabArgument,
    archives: Annotated[
        list[Path], typer.Argument(metavar="ARCHIVE...", help="Downloads: zip, tar, tar.gz, folders or single files.")
    ],
    course: CourseOption = DEFAULT_COURSE,
    deadline: Annotated[
        str, typer.Option(help="When the lab is due: 2026-10-12 23:59; the gradebook remembers it.")
    ] = "",
    timezone: Annotated[
        str,
        typer.Option(help="For times without one: Europe/Berlin; by default that of rules.toml or this machine."),
    ] = "",
    times: Annotated[
        Path | None, typer.Option(help="A CSV with submission times, such as Moodle's grading worksheet.")
    ] = None,
    count: Annotated[
        Count,
        typer.Option(help="Which submission counts: the newest, or the last before the deadline (else the next)."),
    ] = Count.NEWEST,
    by_commit_date: Annotated[
        bool,
        typer.Option(
            "--by-commit-date",
            help="From clones, take the last commit before the deadline, by the student's own clock.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the table and write nothing.")] = False,
) -> None:
    """Copy an LMS's submissions to submitted/; the newest count. Example: autograder collect lab2 download.zip.

    Times come from the LMS only: from its table, labels or metadata, never from the dates of files.
    """
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    place.check_released(name)
    absent = [str(source) for source in archives if not source.exists()]
    if absent:
        raise UserError(f"{absent[0]} does not exist: name the file or folder that you downloaded from the LMS.")
    from autograder.collect.collection import CollectOptions
    from autograder.collect.collection import collect as run

    collection = run(place, name, archives, CollectOptions(deadline, timezone, times, dry_run, count, by_commit_date))
    collection.show(terminal=sys.stdout.isatty())
    counts = ", ".join(f"{count} {what}" for what, count in sorted(collection.counts.items())) or "nothing"
    print(f"\n{'would collect' if dry_run else 'collected'}: {counts}; in {short(place.root / 'submitted')}")
    if not collection.is_complete:
        raise typer.Exit(REFUSED)
