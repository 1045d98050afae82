"""qlab's commands as a student types them."""

import os
import re
import shutil
import signal
import subprocess
from importlib.util import find_spec

import pytest

from qlab import __version__, cli
from qlab.student.errors import StudentError
from qlab.student.lab_copies import copy_of
from qlab.student.last_check import last_check, remember
from tests import warm
from tests.conftest import REPOSITORY
from tests.qlab.student.conftest import LAB, change


def qlab(folder, *arguments, typed=""):
    return subprocess.run(
        [*warm.command(), "-m", "qlab", *map(str, arguments)], cwd=folder, input=typed, capture_output=True, text=True,
        check=False, env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}, timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["doctor", "labs", "check", "pdf", "submit", "sign-in", "sign-out", "update"])
def test_every_command_has_help_with_an_example(command, tmp_path):
    process = qlab(tmp_path, command, "--help")
    assert process.returncode == 0 and f"Example: qlab {command}" in process.stdout


def test_labs_lists_them_with_how_far_each_is(solved):
    process = qlab(solved, "labs")
    assert (
        process.returncode == 0
        and "Lab 1 · Linear quantization" in process.stdout
        and "10 of 10 answers" in process.stdout
    )


@pytest.fixture
def with_lecture(folder):
    shutil.copytree(REPOSITORY / "labs" / "lecture", folder / "lecture")
    return folder


@pytest.mark.slow
def test_a_lecture_has_nothing_to_answer_to_check_or_to_hand_in(with_lecture):
    assert re.search(r"Lecture · Quantization, live +nothing to answer\n", qlab(with_lecture, "labs").stdout)
    for command in (("check", "lecture"), ("submit", "lecture", "--id", "1", "--name", "A")):
        process = qlab(with_lecture, *command)
        assert (
            process.returncode == 2
            and "qlab: lecture has no questions" in process.stderr
            and "Traceback" not in process.stderr
        )
    assert not list(with_lecture.glob("*.zip"))


def test_a_lecture_beside_the_only_lab_does_not_make_two_of_it(with_lecture):
    assert copy_of("", with_lecture, graded=True).lab == LAB and copy_of("lec", with_lecture).lab == "lecture"
    with pytest.raises(StudentError, match="matches several labs"):
        copy_of("l", with_lecture)


@pytest.mark.parametrize(
    "command", [("labs",), ("check",), ("submit", "lab1", "--id", "1", "--name", "A"), ("update", "lab1", "x.zip")]
)
@pytest.mark.slow
def test_without_a_lab_one_sentence_says_so(command, tmp_path):
    process = qlab(tmp_path, *command)
    assert process.returncode == 2 and "there is no lab in" in process.stderr and "Traceback" not in process.stderr


@pytest.mark.slow
def test_a_damaged_notebook_is_told_as_such(folder):
    (folder / LAB / f"{LAB}.ipynb").write_text('{"cells": [')
    for command in (("check",), ("check", "lab1"), ("submit", "lab1", "--id", "1", "--name", "A")):
        process = qlab(folder, *command)
        assert process.returncode == 2 and "is damaged" in process.stderr and ".ipynb_checkpoints" in process.stderr


@pytest.mark.parametrize("cells", ["5", "[5]", '[{"cell_type": "code", "outputs": null, "source": ""}]', "[{}, null]"])
def test_a_notebook_with_other_cells_than_jupyters_is_damaged_too(folder, cells):
    path = folder / LAB / f"{LAB}.ipynb"
    path.write_text(f'{{"metadata": {{"qlab": {{"lab": "{LAB}"}}}}, "cells": {cells}}}')
    with pytest.raises(StudentError, match="is damaged"):
        copy_of("lab1", folder)


def test_labs_names_a_damaged_notebook_beside_those_that_are_well(with_lecture):
    (with_lecture / LAB / f"{LAB}.ipynb").write_text('{"cells": [')
    process = qlab(with_lecture, "labs")
    assert process.returncode == 3 and "nothing to answer" in process.stdout
    assert f"! {LAB}/{LAB}.ipynb is damaged" in process.stdout


def test_submit_asks_for_what_it_is_not_given_and_never_refuses(folder):
    process = qlab(folder, "submit", "lab1", typed="4711\nAda\n")
    assert process.returncode == 0 and "Student id" in process.stdout and "! q1 has 3 blanks left" in process.stdout
    assert (folder / "Lab1_4711_Ada.zip").is_file()


@pytest.mark.parametrize("typed", ["", "4711\n"])
def test_submit_ends_in_a_sentence_where_nobody_answers(folder, typed):
    process = qlab(folder, "submit", "lab1", typed=typed)
    assert process.returncode == 2 and "nobody answered: give it with --" in process.stderr
    assert "Traceback" not in process.stderr and not list(folder.glob("*.zip"))


def test_submit_asks_nothing_that_it_was_given(folder):
    process = qlab(folder, "submit", "lab1", "--id", "4711", "--id", "4712", "--name", "Ada, Bela")
    assert process.returncode == 0 and (folder / "Lab1_4711_4712_Ada-Bela.zip").is_file()
    assert "Put a PDF" not in process.stdout and "With --pdf" in process.stdout


@pytest.mark.slow
def test_submit_offers_the_pdf_and_goes_on_without_one(folder, monkeypatch):
    monkeypatch.setenv("QLAB_BROWSER", "none")
    asked = qlab(folder, "submit", "lab1", typed="4711\nAda\ny\n")
    assert asked.returncode == 0 and "Put a PDF of the notebook in" in asked.stdout
    made = find_spec("fpdf") is not None
    assert ("Lab1_4711_Ada.pdf" in asked.stdout) == made and ("! there is no PDF in it" in asked.stdout) != made
    assert "Lab1_4711_Ada.pdf" not in qlab(folder, "submit", "lab1", typed="4711\nAda\nn\n").stdout


def test_a_broken_notebook_makes_one_sentence_and_no_pdf(folder):
    (folder / LAB / f"{LAB}.ipynb").write_text("<!doctype html><title>log in</title>")
    process = qlab(folder, "pdf", "lab1", "--id", "1", "--name", "A")
    assert process.returncode == 2 and "is a web page (HTML), not a notebook: download" in process.stderr
    assert "Traceback" not in process.stderr and not list(folder.glob("*.pdf"))


def test_what_check_found_shows_until_a_cell_changes(solved, capsys, monkeypatch):
    monkeypatch.chdir(solved)
    remember(copy_of("lab1", solved), 55, 65)
    cli.labs()
    assert "55 of 65 points\n" in capsys.readouterr().out
    change(solved, lambda cells: cells["q5"].update(source="M0, n = 0.7, 3"))
    cli.labs()
    assert "55 of 65 points before the last change" in " ".join(capsys.readouterr().out.split())


def test_what_check_found_may_be_gone_or_damaged(solved):
    assert last_check(copy_of("lab1", solved)) is None
    remember(copy_of("lab1", solved), 55, 65)
    (kept,) = (solved / LAB).glob(".*.json")
    kept.write_text("[1")
    assert last_check(copy_of("lab1", solved)) is None


def test_the_list_of_labs_fits_80_columns(tmp_path, capsys, monkeypatch):
    shutil.copytree(REPOSITORY / "labs", tmp_path / "labs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    cli.labs()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and all(len(line) <= 80 for line in lines)


def test_update_says_when_a_copy_is_up_to_date(folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "lab1"), "zip", folder, LAB)
    process = qlab(folder, "update", "lab1", archive)
    assert process.returncode == 0 and "already the release in lab1.zip: nothing was changed" in process.stdout
    assert not (folder / LAB / "before-update").exists()


def test_the_version():
    for program in ("qlab", "autograder"):
        process = subprocess.run(
            [*warm.command(), "-m", program, "--version"], capture_output=True, text=True, check=True
        )
        assert process.stdout == f"{program} {__version__}\n"


@pytest.mark.slow
def test_check_prints_the_cards_of_the_saved_notebook(solved):
    change(solved, lambda cells: cells["q5"].update(source="M0, n = 0.7, 3"))
    process = qlab(solved, "check")
    assert process.returncode == 3 and "Traceback" not in process.stderr
    assert "Q1  get_scale_and_zero_point" in process.stdout and "15 / 15" in process.stdout
    assert "65 of 75 points. These were the visible checks; grading also runs hidden ones." in process.stdout
    assert "65 of 75 points\n" in qlab(solved, "labs").stdout


@pytest.mark.slow
def test_a_watched_lab_is_checked_at_every_save_even_after_a_broken_one(solved):
    notebook = solved / LAB / f"{LAB}.ipynb"
    whole = notebook.read_bytes()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    watching = subprocess.Popen(
        [*warm.command(), "-m", "qlab", "check", "--watch"], cwd=solved, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip

    def until(told):
        lines = []
        for line in watching.stdout:
            lines.append(line)
            if told in line:
                return "".join(lines)
        raise AssertionError(f"it ended before it said {told!r}: {''.join(lines)[-2000:]}")

    try:
        assert "75 of 75 points" in until("waiting for")
        notebook.write_text("{ no notebook")
        assert "no longer a notebook" in until("waiting for") and watching.poll() is None
        notebook.write_bytes(whole)
        change(solved, lambda cells: cells["q5"].update(source="M0, n = 0.7, 3"))
        assert "65 of 75 points" in until("waiting for")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 3
        assert "Traceback" not in watching.stdout.read()
    finally:
        watching.kill()


@pytest.mark.slow
def test_check_continues_after_a_cell_that_fails_and_names_it(solved):
    change(solved, lambda cells: cells["q2"].update(source="def linear_quantize(:"))
    process = qlab(solved, "check", "lab1")
    assert "q2 ended with SyntaxError" in process.stdout and "10 / 10" in process.stdout and process.returncode == 3


@pytest.mark.slow
def test_check_says_when_python_died(solved):
    change(solved, lambda cells: cells["q2"].update(source="import os; os._exit(1)"))
    process = qlab(solved, "check", "lab1")
    assert process.returncode == 3 and "the kernel died" in process.stdout and "Traceback" not in process.stderr


@pytest.mark.slow
def test_doctor_finds_everything_here(solved, monkeypatch):
    monkeypatch.delenv("JUPYTER_PATH", raising=False)  # the tests' own kernel is none that a person has
    process = qlab(solved, "doctor")
    assert process.returncode == 0 and "All is well." in process.stdout and "engine" in process.stdout


def test_doctor_names_the_fix(solved, monkeypatch):
    from qlab.student import doctor

    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    monkeypatch.setattr(doctor, "LEAST_MEMORY", 10**15)
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda _: ["no-such-package>=3", "numpy<1"])
    problems = {finding.what: finding.fix for finding in doctor.examine(solved) if finding.fix}
    assert problems.pop("free memory").startswith("close other programs")
    assert problems == {
        "no-such-package": "pip install 'no-such-package>=3'",
        "numpy": "too old or too new: pip install 'numpy<1'",
    }
    assert LAB
