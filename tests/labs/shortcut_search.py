"""Looks for functions that pass for an answer, by calling all of them with the arguments of the answer.

    python -m tests.labs.shortcut_search LAB

Prints them by question, as JSON. It is a process of its own, because what is called with anything may break it.
"""

import inspect
import io
import itertools
import json
import math
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from importlib import import_module
from pkgutil import walk_packages
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import psutil
import torch
from torch import Tensor

import qlab
from qlab.check import Question
from qlab.check.answer import Returned
from qlab.check.case_results import field_errors
from qlab.check.cases import Case
from qlab.check.forbidden_calls import forbid
from qlab.check.values import Interval
from tests.labs.loading import checks_of

SEED = 0
SECONDS = 0.1  # for one call
LARGEST_COUNT = 2**16  # a larger one may be how many numbers to draw, and memory ends
MEMORY = 2 * 2**30  # bytes, beyond what the process has
MOST_CALLS = 24  # of one function for one case
# What no answer can use: the command line, the student's files, and pictures that move.
LEFT_OUT = (
    "qlab.cli",
    "qlab.__main__",
    "qlab.student",
    "qlab.notebook",
    "qlab.demos",
    "qlab.former_names",
    "qlab.check",
)


@dataclass(frozen=True)
class Reachable:
    """A function, a method or a constructor, and how it is written."""

    name: str
    call: Callable[..., Any]

    @cached_property
    def parameters(self) -> list[inspect.Parameter]:
        """Looked up once: for each question the function is called dozens of times."""
        return parameters(self.call)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function; none where Python does not know them."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


# What there is --------------------------------------------------------------------------------------------------------


def qlab_modules() -> list[ModuleType]:
    """All modules of qlab but those that no answer can use; an engine may be missing."""
    found = []
    for module in walk_packages(qlab.__path__, "qlab."):
        if not module.name.startswith(LEFT_OUT):
            with suppress(ImportError):
                found.append(import_module(module.name))
    return found


def reachable(modules: Sequence[ModuleType]) -> list[Reachable]:
    """The functions of these modules, and the methods of their classes, constants included."""
    found = {}
    for module in modules:
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) == module.__name__ and callable(value):
                for each in _callables(f"{module.__name__}:{name}", value):
                    found[each.name] = each
            elif is_dataclass(value) and not isinstance(value, type):
                for each in _methods(f"{module.__name__}:{name}", value, type(value)):
                    found[each.name] = each
    return [each for each in found.values() if not _draws(each.call)]


def _callables(name: str, value: Any) -> Iterator[Reachable]:
    if not isinstance(value, type):
        yield Reachable(name, value)
        if is_dataclass(value):
            yield from _methods(name, value, type(value))
        return
    if issubclass(value, torch.nn.Module) or ".plots." in value.__module__:
        return
    if is_dataclass(value):
        yield Reachable(name, value)
    if issubclass(value, torch.autograd.Function):
        yield Reachable(f"{name}.apply", value.apply)
    with suppress(Exception):
        yield from _methods(f"{name}()", value(), value)
        return
    stand_in = SimpleNamespace(save_for_backward=lambda *_: None, mark_non_differentiable=lambda *_: None)
    yield from _methods(name, stand_in, value)


def _methods(name: str, owner: Any, cls: type) -> Iterator[Reachable]:
    """The methods that a class defines, bound to an object, whatever its class."""
    for attribute, value in vars(cls).items():
        function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if isinstance(function, FunctionType) and not (attribute.startswith("__") and attribute != "__call__"):
            yield Reachable(f"{name}.{attribute}", function.__get__(owner))
    for field in fields(cls) if is_dataclass(cls) and isinstance(owner, cls) else ():
        if callable(held := getattr(owner, field.name)):
            yield Reachable(f"{name}.{field.name}", held)


# Calls of it ----------------------------------------------------------------------------------------------------------


def variants(arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The arguments as they are; codes as bytes; tensors of real numbers; numbers as tensors; tensors as lists."""
    made = [
        arguments,
        tuple(_as_bytes(a) if isinstance(a, Tensor) else a for a in arguments),
        tuple(a.float() if _is_plain(a) else a for a in arguments),
        tuple(torch.tensor(a) if isinstance(a, float) else a for a in arguments),
        tuple(a.tolist() if _is_plain(a) else a for a in arguments),
    ]
    distinct: dict[str, tuple[Any, ...]] = {}
    for each in made:
        distinct.setdefault(str([(type(a), getattr(a, "dtype", None)) for a in each]), each)
    return list(distinct.values())


def _is_plain(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.is_quantized


def _as_bytes(value: Tensor) -> Tensor:
    if not _is_plain(value) or value.is_floating_point() or not value.numel():
        return value
    low, high = int(value.min()), int(value.max())
    return (
        value.to(torch.uint8)
        if low >= 0 and high < 256
        else value.to(torch.int8)
        if -128 <= low <= high < 128
        else value
    )


def calls(
    parameters: Sequence[inspect.Parameter], named: dict[str, Any]
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Arguments for a function, of the types that it asks for, from those of the answer.

    Args:
        parameters: the function's.
        named: the answer's arguments by the reference's names for them.
    """
    spelled = {_spelled(name): value for name, value in named.items()}
    keywords = {
        parameter.name: spelled[_spelled(parameter.name)]
        for parameter in parameters
        if parameter.kind is parameter.KEYWORD_ONLY and _spelled(parameter.name) in spelled
    }
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        yield tuple(named.values()), keywords
    values = list(named.values())
    fits = [[_fits(value, parameter.annotation) for value in values] for parameter in positional]
    least = max(1, sum(p.default is p.empty for p in positional))
    for in_order in (True, False):
        for count in range(min(len(positional), len(values)), least - 1, -1):
            for chosen in _choices(fits[:count], in_order):
                yield tuple(values[place] for place in chosen), keywords


def _choices(fits: list[list[bool]], in_order: bool, chosen: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Which value to give for each parameter, among those that fit it: in their own order, or in any other."""
    if len(chosen) == len(fits):
        if in_order or list(chosen) != sorted(chosen):
            yield chosen
        return
    for place, fit in enumerate(fits[len(chosen)]):
        if fit and place not in chosen and not (in_order and chosen and place < chosen[-1]):
            yield from _choices(fits, in_order, (*chosen, place))


def _spelled(name: str) -> str:
    return name.replace("_", "").lower()


ACCEPTS: dict[str, Callable[[Any], bool]] = {
    "Tensor": lambda value: isinstance(value, Tensor),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "Scale": lambda value: isinstance(value, int | float | Tensor),
    "ZeroPoint": lambda value: isinstance(value, int | Tensor),
    "Shift": lambda value: isinstance(value, int | Tensor),
    "int": lambda value: isinstance(value, int),
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "Sequence": lambda value: isinstance(value, list | tuple | Tensor),
    "Iterable": lambda value: isinstance(value, list | tuple | Tensor),
    "tuple": lambda value: isinstance(value, list | tuple | Tensor),
    "list": lambda value: isinstance(value, list | tuple | Tensor),
    "Any": lambda _: True,
    "object": lambda _: True,
}


def _fits(value: Any, annotation: Any) -> bool:
    if annotation is inspect.Parameter.empty:
        return True
    written = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    written = str(annotation) if "|" in str(annotation) or "[" in str(annotation) else written
    counts = ("Sequence", "Iterable", "list", "tuple") if isinstance(value, Tensor | list | tuple) else ("",)
    may_count = "Tensor" not in written and any(word in written for word in counts)
    if may_count and _largest_number(value) > LARGEST_COUNT:
        return False
    words = [part.strip().rpartition(".")[2].partition("[")[0] for part in _outside_of_brackets(written).split("|")]
    return any(ACCEPTS[word](value) for word in words if word in ACCEPTS)


def _largest_number(value: Any) -> float:
    """The largest absolute value of an integer, or of integers in a tensor or a list; 0 for anything else."""
    if isinstance(value, Tensor):
        whole = _is_plain(value) and not value.is_floating_point() and not value.is_complex() and value.numel()
        return float(value.abs().max()) if whole else 0
    if isinstance(value, list | tuple):
        return max(map(_largest_number, value), default=0)
    return abs(value) if isinstance(value, int) else 0


def _outside_of_brackets(written: str) -> str:
    return written.partition("[")[0] if "[" in written else written


def _draws(function: Any) -> bool:
    """Whether a function returns a picture or nothing."""
    returned = str(getattr(function, "__annotations__", {}).get("return", ""))
    return returned in ("None", "str", "bytes") or "Figure" in returned or "Artist" in returned


class _TooLong(BaseException):
    pass


def _too_long(*_: Any) -> None:
    raise _TooLong


def results(function: Reachable, named: dict[str, Any]) -> Iterator[Any]:
    """What calls of a function return, and what calls of returned functions do."""
    for arguments, keywords in itertools.islice(calls(function.parameters, named), MOST_CALLS):
        given = tuple(a.clone() if _is_plain(a) else a for a in arguments)
        try:
            value = _timed(function.call, *given, **keywords)
        except (Exception, SystemExit):
            continue
        except _TooLong:
            return
        yield value
        if isinstance(value, FunctionType):
            for others, _ in itertools.islice(calls(parameters(value), named), MOST_CALLS):
                with suppress(Exception, _TooLong):
                    yield _timed(value, *others)


def _timed(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS, SECONDS)  # again and again: a call may swallow the first alarm
    try:
        try:
            return function(*arguments, **keywords)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # the alarm may have gone off in the line above
        signal.signal(signal.SIGALRM, before)


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """A value, and what can be taken out of it: an entry, an attribute."""
    yield "", value
    if isinstance(value, tuple | list) and len(value) <= 8:
        for place, entry in enumerate(value):
            yield f"[{place}]", entry
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield f".{field.name}", getattr(value, field.name)


# What passes ----------------------------------------------------------------------------------------------------------


def near(value: Any, expected: tuple[Interval, ...]) -> bool:
    """Whether a value has the size and the first number of what is expected; quick, for most have not."""
    values = value if len(expected) > 1 and isinstance(value, tuple | list) else [value]
    if len(values) != len(expected):
        return False
    first, wanted = values[0], expected[0].low.reshape(-1)
    if isinstance(first, list | tuple):
        size, first = len(first), first[0] if first else None
    elif isinstance(first, Tensor):
        size = first.numel()
        if first.is_quantized:
            return size == wanted.numel()
        first = first.reshape(-1)[0].item() if size else None
    else:
        size = 1
    if isinstance(first, Tensor) and first.numel() == 1:
        first = first.item()
    numeric = isinstance(first, int | float) and size == wanted.numel()
    return numeric and math.isclose(first, float(wanted[0]), rel_tol=0.01, abs_tol=0.01)


def right(value: Any, question: Question, case: Case, expected: Any) -> bool:
    """Whether a value is what the question expects in this case."""
    try:
        return not any(field_errors(Returned(value), expected, question.returns, case))
    except Exception:
        return False


def names_of(question: Question) -> list[str]:
    """The reference's names for the arguments of the answer."""
    parameters = inspect.signature(question.reference).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def shortcuts(question: Question, functions: Sequence[Reachable], forbidden: tuple[str, ...]) -> list[str]:
    """The functions that earn points for an answer, with how they would be written, while these are forbidden."""
    found: set[str] = set()
    for group in {case.group: None for case in question.cases}:
        first, *others = _telling([case for case in question.cases if case.group == group])
        right = _right_in(first, question, functions, forbidden)
        for case in others:  # only what was right so far can be right in all
            again = _right_in(case, question, list(dict.fromkeys(right.values())), forbidden)
            right = {name: function for name, function in right.items() if name in again}
        found |= right.keys()
    return sorted(found)


def _right_in(
    case: Case, question: Question, functions: Sequence[Reachable], forbidden: tuple[str, ...]
) -> dict[str, Reachable]:
    """The functions that return what is expected in one case, by how they would be written."""
    found: dict[str, Reachable] = {}
    if not functions:
        return found
    inputs = case.inputs(SEED)
    expected = question.mutants.expected(case, inputs, SEED)
    names = names_of(question)[: len(inputs)]
    names += [f"argument{place}" for place in range(len(names), len(inputs))]
    for variant in variants(inputs):
        values = []
        with forbid(forbidden), torch.random.fork_rng(devices=[]), redirect_stdout(io.StringIO()):
            for function in functions:
                values += [
                    (f"{function.name}{part}", function, taken)
                    for value in results(function, dict(zip(names, variant, strict=True)))
                    for part, taken in parts(value)
                    if near(taken, expected)
                ]
        for name, function, value in values:
            if name not in found and right(value, question, case, expected):
                found[name] = function
    return found


def _telling(cases: Sequence[Case]) -> list[Case]:
    """Two cases, with random inputs where there are such, of different numbers."""
    return sorted(cases, key=lambda case: not case.drawn)[:2]


# A lab ----------------------------------------------------------------------------------------------------------------


def named(lab: str) -> dict[str, Question]:
    """The lab's questions whose answers are functions, by their names."""
    return {question.id: question for question in checks_of(lab).lab.questions if isinstance(question.answer, str)}


def limit_memory() -> None:
    """Let a call that would fill the machine end with a MemoryError: no alarm interrupts it."""
    most = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main(lab: str) -> None:
    """Print what passes for an answer to each question of a lab."""
    questions, provided = named(lab), sys.modules.get("provided")
    functions = reachable([*qlab_modules(), *([provided] if provided else [])])
    limit_memory()
    print(json.dumps({key: shortcuts(question, functions, question.forbidden) for key, question in questions.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
