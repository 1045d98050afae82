"""Forbidden calls: while an answer runs, library functions that would simply do what the question asks for raise.

A function is named as "module:qualname", such as "qlab.arithmetic.quantize:linear_quantize" or
"torch:ops.quantized.linear".
"""

import contextlib
import functools
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, NoReturn

import torch
from torch.overrides import TorchFunctionMode

NOTHING = contextlib.nullcontext()
OURS = ("qlab", "provided")  # whose functions a lab can rely on


class ForbiddenCallError(Exception):
    """An answer calls the function that it was asked to implement."""


class NoSuchFunctionError(LookupError):
    """A lab's checks forbid a function of qlab's or of the lab's own that there is not: a fault of theirs."""


def refuse(name: str) -> NoReturn:
    """Raise the error for calling a forbidden function."""
    raise ForbiddenCallError(f"this is the function you were asked to write: {name.replace(':', '.')}")


def name_of(function: object) -> str:
    """Where a function can be imported from, as "module:qualname"; "" if it cannot, as a lambda."""
    qualname = getattr(function, "__qualname__", "<")
    return "" if "<" in qualname else f"{getattr(function, '__module__', None)}:{qualname}"


def find(name: str) -> tuple[Any, str, Any] | None:
    """The object that holds the function, the attribute's name, and the function; None if the name does not resolve."""
    try:
        return _resolved(name)
    except (ImportError, AttributeError):
        return None


def find_forbidden(name: str) -> tuple[Any, str, Any] | None:
    """As `find`; None only for what cannot be called here: torch's, in another version, or what is not installed.

    Raises:
        NoSuchFunctionError: there is no such function in qlab or in the lab's provided.py. Were it passed over, answers
            could call what the lab means to forbid.
    """
    try:
        return _resolved(name)
    except (ImportError, AttributeError) as error:
        elsewhere = isinstance(error, ImportError) and not _is_ours(error.name or "")
        if elsewhere or not _is_ours(name.partition(":")[0]):
            return None
        raise NoSuchFunctionError(
            f"answers may not call {name}, but there is no such function: "
            "the lab was made for another version of qlab, or its checks misspell the name"
        ) from error


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in OURS


def _resolved(name: str) -> tuple[Any, str, Any]:
    module, _, qualname = name.partition(":")
    holder = sys.modules.get(module) or importlib.import_module(module)
    *way, attribute = qualname.split(".")
    for part in way:
        holder = getattr(holder, part)
    return holder, attribute, getattr(holder, attribute)


@contextlib.contextmanager
def forbid(names: Iterable[str]) -> Iterator[None]:
    """A context in which each of these functions raises `ForbiddenCallError`, whatever name it is called by.

    Replacing a name in a module would not be enough, since a student may have imported the function under another name.
    So Python functions temporarily get other code, and torch's built-in functions are recognized when they are called.
    A callable that is neither, such as a function wrapped by functools.lru_cache, is replaced in its own module only.
    A name of torch's that does not resolve in this version is skipped: nobody can call it.

    Raises:
        NoSuchFunctionError: a name of qlab's or of the lab's own does not resolve.
    """
    before: list[tuple[Any, str, Any]] = []
    built_in: dict[Any, str] = {}
    try:
        for name in names:
            if (location := find_forbidden(name)) is None:
                continue
            holder, attribute, function = location
            if not isinstance(function, FunctionType) and name.startswith("torch:"):
                built_in[function] = name
                built_in[getattr(torch.ops.aten, attribute, function)] = name  # the same function under another name
                continue
            if not isinstance(function, FunctionType):
                before.append((holder, attribute, function))
                setattr(holder, attribute, functools.partial(_refuse_call, name))
            # A decorated function can be reached through __wrapped__, so all functions on the way are replaced.
            while function is not None:
                if isinstance(function, FunctionType):
                    before.append((function, "__code__", function.__code__))
                    function.__code__ = _refusing_code(name, len(function.__code__.co_freevars))
                function = getattr(function, "__wrapped__", None)
        with _ForbiddenCallMode(built_in) if built_in else NOTHING:
            yield
    finally:
        for holder, attribute, value in reversed(before):
            setattr(holder, attribute, value)


def _refuse_call(name: str, *_: Any, **__: Any) -> NoReturn:
    refuse(name)


@functools.lru_cache(maxsize=1024)
def _refusing_code(name: str, free: int) -> CodeType:
    """The code of a function that raises. Python requires as many free variables as the replaced code has.

    The code runs with the globals of any module, so it has to import what it needs.
    """
    variables = ", ".join(f"free{number}" for number in range(free))
    namespace: dict[str, Any] = {}
    exec(
        f"def holder({variables}):\n"
        f"    def refusing(*_, **__):\n"
        f"        from qlab.check.forbidden_calls import refuse\n"
        f"        refuse({name!r})\n"
        f"        return ({variables})\n"
        f"    return refusing\n",
        namespace,
    )
    code: CodeType = namespace["holder"](*range(free)).__code__
    return code


class _ForbiddenCallMode(TorchFunctionMode):
    """Sees every call of a torch function, and raises for the forbidden ones."""

    def __init__(self, names: Mapping[Any, str]):
        super().__init__()
        self.names = names

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # A function of torch.ops may be called as a whole or by one of its overloads.
        called = func.overloadpacket if isinstance(func, torch._ops.OpOverload) else func
        if (name := self.names.get(called)) is not None:
            refuse(name)
        return func(*args, **(kwargs or {}))
