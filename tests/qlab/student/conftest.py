"""A student's folder with a copy of Lab 1."""

import shutil

import nbformat
import pytest

from autograder.collect.sample_class import written_answers
from qlab.cells import grade_id
from tests.conftest import REPOSITORY

LAB = "lab1_linear_quantization"
ESSAYS = ("q4-calculation", "q6", "q7")


@pytest.fixture
def folder(tmp_path):
    """Where `labs/` was copied to, as it is released."""
    place = tmp_path / "mine"
    shutil.copytree(REPOSITORY / "labs" / LAB, place / LAB)
    return place


@pytest.fixture(scope="session")
def right_answers():
    """A right answer for each question of the lab, by the name of its cell."""
    found = {}
    for answer in written_answers(LAB):
        if answer.right:
            found.setdefault(answer.question, answer.source)
    return found


def change(folder, edit):
    """Edit the notebook as a person would: `edit` gets its cells by name and may return a new list of cells."""
    path = folder / LAB / f"{LAB}.ipynb"
    notebook = nbformat.read(path, 4)
    cells = edit({grade_id(cell) or cell.id: cell for cell in notebook.cells})
    if cells is not None:
        notebook.cells = list(cells)
    nbformat.write(notebook, path)
    return notebook


@pytest.fixture
def solved(folder, right_answers):
    """The same with every answer right and every essay written, run and saved."""

    def solve(cells):
        for name, source in right_answers.items():
            cells[name].source = source
        for name in ESSAYS:
            cells[name].source = f"My own words on {name}."
        for cell in cells.values():
            if cell.cell_type == "code":
                cell.execution_count = 1

    change(folder, solve)
    return folder
