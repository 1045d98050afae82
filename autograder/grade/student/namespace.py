"""What the judge may do with a student's names: call, construct, call a method, read an attribute, vjp, state_dict."""

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch

from autograder.grade.codec import Handle, replaced
from qlab.check.answer import LocalAnswer, Returned
from qlab.check.forbidden_calls import find


class Names:
    """A student's namespace as the judge uses it during one check.

    Args:
        namespace: the notebook's variables.
        forbidden: the functions that the question asks for, which its answer must not call.
    """

    def __init__(self, namespace: dict[str, Any], forbidden: tuple[str, ...] = ()):
        self.namespace = namespace
        self.forbidden = forbidden
        self.kept: list[Any] = []
        self.stack = ExitStack()

    def keep(self, value: Any) -> Handle:
        """A handle for what does not cross itself: a function, a class, a module, an object of the student's class."""
        self.kept.append(value)
        return Handle(len(self.kept) - 1, _kind(value), type(value).__name__)

    def do(self, message: dict[str, Any]) -> dict[str, Any]:
        """One thing that the judge asks for; an exception in the student's code is a result."""
        return getattr(self, f"do_{message['do']}")(**{key: value for key, value in message.items() if key != "do"})  # type: ignore[no-any-return]

    def do_get(self, name: str) -> dict[str, Any]:
        """The value of a variable."""
        return {"value": self.namespace[name]} if name in self.namespace else {"missing": True}

    def do_call(self, target: str | Handle, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Call a function, or construct an object of a class."""
        return self._run(self._object(target), arguments)

    def do_method(self, target: str | Handle, method: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Call a method."""
        owner = self._object(target)
        return self._run(lambda *given: getattr(owner, method)(*given), arguments, getattr(type(owner), method, None))

    def do_attribute(self, target: str | Handle, attribute: str) -> dict[str, Any]:
        """Read an attribute."""
        return self._run(lambda: getattr(self._object(target), attribute), ())

    def do_state_dict(self, target: str | Handle) -> dict[str, Any]:
        """A module's parameters and buffers."""
        return self._run(lambda: dict(self._object(target).state_dict()), ())

    def do_vjp(self, target: str | Handle, arguments: tuple[Any, ...], gradient: Any) -> dict[str, Any]:
        """The gradient that flows back to each tensor of floats among the arguments; None where none does."""

        def flow(*given: Any) -> list[Any]:
            leaves = [x.requires_grad_() for x in given if isinstance(x, torch.Tensor) and x.is_floating_point()]
            out = self._object(target)(*given)
            return list(torch.autograd.grad(out, leaves, gradient, allow_unused=True))

        return self._run(flow, arguments, self._object(target))

    def do_stand_in(self, target: str, names: dict[str, str]) -> dict[str, Any]:
        """From here on a function of the student's finds these functions under these names."""
        functions = {name: resolve(where) for name, where in names.items()}
        self.stack.enter_context(LocalAnswer(self.namespace[target], (target,)).patched(functions))
        return {}

    def do_stand_down(self) -> dict[str, Any]:
        """The student's own functions are back under their names."""
        self.stack.close()
        return {}

    def _object(self, target: str | Handle) -> Any:
        return self.kept[target.number] if isinstance(target, Handle) else self.namespace[target]

    def _run(self, function: Callable[..., Any], arguments: tuple[Any, ...], own: Any = None) -> dict[str, Any]:
        """Call a function; an exception names a line of `own` where the student's is not the function itself."""
        given = replaced(arguments, Handle, self._object)
        answer = LocalAnswer(function, ("",), self.forbidden)
        answer.own = inspect.unwrap(_code_of(function if own is None else own))
        return told(answer.call(given))


def told(returned: Returned) -> dict[str, Any]:
    """What a call gave, as a message."""
    if returned.error:
        place = returned.error_place[:200]
        return {"error": returned.error[:1000], "error_name": returned.error_name[:100], "error_place": place}
    return {"value": returned.value}


def _kind(value: Any) -> str:
    if isinstance(value, torch.nn.Module):
        return "module"
    if inspect.isclass(value):
        return "class"
    return "function" if inspect.isroutine(value) else "object"


def _code_of(value: Any) -> Any:
    """The function that runs where a value is called."""
    if isinstance(value, torch.nn.Module):
        return type(value).forward
    if inspect.isclass(value):
        return value.__init__
    return value if inspect.isroutine(value) else type(value).__call__


def resolve(name: str) -> Callable[..., Any]:
    """The function that a name such as "qlab.arithmetic.quantize:linear_quantize" stands for."""
    found = find(name)
    if found is None:
        raise LookupError(f"there is no {name}")
    function: Callable[..., Any] = found[2]
    return function
