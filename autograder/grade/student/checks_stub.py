"""Replaces a lab's checks in the student's process, because the checks themselves run in the judge.

Provided cells ask a question which function to use: the student's own, if the judge has found it right, else the
provided one.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Any

from autograder.grade.student.namespace import resolve
from qlab.check.resolution import Verdict

SOURCE = '''\
"""The checks run in the grader's own process. This module has the questions checked so far, under their names."""
'''
# In both forms that checks have had: the first cell of a lab looks whether they are there.
FILES = dict.fromkeys(("checks/__init__.py", "checks.py"), SOURCE.encode())


class CheckedQuestion:
    """A question that the judge has checked."""

    def __init__(self, verdict: Verdict, own: Callable[..., Any] | None):
        self._verdict = verdict
        self._own = own

    def answer_or_reference(self) -> Callable[..., Any]:
        """The student's function if it is right, else the provided one; prints which."""
        return self._verdict.choose(self._own, lambda: resolve(self._verdict.provided))

    yours_or_provided = answer_or_reference  # its name in labs released before 0.2

    def check(self, *answers: Any) -> None:
        """Do nothing: a check in a student's own cell has no points to give."""
        print("Checks in your own cells are not run in grading.")


class Checks(ModuleType):
    """The module `checks`."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} is not available: checks run in the grader's own process")


def without_checks(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files beside a notebook but for checks, the lab's or a student's own: nothing may import those here."""
    return {name: content for name, content in files.items() if PurePath(name).parts[0] not in ("checks", "checks.py")}


def install() -> None:
    """Make `import checks` find it."""
    sys.modules["checks"] = Checks("checks", SOURCE)


def add_question(name: str, fields: dict[str, Any], namespace: dict[str, Any]) -> None:
    """Make a checked question available under the name that the test cell gives it; `fields` are those of `Verdict`."""
    verdict = Verdict(**fields)
    question = CheckedQuestion(verdict, namespace.get(verdict.answer) if verdict.right else None)
    namespace[name] = question
    setattr(sys.modules.setdefault("checks", Checks("checks")), name, question)
