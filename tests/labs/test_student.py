"""Labs as students run them: without hidden tests, all at once, solved and untouched."""

import shutil

import nbformat
import pytest

from autograder.course_folder.layout import LABS, SOLUTIONS, lab_names
from autograder.release.lint import runs
from autograder.release.lint.lab_source import opened
from tests.labs.brief_training import with_brief_training

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("lab", lab_names())]


def released(lab, folder):
    """A lab as a student has it: its notebook, and the folder that it lies in."""
    shutil.copytree(LABS / lab, folder, dirs_exist_ok=True)
    return nbformat.read(folder / f"{lab}.ipynb", as_version=4)


def test_solved_it_runs_and_everything_holds(lab, tmp_path):
    # Whether it does so within a minute is measured by benchmarks/labs.py, on a machine that does nothing else.
    notebook = released(lab, tmp_path)
    with opened(SOLUTIONS / lab) as source:
        solved = runs.solution(source, notebook)
    done = runs.run(solved, tmp_path)
    assert list(runs.run_lacks(done, solved=True)) == []


def test_untouched_it_runs_through_and_tells_the_blanks(lab, tmp_path):
    done = runs.run(with_brief_training(released(lab, tmp_path)), tmp_path)
    assert list(runs.run_lacks(done, solved=False)) == []
    for outcome in done.outcomes.values():
        assert outcome is not None and outcome.points == 0
        # An open exercise has no blanks to count.
        assert "left" in outcome.fails[0] or outcome.mistakes == ("not answered yet",)
