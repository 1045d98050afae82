"""What feedback on a hidden case may say: nothing that an answer can choose, because it could choose the hidden input.

So there are no values, shapes and counts, no line of the answer, and the name of a type only if it is a known one.
"""

import builtins
from functools import cache
from types import ModuleType

import numpy as np
import torch

OWN_EXCEPTION = "an exception of your own"
OWN_TYPE = "a type of your own"


def exception_name(name: str) -> str:
    """The name of a class of exceptions, if Python, torch or numpy has one of that name."""
    return name if name in _classes(BaseException) else OWN_EXCEPTION


def type_name(name: str) -> str:
    """The name of a type, if Python, torch or numpy has one of that name."""
    return name if name in _classes(object) else OWN_TYPE


@cache
def _classes(kind: type) -> frozenset[str]:
    places: tuple[ModuleType, ...] = (builtins, torch, torch.nn, torch.linalg, np, np.exceptions)
    classes = [value for place in places for value in vars(place).values() if isinstance(value, type)]
    ours = {"ForbiddenCallError", "NoSuchFunctionError", "NoneType", "function", "module"}
    return frozenset({one.__name__ for one in classes if issubclass(one, kind)} | ours)
