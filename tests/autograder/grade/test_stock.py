"""Stock nbgrader on the same course: the same marks, and its other commands keep working."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder import gradebook
from autograder.collect.sample_class import class_list, write_submissions
from autograder.course_folder.layout import Course, lab_names
from autograder.grade.lab import NOT_RUN, GradedLab
from autograder.grade.record import GradingRecord
from autograder.release.build import release
from tests import warm
from tests.autograder.conftest import LAB

pytestmark = pytest.mark.slow
on_the_same_course = pytest.mark.xdist_group("class")

OTHERS = [name for name in lab_names() if name != LAB]

# Where stock nbgrader gives another mark: lab, student, cell, stock's mark, and what of nbgrader's it comes from.
EXCEPTIONS = {
    (LAB, "ivan", "q2-check"): (None, "a deleted test cell is silently ungraded"),
    ("lab2_integer_only", "emre", "q4-check"): (None, "a deleted test cell is silently ungraded"),
    ("lab3_calibration", "emre", "q3-check"): (None, "a deleted test cell is silently ungraded"),
}


def nbgrader(course: Course, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    command = [*warm.command(), "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=course.root, env=environment, capture_output=True, text=True, check=False)


def autograde(course: Course, lab: str) -> None:
    """Grade as stock does, again where it failed: an endless loop that it interrupts sometimes loses it the kernel."""
    for _ in range(3):
        done = nbgrader(course, "autograde", lab)
        if done.returncode == 0:
            return
    raise AssertionError([line for line in done.stderr.splitlines() if "ERROR" in line or "Error" in line][-20:])


@pytest.fixture(scope="module")
def stock(graded, tmp_path_factory):
    """The course as released, with those submissions that stock nbgrader can grade, graded by it."""
    root = tmp_path_factory.mktemp("stock") / "course"
    shutil.copytree(
        graded.course.root, root, ignore=shutil.ignore_patterns("autograded", "feedback", "records", "gradebook.db")
    )
    course = Course.at(root)
    for student, path in course.submitted(LAB).items():
        if "stock_cannot_grade" in graded.students[student]:
            shutil.rmtree(root / "submitted" / student)
        else:
            without_demos(path)
    assert nbgrader(course, "generate_assignment", LAB, "--force").returncode == 0
    autograde(course, LAB)
    return course


def records(graded):
    return [GradingRecord.read(graded.course.record(LAB, student)) for student in graded.students]


@on_the_same_course
def test_the_same_marks(graded, stock):
    theirs = gradebook.marks(stock, LAB)
    compared = 0
    for record in records(graded):
        if record.student not in theirs:
            assert "stock_cannot_grade" in graded.students[record.student]
            continue
        for grade in record.cells:
            expected = EXCEPTIONS.get((LAB, record.student, grade.cell), (grade.points, ""))[0]
            assert theirs[record.student][grade.cell].points == expected, (record.student, grade.cell)
            compared += 1
    assert compared > 100


def compared(lab: str) -> set[str]:
    """Whose submissions stock grades too: stock takes several seconds for each, so not the whole class of every lab.

    The first of the class, who has everything right, the last, and those with an exception; all with QLAB_WHOLE_CLASS.
    """
    everyone = [student["id"] for student in class_list(lab)]
    special = {student for name, student, _ in EXCEPTIONS if name == lab}
    return set(everyone) if "QLAB_WHOLE_CLASS" in os.environ else {everyone[0], everyone[-1]} | special


def without_demos(path: Path) -> None:
    """Delete figures and experiments, on which no mark depends: stock would spend most of its time on them."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if NOT_RUN not in cell.metadata.get("tags", [])]
    nbformat.write(notebook, path)


@pytest.mark.parametrize("lab", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in OTHERS])
def test_the_same_marks_in_the_other_labs(lab, tmp_path, grade_one):
    course = Course.at(tmp_path)
    release(lab, course, labs=None)
    with_hidden = GradedLab.of(lab, course)
    write_submissions(with_hidden, course)
    for student, path in course.submitted(lab).items():
        if student in compared(lab):
            without_demos(path)
        else:
            shutil.rmtree(course.root / "submitted" / student)
    ours = {student: grade_one(student, path, with_hidden).record for student, path in course.submitted(lab).items()}
    autograde(course, lab)
    theirs = gradebook.marks(course, lab)
    assert set(theirs) == set(ours) == compared(lab)
    for student, record in ours.items():
        for grade in record.cells:
            expected = EXCEPTIONS.get((lab, student, grade.cell), (grade.points, ""))[0]
            assert theirs[student][grade.cell].points == expected, (student, grade.cell)


@on_the_same_course
def test_nbgrader_grades_and_exports_on_our_course(graded, tmp_path):
    target = tmp_path / "grades.csv"
    done = nbgrader(graded.course, "export", "--to", str(target))
    assert done.returncode == 0, done.stderr[-2000:]
    with target.open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    for record in records(graded):
        if record.cells:
            assert scores[record.student] == record.auto_points


@on_the_same_course
def test_nbgrader_writes_its_own_feedback_from_our_graded_notebooks(graded, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(graded.course.root, root, ignore=shutil.ignore_patterns("feedback"))
    done = nbgrader(Course.at(root), "generate_feedback", LAB, "--student=ada")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (root / "feedback" / "ada" / LAB / f"{LAB}.html").is_file()
