"""Calls withheld functions for a student's process, in the judge, where nobody can take a guard away."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

import torch

from autograder.grade.codec import WireError
from autograder.grade.crossing import CannotCrossError, from_plain, to_plain
from autograder.grade.wire import encode
from qlab.check.forbidden_calls import ForbiddenCallError, find, forbid, refuse

MAX_ERROR = 1000  # characters of an exception's message


@dataclass(frozen=True)
class ServedCalls:
    """The withheld functions of one lab, as a student's process may call them.

    Attributes:
        withheld: all of them, as "module:qualname".
        closed: adds to forbidden functions what they call only for themselves; see `library.closed`.
    """

    withheld: frozenset[str] = frozenset()
    closed: Callable[[tuple[str, ...]], frozenset[str]] = frozenset

    def reply(self, request: dict[str, Any], forbidden: tuple[str, ...]) -> dict[str, Any]:
        """What a call gives, as a message.

        Args:
            request: from the student's process: the function's name, its arguments by name, and the gradients of its
                outputs, if those of the arguments are asked for.
            forbidden: what the running check forbids, also if another function calls it.
        """
        try:
            value = to_plain(self._call(request, forbidden))
            encode({"value": value})
            return {"op": "served", "value": value}
        except (CannotCrossError, WireError) as error:
            return _error(TypeError(f"what it returns cannot be handed over ({error})"))
        except MemoryError:
            raise
        except Exception as error:
            return _error(error)

    def _call(self, request: dict[str, Any], forbidden: tuple[str, ...]) -> Any:
        name, arguments, upstream = request.get("name"), request.get("arguments"), request.get("gradients")
        if not isinstance(name, str) or name not in self.withheld or not isinstance(arguments, dict):
            raise ForbiddenCallError("this function is not there while the lab is graded")
        if name in self.closed(forbidden):
            refuse(name)
        location = find(name)
        if location is None or not callable(location[2]):
            raise ForbiddenCallError(f"{name.replace(':', '.')} is not there while the lab is graded")
        given = {key: from_plain(value) for key, value in arguments.items()}
        with forbid(forbidden):
            if upstream is not None:
                return _gradients(location[2], given, upstream)
            value = _bound(location[2], given)
        owner = given.get("self")
        changed = None if owner is None or is_dataclass(owner) else dict(vars(owner))
        return {"value": value, "self": changed}


def _bound(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    bound = inspect.signature(function).bind_partial()
    bound.arguments.update(arguments)
    return function(*bound.args, **bound.kwargs)


def _gradients(function: Callable[..., Any], arguments: dict[str, Any], upstream: Sequence[Any]) -> dict[str, Any]:
    """The gradient for each float tensor among the arguments, by name, given that of each output."""
    leaves = {
        name: value.detach().requires_grad_()
        for name, value in arguments.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }
    with torch.enable_grad():
        value = _bound(function, {**arguments, **leaves})
        outputs = value if isinstance(value, tuple) else (value,)
        pairs = [
            (output, gradient)
            for output, gradient in zip(outputs, upstream, strict=True)
            if isinstance(output, torch.Tensor) and output.requires_grad and gradient is not None
        ]
        if not pairs:  # nothing that comes back depends on the arguments, or not in a way that has gradients
            return dict.fromkeys(leaves)
        differentiable, given = zip(*pairs, strict=True)
        gradients = torch.autograd.grad(differentiable, list(leaves.values()), given, allow_unused=True)
    return dict(zip(leaves, gradients, strict=True))


def _error(error: Exception) -> dict[str, Any]:
    return {"op": "served", "error": str(error)[:MAX_ERROR], "error_name": type(error).__name__}
