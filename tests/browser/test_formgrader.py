"""An essay is graded by hand in nbgrader's formgrader, on a course that our commands made."""

import csv
import json
import os
import shlex
import shutil
import subprocess
import urllib.request

import pytest

from autograder.collect.sample_class import write_submissions
from autograder.course_folder.layout import Course
from autograder.grade.lab import GradedLab
from autograder.release.build import release
from tests import warm
from tests.browser.jupyter import free_port, running
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
LAB = "lab2_integer_only"


def command(*arguments):
    done = subprocess.run(
        [*warm.command(), "-m", "autograder.cli", *map(str, arguments)], cwd=REPOSITORY, capture_output=True, text=True,
        check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture
def course(tmp_path):
    """A course in which Ada's submission is graded and her essays wait."""
    place = Course.at(tmp_path / "course")
    release(LAB, place, labs=None)
    write_submissions(GradedLab.of(LAB, place), place)
    for student in place.submitted(LAB):
        if student != "ada":
            shutil.rmtree(place.root / "submitted" / student)
    command("grade", "lab2", "--course", place.root)
    return place


@pytest.fixture
def formgrader(course, tmp_path):
    """`make formgrader` on the course; the server's address."""
    port = free_port()
    recipe = subprocess.run(
        ["make", "-n", "--no-print-directory", "-o", ".venv/.grade", "formgrader", f"COURSE={course.root}"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    line = recipe.splitlines()[-1].replace("jupyter server", f"exec {shlex.join(warm.command())} -m jupyter_server", 1)
    more = f" --no-browser --port={port} --IdentityProvider.token=t --ServerApp.open_browser=False"
    with running(line + more, tmp_path, {}, f"http://127.0.0.1:{port}/api?token=t"):
        yield f"http://127.0.0.1:{port}"


def total(course):
    command("export", "--course", course.root)
    with course.marks.open(newline="") as file:
        (row,) = csv.DictReader(file)
    return float(row[next(name for name in row if "total" in name)])


# Formgrader fills its boxes when it has fetched the marks; before that, it does not listen to them.
MARKS_ARE_THERE = "() => [...document.querySelectorAll('input.score')].some(box => box.placeholder)"


def test_an_essay_is_graded_beside_its_rubric_and_the_total_changes(browser, course, formgrader):
    before = total(course)
    address = f"{formgrader}/formgrader/api/submitted_notebooks/{LAB}/{LAB}?token=t"
    (submission,) = json.load(urllib.request.urlopen(address))
    assert submission["needs_manual_grade"]
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    page.goto(f"{formgrader}/formgrader?token=t", wait_until="load")  # logs in, as the address that the server prints
    page.goto(f"{formgrader}/formgrader/submissions/{submission['id']}/", wait_until="load")
    box = page.locator("input.score").last
    page.wait_for_function(MARKS_ARE_THERE, timeout=60_000)
    assert page.get_by_text("rubric").last.is_visible()
    assert page.evaluate("() => [...document.images].every(image => image.naturalWidth > 0)"), "figures are shown"
    with page.expect_response(lambda response: "/api/grade/" in response.url and response.request.method == "PUT"):
        box.fill("4")
        box.press("Tab")
    page.close()
    assert total(course) == before + 4
