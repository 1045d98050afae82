"""A student's functions, classes and objects as a check uses them: they stay in the student's process."""

from collections.abc import Callable
from typing import Any

from autograder.grade.codec import Handle, replaced
from qlab.check.answer import Returned

Ask = Callable[[dict[str, Any]], Returned]


class StudentObject:
    """What a handle stands for, while the check lasts; the name of its class is that of the student's.

    Args:
        handle: its name there.
        ask: sends a message about it and gives what came back.
    """

    def __init__(self, handle: Handle, ask: Ask):
        self.handle = handle
        self._ask = ask

    @property
    def kind(self) -> str:
        """See `Handle`."""
        return self.handle.kind

    def call(self, *arguments: Any) -> Returned:
        """Call it; arguments may be such objects too."""
        return self._ask({"do": "call", "target": self.handle, "arguments": arguments})

    def construct(self, *arguments: Any) -> Returned:
        """An object of it, where it is a class."""
        return self.call(*arguments)

    def method(self, name: str, *arguments: Any) -> Returned:
        """Call one of its methods."""
        return self._ask({"do": "method", "target": self.handle, "method": name, "arguments": arguments})

    def attribute(self, name: str) -> Returned:
        """Read one of its attributes."""
        return self._ask({"do": "attribute", "target": self.handle, "attribute": name})

    def state_dict(self) -> Returned:
        """The parameters and buffers of a module, by name."""
        return self._ask({"do": "state_dict", "target": self.handle})

    def vjp(self, arguments: tuple[Any, ...], gradient: Any) -> Returned:
        """What flows back to each tensor of floats among the arguments, None where nothing does, from its output."""
        return self._ask({"do": "vjp", "target": self.handle, "arguments": arguments, "gradient": gradient})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of the student>"


def with_objects(value: Any, ask: Ask) -> Any:
    """A value that came, with an object in place of each handle."""
    return replaced(value, Handle, lambda handle: type(handle.type_name, (StudentObject,), {})(handle, ask))


def with_handles(value: Any) -> Any:
    """A value that goes, with its handle in place of each object."""
    return replaced(value, StudentObject, lambda one: one.handle)
