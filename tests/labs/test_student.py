"""Labs as students run them: without hidden tests, all at once, solved and untouched."""

import shutil
import time

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course_folder.layout import LABS, SOLUTIONS, lab_names
from autograder.grade.judge import valid_outcome
from autograder.release.build import read_source
from qlab.check.outcome import Outcome
from qlab.check.render import OUTCOME_TYPE
from qlab.notebook import grade_id, is_answer, is_test

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("lab", lab_names())]


def run(lab, notebook, folder):
    shutil.copytree(LABS / lab, folder, dirs_exist_ok=True)
    started = time.perf_counter()
    NotebookClient(notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(folder)}}).execute()
    return time.perf_counter() - started


def outcomes(notebook):
    return [valid_outcome(outcome_in(cell), float(cell.metadata.nbgrader.points)) for cell in notebook.cells if is_test(cell)]


def outcome_in(cell):
    shown = [output.data for output in cell.outputs if output.output_type == "execute_result"]
    return Outcome.from_json(shown[0][OUTCOME_TYPE]) if shown else None


def bad_outputs(notebook):
    return [
        (cell.id, output)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
        or (output.output_type == "stream" and output.name == "stderr" and "IPKernelApp" not in output.text)
    ]


def test_solved_it_runs_in_a_minute_and_everything_holds(lab, tmp_path):
    notebook = nbformat.read(LABS / lab / f"{lab}.ipynb", as_version=4)
    solved = {grade_id(cell): cell.source for cell in read_source(SOLUTIONS / lab).cells if is_answer(cell)}
    for cell in notebook.cells:
        if is_answer(cell):
            lines = solved[grade_id(cell)].splitlines()
            cell.source = "\n".join(line for line in lines if "### " not in line and not line.strip().startswith("#|"))
    assert run(lab, notebook, tmp_path) < 60
    assert bad_outputs(notebook) == []
    assert all(outcome is not None and outcome.right for outcome in outcomes(notebook))


def test_untouched_it_runs_through_and_tells_the_blanks(lab, tmp_path):
    notebook = nbformat.read(LABS / lab / f"{lab}.ipynb", as_version=4)
    run(lab, notebook, tmp_path)
    assert bad_outputs(notebook) == []
    for outcome in outcomes(notebook):
        assert outcome is not None and outcome.points == 0 and "left" in outcome.fails[0]
