"""autograder demo: the whole loop on the sample class."""

import sys
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from autograder.report.terminal import Summary


@app.command()
def demo(
    lab: Annotated[str, typer.Argument(help="A lab's name, or the beginning of it; all labs by default.")] = "",
    course: CourseOption = DEFAULT_COURSE,
) -> None:
    """Run the whole loop on the sample class: release, submit, grade, feedback, marks. Example: autograder demo."""
    place = Course.at(course)
    labs = [find_lab(lab, place)] if lab else lab_names(place)
    release_labs(labs if lab else notebook_names(place), place, force=False)
    from autograder.collect.sample_class import write_submissions
    from autograder.grade.lab import GradedLab
    from autograder.grade.zygote import shared_fork_servers

    grade = SampleGrading(place)
    with shared_fork_servers():
        for name in labs:
            students = write_submissions(GradedLab.of(name, place), place)
            if not students:
                print(f"{name}: no sample class")
                continue
            print(f"{name}: {len(students)} sample submissions in {short(place.root / 'submitted')}")
            summary = grade(name)
            write_feedback(place, name)
            summary.show()
    for path in dict.fromkeys(labs_folder(source_folder(name, place)) for name in labs):
        print(f"{'labs:':10}{short(path)}")
    for what, path in (("marks", place.marks), ("feedback", place.root / "feedback")):
        print(f"{what + ':':10}{short(path)}")


class SampleGrading:
    """Grades sample classes; without a sandbox where there is none, because their code is ours."""

    def __init__(self, course: Course):
        self._course = course
        self._sandboxed = True

    def __call__(self, lab: str) -> "Summary":
        """Grade a lab's class."""
        from autograder.grade.sandbox import NoSandboxError

        try:
            return grade_lab(self._course, lab, GradeOptions(sandboxed=self._sandboxed))
        except NoSandboxError as error:
            if not self._sandboxed:
                raise
            self._sandboxed = False
            print(f"The sample class is graded without a sandbox: {error}", file=sys.stderr)
        return self(lab)
