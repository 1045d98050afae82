"""A course with its sample class graded once, for all tests that look at it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder import gradebook, report
from autograder.course import Course
from autograder.grade import worker
from autograder.grade.lab import GradedLab
from autograder.grade.limits import Limits
from autograder.grade.many import ClassResult, grade_class
from autograder.grade.scheduler import scheduler
from autograder.grade.submission import Submission
from autograder.grade.warm import forget_warm_process
from autograder.release import release
from autograder.samples import class_list, hand_in
from tests.conftest import missing, required

LAB = "lab1_linear_quantization"
LIMITS = Limits(question_seconds=3.0)


# Everything is tested in the sandbox where there is one; QLAB_REQUIRE=sandbox says that there has to be.
SANDBOXED = shutil.which("bwrap") is not None


@dataclass
class GradedClass:
    course: Course
    lab: GradedLab
    students: dict[str, dict[str, Any]]
    result: ClassResult


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course in which the lab is released and nothing handed in."""
    course = Course.at(tmp_path_factory.mktemp("released"))
    release(LAB, course, labs=None)
    return course


@pytest.fixture
def course(released: Course, tmp_path: Path) -> Course:
    """A copy of the released course to do with as one likes."""
    shutil.copytree(released.root, tmp_path / "course")
    return Course.at(tmp_path / "course")


@pytest.fixture(scope="session")
def graded(released: Course, tmp_path_factory: pytest.TempPathFactory) -> GradedClass:
    """The sample class, graded, stored and with feedback."""
    root = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(released.root, root)
    course = Course.at(root)
    lab = GradedLab.of(LAB, course)
    hand_in(lab, course)

    with scheduler("", sandboxed=SANDBOXED, workers=1) as start, gradebook.writing(course) as writer:
        result = grade_class(course, lab, list(course.submitted(LAB)), start, writer.store, sandboxed=SANDBOXED)
    report.write_marks(course)
    report.write_feedback(course, lab)
    return GradedClass(course, lab, {student["id"]: student for student in class_list(LAB)}, result)


GradeOne = Callable[..., worker.Done]


@pytest.fixture(scope="session")
def grade_one() -> Iterator[GradeOne]:
    """Grades one submission: of a student, in a file, with a lab, limits and a seed; gives what a worker gives."""
    if not SANDBOXED and "sandbox" in required():
        missing("sandbox", "apt-get install bubblewrap")

    def graded(student: str, path: Path, lab: GradedLab, limits: Limits = LIMITS, seed: int = 1) -> worker.Done:
        return worker.grade(worker.Job(Submission.read(student, path), worker.pack(lab), limits, seed, SANDBOXED))

    yield graded
    forget_warm_process(SANDBOXED)
