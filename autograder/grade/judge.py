"""The judge: runs a lab's test cells, hidden cases included, and never a line of a student's.

In its namespace a student's names stand for answers in the student's process. Points exist only where a check has come
to its end here and granted them.
"""

import ast
import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from autograder.grade.lab import GradedLab
from autograder.grade.proxies import with_handles, with_objects
from autograder.grade.student_process import CheckEndedError, Conversation, EndedError, StudentProcess
from qlab.check.answer import Returned, count_blanks, defines
from qlab.check.forbidden_calls import name_of
from qlab.check.outcome import Outcome
from qlab.check.question import SEED_VARIABLE, Lab, Question


class Judge:
    """The checks of one lab for one submission after the other.

    Args:
        lab: with its modules and hidden tests.
    """

    def __init__(self, lab: GradedLab):
        self._modules = LabModules(lab.modules)

    @contextmanager
    def submission(self, seed: int) -> Iterator["Judge"]:
        """Judge a submission: what was found of the one before is forgotten, random cases are drawn from the seed."""
        before = os.environ.get(SEED_VARIABLE)
        os.environ[SEED_VARIABLE] = str(seed)
        sys.meta_path.insert(0, self._modules)
        try:
            self._modules.forget()
            yield self
        finally:
            sys.meta_path.remove(self._modules)
            os.environ.pop(SEED_VARIABLE)
            if before is not None:
                os.environ[SEED_VARIABLE] = before

    def check(self, source: str, cells: Sequence[str], process: StudentProcess, seconds: float) -> "Found":
        """Run a test cell.

        Args:
            source: of the test cell, with its hidden tests.
            cells: the sources of the student's cells that have run, oldest first.
            process: where the student's names live.
            seconds: for all calls of the student's code together.
        """
        answer = StudentAnswer((), cells, process, seconds)
        namespace: dict[str, Any] = {"__name__": "judge"}
        found = Found()
        try:
            tree = ast.parse(source)
            namespace |= dict.fromkeys(free_names(tree), answer)
            result = _run(tree, namespace)
            answer.close()
            found.outcome = result if isinstance(result, Outcome) else None
        except NotDefinedError as error:
            found.missing = str(error)
        except CheckEndedError as error:
            found.stopped = str(error)
        except EndedError as error:
            found.ended = str(error)
        except Exception as error:
            # A fault of the check, or of values that it was not made for: it grants nothing, and is told.
            found.broken = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
            found.ended = answer.given_up()
        questions = {name: value for name, value in namespace.items() if isinstance(value, Question) and value.provided}
        found.verdicts = {name: asdict(question.verdict()) for name, question in questions.items()}
        return found


@dataclass
class Found:
    """What a test cell ended in.

    Attributes:
        outcome: what the check said; None where it did not come to its end, and then one of the next four says why.
        missing: the name that the student did not define.
        stopped: how the copy that answered ended.
        ended: how the student's process ended.
        broken: what the check itself failed with.
        verdicts: on its questions, by the name that the cell gives them, for the cells below.
    """

    outcome: Outcome | None = None
    missing: str = ""
    stopped: str = ""
    ended: str = ""
    broken: str = ""
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)


LONGEST_ERROR = 1000  # characters of an exception that are kept, whatever the student's process sends


class NotDefinedError(Exception):
    """A test cell asks for a name that the student's cells did not define; the message is the name."""


def granted(outcome: Outcome | None, out_of: float) -> Outcome | None:
    """The outcome if its points are points of this cell: finite, from 0 to the cell's own maximum."""
    if outcome is None or outcome.out_of != out_of or not math.isfinite(outcome.points):
        return None
    return outcome if 0 <= outcome.points <= out_of else None


class StudentAnswer:
    """The answer that a test cell hands to its question: it lives in the student's process.

    A copy of that process answers, which begins with the first call and ends with the check.
    """

    def __init__(self, names: tuple[str, ...], cells: Sequence[str], process: StudentProcess, seconds: float):
        self._names = names
        self._cells = cells
        self._process = process
        self._seconds = seconds
        self._forbidden: tuple[str, ...] = ()
        self._conversation: Conversation | None = None

    def answer_to(self, names: tuple[str, ...], forbidden: tuple[str, ...]) -> "StudentAnswer":
        """The answer to a question that asks for these names, during whose calls these functions are off limits."""
        self._names, self._forbidden = names, forbidden
        if missing := self._process.missing(names):
            raise NotDefinedError(missing)
        return self

    def blanks(self) -> int:
        """How many blanks are left in the cell that last defined the answer; counted here, in its text."""
        return next((count_blanks(cell) for cell in reversed(self._cells) if defines(cell, self._names[0])), 0)

    def call(self, arguments: tuple[Any, ...]) -> Returned:
        """Call the student's function, or read the values where values are asked for."""
        if arguments:
            return self._returned({"do": "call", "target": self._names[0], "arguments": arguments})
        if (plain := self._process.plain(self._names)) is not None:
            return Returned(plain[0] if len(plain) == 1 else plain)
        values = [self._returned({"do": "get", "name": name}) for name in self._names]
        failed = next((value for value in values if value.error), None)
        return failed or (values[0] if len(values) == 1 else Returned(tuple(value.value for value in values)))

    @contextmanager
    def standing_in(self, names: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
        """While the context lasts, the student's function finds the provided functions under these names."""
        where = {name: name_of(function) for name, function in names.items()}
        self._ask({"do": "stand_in", "target": self._names[0], "names": where})
        yield
        self._ask({"do": "stand_down"})

    def close(self) -> None:
        """Let the copy end."""
        if self._conversation is not None:
            self._conversation.close()

    def given_up(self) -> str:
        """Let the copy end where the check itself has failed; why the process ended if it did, or ""."""
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
            return Returned(
                error=_text(reply["error"]),
                error_name=_text(reply.get("error_name")),
                error_place=_text(reply.get("error_place", "")),
            )
        return Returned(with_objects(reply.get("value"), self._returned))


def _text(found: Any) -> str:
    return found[:LONGEST_ERROR] if isinstance(found, str) else "an error"


def free_names(tree: ast.Module) -> tuple[str, ...]:
    """The names that a test cell reads and does not bind itself: the student's answers, in their order."""
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
    """The value of the cell's last line."""
    *body, last = tree.body
    exec(compile(ast.Module(body, []), "<check>", "exec"), namespace)
    if not isinstance(last, ast.Expr):
        return exec(compile(ast.Module([last], []), "<check>", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "<check>", "eval"), namespace)


class LabModules(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """A lab's own modules (checks and others), imported from memory under their plain names.

    Labs call their modules alike; those of another lab make room. Checks are a package, or, in a course that was
    released when they still were, a single module.
    """

    def __init__(self, sources: Mapping[str, str]):
        self._sources = sources
        self._ours = {name.partition(".")[0] for name in sources}

    def forget(self) -> None:
        """Make room for these modules, and let their questions forget what was checked before."""
        for name in [name for name in sys.modules if name.partition(".")[0] in self._ours]:
            module = sys.modules[name]
            if module is not None and module.__loader__ is not self:
                del sys.modules[name]
            for value in list(vars(module).values()) if module is not None else ():
                if isinstance(value, Lab):
                    value.forget()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module of this name, if the lab has one."""
        return importlib.util.spec_from_loader(fullname, self) if fullname in self._sources else None

    def is_package(self, fullname: str) -> bool:
        """Whether there are modules inside of this one."""
        return any(name.startswith(f"{fullname}.") for name in self._sources)

    def get_source(self, fullname: str) -> str:
        """Its source."""
        return self._sources[fullname]
