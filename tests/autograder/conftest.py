"""A course with its sample class graded once, for all tests that look at it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder import gradebook
from autograder.collect.sample_class import class_list, hand_in
from autograder.course_folder.layout import Course
from autograder.grade.grade_class import ClassResult, grade_class
from autograder.grade.lab import GradedLab
from autograder.grade.scheduler import scheduler
from autograder.release.build import release
from autograder.report import marks as report
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
