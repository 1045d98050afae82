"""A student's answer: its source, the blanks left in it, a call of it, the names that it uses.

`Answer` is all that a check asks of one. `LocalAnswer` is an answer in this process; a grader that keeps the student's
code in another process brings its own.
"""

import ast
import contextlib
import inspect
import io
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from qlab.check.forbidden_calls import NoSuchFunctionError, off_limits

BLANK = "__"


@dataclass(frozen=True)
class Returned:
    """What a call gave: a value, or an exception.

    Attributes:
        value: None where an exception was raised.
        error: the exception in a line: name, place, message.
        error_name: its name.
        error_place: " in line 2: return 1 / x", the student's own line; "" where none is known.
    """

    value: Any = None
    error: str = ""
    error_name: str = ""
    error_place: str = ""

    def told(self, *, hidden: bool) -> str:
        """The exception in a line; without its message where the case is hidden, for it may quote the input."""
        return f"{self.error_name}{self.error_place}" if hidden else self.error


class Answer(Protocol):
    """An answer as a check sees it."""

    def blanks(self) -> int:
        """How many blanks are left in its source."""

    def call(self, arguments: tuple[Any, ...]) -> Returned:
        """Run it; an exception is a result, not a crash."""

    def standing_in(self, names: Mapping[str, Callable[..., Any]]) -> contextlib.AbstractContextManager[None]:
        """While the context lasts, the answer finds these functions under these names."""


def answer_from(values: tuple[Any, ...], names: tuple[str, ...], forbidden: tuple[str, ...] = ()) -> Answer:
    """The answer behind what a test cell passed: a function, values, or what a grader puts in their place.

    Args:
        names: that the student defines.
        forbidden: functions that are off limits while the answer is called.
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
        # Behind a decorator such as torch.no_grad() stands the student's own function, with its names and lines.
        self.own = inspect.unwrap(function)
        self.names = names

    def blanks(self) -> int:
        """How many blanks are left in the cell that last defined the answer."""
        return count_blanks(self._source())

    def call(self, arguments: tuple[Any, ...]) -> Returned:
        """Run it; warnings are dropped and stderr goes to stdout, where a grader does not take it for a failure.

        Raises:
            NoSuchFunctionError: a function that it may not call is not there: the lab's fault, not the answer's.
        """
        try:
            with warnings.catch_warnings(), contextlib.redirect_stderr(sys.stdout), off_limits(self.forbidden):
                warnings.simplefilter("ignore")
                return Returned(self.function(*arguments))
        except (KeyboardInterrupt, NoSuchFunctionError):
            raise
        except BaseException as error:  # exit() in an answer must not end the check
            name, place = type(error).__name__, self._place(error)
            message = str(error).strip().splitlines()
            return Returned(None, f"{name}{place}" + (f" ({message[0]})" if message else ""), name, place)

    @contextlib.contextmanager
    def standing_in(self, names: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
        """Replace global names of the function; what was there before comes back."""
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
        """The student's own line where the exception came up."""
        code = getattr(self.own, "__code__", None)
        lines = [
            f" in line {frame.lineno}: {frame.line}"
            for frame in traceback.extract_tb(error.__traceback__)
            if code is not None and frame.filename == code.co_filename
        ]
        return lines[-1] if lines else ""


def _executed_cells() -> list[str]:
    """The cells that this notebook has run, oldest first; empty outside of IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return [str(cell) for cell in shell.user_ns.get("In", [])] if shell else []


def defines(cell: str, name: str) -> bool:
    """Whether the cell's top level defines a function or a variable of this name."""
    tree = _parsed(cell)
    return tree is not None and any(
        (isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name)
        for statement in tree.body
        for node in ([statement] if isinstance(statement, ast.FunctionDef | ast.ClassDef) else ast.walk(statement))
    )


def count_blanks(source: str) -> int:
    """How many times the blank `__` is read in a source; in a source that does not parse, how often it stands there.

    The syntax tree is asked, not the program: in IPython `__` is a real variable, and `M0 = __` would silently take it.
    """
    tree = _parsed(source)
    if tree is None:
        return sum(word == BLANK for word in source.replace("(", " ").replace(")", " ").replace(",", " ").split())
    # A `__` that is written, as in `for __ in range(3)`, is a name like any other.
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == BLANK]
    return 0 if any(isinstance(name.ctx, ast.Store) for name in names) else len(names)


def _parsed(source: str) -> ast.Module | None:
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return ast.parse(inspect.cleandoc(source) if source[:1].isspace() else source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
