"""nbgrader's exchange on our course: released, fetched, handed in by two students, collected, graded by us."""

import csv
import os
import subprocess

import nbformat
import pytest

from autograder.collect.sample_class import written_answers
from autograder.course_folder.layout import Course
from autograder.release.build import release
from qlab.cells import grade_id
from tests import warm
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("exchange")]
LAB = "lab1_linear_quantization"

# In a hub's container everybody is the system's user jovyan, and the hub says who it really is.
AS_IN_A_CONTAINER = """
import nbgrader.utils
nbgrader.utils.get_osusername = lambda: "jovyan"
from nbgrader.apps.nbgraderapp import NbGraderApp
NbGraderApp.launch_instance()
"""


@pytest.fixture
def hub(tmp_path):
    """The exchange, a course folder in which the lab is released, and a function that calls nbgrader as somebody."""
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    course = Course.at(tmp_path / "course")
    release(LAB, course, labs=None)

    def nbgrader(who, folder, *arguments):
        folder.mkdir(exist_ok=True)
        options = ["--CourseDirectory.course_id=quantization", f"--Exchange.root={exchange}"]
        done = subprocess.run(
            [*warm.command(), "-c", AS_IN_A_CONTAINER, *arguments, *options],
            cwd=folder, capture_output=True, text=True, check=False,
            env={**os.environ, "JUPYTERHUB_USER": who, "HOME": str(folder), "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]

    return course, nbgrader


def test_two_submissions_go_through_the_exchange_and_are_graded(hub, tmp_path):
    course, nbgrader = hub
    nbgrader("teacher", course.root, "release_assignment", LAB)
    right = {answer.question: answer.source for answer in reversed(written_answers(LAB)) if answer.right}
    for student, solved in (("ada", ("q1", "q2", "q3", "q4", "q5")), ("小龍", ("q1",))):
        folder = tmp_path / student
        nbgrader(student, folder, "fetch_assignment", LAB)
        path = folder / LAB / f"{LAB}.ipynb"
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            if grade_id(cell) in solved:
                cell.source = right[grade_id(cell)]
        nbformat.write(notebook, path)
        nbgrader(student, folder, "submit", LAB)
    nbgrader("teacher", course.root, "collect", LAB, "--ExchangeCollect.check_owner=False")
    assert set(course.submitted(LAB)) == {"ada", "小龍"}
    done = subprocess.run(
        [*warm.command(), "-m", "autograder.cli", "grade", "lab1", "--course", str(course.root)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    with course.marks.open(newline="", encoding="utf-8-sig") as file:
        totals = {row["student_id"]: row["lab1 total /100"] for row in csv.DictReader(file)}
    assert totals == {"ada": "65", "小龍": "15"}
