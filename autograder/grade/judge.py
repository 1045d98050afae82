"""The judge: runs a lab's test cells, hidden cases included, and never a line of a student's code.

In the namespace of a test cell, the student's names are proxies for answers in the student's process. The only points
are those that a check grants here, once it has run to its end.
"""

import ast
import builtins
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from autograder.errors import UserError
from autograder.grade.lab import GradedLab
from autograder.grade.lab_modules import LabModules
from autograder.grade.library import Library
from autograder.grade.proxies import with_handles, with_objects
from autograder.grade.student_process import CheckEndedError, Conversation, EndedError, StudentProcess
from qlab.cells import count_blanks
from qlab.check.answer import Returned, defines
from qlab.check.forbidden_calls import NoSuchFunctionError, find_forbidden, name_of
from qlab.check.outcome import Outcome
from qlab.check.question import SEED_VARIABLE, Question


class Judge:
    """The checks of one lab, run for one submission after another.

    Args:
        lab: with its modules and hidden tests.
    """

    def __init__(self, lab: GradedLab):
        self._lab = lab.name
        self._modules = LabModules(lab.modules)

    @cached_property
    def library(self) -> Library:
        """What students' processes can import while this lab is graded.

        Raises:
            UserError: the lab's checks cannot be imported.
        """
        try:
            return Library.of(self._modules)
        except Exception as error:
            reason = f"its checks cannot be imported ({type(error).__name__}: {error})"
            raise UserError(f"{self._lab} cannot be graded: {reason}.") from error

    @contextmanager
    def submission(self, seed: int) -> Iterator["Judge"]:
        """Judge one submission: forget the results of the one before, and draw random cases from this seed."""
        before = os.environ.get(SEED_VARIABLE)
        os.environ[SEED_VARIABLE] = str(seed)
        try:
            with self._modules.importable():
                yield self
        finally:
            os.environ.pop(SEED_VARIABLE)
            if before is not None:
                os.environ[SEED_VARIABLE] = before

    def check(self, source: str, cells: Sequence[str], process: StudentProcess, seconds: float) -> "CheckResult":
        """Run a test cell.

        Args:
            source: of the test cell, with its hidden tests.
            cells: the sources of the student's cells that have run, oldest first.
            process: the student's.
            seconds: how long all calls of the student's code together may take.

        Raises:
            UserError: the lab names a function that does not exist. That costs no student marks: nobody is graded.
        """
        answer = StudentAnswer((), cells, process, seconds)
        namespace: dict[str, Any] = {"__name__": "judge"}
        check = CheckResult()
        try:
            tree = ast.parse(source)
            namespace |= dict.fromkeys(free_names(tree), answer)
            result = _run(tree, namespace)
            answer.close()
            check.outcome = result if isinstance(result, Outcome) else None
        except NotDefinedError as error:
            check.missing = str(error)
        except CheckEndedError as error:
            check.stopped = str(error)
        except EndedError as error:
            check.ended = str(error)
        except NoSuchFunctionError as error:
            raise UserError(f"{self._lab} cannot be graded: {error}.") from error
        except MemoryError:
            raise  # the judge's own, not the check's: see `judge_limits`
        except Exception as error:
            if "can't allocate memory" in str(error):  # torch's way to say the same
                raise MemoryError from error
            # A bug in the check, or values that it cannot handle: it grants nothing, and is reported.
            check.broken = f"{type(error).__name__}: {error}"[:MAX_ERROR]
            check.ended = answer.close_after_failure()
        questions = {name: value for name, value in namespace.items() if isinstance(value, Question) and value.provided}
        check.verdicts = {name: asdict(question.verdict()) for name, question in questions.items()}
        return check


@dataclass
class CheckResult:
    """How a test cell ended.

    Attributes:
        outcome: what the check said; None if it did not finish, and then one of the next four says why.
        missing: the name that the student did not define.
        stopped: how the copy of the process that answered ended.
        ended: how the student's process ended.
        broken: the exception that the check itself raised.
        verdicts: on its questions, by the names that the cell gives them, for the cells below.
    """

    outcome: Outcome | None = None
    missing: str = ""
    stopped: str = ""
    ended: str = ""
    broken: str = ""
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)


MAX_ERROR = 1000  # characters of an exception that are used, however many the student's process sends


class NotDefinedError(Exception):
    """A test cell asks for a name that the student's cells did not define; the message is the name."""


def valid_outcome(outcome: Outcome | None, out_of: float) -> Outcome | None:
    """The outcome, if its points are valid for this cell: finite, and from 0 to the cell's own maximum; else None."""
    if outcome is None or outcome.out_of != out_of or not math.isfinite(outcome.points):
        return None
    return outcome if 0 <= outcome.points <= out_of else None


class StudentAnswer:
    """The answer that a test cell hands to its question: a proxy for functions and values in the student's process.

    The first call forks a copy of that process, which answers all calls and ends with the check.
    """

    def __init__(self, names: tuple[str, ...], cells: Sequence[str], process: StudentProcess, seconds: float):
        self._names = names
        self._cells = cells
        self._process = process
        self._seconds = seconds
        self._forbidden: tuple[str, ...] = ()
        self._conversation: Conversation | None = None

    def answer_to(self, names: tuple[str, ...], forbidden: tuple[str, ...]) -> "StudentAnswer":
        """The answer to a question that asks for these names; during its calls the forbidden functions raise."""
        self._names, self._forbidden = names, forbidden
        for name in forbidden:
            find_forbidden(name)  # here, where no student can have taken a function away
        if missing := self._process.missing(names):
            raise NotDefinedError(missing)
        return self

    def blanks(self) -> int:
        """How many blanks are left in the cell that last defined the answer, counted in its source."""
        return next((count_blanks(cell) for cell in reversed(self._cells) if defines(cell, self._names[0])), 0)

    def call(self, arguments: tuple[Any, ...]) -> Returned:
        """Call the student's function; without arguments, read the values that the question asks for."""
        if arguments:
            return self._returned({"op": "call", "target": self._names[0], "arguments": arguments})
        if (plain := self._process.plain(self._names)) is not None:
            return Returned(plain[0] if len(plain) == 1 else plain)
        values = [self._returned({"op": "get", "name": name}) for name in self._names]
        failed = next((value for value in values if value.error), None)
        return failed or (values[0] if len(values) == 1 else Returned(tuple(value.value for value in values)))

    @contextmanager
    def patched(self, names: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
        """While the context lasts, the student's function finds the provided functions under these names."""
        references = {name: name_of(function) for name, function in names.items()}
        reply = self._ask({"op": "patch", "target": self._names[0], "names": references})
        if "error" in reply:  # else the answer would be marked with the wrong functions around it
            raise LookupError(_text(reply["error"]))
        yield
        self._ask({"op": "unpatch"})

    def close(self) -> None:
        """Let the copy end."""
        if self._conversation is not None:
            self._conversation.close()

    def close_after_failure(self) -> str:
        """Let the copy end after the check itself failed; return why the process ended, or "" if it did not."""
        try:
            self.close()
        except EndedError as error:
            return str(error)
        return ""

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._conversation is None:
            self._conversation = self._process.check(self._forbidden, self._seconds)
        return self._conversation.ask(with_handles(message))

    def _returned(self, message: dict[str, Any]) -> Returned:
        reply = self._ask(message)
        if "error" in reply:
            return Returned(error=_text(reply["error"]), error_name=_text(reply.get("error_name")))
        return Returned(with_objects(reply.get("value"), self._returned), changed=reply.get("changed") is True)


def _text(value: Any) -> str:
    return value[:MAX_ERROR] if isinstance(value, str) else "an error"


def free_names(tree: ast.Module) -> tuple[str, ...]:
    """The names that a test cell reads but does not bind: the student's answers, in order of appearance."""
    read, bound = {}, set(vars(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read[name] = (node.lineno, node.col_offset)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                bound.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                bound.update((alias.asname or alias.name).split(".")[0] for alias in aliases)
    return tuple(sorted((name for name in read if name not in bound), key=lambda name: read[name]))


def _run(tree: ast.Module, namespace: dict[str, Any]) -> Any:
    """Run the cell and return the value of its last line."""
    *body, last = tree.body
    exec(compile(ast.Module(body, []), "<check>", "exec"), namespace)
    if not isinstance(last, ast.Expr):
        return exec(compile(ast.Module([last], []), "<check>", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "<check>", "eval"), namespace)
