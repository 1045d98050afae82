"""qlab as students' processes have it: imported from memory, and what is withheld is asked of the judge."""

import builtins
import importlib
import importlib.util
import inspect
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch

from autograder.grade.crossing import CannotCrossError, from_plain, to_plain
from autograder.grade.wire import Channel

# No notebook imports these, and what they import takes long: what is behind the student's commands.
NOT_FOR_NOTEBOOKS = ("qlab.notebook", "qlab.student", "qlab.cli", "qlab.__main__")


class Library(MetaPathFinder, ExecutionLoader):
    """Imports modules from their sources.

    Args:
        modules: sources by name.
    """

    def __init__(self, modules: Mapping[str, str]):
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that the library has; None for others."""
        if fullname not in self._modules:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def is_package(self, fullname: str) -> bool:
        """Whether there are modules inside of this one."""
        return any(name.startswith(f"{fullname}.") for name in self._modules)

    def get_source(self, fullname: str) -> str:
        """The source of a module, without what is withheld."""
        return self._modules[fullname]

    def get_filename(self, fullname: str) -> str:
        """What tracebacks call the module; there is no such file."""
        inside = "/__init__" if self.is_package(fullname) else ""
        return f"/{fullname.replace('.', '/')}{inside}.py"


def install(modules: Mapping[str, str]) -> None:
    """Import qlab from here on from these sources, and all that notebooks import of it now."""
    sys.meta_path.insert(0, Library(modules))
    Line.guard = importlib.import_module("qlab.check.forbidden_calls")
    for name in sorted(modules):
        if not name.startswith(NOT_FOR_NOTEBOOKS):
            with suppress(ImportError):  # an engine that is not installed
                importlib.import_module(name)


class Line:
    """The line to the judge. Only the process that the judge talks to may use it, not what a cell has forked."""

    channel: Channel | None = None
    process = 0
    guard: Any = None  # qlab's module on forbidden calls: no import later on, when a student may have exchanged imports

    @classmethod
    def connect(cls, channel: Channel) -> None:
        """From here on, this process asks the judge through this channel."""
        cls.channel, cls.process = channel, os.getpid()


def ask(name: str, arguments: dict[str, Any]) -> Any:
    """What a withheld function returns, called by the judge.

    Args:
        name: of the function, as "module:qualname".
        arguments: by the names of its parameters.

    Raises:
        ForbiddenCallError: it is what the running check asks for.
        RuntimeError: it cannot be called from here, or not with these arguments.
    """
    arguments = _without_defaults(name, arguments)
    tensors = {
        key: value
        for key, value in arguments.items()
        if isinstance(value, torch.Tensor) and value.requires_grad and torch.is_grad_enabled()
    }
    if tensors:
        return _Differentiable.apply(name, arguments, tuple(tensors), *tensors.values())  # type: ignore[no-untyped-call]
    return _called(name, arguments)


def _without_defaults(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that are not their parameters' defaults, among which are functions, which cannot cross."""
    location = Line.guard and Line.guard.find(name)
    if location is None or not callable(location[2]):
        return arguments
    parameters = inspect.signature(location[2]).parameters
    return {
        key: value for key, value in arguments.items() if key not in parameters or value is not parameters[key].default
    }


class _Differentiable(torch.autograd.Function):
    """Calls a withheld function of tensors of which gradients are wanted; its output is a tensor, or several values."""

    @staticmethod
    def forward(ctx: Any, name: str, arguments: dict[str, Any], wanted: tuple[str, ...], *tensors: torch.Tensor) -> Any:
        """The output."""
        ctx.name, ctx.arguments, ctx.wanted = name, arguments, wanted
        return _called(name, arguments)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> Any:
        """The gradients of the arguments."""
        gradients = _asked({"name": ctx.name, "arguments": ctx.arguments, "gradients": upstream})
        return None, None, None, *(gradients[name] for name in ctx.wanted)


def _called(name: str, arguments: dict[str, Any]) -> Any:
    reply = _asked({"name": name, "arguments": arguments})
    if reply["self"] is not None:
        vars(arguments["self"]).update(reply["self"])
    return reply["value"]


def _asked(request: dict[str, Any]) -> Any:
    function = request["name"].replace(":", ".")
    if Line.channel is None or os.getpid() != Line.process:
        raise RuntimeError(f"{function} can only be called in the notebook's own process while this lab is graded")
    try:
        message = {"op": "call withheld", **to_plain(request)}
    except CannotCrossError as error:
        raise RuntimeError(f"{function} cannot be called with a {error} while this lab is graded") from None
    with _uninterrupted():
        Line.channel.send(message)
        reply = Line.channel.receive()
    if "error" in reply:
        raise _exception(reply)
    return from_plain(reply["value"])


def _exception(reply: dict[str, Any]) -> Exception:
    """The exception that the call raised: of the same class, if that is a built-in one or the guard's own."""
    name, text = reply["error_name"], reply["error"]
    if name == "ForbiddenCallError":
        forbidden: Exception = Line.guard.ForbiddenCallError(text)
        return forbidden
    cls = getattr(builtins, name, RuntimeError)
    return cls(text) if isinstance(cls, type) and issubclass(cls, Exception) else RuntimeError(text)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """No time limit interrupts the middle of a message; the judge has its own for the whole."""
    timers = (signal.SIGALRM, signal.SIGPROF)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, timers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
