"""What every lab has to hold, whoever wrote it."""

import ast
import importlib
import itertools
import json
import os
import sys
import tomllib
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import nbformat
import pytest
import torch

import qlab
from autograder.course_folder.layout import LABS, SOLUTIONS, Course, lab_names
from autograder.release.build import read_source, release
from autograder.collect.sample_class import WrittenAnswer, written_answers
from qlab.check import Outcome, Question
from qlab.check.answer import LocalAnswer
from qlab.check.forbidden_calls import find
from qlab.notebook import grade_id, is_answer, is_test
from tests.labs import mistakes
from tests.labs.loading import checks_of, questions

LAB_NAMES = lab_names()
every_lab = pytest.mark.parametrize("lab", LAB_NAMES)
SEEDS = range(12)
SWEPT = int(os.environ.get("QLAB_SEEDS", "10"))  # seeds at which marks are compared; 1000 after a change to cases
ANSWERED = (0, 5, 6) if "QLAB_SEEDS" in os.environ else (0, 5)  # of those at which the answers on file are marked


@cache
def sources(lab: str) -> dict[str, str]:
    """The cells of a lab's source, by grade_id."""
    return {grade_id(cell): cell.source for cell in read_source(SOLUTIONS / lab).cells}


def run_test_cell(lab: str, question: str, names: dict[str, Any]) -> Outcome:
    """What a lab's test cell, hidden cases included, says of the answers in `names`."""
    checks_of(lab)
    *statements, last = ast.parse(sources(lab)[f"{question}-check"]).body
    exec(compile(ast.Module(statements, []), "check", "exec"), names)
    outcome = eval(compile(ast.Expression(last.value), "check", "eval"), names)
    assert isinstance(outcome, Outcome)
    return outcome


def check_written(lab: str, answer: WrittenAnswer, earlier: dict[str, Any] | None = None) -> Outcome:
    """A written answer as a student's: its cell is run with the reference's other functions, or others, around it."""
    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "qlab": qlab}
    names |= {q.names[0]: q.provided for q in questions(lab) if q.provided is not None}
    names |= earlier or {}
    exec(compile(answer.source, f"{answer.question}: {answer.name}", "exec"), names)
    return run_test_cell(lab, answer.question, names)


# The release ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Every lab released into a course of its own."""
    course = Course.at(tmp_path_factory.mktemp("course"))
    for lab in LAB_NAMES:
        release(lab, course, labs=None)
    return course


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }


@pytest.mark.xdist_group("release")
@every_lab
def test_labs_are_what_the_solutions_make(built, lab):
    made, committed = files_in(built.release(lab)), files_in(LABS / lab)
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == [], "run make release and commit labs/"


@pytest.mark.xdist_group("release")
@every_lab
def test_nothing_leaks_into_the_release(built, lab):
    source = read_source(SOLUTIONS / lab)
    secrets = [line.strip() for cell in source.cells for line in hidden_lines(cell.source)]
    assert len(secrets) > 20
    released = nbformat.read(built.release(lab) / f"{lab}.ipynb", as_version=4)
    given = {line.strip() for cell in source.cells for line in given_lines(cell.source)}
    text = {line.strip() for cell in released.cells for line in cell.source.splitlines()}
    assert [line for line in secrets if line in text - given] == []
    content = b"".join(files_in(built.release(lab)).values()).decode("utf-8", "ignore")
    for word in ("BEGIN SOLUTION", "HIDDEN", "QLAB_SEED"):
        assert word not in content
    assert not [
        name for name in files_in(built.release(lab)) if "sample" in name or "results" in name or "hidden" in name
    ]


def hidden_lines(source: str) -> list[str]:
    """The lines between delimiters that are long enough to give anything away, stubs left out."""
    found, inside = [], False
    for line in source.splitlines():
        if "### BEGIN" in line or "### END" in line:
            inside = "### BEGIN" in line
        elif inside and len(line.strip()) > 3 and not line.strip().startswith("#|"):
            found.append(line)
    return found


def given_lines(source: str) -> list[str]:
    secrets = set(hidden_lines(source))
    return [line for line in source.splitlines() if line not in secrets] + [
        line.strip().removeprefix("#|").strip() for line in source.splitlines() if line.strip().startswith("#|")
    ]


@every_lab
def test_sources_hold_no_outputs(lab):
    for path in (SOLUTIONS / lab).rglob("*.ipynb"):
        assert all(not cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells), path
    notebook = nbformat.read(LABS / lab / f"{lab}.ipynb", as_version=4)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)


@every_lab
def test_the_notebook_is_stamped_named_and_valid(lab):
    notebook = nbformat.read(LABS / lab / f"{lab}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.qlab.lab == lab and len(notebook.metadata.qlab.release) == 12
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids) and not [i for i in ids if i.startswith("cell-")], (
        "name each cell with id= or a grade_id"
    )
    assert all(cell.id == grade_id(cell) for cell in notebook.cells if grade_id(cell))


@every_lab
def test_the_lab_has_100_points_and_its_checks_have_theirs(lab):
    cells = [cell for cell in read_source(SOLUTIONS / lab).cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(cell.metadata.nbgrader.points for cell in cells) == 100
    points = {grade_id(cell): cell.metadata.nbgrader.points for cell in cells if is_test(cell)}
    assert points == {f"{q.id.lower()}-check": q.points for q in questions(lab)}
    by_hand = sum(cell.metadata.nbgrader.points for cell in cells if is_answer(cell))
    assert checks_of(lab).lab.by_hand == by_hand


@every_lab
def test_a_check_stands_right_below_its_answer(lab):
    cells = read_source(SOLUTIONS / lab).cells
    for above, cell in itertools.pairwise(cells):
        if is_test(cell):
            assert grade_id(cell) == f"{grade_id(above)}-check"


@every_lab
def test_every_exercise_has_a_rating_and_three_hints(lab):
    cells = read_source(SOLUTIONS / lab).cells
    for question in questions(lab):
        text = next(c.source for c in cells if c.cell_type == "markdown" and f"### {question.id} ·" in c.source)
        assert "difficulty" in text and "importance" in text and "minutes" in text, question.id
        assert text.count("<details><summary>Hint") == 3, question.id


# The questions --------------------------------------------------------------------------------------------------------


@every_lab
def test_at_least_five_named_mistakes_a_question_each_with_a_next_step(lab):
    for question in questions(lab):
        assert len({mistake.name for mistake in question.mistakes}) >= 5, question.id
        assert all(len(mistake.next) > 15 for mistake in question.mistakes)


def with_hidden(lab: str) -> list[Question]:
    """The questions with their hidden cases."""
    found = questions(lab)
    sources = {grade_id(cell): cell.source for cell in read_source(SOLUTIONS / lab).cells}
    for question in found:
        setup = ast.parse(sources[f"{question.id.lower()}-check"]).body[:-1]
        exec(compile(ast.Module(setup, []), "check", "exec"), {})
    return found


@every_lab
def test_provided_functions_are_found_by_name_and_need_no_checks(lab, monkeypatch):
    # A student's process imports them, and there are no checks in it.
    names = {question.id: question.provided_name for question in questions(lab) if question.provided is not None}
    monkeypatch.syspath_prepend(str(SOLUTIONS / lab))
    monkeypatch.delitem(sys.modules, "provided", raising=False)
    monkeypatch.setitem(sys.modules, "checks", None)
    for question, name in names.items():
        assert find(name) is not None, (question, name)
        module = name.split(":")[0]
        assert module == "provided" or module.startswith("qlab."), (question, name)


@every_lab
def test_what_is_off_limits_exists_and_raises_in_an_answer(lab):
    for question in questions(lab):
        assert bool(question.forbidden) == isinstance(question.answer, str), question.id
        for name in question.forbidden:
            found = find(name)
            assert found is not None, (question.id, name)
            if isinstance(found[2], FunctionType):  # torch's own look at their arguments first
                returned = LocalAnswer(found[2], ("x",), question.forbidden).call(())
                assert returned.error_name == "AskedForError", (question.id, name, returned)


def from_steps(question: Question, steps: dict[str, Any]) -> Any:
    return lambda *arguments: question.reference(*arguments, **steps)


@every_lab
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 99))])
def test_each_mistake_loses_marks_and_is_called_by_its_name(lab, seed):
    for question in with_hidden(lab):
        cases = [*question.cases, *question._hidden]
        for mistake in question.mistakes:
            outcome = question.outcome(LocalAnswer(from_steps(question, mistake.steps), ("x",)), cases, seed)
            assert outcome.points < outcome.out_of or not outcome.out_of, (question.id, mistake.name)
            assert outcome.mistakes == (mistake.name,), (question.id, mistake.name)


@every_lab
@pytest.mark.slow
def test_a_mistake_costs_the_same_at_every_seed(lab, monkeypatch):
    # Two gradings of one submission differed: in 1 of 300 draws a case meant to stay inside the range did not.
    monkeypatch.setattr("qlab.check.question.diagnose", lambda *_: None)
    for question in with_hidden(lab):
        cases = [*question.cases, *question._hidden]
        for mistake in question.mistakes:
            answer = LocalAnswer(from_steps(question, mistake.steps), ("x",))
            points = {question.outcome(answer, cases, seed).points for seed in range(1000, 1000 + SWEPT)}
            assert len(points) == 1, (question.id, mistake.name, points)


@every_lab
@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 1)) for seed in SEEDS])
def test_references_and_provided_functions_are_right_at_every_seed(lab, seed):
    for question in with_hidden(lab):
        cases = [*question.cases, *question._hidden]
        assert question.outcome(LocalAnswer(question.reference, ("x",)), cases, seed).right, question.id
        if question.provided is not None:
            assert question.outcome(LocalAnswer(question.provided, ("x",)), cases, seed).right, question.id


@every_lab
def test_constant_answers_earn_nothing(lab):
    for question in with_hidden(lab):
        if not question.cases[0].arguments:
            continue
        cases = [*question.cases, *question._hidden]
        for case in cases:
            value = tuple(between.high for between in question.faults.expected(case, case.inputs(0)))
            constant = LocalAnswer(lambda *_, value=value: value if len(value) > 1 else value[0], ("x",))
            assert question.outcome(constant, cases, 0).points == 0, (question.id, case.name)


@every_lab
def test_stubs_earn_nothing_and_their_blanks_are_counted(lab):
    notebook = nbformat.read(LABS / lab / f"{lab}.ipynb", as_version=4)
    stubs = {grade_id(cell): cell.source for cell in notebook.cells if is_answer(cell) and cell.cell_type == "code"}
    from qlab.check.answer import count_blanks

    assert stubs and all(count_blanks(source) for source in stubs.values())


@every_lab
def test_a_stub_is_the_answer_with_blanks_in_it(lab):
    # A cell with two regions once got the lines of both in each.
    notebook = nbformat.read(LABS / lab / f"{lab}.ipynb", as_version=4)
    stubs = {grade_id(cell): cell.source for cell in notebook.cells if is_answer(cell) and cell.cell_type == "code"}
    for cell in read_source(SOLUTIONS / lab).cells:
        if grade_id(cell) in stubs:
            given = [
                line.strip().removeprefix("#|").strip()
                for line in cell.source.splitlines()
                if not hidden_from_stub(line, cell.source)
            ]
            assert [line.strip() for line in stubs[grade_id(cell)].splitlines()] == given, grade_id(cell)


def hidden_from_stub(line: str, source: str) -> bool:
    """Whether a line of an answer is a delimiter or stands in a solution region without being its stub."""
    return "### " in line or (line in hidden_lines(source) and not line.strip().startswith("#|"))


# Answers on file ------------------------------------------------------------------------------------------------------


def named(lab: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((SOLUTIONS / lab / "samples" / "answers" / "named.toml").read_text("utf-8"))


WRITTEN = [(lab, answer) for lab in LAB_NAMES for answer in written_answers(lab)]


def on_file(*, right: bool) -> list[Any]:
    """Answers with their labs; `make check` looks at the first lab's."""
    pairs = [pair for pair in WRITTEN if pair[1].right == right]
    return [pytest.param(*pair, marks=[pytest.mark.slow] * (pair[0] != LAB_NAMES[0])) for pair in pairs]


def label(value: Any) -> str:
    return f"{value.question}: {value.name}" if isinstance(value, WrittenAnswer) else str(value)


@pytest.mark.parametrize(("lab", "answer"), on_file(right=True), ids=label)
def test_right_answers_on_file_get_full_marks(lab, answer):
    outcome = check_written(lab, answer)
    assert outcome.right and outcome.points == outcome.out_of, repr(outcome)


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("an earlier answer is called where its stand-in should be")


@every_lab
@pytest.mark.slow
def test_right_answers_are_right_with_stand_ins_whose_functions_may_be_off_limits(lab):
    calling = 0
    for answer in (answer for answer in written_answers(lab) if answer.right):
        uses = {name for q in questions(lab) if q.id.lower() == answer.question for name in q.uses}
        outcome = check_written(lab, answer, dict.fromkeys(uses, never))
        assert outcome.right, (answer.question, answer.name, repr(outcome))
        assert bool(uses) == any("with the reference in place" in remark for remark in outcome.remarks)
        calling += any(f"{name}(" in answer.source for name in uses)
    assert calling >= 3


@pytest.mark.parametrize(("lab", "answer"), on_file(right=False), ids=label)
def test_wrong_answers_on_file_lose_marks_and_are_named_as_reviewed(lab, answer):
    outcome = check_written(lab, answer)
    assert not outcome.right and (outcome.points < outcome.out_of or not outcome.out_of)
    assert outcome.next
    assert outcome.mistakes == tuple(filter(None, named(lab)[answer.question][answer.name].split(" + ")))


@pytest.mark.slow
@every_lab
def test_answers_on_file_are_marked_and_named_alike_at_every_seed(lab, monkeypatch):
    for answer in written_answers(lab):
        found = set()
        for seed in ANSWERED:
            monkeypatch.setenv("QLAB_SEED", str(seed))
            outcome = check_written(lab, answer)
            found.add((outcome.points, outcome.mistakes))
        assert len(found) == 1, (answer.question, answer.name, found)


@every_lab
def test_enough_answers_are_on_file_and_most_wrong_ones_are_named(lab):
    answers = written_answers(lab)
    for question in questions(lab):
        mine = [answer for answer in answers if answer.question == question.id.lower()]
        assert sum(answer.right for answer in mine) >= 3 and sum(not answer.right for answer in mine) >= 5
    names = [name for table in named(lab).values() for name in table.values()]
    share = sum(bool(name) for name in names) / len(names)
    print(f"{lab}: {len(names)} wrong answers on file, {share:.0%} named")
    assert share >= 0.85


@every_lab
def test_results_are_measured_numbers(lab):
    results = json.loads((SOLUTIONS / lab / "results.json").read_text("utf-8"))
    assert all(isinstance(row["seeds"], int) and row["seconds"] for row in results.values())


def test_the_page_of_mistakes_is_up_to_date():
    assert mistakes.PAGE.read_text("utf-8") == mistakes.page(), "run python -m tests.labs.mistakes"
