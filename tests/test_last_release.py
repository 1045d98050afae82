"""Labs of the release before the modules moved into rooms: what people typed then still does what it did."""

import ast
import importlib
import itertools
import json
import os
import pkgutil
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

import jupytext
import nbformat
import pytest
import torch
from nbclient import NotebookClient
from traitlets.config.loader import PyFileConfigLoader

import qlab
from qlab.check import Question
from qlab.check.forbidden_calls import forbid
from tests import warm
from tests.conftest import REPOSITORY, SANDBOXED
from tests.labs import fresh_interpreters
from tests.labs.last_release import Usage, modules, unpack, usages

NUMBERS = range(1, 8)
BOTH = ("fake_quantize", "qparams", "quantize", "requantize")  # functions of qlab, and modules of it then
OUTCOME = "application/vnd.qlab.outcome+json"  # how a saved notebook marks what a check said
# What others say on stderr: a kernel warns, and torchao logs the libraries of CUDA kernels that a CPU cannot load.
OTHERS = re.compile("IPKernelApp|site-packages/torchao/|torch/utils/_pytree")

every_lab = pytest.mark.parametrize("number", NUMBERS)
# The labs that are run and graded whole: the first, and one on PyTorch's own flows; all with QLAB_WHOLE_CLASS.
RUN = NUMBERS if "QLAB_WHOLE_CLASS" in os.environ else (1, 4)
some_labs = pytest.mark.parametrize("number", [pytest.param(number, marks=pytest.mark.slow) for number in RUN])


def about_names(test):
    """Marks a test of names: it starts interpreters that import qlab anew, and they share one worker."""
    return pytest.mark.slow(pytest.mark.xdist_group("names of the last release")(test))


@pytest.fixture(scope="module")
def then(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of that release."""
    return unpack(tmp_path_factory.mktemp("last_release"))


def name_of(number: int, then: Path) -> str:
    (folder,) = (then / "solutions").glob(f"lab{number}_*")
    return folder.name


# Names ----------------------------------------------------------------------------------------------------------------


Case = tuple[Sequence[str], Sequence[str]]  # statements, and the expressions to look at then


class Interpreters:
    """Gives cases an interpreter that has not imported qlab yet."""

    def __init__(self, tree: Path):
        self.tree = tree
        script = Path(fresh_interpreters.__file__).read_text("utf-8")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", script], cwd=tree, text=True, **pipes)

    def ask(self, *case: Sequence[str]) -> dict[str, Any]:
        """What each expression of a case is, and what raised an exception; no file was loaded twice."""
        (answer,) = self.ask_at_once([case])
        return answer

    def ask_at_once(self, cases: Sequence[Sequence[Sequence[str]]]) -> list[dict[str, Any]]:
        """The same for many cases, which share an interpreter; that is quicker."""
        sent = [{"statements": statements, "expressions": expressions} for statements, expressions in cases]
        print(json.dumps(sent), file=self.process.stdin, flush=True)
        answers: list[dict[str, Any]] = json.loads(self.process.stdout.readline())
        assert all(Path(answer["qlab"]).is_relative_to(self.tree) and not answer["twice"] for answer in answers)
        return answers


@pytest.fixture(scope="module")
def interpreters(then: Path) -> Iterator[tuple[Interpreters, Interpreters]]:
    """Interpreters with the qlab of then, and with today's."""
    if not hasattr(os, "fork"):
        pytest.skip("a fresh interpreter for each case takes fork")
    started = Interpreters(then), Interpreters(REPOSITORY)
    yield started
    for one in started:
        one.process.stdin.close()
        assert one.process.wait(30) == 0


@pytest.fixture(scope="module")
def named(then: Path) -> list[str]:
    """The modules that the labs named then."""
    return [name for name in modules(then) if name != "qlab"]


def function(name: str) -> str:
    """The expression for a function named "module:qualname"."""
    module, _, qualname = name.partition(":")
    return f"importlib.import_module({module!r}).{qualname}"


def fitting(before: list[list[str]] | None, after: list[list[str]] | None) -> bool:
    """Whether every call that was right before is right now, and means the same."""
    if before is None or after is None:
        return before == after
    positional = [name for name, kind, _ in before if kind.startswith("POSITIONAL")]
    added = [parameter for parameter in after if parameter[0] not in {name for name, *_ in before}]
    return (
        all(parameter in after for parameter in before)
        and [name for name, kind, _ in after if kind.startswith("POSITIONAL")][: len(positional)] == positional
        and all(default or kind.startswith("VAR") for _, kind, default in added)
    )


def stay_as_they_were(cases: list[Case], then: Interpreters, today: Interpreters) -> None:
    """Each name stands for the same kind of thing, is called alike, and is the very object that qlab uses."""
    for case, before in zip(cases, then.ask_at_once(cases), strict=True):
        after = today.ask(*case)
        assert (before["errors"], after["errors"]) == ([], [])
        for expression, was in before["values"].items():
            now = after["values"][expression]
            assert now["kind"] == was["kind"] and now["itself"], (expression, was, now)
            # A string names a function that answers may not call, so how it is called does not matter.
            called = not expression.startswith("importlib.")
            fits = fitting(was["parameters"], now["parameters"])
            assert fits or not called, (expression, was["parameters"], now["parameters"])


@about_names
@pytest.mark.slow
def test_every_name_that_its_labs_use_is_the_very_object_that_is_used_today(then, interpreters):
    used: dict[str, list[Usage]] = {}
    for usage in usages(then):
        used.setdefault("samples" if "/samples/" in usage.place else usage.place, []).append(usage)
    cases = {
        (
            tuple(dict.fromkeys(line for usage in together for line in usage.imports)),
            tuple(sorted({name for one in together for name in (*one.expressions, *map(function, one.functions))})),
        )
        for together in used.values()
    }
    stay_as_they_were(sorted(cases), *interpreters)
    assert len({name for _, names in cases for name in names}) > 250


@about_names
def test_every_public_name_of_then_is_public(then, interpreters):
    statements = ast.parse((then / "qlab" / "__init__.py").read_text("utf-8")).body
    (names,) = [ast.literal_eval(one.value) for one in statements if ast.unparse(one).startswith("__all__ = ")]
    assert len(names) > 20 and set(names) <= set(qlab.__all__)
    cases = [(["from qlab import *"], names), (["import qlab"], [f"qlab.{name}" for name in names])]
    stay_as_they_were(cases, *interpreters)


@about_names
def test_every_module_that_its_labs_name_is_imported_in_every_way(named, interpreters):
    assert len(named) > 40
    for name in named:
        package, _, module = name.rpartition(".")
        ways = [f"import {name}", f"import {name} as named", f"from {package} import {module}"]
        answer = interpreters[1].ask(ways, [f"sys.modules[{name!r}]", "named", module])
        assert answer["errors"] == [] and all(value["itself"] for value in answer["values"].values())
        loaded, named_so, imported = answer["values"].values()
        assert loaded["kind"] == "module" and named_so == imported, name
        assert imported["kind"] == ("function" if module in BOTH else "module")


@about_names
def test_modules_are_attributes_as_they_were_and_all_of_qlab_are_without_an_import(named, interpreters):
    packages = sorted({name.rpartition(".")[0] for name in named})
    before, after = (tree.ask([f"import {name}" for name in packages], named) for tree in interpreters)
    assert before["values"].keys() <= after["values"].keys()
    alone = interpreters[1].ask(["import qlab"], [name for name in named if name.count(".") == 1])
    assert [error.split(":")[0] for error in alone["errors"]] == ["qlab.cli"], "a command, not a room"


@about_names
def test_no_order_of_imports_makes_a_copy(named, interpreters):
    found = {name: importlib.import_module(name) for name in named}
    moved = {name: module for name, module in found.items() if name != module.__name__}
    within = [
        f"{name}.{one.name}"  # today's modules of a package that has moved, under its former name
        for name, package in moved.items()
        for one in pkgutil.iter_modules(getattr(package, "__path__", ()))
    ]
    assert len(moved) > 30 and len(within) >= 5
    statements = [
        *(f"import {name}" for name in (*named, *within, *(module.__name__ for module in moved.values()))),
        *(f"from {package} import {module}" for package, _, module in (name.rpartition(".") for name in named)),
    ]
    look = [*(f"sys.modules[{name!r}]" for name in named), *(f"qlab.{name}" for name in BOTH)]
    straight = interpreters[1].ask(["import qlab", *statements], look)
    assert straight["errors"] == [] and all(value["itself"] for value in straight["values"].values())
    for seed in range(6):
        random.Random(seed).shuffle(statements)
        assert interpreters[1].ask([*statements, "import qlab"], look) == straight


@about_names
def test_what_is_function_and_module_stays_both_in_every_order(interpreters):
    ways = [
        [f"import qlab.{name}" for name in BOTH],
        [f"from qlab.{name} import {name} as one_{name}" for name in BOTH],
        [f"from qlab import {name} as two_{name}" for name in BOTH],
        ["import qlab", *(f"three_{name} = qlab.{name}" for name in BOTH)],
    ]
    alike = [
        f"one_{name} is two_{name} is three_{name} is qlab.{name} is sys.modules['qlab.{name}'].{name}" for name in BOTH
    ]
    for order in itertools.permutations(ways):
        answer = interpreters[1].ask([*itertools.chain(*order)], [*alike, *(f"qlab.{name}" for name in BOTH)])
        assert answer["errors"] == [] and all(answer["values"][expression]["home"] == "True" for expression in alike)
        assert all(answer["values"][f"qlab.{name}"]["kind"] == "function" for name in BOTH)


# Checks ---------------------------------------------------------------------------------------------------------------


@contextmanager
def checks_of(folder: Path) -> Iterator[list[Question]]:
    """The questions of a lab's checks, whose modules are gone again afterwards."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.split(".")[0] in ("checks", "provided")]:
            del sys.modules[name]

    forget()
    sys.path.insert(0, str(folder))
    try:
        found = vars(importlib.import_module("checks")).values()
        yield [value for value in found if isinstance(value, Question)]
    finally:
        sys.path.remove(str(folder))
        forget()


def called(name: str) -> None:
    """Call what a name stands for, without arguments, where torch would look at them first."""
    module, _, qualname = name.partition(":")
    value: Any = importlib.import_module(module)
    for part in qualname.split("."):
        value = getattr(value, part)
    if isinstance(value, FunctionType) or not module.startswith("torch"):
        value()
    else:
        torch.overrides.handle_torch_function(value, (torch.zeros(1),))


@every_lab
def test_every_function_that_its_checks_forbid_still_refuses(then, number):
    with checks_of(then / "solutions" / name_of(number, then)) as questions:
        assert len(questions) >= 5
        for question in questions:
            assert bool(question.forbidden) == isinstance(question.answer, str), question.id
            for name in question.forbidden:
                with forbid(question.forbidden), pytest.raises(Exception, match="asked to write") as refused:
                    called(name)
                assert type(refused.value).__module__ == forbid.__module__, (question.id, name)


# Notebooks ------------------------------------------------------------------------------------------------------------


def kind_of(cell: Any) -> tuple[bool, bool]:
    """Whether a cell is an answer, and whether it is a check."""
    marked = cell.metadata.get("nbgrader", {})
    return bool(marked.get("solution")), bool(marked.get("grade") and not marked.get("solution"))


def solved(lab: str, then: Path) -> Any:
    """The released notebook with the lab's own answers in it."""
    source = jupytext.read(then / "solutions" / lab / f"{lab}.py", fmt="py:percent")
    answers = {cell.metadata["nbgrader"]["grade_id"]: cell.source for cell in source.cells if kind_of(cell)[0]}
    notebook = nbformat.read(then / "labs" / lab / f"{lab}.ipynb", as_version=4)
    for cell in notebook.cells:
        if kind_of(cell)[0]:
            lines = answers[cell.metadata.nbgrader.grade_id].splitlines()
            cell.source = "\n".join(line for line in lines if "### " not in line and not line.strip().startswith("#|"))
    return notebook


def run(notebook: Any, folder: Path) -> None:
    """Run a notebook in a kernel of its own, which finds the qlab of this tree."""
    client = NotebookClient(notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(folder)}})
    client.execute(env={**os.environ, "PYTHONPATH": str(REPOSITORY)})


def complaints(notebook: Any) -> list[Any]:
    """Exceptions, and what went to stderr."""
    outputs = [(cell.id, output) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [
        (cell, output)
        for cell, output in outputs
        if output.output_type == "error" or (output.get("name") == "stderr" and not OTHERS.search(output.text))
    ]


@some_labs
def test_its_solved_notebooks_run_and_every_visible_check_holds(then, number, tmp_path):
    lab = name_of(number, then)
    shutil.copytree(then / "labs" / lab, tmp_path / lab)
    notebook = solved(lab, then)
    run(notebook, tmp_path / lab)
    assert complaints(notebook) == []
    checks = [cell for cell in notebook.cells if kind_of(cell)[1]]
    outcomes = [output.data[OUTCOME] for cell in checks for output in cell.outputs if OUTCOME in output.get("data", {})]
    assert len(outcomes) == len(checks) >= 5
    for cell, outcome in zip(checks, outcomes, strict=True):
        assert (outcome["points"], outcome["fails"]) == (cell.metadata.nbgrader.points, []), cell.id
    nbformat.write(notebook, tmp_path / lab / f"{lab}.ipynb")
    listed = command("qlab", "labs", cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY)})
    total = sum(outcome["points"] for outcome in outcomes)
    assert f"{total:g} of {total:g} points" in listed.stdout, "the stamp is read, and what the checks said"


@pytest.mark.slow
def test_its_lecture_runs(then, tmp_path):
    notebook = nbformat.read(then / "labs" / "lecture" / "lecture.ipynb", as_version=4)
    run(notebook, tmp_path)
    assert complaints(notebook) == [] and sum(bool(cell.get("outputs")) for cell in notebook.cells) >= 10


# A course -------------------------------------------------------------------------------------------------------------

MAKE_COURSE = """
import sys
from pathlib import Path
from autograder.course import Course
from autograder.grade.lab import GradedLab
from autograder.release import release
from autograder.samples import hand_in
course = Course.at(Path(sys.argv[1]))
release(sys.argv[2], course, labs=None)
hand_in(GradedLab.of(sys.argv[2], course), course)
"""


def command(module: str, *arguments: str, cwd: Path = REPOSITORY, env: dict[str, str] | None = None) -> Any:
    run = [*warm.command(), "-m", module, *arguments]
    return subprocess.run(run, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)


def course_then(lab: str, then: Path, root: Path) -> dict[str, dict[str, Any]]:
    """Have that release make a course with a lab and its sample class; the students, with what is expected of them."""
    made = [*warm.command(), "-c", MAKE_COURSE, str(root), lab]
    subprocess.run(made, cwd=then, capture_output=True, text=True, check=True)
    text = (then / "solutions" / lab / "samples" / "class.toml").read_text("utf-8")
    return {student["id"]: student for student in tomllib.loads(text)["student"]}


def grade(lab: str, course: Path, tree: Path = REPOSITORY) -> dict[str, dict[str, Any]]:
    """Grade a lab with the command of a tree; the records by student."""
    trusted = [] if SANDBOXED else ["--no-sandbox"]
    graded = command("autograder", "grade", lab, "--course", str(course), *trusted, cwd=tree)
    assert graded.returncode in (0, 3), graded.stderr  # 3: somebody's file cannot be read
    return {path.stem: json.loads(path.read_text("utf-8")) for path in (course / "records" / lab).glob("*.json")}


@some_labs
def test_its_course_is_graded_to_the_same_marks_and_mistakes(then, number, tmp_path):
    lab, course = name_of(number, then), tmp_path / "course"
    students = course_then(lab, then, course)
    records = grade(lab, course)
    assert records.keys() == students.keys() and len(students) >= 5
    for student, expected in students.items():
        record = records[student]
        points = {cell["cell"]: cell["points"] for cell in record["cells"]}
        assert {cell: given for cell, given in points.items() if given} == expected.get("marks", {}), student
        assert [cell for cell, given in points.items() if given is None] == expected.get("read_by_hand", []), student
        assert bool(record["reason"]) == ("reason" in expected), student
        mistakes = {cell["question"]: cell["outcome"]["mistakes"] for cell in record["cells"] if cell["outcome"]}
        for question, name in expected.get("mistakes", {}).items():
            assert mistakes[question] == [name], (student, question)
    stamps_are_read(lab, course, students, records)
    nbgraders_own_commands_are_configured(course)


@pytest.mark.slow
def test_a_course_that_it_graded_is_read_as_it_is(then, tmp_path):
    lab, course = name_of(1, then), tmp_path / "course"
    students = course_then(lab, then, course)
    before = grade(lab, course, then)
    assert len(before) == len(students) and grade(lab, course) == before, "nothing is graded again"
    trusted = [] if SANDBOXED else ["--no-sandbox"]
    replayed = command("autograder", "grade", lab, "--course", str(course), "--student", "chen", "--explain", *trusted)
    assert replayed.returncode == 0, "the replay gives other marks"
    for page in ("report", "feedback"):
        assert command("autograder", page, lab, "--course", str(course)).returncode == 0


def stamps_are_read(lab: str, course: Path, students: dict[str, Any], records: dict[str, Any]) -> None:
    """Nobody is told that their notebook is of an older release, but for the one who has such a notebook."""
    stamp = nbformat.read(course / "release" / lab / f"{lab}.ipynb", as_version=4).metadata.qlab
    assert stamp.lab == lab and stamp.version == "0.1.0"
    for student, record in records.items():
        own = "" if record["reason"] else students[student].get("release", stamp.release)
        assert (record["release"], record["version"]) == (stamp.release, stamp.version)
        assert record["submitted_release"] == own
        assert ("older release" in "; ".join(record["remarks"])) == ("release" in students[student]), student


def nbgraders_own_commands_are_configured(course: Path) -> None:
    """The file that the release wrote into the course names autograder.nbgrader_config, and that is enough."""
    assert "from autograder.nbgrader_config import configure" in (course / "nbgrader_config.py").read_text("utf-8")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    steps = [step.__name__ for step in config.GenerateAssignment.preprocessors]
    assert "ClearToStub" in steps and steps[-1] == "StampCells" and config.Execute.interrupt_on_timeout
