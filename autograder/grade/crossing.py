"""How qlab's own objects cross between a student's process and the judge when a withheld function is called.

Plain values cross as they are. A dataclass of qlab's crosses by its fields, or by its name if a module has it as a
constant; another object of qlab's by its attributes, so that its methods can be called. Nothing else crosses.
"""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

MARK = "object of qlab"
PLAIN = (type(None), bool, int, float, str, bytes, torch.Tensor, torch.dtype, np.ndarray, np.generic)


class CannotCrossError(Exception):
    """A value that is not data; the message says what it is."""


def to_plain(value: Any) -> Any:
    """The value, with plain data in place of qlab's objects.

    Raises:
        CannotCrossError: it contains something else.
    """
    if isinstance(value, torch.dtype):
        return {MARK: ["dtype", str(value).removeprefix("torch.")]}
    if isinstance(value, PLAIN) and not isinstance(value, torch.nn.Parameter):
        return value
    if isinstance(value, torch.nn.Parameter):
        return value.detach()
    if type(value) in (list, tuple):
        return type(value)(map(to_plain, value))
    if type(value) is dict:
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    cls = type(value)
    if not _is_ours(cls.__module__):
        raise CannotCrossError(cls.__name__)
    if name := _constant_name(value):
        return {MARK: ["constant", cls.__module__, name]}
    return {MARK: ["instance", cls.__module__, cls.__qualname__, to_plain(_state(value))]}


def from_plain(value: Any) -> Any:
    """The value that `to_plain` made this from. What comes from a student's process may be made up.

    Raises:
        CannotCrossError: it names no object or class of qlab's.
    """
    if type(value) in (list, tuple):
        return type(value)(map(from_plain, value))
    if type(value) is not dict:
        return value
    if set(value) != {MARK}:
        return {from_plain(key): from_plain(item) for key, item in value.items()}
    try:
        kind, *fields = value[MARK]
        return KINDS[kind](*fields)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CannotCrossError(f"no object of qlab's ({error})") from error


def _is_ours(module: Any) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == "qlab"


def _state(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    return dict(vars(value))


def _constant_name(value: Any) -> str:
    """The name under which the module of its class has this very object; "" if it does not."""
    if not dataclasses.is_dataclass(value):
        return ""
    names = vars(sys.modules[type(value).__module__]).items()
    return next((name for name, constant in names if constant is value), "")


def _dtype(name: str) -> torch.dtype:
    dtype = getattr(torch, name)
    if not isinstance(dtype, torch.dtype):
        raise CannotCrossError("no dtype")
    return dtype


def _constant(module: str, name: str) -> Any:
    value = vars(_module(module))[name]
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise CannotCrossError("no constant of qlab's")
    return value


def _instance(module: str, qualname: str, state: dict[str, Any]) -> Any:
    cls = vars(_module(module))[qualname]
    if not isinstance(cls, type) or cls.__module__ != module or issubclass(cls, torch.nn.Module):
        raise CannotCrossError("no class of qlab's")
    state = from_plain(state)
    if dataclasses.is_dataclass(cls):
        return cls(**state)
    value = object.__new__(cls)
    vars(value).update(state)
    return value


def _module(name: str) -> Any:
    if not _is_ours(name) or name not in sys.modules:
        raise CannotCrossError("no module of qlab's")
    return sys.modules[name]


KINDS: dict[str, Callable[..., Any]] = {"dtype": _dtype, "constant": _constant, "instance": _instance}
