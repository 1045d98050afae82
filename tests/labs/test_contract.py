"""What every lab has to hold, whoever wrote it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import nbformat
import pytest

from autograder.collect.sample_class import names_in, written_answers
from autograder.course_folder.layout import LABS, REPOSITORY, SOLUTIONS, Course, lab_names
from autograder.release.build import read_source, release
from autograder.release.lint import answers, cells, numbers, texts
from autograder.release.lint.lab_source import opened
from autograder.release.lint.questions import constant_lacks, made, mistake_lacks, reference_lacks
from qlab.cells import grade_id, is_answer
from qlab.check import Outcome, Question
from qlab.check.answer import LocalAnswer
from qlab.check.forbidden_calls import find
from qlab.check.question import SEED_VARIABLE
from tests.labs import mistakes, on_file
from tests.labs.loading import checks_of, questions

LAB_NAMES = lab_names()
every_lab = pytest.mark.parametrize("lab", LAB_NAMES)
SEEDS = range(12)
SWEPT = int(os.environ.get("QLAB_SEEDS", "4"))  # seeds at which marks are compared; 1000 after a change to cases
ANSWERED = (0, 2000, 5) if "QLAB_SEEDS" in os.environ else (0, 2000)  # at which the answers on file are named


# What lint says of a bundled lab that is true: the text does not name the notebook that it quotes.
KNOWN = {
    "lab1_linear_quantization": [
        "compare-answer: no source for 83.9 %, 0.000875: take it from results.json, name the source, or end the "
        "paragraph with <!-- given: why --> or <!-- computed: cell -->."
    ]
}


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
@pytest.mark.slow
def test_labs_are_what_the_solutions_make(built, lab):
    made, committed = files_in(built.release(lab)), files_in(LABS / lab)
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == [], "run make release and commit labs/"


@pytest.mark.xdist_group("release")
@every_lab
@pytest.mark.slow
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


def test_a_file_that_moves_makes_another_release(tmp_path):
    stamps = []
    for place in ("provided.py", "checks/provided.py"):
        folder = tmp_path / place.replace("/", " ") / LAB_NAMES[0]
        shutil.copytree(SOLUTIONS / LAB_NAMES[0], folder)
        (folder / place).write_text("")
        stamps += [read_source(folder).metadata.qlab.release for _ in range(2)]
    assert stamps[0] == stamps[1] != stamps[2] == stamps[3]


@every_lab
def test_the_checks_of_a_lab_have_a_file_for_each_question(lab):
    module = checks_of(lab)
    asked = {question.id.lower(): question for question in module.lab.questions}
    files = {path.stem for path in (SOLUTIONS / lab / "checks").glob("q*.py")}
    assert files == asked.keys()
    for name, question in asked.items():
        assert getattr(module, name) is question, "from checks import q1 gives the question, not its module"
        assert sys.modules[f"checks.{name}"].__doc__.startswith(question.id)


@pytest.mark.slow
def test_the_types_of_all_checks_hold():
    # mypy knows each lab's package, all of them called checks, by the lab's name.
    folders = [str(SOLUTIONS / lab / "checks") for lab in LAB_NAMES]
    done = subprocess.run([sys.executable, "-m", "mypy", *folders], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@every_lab
def test_the_lab_has_100_points(lab):
    graded = [cell for cell in read_source(SOLUTIONS / lab).cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(cell.metadata.nbgrader.points for cell in graded) == 100


@every_lab
def test_its_cells_and_texts_lack_nothing(lab):
    with opened(SOLUTIONS / lab) as source:
        assert [*cells.lacks(source), *texts.lacks(source)] == []


@every_lab
def test_its_text_says_where_numbers_come_from(lab):
    with opened(SOLUTIONS / lab) as source:
        assert list(numbers.lacks(source)) == KNOWN.get(lab, [])


# The questions --------------------------------------------------------------------------------------------------------


@every_lab
def test_at_least_five_named_mistakes_a_question(lab):
    for question in questions(lab):
        assert len({mistake.name for mistake in question.mistakes}) >= 5, question.id


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
                assert returned.error_name == "ForbiddenCallError", (question.id, name, returned)


def from_steps(question: Question, steps: dict[str, Any]) -> Any:
    return lambda *arguments: question.reference(*arguments, **steps)


@pytest.mark.parametrize("lab", [LAB_NAMES[0], *(pytest.param(lab, marks=pytest.mark.slow) for lab in LAB_NAMES[1:])])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 99))])
def test_each_mistake_loses_marks_and_is_called_by_its_name(lab, seed):
    with opened(SOLUTIONS / lab) as source:
        for question in source.questions:
            assert list(mistake_lacks(question, source.cases(question), seed)) == []


@every_lab
@pytest.mark.slow
def test_a_mistake_costs_the_same_at_every_seed(lab, monkeypatch):
    # Two gradings of one submission differed: in 1 of 300 draws a case meant to stay inside the range did not.
    monkeypatch.setattr("qlab.check.question.diagnose", lambda *_: None)
    with opened(SOLUTIONS / lab) as source:
        for question in source.questions:
            cases = source.cases(question)
            points: dict[str, set[float]] = {mistake.name: set() for mistake in question.mistakes}
            for seed in range(1000, 1000 + SWEPT):  # outside: what the reference returns is cached for one seed
                for mistake in question.mistakes:
                    answer = LocalAnswer(made(question, mistake), ("x",))
                    points[mistake.name].add(question.outcome(answer, cases, seed).points)
            assert all(len(different) == 1 for different in points.values()), (question.id, points)


@every_lab
@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 1)) for seed in SEEDS])
def test_references_and_provided_functions_are_right_at_every_seed(lab, seed):
    with opened(SOLUTIONS / lab) as source:
        for question in source.questions:
            assert list(reference_lacks(question, source.cases(question), seed)) == []


@every_lab
def test_constant_answers_earn_nothing(lab, monkeypatch):
    monkeypatch.setattr("qlab.check.question.diagnose", lambda *_: None)  # points are asked for here, not names
    with opened(SOLUTIONS / lab) as source:
        for question in source.questions:
            assert list(constant_lacks(question, source.cases(question))) == []


@every_lab
def test_stubs_earn_nothing_and_their_blanks_are_counted(lab):
    notebook = nbformat.read(LABS / lab / f"{lab}.ipynb", as_version=4)
    stubs = {grade_id(cell): cell.source for cell in notebook.cells if is_answer(cell) and cell.cell_type == "code"}
    from qlab.cells import count_blanks

    # An open exercise has no blanks: its stub says that it is not written yet.
    unwritten = {name: count_blanks(source) or "NotImplementedError" in source for name, source in stubs.items()}
    assert unwritten and all(unwritten.values()), unwritten


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


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("an earlier answer is called where its stand-in should be")


@every_lab
@pytest.mark.slow
def test_right_answers_are_right_with_stand_ins_whose_functions_may_be_off_limits(lab):
    calling = 0
    with opened(SOLUTIONS / lab) as source:
        for answer in (answer for answer in source.answers if answer.right):
            uses = {name for q in source.questions if q.id.lower() == answer.question for name in q.uses}
            outcome = answers.check_written(source, answer, dict.fromkeys(uses, never))
            assert outcome.right, (answer.question, answer.name, repr(outcome))
            assert bool(uses) == any("with the reference in place" in remark for remark in outcome.remarks)
            calling += any(f"{name}(" in answer.source for name in uses)
    assert calling >= 3


@on_file.every_lab
def test_answers_on_file_are_marked_and_named_as_they_should(lab, monkeypatch):
    outcomes = on_file.outcomes(lab, ANSWERED[0])
    with opened(SOLUTIONS / lab) as source:
        monkeypatch.setattr(answers, "check_written", lambda _, answer: outcomes[answer.question, answer.name])
        assert list(answers.lacks(source)) == []


@on_file.every_lab
@pytest.mark.slow
def test_answers_on_file_are_marked_and_named_alike_at_every_seed(lab):
    first, *others = (on_file.outcomes(lab, seed) for seed in ANSWERED)
    for other in others:
        assert [name for name in first if said(first[name]) != said(other[name])] == []


def said(outcome: Outcome | None) -> tuple[float, list[str]] | None:
    return outcome and (outcome.points, list(outcome.mistakes))


@on_file.every_lab
@pytest.mark.slow
def test_answers_on_file_get_the_same_points_at_every_seed(lab, monkeypatch):
    # So that neither luck nor another try pays: at 100 seeds with QLAB_SEEDS=400, else at those of the test above.
    points = {answer: outcome.points for answer, outcome in on_file.outcomes(lab, ANSWERED[0]).items() if outcome}
    monkeypatch.setattr("qlab.check.question.diagnose", lambda *_: None)
    with opened(SOLUTIONS / lab) as source:
        for seed in range(2000, 2000 + SWEPT // 4):
            if seed in ANSWERED:
                continue
            monkeypatch.setenv(SEED_VARIABLE, str(seed))
            for answer in source.answers:
                outcome = answers.check_written(source, answer)
                assert outcome is not None
                assert outcome.points == points[answer.question, answer.name], (answer.question, answer.name, seed)


@every_lab
def test_enough_answers_are_on_file_and_most_wrong_ones_are_named(lab):
    on_file = written_answers(lab)
    for question in questions(lab):
        mine = [answer for answer in on_file if answer.question == question.id.lower()]
        assert sum(answer.right for answer in mine) >= 3 and sum(not answer.right for answer in mine) >= 5
    names = [name for table in names_in(SOLUTIONS / lab).values() for name in table.values()]
    share = sum(bool(name) for name in names) / len(names)
    print(f"{lab}: {len(names)} wrong answers on file, {share:.0%} named")
    assert share >= 0.85


@every_lab
def test_results_are_measured_numbers(lab):
    results = json.loads((SOLUTIONS / lab / "results.json").read_text("utf-8"))
    assert all(isinstance(row["seeds"], int) and row["seconds"] for row in results.values())


def test_the_page_of_mistakes_is_up_to_date():
    assert mistakes.PAGE.read_text("utf-8") == mistakes.page(), "run python -m tests.labs.mistakes"
