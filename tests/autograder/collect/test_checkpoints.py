"""Jupyter's checkpoint copies beside a notebook are passed over, and never taken for it in silence."""

import pytest

from autograder.collect.checkpoints import ONLY_A_COPY, is_checkpoint
from tests.autograder.collect.conftest import notebook, zipped

REAL, COPY = notebook("real"), notebook("saved earlier")
PLACES = {
    "a folder": ("S101/lab1.ipynb", "S101/lab1-checkpoint.ipynb"),
    "another name": ("S101/lab1.ipynb", "S101/lab1_linear_quantization-checkpoint.ipynb"),
    "flat": ("Lab1_S101.ipynb", "Lab1_S101-checkpoint.ipynb"),
    "a folder in it": ("S101/lab1.ipynb", "S101/backup/lab1-checkpoint.ipynb"),
    "a browser's copy": ("S101/lab1.ipynb", "S101/lab1-checkpoint (1).ipynb.json"),
    "Canvas": ("lovelaceada_7001_80001_lab1.ipynb", "lovelaceada_7001_80002_lab1-checkpoint-1.ipynb"),
    "Moodle": (
        "Ada Lovelace_4711_assignsubmission_file_lab1.ipynb",
        "Ada Lovelace_4711_assignsubmission_file_lab1-checkpoint.ipynb",
    ),
    "Blackboard": (
        "x_S101_attempt_2026-10-12-12-00-00_lab1.ipynb",
        "x_S101_attempt_2026-10-12-12-00-00_lab1-checkpoint.ipynb",
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("copy_first", [True, False])
def test_a_copy_beside_the_notebook_is_passed_over(place, copy_first, collect_from):
    real, copy = PLACES[place]
    files = {copy: COPY, real: REAL} if copy_first else {real: REAL, copy: COPY}
    submission = collect_from(("a.zip", zipped(files))).counted["S101"]
    assert submission.notebook.path.read_bytes() == REAL
    assert len(submission.remarks) == 1 and submission.remarks[0].endswith("is a checkpoint copy: not counted")
    assert [file.path.read_bytes() for file in submission.others] == [COPY]  # which goes to kept/


def test_single_files_beside_each_other(collect_from, tmp_path):
    (tmp_path / "S101.ipynb").write_bytes(REAL)
    (tmp_path / "S101-checkpoint.ipynb").write_bytes(COPY)
    submission = collect_from(tmp_path / "S101.ipynb", tmp_path / "S101-checkpoint.ipynb").counted["S101"]
    assert submission.notebook.path.read_bytes() == REAL


def test_a_damaged_copy_says_nothing_about_the_notebook(collect_from):
    files = {"S101/lab1.ipynb": REAL, "S101/lab1-checkpoint.ipynb": COPY[:40]}
    assert collect_from(("a.zip", zipped(files))).counted["S101"].remarks == (
        "lab1-checkpoint.ipynb is a checkpoint copy: not counted",
    )


def test_a_copy_alone_is_collected_and_told(collect_from):
    submission = collect_from(("a.zip", zipped({"S101/lab1-checkpoint.ipynb": COPY}))).counted["S101"]
    assert submission.notebook.path.read_bytes() == COPY and submission.remarks == (ONLY_A_COPY,)


def test_a_copy_beside_a_pdf_only_is_collected_and_told(collect_from):
    files = {"S101/lab1-checkpoint.ipynb": COPY, "S101/lab1.pdf": b"%PDF"}
    submission = collect_from(("a.zip", zipped(files))).counted["S101"]
    assert submission.notebook.path.read_bytes() == COPY and submission.remarks == (ONLY_A_COPY,)


def test_only_jupyters_names_are_checkpoints():
    assert not any(map(is_checkpoint, ("lab1.ipynb", "checkpoint.ipynb", "lab1_checkpoints.ipynb", "a-checkpoint.pdf")))
