"""autograder report: how the class did in a lab, for the course meeting."""

from typing import Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError


@app.command()
def report(
    lab: LabArgument,
    course: CourseOption = DEFAULT_COURSE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON instead.")] = False,
) -> None:
    """Write a page for the course meeting: questions, mistakes by name, time. Example: autograder report lab1."""
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    place.check_released(name)
    if not any((place.root / "records" / name).glob("*.json")):
        raise UserError(f"nothing of {name} is graded yet: run autograder grade {name} first.")
    from autograder.grade import group_marks
    from autograder.grade.lab import GradedLab
    from autograder.report.class_report import class_report, write_page

    group_marks.share(place, name)
    result = class_report(place, GradedLab.of(name, place))
    if as_json:
        print(result.text(), end="")
        return
    print(f"report: {short(write_page(result, place.class_report(name)))}")
