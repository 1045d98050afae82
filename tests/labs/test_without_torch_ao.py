"""The day on which torch.ao.quantization and the quantized dtypes are gone: qlab, demos and labs still run."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from autograder.course_folder.layout import LABS, REPOSITORY, SOLUTIONS, lab_names
from autograder.release.lint import runs
from autograder.release.lint.lab_source import opened
from tests.labs.brief_training import with_brief_training, with_first_cell
from tests.labs.on_file import outcomes
from tests.labs.on_that_day import today
from tests.labs.test_student import released

REMOVE = """import sys
import torch
sys.path.insert(0, {repository!r})
from tests.without_torch_ao import remove
remove()"""


def on_that_day(*arguments):
    """What the process says; it has imported nothing of ours before."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.labs.on_that_day", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_all_of_qlab_is_imported_and_says_what_is_missing():
    told = on_that_day("imports")
    assert told["left"] == []
    assert told["modules"] > 130
    assert told["flow"].startswith("qlab's own")
    assert told["engines"] == ["fbgemm", "qnnpack", "x86", "onednn"]
    assert all("removed" in told["missing"][engine] for engine in told["engines"])


def test_codes_cross_between_the_judge_and_an_answer():
    assert on_that_day("wire") == [["Codes", True], ["WeightCodes", True]]


@pytest.mark.slow
def test_every_demo_runs():
    told = on_that_day("demos")
    assert len(told) > 10
    assert {name: words for name, words in told.items() if "alert" in words or not words} == {}
    assert "measured in" in told["cost, measured"]


@pytest.mark.slow
@pytest.mark.parametrize("lab", lab_names())
def test_a_lab_runs_from_top_to_bottom_and_its_solution_gets_all_points(lab, tmp_path):
    notebook = released(lab, tmp_path)
    with opened(SOLUTIONS / lab) as source:
        solved = runs.solution(source, notebook)
    done = runs.run(without(solved), tmp_path)
    assert list(runs.run_lacks(done, solved=True)) == []


@pytest.mark.slow
def test_the_lecture_runs_from_top_to_bottom(tmp_path):
    shutil.copytree(LABS / "lecture", tmp_path, dirs_exist_ok=True)
    done = runs.run(without(nbformat.read(tmp_path / "lecture.ipynb", as_version=4)), tmp_path)
    assert not done.ended
    errors = [output.evalue for cell in done.notebook.cells for output in cell.get("outputs", []) if "evalue" in output]
    assert errors == []


def without(notebook):
    """The notebook with a first cell that takes away what will be gone; its training is brief."""
    return with_first_cell(with_brief_training(notebook), REMOVE.format(repository=str(REPOSITORY)), "on-that-day")


QUESTIONS = {
    "lab3_calibration": ["q8"],
    "lab4_post_training": ["q3", "q5", "q11"],
    "lab5_aware_training": ["q7"],
    "lab6_floatsd": ["q8"],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lab", "question"),
    [
        pytest.param(lab, question, marks=pytest.mark.xdist_group(f"answers of {lab}"))
        for lab, questions in QUESTIONS.items()
        for question in questions
    ],
)
def test_answers_on_file_get_the_same_points_and_names_as_today(lab, question):
    then, now = on_that_day("points", lab, question), outcomes(lab, 0)
    assert len(then) > 3
    for name, judged in then.items():
        outcome = now[question, name]
        assert outcome is not None and judged == [outcome.points, list(outcome.mistakes)], name


def test_answers_are_rewritten_with_names_that_stay():
    old = "from torch.ao import quantization\nfrom torch.ao.quantization import (\n    QConfig,\n)\nx = torch.quint8\n"
    new = "from qlab import torch_flow as quantization\nfrom qlab.torch_flow import (\n    QConfig,\n)\n"
    assert today(old) == f"from qlab import torch_flow\n{new}x = torch_flow.quint8\n"
