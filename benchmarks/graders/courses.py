"""The two graders that work on a course folder: ours, and stock nbgrader."""

import subprocess
import sys
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from graders.cost import Graded, GraderFailedError, Marks, measured
from graders.submissions import course_with_class, without_figures

PYTHON = Path(sys.executable)


def ours(released: Course, lab: str, size: int, scratch: Path) -> Graded:
    """Grade a class with `autograder grade`, feedback pages included; nothing of it was graded before."""
    course = course_with_class(released, lab, size, scratch / "course")
    autograder = [PYTHON, "-m", "autograder"]
    if _writes_feedback_too():
        commands = [[*autograder, "grade", lab, "--course", course.root, "--feedback"]]
    else:
        commands = [[*autograder, verb, lab, "--course", course.root] for verb in ("grade", "feedback")]
    cost = measured(size, commands, course.root)
    if (pages := len(list(course.root.glob(f"feedback/*/{lab}/*.html")))) != size:
        raise GraderFailedError(f"there are {pages} feedback pages for {size} submissions.")
    return Graded(cost, _full_marks(course, lab, size))


def stock(released: Course, lab: str, size: int, scratch: Path) -> Graded:
    """Grade a class with `nbgrader autograde`; writing feedback would be a command more."""
    course = course_with_class(released, lab, size, scratch / "course", without_figures)
    cost = measured(size, [[PYTHON, "-m", "nbgrader", "autograde", lab]], course.root)
    return Graded(cost, _full_marks(course, lab, size))


def _writes_feedback_too() -> bool:
    command = [PYTHON, "-m", "autograder", "grade", "--help"]
    return "--feedback" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _full_marks(course: Course, lab: str, size: int) -> Marks:
    marks = gradebook.marks(course, lab)
    graded = {student for student, cells in marks.items() if any(mark.points is not None for mark in cells.values())}
    if len(graded) != size:
        raise GraderFailedError(f"{len(graded)} of {size} submissions have marks: a grader that stops early is fast.")
    return frozenset(
        (student, cell)
        for student, cells in marks.items()
        for cell, mark in cells.items()
        if mark.points == mark.out_of
    )
