"""What stands in place of a lab's checks.py while its notebook is graded: the checks themselves run in the judge.

The provided cells ask a question for the function that they shall use: the student's own, where the judge has found it
right, else the provided one.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from autograder.grade.student.namespace import resolve
from qlab.check.resolution import Verdict

SOURCE = '''\
"""The checks run in the grader's own process; what a check has found so far is here under the question's name."""
'''


class Found:
    """A question that the judge has checked."""

    def __init__(self, verdict: Verdict, own: Callable[..., Any] | None):
        self._verdict = verdict
        self._own = own

    def answer_or_reference(self) -> Callable[..., Any]:
        """The student's function if it is right as it stands, else the provided one; prints which."""
        return self._verdict.choose(self._own, lambda: resolve(self._verdict.provided))

    yours_or_provided = answer_or_reference  # its name in labs released before 0.2

    def check(self, *answers: Any) -> None:
        """A check in a cell of the student's own does nothing: it has no points to give."""
        print("Checks of your own are not run in grading.")


class Checks(ModuleType):
    """The module `checks`."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} is not here: checks run in the grader's own process")


def install() -> None:
    """Make `import checks` find it."""
    sys.modules["checks"] = Checks("checks", SOURCE)


def found(name: str, verdict: dict[str, Any], namespace: dict[str, Any]) -> None:
    """What the judge has found of a question, under the name that the test cell gives it."""
    what = Verdict(**verdict)
    question = Found(what, namespace.get(what.answer) if what.right else None)
    namespace[name] = question
    setattr(sys.modules.setdefault("checks", Checks("checks")), name, question)
