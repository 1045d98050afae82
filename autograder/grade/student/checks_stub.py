"""What stands in place of a lab's checks while its notebook is graded: the checks themselves run in the judge.

The provided cells ask a question for the function that they shall use: the student's own, where the judge has found it
right, else the provided one.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Any

from autograder.grade.student.namespace import resolve
from qlab.check.resolution import Verdict

SOURCE = '''\
"""The checks run in the grader's own process; what a check has found so far is here under the question's name."""
'''
# Both forms that checks have had: a lab's first cell looks whether they are there.
FILES = dict.fromkeys(("checks/__init__.py", "checks.py"), SOURCE.encode())


class Found:
    """A question that the judge has checked."""

    def __init__(self, verdict: Verdict, own: Callable[..., Any] | None):
        self._verdict = verdict
        self._own = own

    def yours_or_provided(self) -> Callable[..., Any]:
        """The student's function if it is right as it stands, else the provided one; prints which."""
        return self._verdict.choose(self._own, lambda: resolve(self._verdict.provided))

    def check(self, *answers: Any) -> None:
        """A check in a cell of the student's own does nothing: it has no points to give."""
        print("Checks of your own are not run in grading.")


class Checks(ModuleType):
    """The module `checks`."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} is not here: checks run in the grader's own process")


def without_checks(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files beside a notebook without checks, the lab's or anybody's: nothing imports those here."""
    return {name: content for name, content in files.items() if PurePath(name).parts[0] not in ("checks", "checks.py")}


def install() -> None:
    """Make `import checks` find it."""
    sys.modules["checks"] = Checks("checks", SOURCE)


def found(name: str, verdict: dict[str, Any], namespace: dict[str, Any]) -> None:
    """What the judge has found of a question, under the name that the test cell gives it."""
    what = Verdict(**verdict)
    question = Found(what, namespace.get(what.answer) if what.right else None)
    namespace[name] = question
    setattr(sys.modules.setdefault("checks", Checks("checks")), name, question)
