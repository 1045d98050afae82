"""A student's answer: its source, the blanks left in it, calling it, and replacing the names that it uses.

`Answer` is the interface that a check needs. `LocalAnswer` is an answer in this process; a grader that runs the
student's code in another process implements its own.
"""

import contextlib
import inspect
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from qlab.cells import count_blanks, names_defined
from qlab.check.forbidden_calls import NoSuchFunctionError, forbid
from qlab.check.hidden import exception_name


@dataclass(frozen=True)
class Returned:
    """The result of a call: a value or an exception.

    Attributes:
        value: None if an exception was raised.
        error: the exception on one line: name, place, message.
        error_name: the name of its class.
        changed: whether a tensor among the arguments has other values after the call.
    """

    value: Any = None
    error: str = ""
    error_name: str = ""
    changed: bool = False

    def describe_error(self, *, hidden: bool) -> str:
        """The exception on one line; of a hidden case only its name, if it is a known one."""
        return self.describe_name(hidden=True) if hidden else self.error

    def describe_name(self, *, hidden: bool) -> str:
        """The name of the exception's class; of a hidden case only if it is a known one."""
        return exception_name(self.error_name) if hidden else self.error_name


class Answer(Protocol):
    """The interface of an answer, as far as a check is concerned."""

    def blanks(self) -> int:
        """How many blanks are left in its source."""

    def call(self, arguments: tuple[Any, ...]) -> Returned:
        """Call it; an exception is a result, not a crash."""

    def patched(self, names: Mapping[str, Callable[..., Any]]) -> contextlib.AbstractContextManager[None]:
        """A context in which the answer sees these functions under these names."""


def answer_from(values: tuple[Any, ...], names: tuple[str, ...], forbidden: tuple[str, ...] = ()) -> Answer:
    """The answer that a test cell passed to `check`: a function, values, or a grader's stand-in for these.

    Args:
        values: the arguments of `check`.
        names: the names that the student defines.
        forbidden: functions that raise while the answer is called.
    """
    first: Any = values[0] if values else None
    if hasattr(first, "answer_to"):
        made_by_grader: Answer = first.answer_to(names, forbidden)
        return made_by_grader
    if len(names) == 1 and callable(first):
        return LocalAnswer(first, names, forbidden)
    return LocalAnswer(lambda: values if len(values) > 1 else first, names)


class LocalAnswer:
    """An answer that lives in this process."""

    def __init__(self, function: Callable[..., Any], names: tuple[str, ...], forbidden: tuple[str, ...] = ()):
        self.function = function
        self.forbidden = forbidden
        # A decorator such as torch.no_grad() wraps the student's own function, which has the names and the lines.
        self.own = inspect.unwrap(function)
        self.names = names

    def blanks(self) -> int:
        """How many blanks are left in the most recent cell that defines the answer."""
        return count_blanks(self._source())

    def call(self, arguments: tuple[Any, ...]) -> Returned:
        """Call it. Warnings are dropped, and stderr goes to stdout: to a grader, output on stderr means a failure.

        Raises:
            NoSuchFunctionError: a function that it may not call does not exist: the lab's fault, not the answer's.
        """
        try:
            with warnings.catch_warnings(), contextlib.redirect_stderr(sys.stdout), forbid(self.forbidden):
                warnings.simplefilter("ignore")
                before = [x.detach().clone() if isinstance(x, Tensor) else None for x in arguments]
                value = self.function(*arguments)
                return Returned(value, changed=any(map(_differ, before, arguments)))
        except (KeyboardInterrupt, NoSuchFunctionError):
            raise
        except BaseException as error:  # even exit() in an answer must not end the check
            name, place = type(error).__name__, self._place(error)
            message = str(error).strip().splitlines()
            return Returned(None, f"{name}{place}" + (f" ({message[0]})" if message else ""), name)

    @contextlib.contextmanager
    def patched(self, names: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
        """Replace global names of the function; the previous values are restored afterwards."""
        namespace = getattr(self.own, "__globals__", {})
        before = {name: namespace[name] for name in names if name in namespace}
        namespace.update(names)
        try:
            yield
        finally:
            for name in names:
                namespace.pop(name, None)
            namespace.update(before)

    def _source(self) -> str:
        cells = _executed_cells()
        for cell in reversed(cells):
            if defines(cell, self.names[0]):
                return cell
        try:
            return inspect.getsource(self.own) if not cells else ""
        except (OSError, TypeError):
            return ""

    def _place(self, error: BaseException) -> str:
        """The line of the student's own code from which the exception came."""
        code = getattr(self.own, "__code__", None)
        lines = [
            f" in line {frame.lineno}: {frame.line}"
            for frame in traceback.extract_tb(error.__traceback__)
            if code is not None and frame.filename == code.co_filename
        ]
        return lines[-1] if lines else ""


def _differ(before: Tensor | None, after: Any) -> bool:
    if before is None:
        return False
    # NaN is not equal to itself, and is no change.
    return before.shape != after.shape or not bool(((before == after) | (before != before)).all())


def _executed_cells() -> list[str]:
    """The cells that this notebook has run, oldest first; empty outside IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return [str(cell) for cell in shell.user_ns.get("In", [])] if shell else []


def defines(cell: str, name: str) -> bool:
    """Whether the cell's top level defines a function, a class or a variable of this name."""
    return name in names_defined(cell)
