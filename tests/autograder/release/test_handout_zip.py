"""The zip for students: Lab 1 is worked through with nothing but what is in it and the environment's packages."""

import os
import subprocess
import sys
import zipfile

import nbformat
import pytest

from autograder.collect.sample_class import written_answers
from autograder.release import handout_zip as handout
from autograder.release.handout_zip import write_handout
from qlab.cells import grade_id
from tests import warm

LAB = "lab1_linear_quantization"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("handout")]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The zip, unpacked as a student would."""
    folder = tmp_path_factory.mktemp("student")
    archive = write_handout(LAB, folder / "lms")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder / "mine")
    return archive, folder / "mine"


def test_it_contains_what_a_student_needs_and_nothing_else(unpacked):
    _, mine = unpacked
    assert {path.name for path in mine.iterdir()} == {
        LAB, "START.html", "constraints.txt", "environment.yml", "quantization_lab-0.2.0-py3-none-any.whl",
    }  # fmt: skip
    assert {path.name for path in (mine / LAB).iterdir()} == {f"{LAB}.ipynb", "checks", "figures", "provided.py"}
    assert "./quantization_lab-0.2.0-py3-none-any.whl" in (mine / "environment.yml").read_text()
    page = (mine / "START.html").read_text()
    assert "torch==2.13.0" in page and f"jupyter lab {LAB}/{LAB}.ipynb" in page and "{{" not in page
    names = zipfile.ZipFile(mine / "quantization_lab-0.2.0-py3-none-any.whl").namelist()
    assert not [name for name in names if name.split("/")[0] in ("tests", "solutions", "labs")]


def test_unpacked_on_a_shared_disk_everybody_can_read_it(unpacked):
    with zipfile.ZipFile(unpacked[0]) as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


def test_the_same_lab_gives_the_same_bytes(unpacked, tmp_path):
    archive, _ = unpacked
    handout.wheel.cache_clear()
    assert write_handout(LAB, tmp_path).read_bytes() == archive.read_bytes()


def test_the_lectures_page_does_not_mention_checks_or_handing_in(unpacked, tmp_path):
    with zipfile.ZipFile(write_handout("lecture", tmp_path)) as archive:
        page = archive.read("START.html").decode()
        assert "lecture/lecture.ipynb" in archive.namelist() and "lecture/checks/__init__.py" not in archive.namelist()
    assert (
        "jupyter lab lecture/lecture.ipynb" in page
        and "move the controls" in page
        and "{" not in page.split("<body>")[1]
    )
    assert "<code>checks</code>" not in page and "qlab submit" not in page and "qlab check" not in page


def test_lab_1_is_worked_through_from_it(unpacked, tmp_path):
    _, mine = unpacked
    packages = tmp_path / "packages"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages)]
    subprocess.run([*install, str(mine / "quantization_lab-0.2.0-py3-none-any.whl")], check=True)
    path = mine / LAB / f"{LAB}.ipynb"
    notebook = nbformat.read(path, 4)
    answers = {answer.question: answer.source for answer in reversed(written_answers(LAB)) if answer.right}
    for cell in notebook.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    nbformat.write(notebook, path)
    environment = {**os.environ, "PYTHONPATH": str(packages), "OMP_NUM_THREADS": "1"}

    def qlab(*arguments):
        command = [*warm.command(), "-m", "qlab", *arguments]
        return subprocess.run(command, cwd=mine, env=environment, capture_output=True, text=True, check=False)

    where = subprocess.run(
        [sys.executable, "-c", "import qlab; print(qlab.__file__)"],
        cwd=mine, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(packages) in where.stdout
    assert "75 of 75 points" in qlab("check", "lab1").stdout
    assert qlab("submit", "lab1", "--id", "4711", "--name", "Ada").returncode == 0
    assert (mine / "Lab1_4711_Ada.zip").is_file()
