import json
import time

import nbformat
import pytest

from qlab.cells import grade_id
from qlab.notebook import NotebookError, read, repair


def cell(kind, source, name="", *, grade=False, solution=False, id="", points=None):
    new = getattr(nbformat.v4, f"new_{kind}_cell")(source)
    if id or name:
        new.id = id or name
    if name:
        new.metadata.nbgrader = {
            "grade": grade,
            "solution": solution,
            "grade_id": name,
            "locked": not solution,
            "schema_version": 3,
        }
        if points is not None:
            new.metadata.nbgrader["points"] = points
    return new


@pytest.fixture
def lab():
    return nbformat.v4.new_notebook(
        cells=[
            cell("markdown", "# Lab", id="title"),
            cell("code", "import math", id="setup"),
            cell("code", "x = __", "q1", solution=True),
            cell("code", "check(x)", "q1-check", grade=True, points=3),
            cell("code", "y = __", "q2", solution=True),
            cell("code", "check(y)", "q2-check", grade=True, points=4),
            cell("markdown", "essay", "q3", grade=True, solution=True, points=5),
        ],
        metadata={"qlab": {"release": "abc"}},
    )


def copy(notebook):
    return nbformat.from_dict(json.loads(json.dumps(notebook)))


def names(notebook):
    return [grade_id(c) or c.id for c in notebook.cells]


@pytest.fixture
def whole(lab):
    return ["title", "setup", "q1", "q1-check", "q2", "q2-check", "q3"]


def saved(tmp_path, content):
    path = tmp_path / "n.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_a_byte_order_mark_is_removed(tmp_path, lab):
    notebook, remarks = read(saved(tmp_path, b"\xef\xbb\xbf" + nbformat.writes(lab).encode()))
    assert len(notebook.cells) == 7 and "byte-order mark" in remarks[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b'{"cells": [{"cell_type": "code", "sour', "ends in the middle"),
        (b'{"cells": [}, "x": 1, "y": 2, "z": 3}', "damaged in line 1"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"[1, 2]", "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
        (b'{"cells": []}', "no cells"),
        (b'{"cells": [1, null, {"cell_type": "party"}], "nbformat": 4}', "no cells"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path, content, says):
    with pytest.raises(NotebookError, match=says):
        read(saved(tmp_path, content))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(NotebookError, match="cannot be opened"):
        read(tmp_path / "nothing.ipynb")


def test_old_formats_missing_ids_and_odd_metadata_are_mended(tmp_path):
    old = {
        "nbformat": 4,
        "nbformat_minor": 1,
        "metadata": [],
        "cells": [
            {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "metadata": None},
            {"cell_type": "markdown", "source": "\ud800"},
        ],
    }
    notebook, _ = read(saved(tmp_path, old))
    assert notebook.cells[0].source == "a = 1\nb = 2" and notebook.cells[1].source == "?"
    nbformat.validate(notebook)


def test_format_3_is_converted(tmp_path):
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [{"cells": [{"cell_type": "code", "input": "a = 1", "language": "python", "outputs": []}]}],
    }
    notebook, remarks = read(saved(tmp_path, old))
    assert notebook.cells[0].source == "a = 1" and "format 3" in remarks[0]


def test_an_untouched_notebook_stays_as_it_is(lab, whole):
    mended = repair(copy(lab), lab)
    assert names(mended.notebook) == whole and mended.remarks == ()


def test_deleted_cells_come_back_in_their_places(lab, whole):
    for gone in ("setup", "q1", "q1-check", "q2-check", "q3"):
        student = copy(lab)
        student.cells = [c for c in student.cells if (grade_id(c) or c.id) != gone]
        mended = repair(student, lab)
        assert names(mended.notebook) == whole and gone in mended.remarks[0]


def test_test_cells_and_points_are_the_labs_own(lab):
    student = copy(lab)
    check = student.cells[3]
    check.source, check.metadata.nbgrader["points"], check.metadata["tags"] = "print(3)", 99, ["skip-execution"]
    mended = repair(student, lab).notebook.cells[3]
    assert mended.source == "check(x)" and mended.metadata.nbgrader["points"] == 3 and "tags" not in mended.metadata


def test_a_copied_answer_stays_and_the_one_worked_on_counts(lab):
    student = copy(lab)
    worked_on = copy(student).cells[2]
    worked_on.source = "x = 3"
    student.cells.insert(2, worked_on)
    mended = repair(student, lab)
    assert [c.source for c in mended.notebook.cells if grade_id(c) == "q1"] == ["x = 3"]
    assert "x = __" in [c.source for c in mended.notebook.cells] and "twice" in mended.remarks[0]
    nbformat.validate(mended.notebook)


def test_a_check_above_its_answer_moves_below_it(lab):
    student = copy(lab)
    student.cells[2], student.cells[3] = student.cells[3], student.cells[2]
    mended = repair(student, lab)
    order = names(mended.notebook)
    assert order.index("q1-check") == order.index("q1") + 1 and "moved below" in mended.remarks[0]


def test_a_students_own_cells_stay_where_they_are(lab):
    student = copy(lab)
    student.cells.insert(3, nbformat.v4.new_code_cell("helper = 1"))
    assert repair(student, lab).notebook.cells[3].source == "helper = 1"


def test_answers_keep_their_text_whatever_the_cell_became(lab):
    student = copy(lab)
    student.cells[2] = cell("markdown", "x = 5", "q1", solution=True)
    mended = repair(student, lab).notebook.cells[2]
    assert (mended.cell_type, mended.source) == ("code", "x = 5")


def test_a_notebook_of_too_many_cells_is_refused(tmp_path):
    cells = [{"cell_type": "markdown", "source": ""}] * 10_001
    with pytest.raises(NotebookError, match="10,001 cells, and 10,000 are the most"):
        read(saved(tmp_path, {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


def test_repair_takes_a_moment_for_the_largest_notebook(lab):
    notebook = copy(lab)
    copies = [cell("code", f"x = {number}", "q1", solution=True, id=f"own{number}") for number in range(9_900)]
    notebook.cells += copies
    started = time.process_time()
    repaired = repair(notebook, lab)
    assert time.process_time() - started < 5
    assert sum(grade_id(c) == "q1" for c in repaired.notebook.cells) == 1


def test_line_ends_of_another_system_are_no_change(tmp_path, lab):
    notebook = copy(lab)
    for one in notebook.cells:
        one.source = one.source.replace("\n", "\r\n") + "\r\n"
    assert all("\r" not in one.source for one in read(saved(tmp_path, notebook))[0].cells)
