"""Answers the judge's requests about a student's names: call, construct, call a method, read an attribute, vjp, ..."""

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch

from autograder.grade.codec import Handle, replace_instances
from qlab.check.answer import LocalAnswer, Returned
from qlab.check.forbidden_calls import find


class NamespaceServer:
    """Serves a student's namespace to the judge during one check.

    Objects that cannot cross the wire stay here, and the judge gets handles to them. The methods `handle_...` are the
    requests; their parameters are the fields of the message.

    Args:
        namespace: the notebook's variables.
        forbidden: the functions that the question asks for, which its answer must not call.
    """

    def __init__(self, namespace: dict[str, Any], forbidden: tuple[str, ...] = ()):
        self.namespace = namespace
        self.forbidden = forbidden
        self.objects: list[Any] = []  # a handle's number is the index here
        self.patches = ExitStack()

    def make_handle(self, value: Any) -> Handle:
        """A handle for a value that cannot cross: a function, a class, a module, an object of the student's class."""
        self.objects.append(value)
        return Handle(len(self.objects) - 1, _kind(value), type(value).__name__)

    def handle(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do one thing that the judge asks for; an exception in the student's code is a result."""
        # The name comes from the judge, which is trusted: no student's text gets here.
        method = getattr(self, f"handle_{message['op']}")
        return method(**{key: value for key, value in message.items() if key != "op"})  # type: ignore[no-any-return]

    def handle_get(self, name: str) -> dict[str, Any]:
        """The value of a variable."""
        return {"value": self.namespace[name]} if name in self.namespace else {"missing": True}

    def handle_call(self, target: str | Handle, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Call a function, or construct an object of a class."""
        return self._run(self._object(target), arguments)

    def handle_method(self, target: str | Handle, method: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Call a method."""
        owner = self._object(target)
        return self._run(lambda *given: getattr(owner, method)(*given), arguments, getattr(type(owner), method, None))

    def handle_attribute(self, target: str | Handle, attribute: str) -> dict[str, Any]:
        """Read an attribute."""
        return self._run(lambda: getattr(self._object(target), attribute), ())

    def handle_state_dict(self, target: str | Handle) -> dict[str, Any]:
        """A module's parameters and buffers."""
        return self._run(lambda: dict(self._object(target).state_dict()), ())

    def handle_vjp(self, target: str | Handle, arguments: tuple[Any, ...], gradient: Any) -> dict[str, Any]:
        """The gradient of each float tensor among the arguments; None if the output does not depend on it."""

        def backpropagate(*given: Any) -> list[Any]:
            leaves = [x.requires_grad_() for x in given if isinstance(x, torch.Tensor) and x.is_floating_point()]
            output = self._object(target)(*given)
            return list(torch.autograd.grad(output, leaves, gradient, allow_unused=True))

        return self._run(backpropagate, arguments, self._object(target))

    def handle_patch(self, target: str, names: dict[str, str]) -> dict[str, Any]:
        """From here on, the student's function finds these functions of qlab under these names."""
        functions = {name: resolve(reference) for name, reference in names.items()}
        self.patches.enter_context(LocalAnswer(self.namespace[target], (target,)).patched(functions))
        return {}

    def handle_unpatch(self) -> dict[str, Any]:
        """Put the student's own functions back under their names."""
        self.patches.close()
        return {}

    def _object(self, target: str | Handle) -> Any:
        return self.objects[target.number] if isinstance(target, Handle) else self.namespace[target]

    def _run(self, function: Callable[..., Any], arguments: tuple[Any, ...], own: Any = None) -> dict[str, Any]:
        """Call a function. If that is not the student's own code, `own` is: an exception names a line in there."""
        given = replace_instances(arguments, Handle, self._object)
        answer = LocalAnswer(function, ("",), self.forbidden)
        answer.own = inspect.unwrap(_code_of(function if own is None else own))
        return _to_message(answer.call(given))


def _to_message(returned: Returned) -> dict[str, Any]:
    if returned.error:
        return {"error": returned.error[:1000], "error_name": returned.error_name[:100]}
    return {"value": returned.value, "changed": returned.changed}


def _kind(value: Any) -> str:
    if isinstance(value, torch.nn.Module):
        return "module"
    if inspect.isclass(value):
        return "class"
    return "function" if inspect.isroutine(value) else "object"


def _code_of(value: Any) -> Any:
    """The function that runs if a value is called."""
    if isinstance(value, torch.nn.Module):
        return type(value).forward
    if inspect.isclass(value):
        return value.__init__
    return value if inspect.isroutine(value) else type(value).__call__


def resolve(reference: str) -> Callable[..., Any]:
    """The function that a reference such as "qlab.arithmetic.quantize:linear_quantize" means."""
    place = find(reference)
    if place is None:
        raise LookupError(f"there is no {reference}")
    function: Callable[..., Any] = place[2]
    return function
