"""autograder feedback and export: what students and the registrar get."""

from pathlib import Path

from autograder.commands.app import CourseOption, LabArgument, app, short
from autograder.course import DEFAULT_COURSE, Course, find_lab, lab_names
from autograder.errors import UserError


@app.command()
def feedback(lab: LabArgument, course: CourseOption = DEFAULT_COURSE) -> None:
    """Write an HTML page a student: marks, messages, comments. Example: autograder feedback lab1."""
    place = Course.at(course, create=False)
    paths = write_feedback(place, find_lab(lab))
    print(f"{len(paths)} pages in {short(place.root / 'feedback')}")


def write_feedback(course: Course, name: str) -> list[Path]:
    """A page a student; UserError where nothing is graded."""
    course.check_released(name)
    from autograder import late, report
    from autograder.grade.lab import GradedLab

    late.update(course, name)
    paths = report.write_feedback(course, GradedLab.of(name, course))
    if not paths:
        raise UserError(f"nothing of {name} is graded yet: run autograder grade {name} first.")
    return paths


@app.command()
def export(course: CourseOption = DEFAULT_COURSE) -> None:
    """Write marks.csv from the gradebook, marks given by hand included. Example: autograder export --course DIR."""
    place = Course.at(course, create=False)
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release and grade first.")
    from autograder import late, report

    for name in lab_names():
        late.update(place, name)
    print(f"marks: {short(report.write_marks(place))}")
