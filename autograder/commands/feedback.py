"""autograder feedback: what students get back."""

from pathlib import Path
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, say_disagreements, short, some
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError
from autograder.export.feedback_zip import Naming


@app.command()
def feedback(
    lab: LabArgument,
    course: CourseOption = DEFAULT_COURSE,
    naming: Annotated[
        Naming | None,
        typer.Option("--zip", help="Also pack the pages into one zip, with the names that this LMS expects."),
    ] = None,
    download: Annotated[
        list[Path] | None,
        typer.Option(help="The download that you collected: it says what the LMS calls each student; may be repeated."),
    ] = None,
) -> None:
    """Write one HTML page per student: marks, messages, comments. Example: autograder feedback lab1.

    For the LMS: autograder feedback lab1 --zip moodle --download submissions.zip (Canvas: the same with canvas;
    plain makes one folder per student and needs no download).
    """
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    if naming in (Naming.MOODLE, Naming.CANVAS) and not download:
        raise UserError(
            f"{naming.lms} expects its own file names: give the download that you collected with --download FILE."
        )
    if download and naming is None:
        raise UserError("--download is only used for a zip: add --zip moodle or --zip canvas.")
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
            f"{', '.join(map(str, downloads))} contains no name that {naming.lms} gave to anybody on the roster: "
            "give the download that you collected."
        )
    bundle = write_zip(course, name, naming, names)
    print(f"{len(bundle.students)} of them packed into {short(bundle.path)}")
    if bundle.unnamed:
        print(f"not in the zip, because {naming.lms}'s name for them is unknown: {some(bundle.unnamed)}")
        if any(names[student].group for student in bundle.unnamed if student in names):
            print("Moodle names groups in a download, not members: add --download WORKSHEET.csv, its grading worksheet")
    if bundle.by_partner:
        print(f"{naming.lms} has one file for a group, so these see the page of a partner: {some(bundle.by_partner)}")
    if bundle.renamed:
        print(f"Canvas will show these pages under the names of the submitted files: {some(bundle.renamed)}")


def write_feedback(course: Course, name: str) -> list[Path]:
    """Write one page per student and return the paths; UserError if nothing is graded."""
    course.check_released(name)
    from autograder.deductions import late
    from autograder.grade.lab import GradedLab
    from autograder.report import feedback as pages

    late.update(course, name)
    say_disagreements(course, name)
    paths = pages.write_feedback(course, GradedLab.of(name, course))
    if not paths:
        raise UserError(f"nothing of {name} is graded yet: run autograder grade {name} first.")
    return paths
