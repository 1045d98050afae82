"""Proxies by which a check uses a student's functions, classes and objects, which stay in the student's process."""

from collections.abc import Callable
from typing import Any

from autograder.grade.codec import Handle, replace_instances
from qlab.check.answer import Returned

Ask = Callable[[dict[str, Any]], Returned]


class StudentObject:
    """The proxy of one object, valid during one check. Each gets a subclass of its own, named after the object's class.

    Args:
        handle: of the object.
        ask: sends a message about it and returns what came back.
    """

    def __init__(self, handle: Handle, ask: Ask):
        self.handle = handle
        self._ask = ask

    @property
    def kind(self) -> str:
        """See `Handle`."""
        return self.handle.kind

    def call(self, *arguments: Any) -> Returned:
        """Call it; arguments may be proxies too."""
        return self._ask({"op": "call", "target": self.handle, "arguments": arguments})

    def construct(self, *arguments: Any) -> Returned:
        """Make an instance of it, if it is a class."""
        return self.call(*arguments)

    def method(self, name: str, *arguments: Any) -> Returned:
        """Call one of its methods."""
        return self._ask({"op": "method", "target": self.handle, "method": name, "arguments": arguments})

    def attribute(self, name: str) -> Returned:
        """Read one of its attributes."""
        return self._ask({"op": "attribute", "target": self.handle, "attribute": name})

    def state_dict(self) -> Returned:
        """Its parameters and buffers, by name, if it is a torch module."""
        return self._ask({"op": "state_dict", "target": self.handle})

    def vjp(self, arguments: tuple[Any, ...], gradient: Any) -> Returned:
        """Call it and backpropagate: the vector-Jacobian product for each float tensor among the arguments.

        Args:
            arguments: of the call.
            gradient: of the output.

        Returns:
            A list of gradients; None for an argument on which the output does not depend.
        """
        return self._ask({"op": "vjp", "target": self.handle, "arguments": arguments, "gradient": gradient})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of the student>"


def with_objects(value: Any, ask: Ask) -> Any:
    """A received value, with a proxy in place of each handle."""
    return replace_instances(value, Handle, lambda handle: type(handle.type_name, (StudentObject,), {})(handle, ask))


def with_handles(value: Any) -> Any:
    """A value to send, with the handle in place of each proxy."""
    return replace_instances(value, StudentObject, lambda proxy: proxy.handle)
