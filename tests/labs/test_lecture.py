"""The lecture: ungraded, built like a lab, every demo shown, and what it says of the demos true."""

import base64
import re
import sqlite3

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course_folder.layout import LABS, SOLUTIONS, Course, find_lab, find_notebook, lab_names, notebook_names
from autograder.errors import UserError
from autograder.release.build import read_source, release, up_to_date
from qlab import demos

LECTURE = "lecture"
CELLS = {cell.id: cell for cell in read_source(SOLUTIONS / LECTURE).cells}
SHOWN = [found[1] for cell in CELLS.values() if (found := re.fullmatch(r"demos\.(\w+)\(\)", cell.source))]

pytestmark = pytest.mark.slow  # drawing takes seconds


def test_it_alone_is_not_graded():
    assert set(notebook_names()) - set(lab_names()) == {LECTURE}
    assert find_notebook("lec") == LECTURE and find_notebook("lab1") == find_lab("lab1")
    with pytest.raises(UserError, match="lecture is not graded"):
        find_lab("lec")


@pytest.mark.xdist_group("release")
def test_it_is_what_its_source_makes_and_the_gradebook_does_not_know_it(tmp_path):
    course = Course.at(tmp_path / "course")
    for _ in range(2):
        made = release(LECTURE, course, labs=tmp_path / "labs")
        assert [path.name for path in made.iterdir()] == [f"{LECTURE}.ipynb"]
        committed = (LABS / LECTURE / f"{LECTURE}.ipynb").read_bytes()
        assert (made / f"{LECTURE}.ipynb").read_bytes() == committed, "run make release and commit labs/"
        assert (tmp_path / "labs" / LECTURE / f"{LECTURE}.ipynb").read_bytes() == committed
    assert up_to_date(LECTURE, course)
    assert sqlite3.connect(course.gradebook).execute("SELECT name FROM assignment").fetchall() == []


def test_its_cells_are_named_hold_no_output_and_ask_nothing():
    notebook = nbformat.read(LABS / LECTURE / f"{LECTURE}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not [cell.id for cell in notebook.cells if cell.id.startswith("cell-") or "nbgrader" in cell.metadata]
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)


def test_every_demo_is_shown_once_between_its_questions_and_what_is_seen():
    assert sorted(SHOWN) == sorted(demos.__all__)
    assert list(CELLS) == ["title", "setup", *(f"{name}{part}" for name in SHOWN for part in ("-text", "", "-seen"))]
    for number, name in enumerate(SHOWN, 1):
        text = CELLS[f"{name}-text"].source
        assert text.startswith(f"## {number} · ") and "**Ask before each move**\n1. " in text and "?" in text


def descriptions(widget):
    """What is written on a widget and on all those in it."""
    inside = (told for child in getattr(widget, "children", ()) for told in descriptions(child))
    return [getattr(widget, "description", ""), *inside]


@pytest.mark.parametrize("name", SHOWN)
def test_controls_that_a_question_names_are_there(name):
    there = " | ".join(descriptions(getattr(demos, name)()))
    for named in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", CELLS[f"{name}-text"].source):
        assert named in there, named


def moved(demo, **values):
    """The words after a move from the start."""
    demo.reset()
    for name, value in values.items():
        demo.controls[name].value = value
    return demo.words.value


def test_what_the_lecture_says_of_the_mapping():
    demo = demos.mapping()
    assert "back it is 0.28 · (3 - 0) = 0.84" in moved(demo, x=1.3)
    at_start = re.search(r"an error of (\S+)\. ", moved(demo))[0]
    assert at_start in moved(demo, bitwidth=4), "a bit more leaves the error"
    assert "from -2.24 to 1.68" in moved(demo, scale=0.56) and "from -1.12 to 0.84" in moved(demo)
    assert "from -1.96 to 0.00" in moved(demo, zero_point=3)
    assert "= 0.00, an error of 0.000" in moved(demo, zero_point=3, x=0.0)
    assert "= 1.12, an error of 1.120" in moved(demo, zero_point=-8, x=0.0)


def test_what_the_lecture_says_of_clipping():
    demo = demos.clipping_ranges()

    def decibels(**values):
        """Activation affine and symmetric, weight affine and symmetric."""
        return [float(found) for found in re.findall(r"([\d.]+) dB", moved(demo, **values))]

    def lost(before, after):
        return [a - b for a, b in zip(before, after, strict=True)]

    used = [int(found) for found in re.findall(r"(\d+)% of codes", moved(demo))]
    assert min(used) == used[1] and used[3] > 90
    assert "Activation, symmetric: data from 1.00 to 3.54, represented range -3.54 to 3.54, 38% of codes" in moved(
        demo, bitwidth=3
    )  # 3 of 8: three bars
    at_70 = lost(decibels(), decibels(kept=70))
    assert max(at_70) == at_70[2] > 4
    assert max(lost(decibels(bitwidth=4), decibels(bitwidth=4, kept=60))) < -3, "all four gain"


def test_it_runs_from_top_to_bottom_and_each_demo_leaves_a_picture():
    notebook = nbformat.read(LABS / LECTURE / f"{LECTURE}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(LABS / LECTURE)}}).execute()
    for cell in notebook.cells:
        if cell.id in SHOWN:
            (shown,) = [output for output in cell.outputs if output.output_type == "execute_result"]
            assert base64.b64decode(shown.data["image/png"]).startswith(b"\x89PNG"), cell.id
            assert shown.data["text/plain"], cell.id
        for output in cell.get("outputs", []):
            assert output.output_type != "stream" or "IPKernelApp" in output.text, (cell.id, output)
