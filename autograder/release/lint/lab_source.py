"""A lab's source as lint reads it: cells, questions with their hidden cases, answers on file."""

import ast
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.warnings import DuplicateCellId

from autograder.collect.sample_class import WrittenAnswer, answers_in, class_in, names_in
from autograder.course_folder.layout import asks
from autograder.errors import UserError
from autograder.grade.lab import modules_in
from autograder.grade.lab_modules import LabModules
from autograder.release.build import read_source, read_written
from qlab.cells import grade_id, is_test
from qlab.check import Lab, Outcome, Question
from qlab.check.cases import Case


@dataclass(frozen=True)
class LabSource:
    """A lab whose checks can be imported while `opened` lasts.

    Attributes:
        folder: of the source.
        cells: as students and graders get them together: answers, hidden tests, measured numbers filled in.
        written: the cells as their author wrote them: placeholders for numbers, and where a number comes from.
        lab: what checks/ calls `lab`.
    """

    folder: Path
    cells: list[NotebookNode]
    written: list[NotebookNode]
    lab: Lab

    @property
    def name(self) -> str:
        """The lab's."""
        return self.folder.name

    @property
    def questions(self) -> tuple[Question, ...]:
        """What its checks ask."""
        return self.lab.questions

    @cached_property
    def checks(self) -> dict[str, str]:
        """The sources of the test cells, hidden tests included, by grade_id."""
        return {grade_id(cell): cell.source for cell in self.cells if is_test(cell)}

    @cached_property
    def answers(self) -> list[WrittenAnswer]:
        """The answers on file."""
        return answers_in(self.folder)

    @cached_property
    def names(self) -> dict[str, dict[str, str]]:
        """What the check should call the wrong ones; see `names_in`."""
        return names_in(self.folder)

    @cached_property
    def students(self) -> list[dict[str, Any]]:
        """The sample class."""
        return class_in(self.folder)

    def tree(self, question: Question) -> ast.Module:
        """The test cell of a question; an empty one if there is none, or none that is Python."""
        try:
            return ast.parse(self.checks.get(check_of(question), ""))
        except SyntaxError:
            return ast.Module([], [])

    def cases(self, question: Question) -> list[Case]:
        """The cases of a question, including those that its test cell adds in its hidden region."""
        setup = ast.parse(self.checks.get(check_of(question), "")).body[:-1]
        exec(compile(ast.Module(setup, []), check_of(question), "exec"), {})
        return [*question.cases, *question._hidden]

    def outcome(self, question: str, names: dict[str, Any]) -> Outcome | None:
        """What the test cell of "q1" says about the answers in `names`; None if it says nothing.

        It forgets earlier checks first: somebody else's earlier answer must not count.
        """
        self.lab.forget()
        *setup, last = ast.parse(self.checks[f"{question}-check"]).body
        exec(compile(ast.Module(setup, []), "check", "exec"), names)
        if not isinstance(last, ast.Expr):
            return None
        outcome = eval(compile(ast.Expression(last.value), "check", "eval"), names)
        return outcome if isinstance(outcome, Outcome) else None


def check_of(question: Question) -> str:
    """The grade_id of a question's test cell."""
    return f"{question.id.lower()}-check"


@contextmanager
def opened(folder: Path) -> Iterator[LabSource]:
    """A lab's source, and its modules importable under their plain names.

    Raises:
        UserError: the notebook or the checks cannot be read, or there are no checks.
    """
    if not asks(folder):
        raise UserError(f"{folder} has no checks: it asks no questions, so there is nothing to lint.")
    modules = LabModules(modules_in(folder))
    sys.meta_path.insert(0, modules)
    try:
        modules.forget()
        with warnings.catch_warnings(category=DuplicateCellId, action="ignore"):
            cells = read_source(folder).cells  # two cells with one id: lint says so itself
        yield LabSource(folder, cells, read_written(folder).cells, _lab(folder))
    finally:
        sys.meta_path.remove(modules)
        for name in [name for name, module in sys.modules.items() if getattr(module, "__loader__", None) is modules]:
            del sys.modules[name]


def _lab(folder: Path) -> Lab:
    try:
        import checks  # type: ignore[import-not-found]  # the lab's own, found by LabModules
    except Exception as error:
        line = _line_in_checks(error)
        raise UserError(
            f"{folder}/checks{line} fails when it is imported ({type(error).__name__}: {error})."
        ) from error
    lab = getattr(checks, "lab", None)
    if not isinstance(lab, Lab):
        raise UserError(f"{folder}/checks has no lab: end __init__.py with lab = Lab(name, [q1, …], by_hand=…).")
    return lab


def _line_in_checks(error: Exception) -> str:
    """Where in the checks an import failed: a SyntaxError says where; for any other error, the traceback does."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno},"
    place, step = "", error.__traceback__
    while step is not None:
        module = step.tb_frame.f_globals.get("__name__", "")
        if module.split(".")[0] in ("checks", "provided"):
            place = f", {module} line {step.tb_lineno},"
        step = step.tb_next
    return place
