"""The two graders that work on a course folder: autograder and stock nbgrader."""

import subprocess
import sys
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from graders.cost import GradedClass, GraderFailedError, Marks, run_commands
from graders.submissions import course_with_class, without_figures

PYTHON = Path(sys.executable)


def grade_with_autograder(released: Course, lab: str, size: int, scratch: Path) -> GradedClass:
    """Grade a new class with `autograder grade`, feedback pages included."""
    course = course_with_class(released, lab, size, scratch / "course")
    autograder = [PYTHON, "-m", "autograder"]
    if _grade_writes_feedback():
        commands = [[*autograder, "grade", lab, "--course", course.root, "--feedback"]]
    else:
        commands = [[*autograder, subcommand, lab, "--course", course.root] for subcommand in ("grade", "feedback")]
    cost = run_commands(size, commands, course.root)
    if (pages := len(list(course.root.glob(f"feedback/*/{lab}/*.html")))) != size:
        raise GraderFailedError(f"There are {pages} feedback pages for {size} submissions.")
    return GradedClass(cost, _full_marks(course, lab, size))


def grade_with_nbgrader(released: Course, lab: str, size: int, scratch: Path) -> GradedClass:
    """Grade a class with `nbgrader autograde`; it writes no feedback, which is another command."""
    course = course_with_class(released, lab, size, scratch / "course", without_figures)
    cost = run_commands(size, [[PYTHON, "-m", "nbgrader", "autograde", lab]], course.root)
    return GradedClass(cost, _full_marks(course, lab, size))


def _grade_writes_feedback() -> bool:
    command = [PYTHON, "-m", "autograder", "grade", "--help"]
    return "--feedback" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _full_marks(course: Course, lab: str, size: int) -> Marks:
    marks = gradebook.marks(course, lab)
    students = {student for student, cells in marks.items() if any(mark.points is not None for mark in cells.values())}
    if len(students) != size:  # a grader that stops early would look fast
        raise GraderFailedError(f"Only {len(students)} of {size} submissions have marks.")
    return frozenset(
        (student, cell)
        for student, cells in marks.items()
        for cell, mark in cells.items()
        if mark.points == mark.out_of
    )
