"""autograder feedback: what students get."""

from pathlib import Path
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, short, some
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError
from autograder.export.feedback_zip import Naming


@app.command()
def feedback(
    lab: LabArgument,
    course: CourseOption = DEFAULT_COURSE,
    naming: Annotated[
        Naming | None, typer.Option("--zip", help="Pack the pages into one zip too, named as this LMS wants it.")
    ] = None,
    download: Annotated[
        list[Path] | None,
        typer.Option(help="What was collected: its names say what the LMS calls each student; may be repeated."),
    ] = None,
) -> None:
    """Write an HTML page a student: marks, messages, comments. Example: autograder feedback lab1.

    For the LMS: autograder feedback lab1 --zip moodle --download submissions.zip (Canvas: the same with canvas;
    plain makes a folder a student and needs no download).
    """
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    if naming in (Naming.MOODLE, Naming.CANVAS) and not download:
        raise UserError(
            f"{naming.lms} wants its own names: give what you downloaded from it and collected with --download FILE."
        )
    if download and naming is None:
        raise UserError("--download is for a zip: say for which LMS, with --zip moodle or --zip canvas.")
    paths = write_feedback(place, name)
    print(f"{len(paths)} pages in {short(place.root / 'feedback')}")
    if naming is not None:
        _write_zip(place, name, naming, download or [])


def _write_zip(course: Course, name: str, naming: Naming, downloads: list[Path]) -> None:
    from autograder.collect.lms_names import lms_names
    from autograder.export.feedback_zip import write_zip

    names = {} if naming is Naming.PLAIN else lms_names(course, name, naming.lms, downloads)
    if naming is not Naming.PLAIN and not names:
        raise UserError(
            f"no name in {', '.join(map(str, downloads))} is one that {naming.lms} gives, of somebody on the roster: "
            "is it the download that you collected?"
        )
    bundle = write_zip(course, name, naming, names)
    print(f"{len(bundle.students)} of them in {short(bundle.path)}")
    if bundle.unnamed:
        print(f"not in the zip, {naming.lms}'s name for them is not known: {some(bundle.unnamed)}")
    if bundle.renamed:
        print(f"Canvas will show the page under the name of what was handed in: {some(bundle.renamed)}")


def write_feedback(course: Course, name: str) -> list[Path]:
    """A page a student; UserError where nothing is graded."""
    course.check_released(name)
    from autograder.deductions import late
    from autograder.grade.lab import GradedLab
    from autograder.report import marks as report

    late.update(course, name)
    paths = report.write_feedback(course, GradedLab.of(name, course))
    if not paths:
        raise UserError(f"nothing of {name} is graded yet: run autograder grade {name} first.")
    return paths
