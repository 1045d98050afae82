"""A course with the sample class, graded once for all tests that look at it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder import gradebook
from autograder.collect.sample_class import class_list, write_submissions
from autograder.course_folder.layout import Course
from autograder.grade.grade_class import ClassResult, grade_class
from autograder.grade.lab import GradedLab
from autograder.grade.scheduler import scheduler
from autograder.release.build import release
from autograder.report.feedback import write_feedback
from autograder.report.marks import write_marks
from tests.conftest import SANDBOXED

LAB = "lab1_linear_quantization"


@dataclass
class GradedClass:
    course: Course
    lab: GradedLab
    students: dict[str, dict[str, Any]]
    result: ClassResult


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with the released lab and no submissions."""
    course = Course.at(tmp_path_factory.mktemp("released"))
    release(LAB, course, labs=None)
    return course


@pytest.fixture
def course(released: Course, tmp_path: Path) -> Course:
    """A copy of the released course, to change at will."""
    shutil.copytree(released.root, tmp_path / "course")
    return Course.at(tmp_path / "course")


@pytest.fixture(scope="session")
def graded(released: Course, tmp_path_factory: pytest.TempPathFactory) -> GradedClass:
    """The sample class, graded, stored and with feedback."""
    root = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(released.root, root)
    course = Course.at(root)
    lab = GradedLab.of(LAB, course)
    write_submissions(lab, course)

    with scheduler("", sandboxed=SANDBOXED, workers=1) as workers, gradebook.open_writer(course) as writer:
        result = grade_class(course, lab, list(course.submitted(LAB)), workers, writer.store, sandboxed=SANDBOXED)
    write_marks(course)
    write_feedback(course, lab)
    return GradedClass(course, lab, {student["id"]: student for student in class_list(LAB)}, result)
