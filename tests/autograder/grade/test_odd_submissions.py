"""Odd things that honest students hand in: each costs what it has to, and nothing else."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest

from autograder.collect.sample_class import written_answers
from autograder.grade.job import Reseed
from autograder.grade.lab import GradedLab
from autograder.grade.limits import Limits
from qlab.cells import grade_id
from tests import loops
from tests.autograder.conftest import LAB

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("odd")]
LIMITS = Limits(question_seconds=2.0)
RIGHT = {a.question: a.source for a in written_answers(LAB) if a.right and a.name == "plain, filled blanks"} | {
    "q4": "size_in_int8_mb = 12.5",
    "q5": "M0, n = 0.8, 2",
}
FULL = {"q1-check": 15, "q2-check": 15, "q3-check": 20, "q4-check": 5, "q5-check": 10}


@pytest.fixture
def submit(released, tmp_path, grade_one):
    """Hand in a right notebook with changes, and what grading makes of it."""

    def graded(change=lambda notebook, folder: None, reseed=None, **answers):
        lab = GradedLab.of(LAB, released)
        notebook = nbformat.from_dict(json.loads(json.dumps(lab.released)))
        for cell in notebook.cells:
            cell.source = answers.get(grade_id(cell), RIGHT.get(grade_id(cell), cell.source))
        change(notebook, tmp_path)
        path = tmp_path / f"{LAB}.ipynb"
        path.write_text(json.dumps(notebook), "utf-8")  # nbformat would not write everything that is handed in
        done = grade_one("ada", path, lab, LIMITS, reseed=reseed)
        assert done.record.reason or len(done.record.cells) == 10, (
            "every graded cell is in the record, whatever happens"
        )
        marks = {cell: points for cell, points in done.record.marks().items() if points}
        notebook = done.notebook and nbformat.reads(done.notebook, as_version=4)
        return SimpleNamespace(marks=marks, record=done.record, notebook=notebook)

    return graded


def without(*cells):
    return {cell: points for cell, points in FULL.items() if cell not in cells}


def insert(source, place):
    def change(notebook, folder):
        at = next(number for number, cell in enumerate(notebook.cells) if grade_id(cell) == place)
        notebook.cells.insert(at, nbformat.v4.new_code_cell(source))

    return change


@pytest.mark.parametrize(
    "body", ["while True: pass", "import os; os._exit(1)"], ids=["endless loop", "the process ends"]
)
def test_an_earlier_answer_that_hangs_or_kills_costs_one_question(submit, body):
    done = submit(q1=f"def get_scale_and_zero_point(fp32_tensor, bitwidth=8):\n    {body}\n")
    assert done.marks == without("q1-check")


def test_a_loop_that_swallows_the_interrupt_costs_nothing_else(submit):
    loop = "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass"
    assert submit(insert(loop, "q2")).marks == FULL


def test_cells_that_end_the_process_are_left_out_one_by_one(submit):
    done = submit(insert("import os; os._exit(0)", "q3"))
    assert done.marks == FULL and any("ended the Python process" in remark for remark in done.record.remarks)


def test_a_helper_in_a_provided_cell_is_run(submit):
    def change(notebook, folder):
        cell = next(cell for cell in notebook.cells if cell.id == "staircase")
        cell.source += "\n\ndef my_round(x):\n    return torch.round(x)"

    assert submit(change, q3=RIGHT["q3"].replace("torch.round", "my_round")).marks == FULL


def test_a_file_submitted_beside_the_notebook_is_available(submit):
    def change(notebook, folder):
        (folder / "mine.py").write_text("def nearest(x):\n    return round(x)\n")
        (folder / "checks.py").write_text("raise SystemExit")
        (folder / "checks").mkdir()
        (folder / "checks" / "__init__.py").write_text("raise SystemExit")

    source = "from mine import nearest\n\n" + RIGHT["q1"].replace("round(", "nearest(")
    assert submit(change, q1=source).marks == FULL


def test_moved_cells_are_recorded_in_the_labs_order(submit):
    def change(notebook, folder):
        essays = [cell for cell in notebook.cells if grade_id(cell) in ("q6", "q7")]
        notebook.cells = essays + [cell for cell in notebook.cells if cell not in essays]

    done = submit(change)
    assert done.marks == FULL and [cell.question for cell in done.record.cells] == [
        "Q1", "Q2", "Q2b", "Q3", "Q3b", "Q4", "Q4", "Q5", "Q6", "Q7",
    ]  # fmt: skip


def test_stripped_metadata_and_ids_cost_no_points(submit):
    def change(notebook, folder):
        for cell in notebook.cells:
            cell.metadata = {}

    assert submit(change, q6="My essay.").marks == FULL


def without_names(notebook, folder=None):
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        cell.metadata = {}
        del cell["id"]


def test_answers_whose_cells_lost_their_names_are_found_by_their_text(submit):
    done = submit(without_names, q6="My essay.")
    assert done.marks == FULL and "train" not in done.record.seconds
    assert any("all cells had lost their names" in remark for remark in done.record.remarks)


def test_a_text_whose_cell_lost_its_name_waits_for_a_person(submit):
    done = submit(without_names, q6="My essay.")
    essays = {cell.cell: cell.points for cell in done.record.cells if cell.cell in ("q6", "q7")}
    assert essays == {"q6": None, "q7": None}, "never an ordinary 0"


def test_an_answer_that_is_not_found_without_names_is_no_ordinary_0(submit):
    def change(notebook, folder):
        without_names(notebook)
        answer = next(cell for cell in notebook.cells if "def linear_quantize" in cell.source)
        answer.source = answer.source.replace("def linear_quantize", "def quantize_linear")

    done = submit(change)
    assert not done.record.cells and "a person has to look for it" in done.record.reason and "q2" in done.record.reason


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_another_system_cost_nothing_and_change_no_cell(submit, end):
    def change(notebook, folder):
        for cell in notebook.cells:
            cell.source = cell.source.replace("\n", end)

    done = submit(change)
    assert done.marks == FULL and not done.record.remarks and "train" not in done.record.seconds


def test_what_a_student_chose_is_cut_and_has_no_control_characters(submit):
    escapes = "\x1b]0;title\x07\x1b[2J\u202e"

    def change(notebook, folder):
        notebook.metadata["qlab"]["release"] = "A" * 1_000_000
        cell = nbformat.v4.new_code_cell(f"raise ValueError({escapes!r} + 'text')")
        own = [nbformat.from_dict({**cell, "id": f"{escapes}{number}"}) for number in range(50)]
        notebook.cells += own

    record = submit(change).record
    text = record.text().replace("\n", "")
    assert len(text) < 60_000 and text.isprintable() and "\\u" not in text
    assert len(record.remarks) == 21 and record.remarks[-1].startswith("and ") and "text" in record.remarks[5]


def test_changed_answers_get_another_seed_and_nothing_else_does(submit):
    first = submit().record
    again = submit(insert("own = 1", "q2"), reseed=Reseed(first.answers, 99)).record
    assert again.seed == first.seed and again.answers == first.answers
    changed = submit(q1=RIGHT["q1"] + "\n# another try", reseed=Reseed(first.answers, 99)).record
    assert changed.seed == 99 and changed.answers != first.answers


def spin(*_):
    while True:
        pass


@pytest.mark.parametrize(
    ("judging", "says"),
    [(spin, "judging it took more than 0.3 seconds"), (lambda *_: bytearray(4 << 30), "more than 512 MB of memory")],
)
def test_what_the_judge_cannot_do_within_its_limits_has_no_mark_and_stops_nobody(submit, monkeypatch, judging, says):
    limits = replace(LIMITS, judge_seconds=0.3, judge_memory=512 << 20)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[__name__], "LIMITS", limits)
        patch.setattr("autograder.grade.worker.grade_submission", judging)
        record = submit().record
    assert says in record.reason and record.sha256, "it is not tried again at each run"
    assert submit().marks == FULL


def test_a_replay_of_a_notebook_without_ids_is_the_same(submit):
    def change(notebook, folder):
        notebook.nbformat_minor = 4
        for cell in notebook.cells:
            del cell["id"]

    first, again = submit(change), submit(change)
    assert first.marks == FULL
    assert (first.record.remarks, list(first.record.seconds)) == (again.record.remarks, list(again.record.seconds))
    assert "train" not in first.record.seconds


def test_a_flood_of_output_is_cut(submit):
    done = submit(insert("print('x' * 1_000_000)", "q2"))
    assert done.marks == FULL and len(nbformat.writes(done.notebook)) < 300_000


def test_grading_runs_the_hidden_cases(submit):
    flat = RIGHT["q2"].replace(
        "    return ", "    if fp32_tensor.dim() == 3:\n        q_tensor = q_tensor.flatten()\n    return "
    )
    assert flat != RIGHT["q2"]
    done = submit(q2=flat)
    assert done.marks == FULL | {"q2-check": 5}
    outcome = next(cell.outcome for cell in done.record.cells if cell.cell == "q2-check")
    assert "hidden case “a tensor of three dimensions”" in outcome.fails[0]


def test_the_seed_of_the_random_cases_cannot_be_found(submit):
    done = submit(insert("import os\nprint('seed', os.environ.get('QLAB_SEED'))", "q1"))
    printed = [output.text for cell in done.notebook.cells for output in cell.get("outputs", []) if "text" in output]
    assert "seed None\n" in printed and done.record.seed == 1


def test_an_essay_in_a_new_cell_below_the_stub_counts(submit):
    def change(notebook, folder):
        at = next(number for number, cell in enumerate(notebook.cells) if grade_id(cell) == "q6")
        notebook.cells.insert(at + 1, nbformat.v4.new_markdown_cell("My essay."))

    done = submit(change)
    assert done.record.marks()["q6"] is None and done.record.marks()["q7"] == 0


def test_a_picture_in_an_essay_reaches_the_grader(submit):
    def change(notebook, folder):
        essay = next(cell for cell in notebook.cells if grade_id(cell) == "q6")
        essay.source = "![mine](attachment:a.png)"
        essay.attachments = {"a.png": {"image/png": "aGk="}}

    essay = next(cell for cell in submit(change).notebook.cells if grade_id(cell) == "q6")
    assert essay.attachments == {"a.png": {"image/png": "aGk="}}


def test_grading_works_inside_a_running_event_loop(submit):
    # A notebook has one, and so has a test process in which Playwright once ran.
    async def in_a_loop():
        return submit()

    assert loops.run(in_a_loop()).marks == FULL
