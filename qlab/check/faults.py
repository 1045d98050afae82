"""Mistakes as faults: a reference in named steps, some of them overridden.

The reference of a question is a function whose keyword-only arguments are its steps: `rounding`, `clamp`, … A mistake
is the same function with one or two steps overridden. So a mistake takes one line, two mistakes can be combined, and a
mistake returns exactly what a student gets who makes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

Step = Callable[..., Any]
Overrides = Mapping[str, Any]
Whatever = TypeVar("Whatever")

# Float arithmetic may move a value this far, absolutely and relatively; what is this close to a tie counts as a tie.
TIE_WIDTH = 1e-4
TIE_WIDTH_RELATIVE = 2.0**-21


@dataclass(frozen=True)
class Mistake:
    """A named mistake.

    Attributes:
        name: shown to the student as the cause, and counted in the class report.
        steps: the overridden steps of the reference (see `override`).
        next: one next step, preferably a question.
    """

    name: str
    steps: Overrides = field(hash=False)
    next: str


def override(**steps: Any) -> Overrides:
    """The steps that a mistake overrides: `override(clamp=identity)`."""
    return steps


given = override  # its name in labs released before 0.2


def nearest(x: Tensor) -> Tensor:
    """Round half to even, as torch.round does: the plain rounding that references use by default."""
    return torch.round(x)


def ties_down(x: Tensor, magnitude: float = 0.0) -> Tensor:
    """Round to nearest, with ties (within float error) rounded down: the lower end of the accepted values.

    Args:
        x: the values to round.
        magnitude: of the largest intermediate result; its float32 error is contained in x.
    """
    return torch.ceil(x - 0.5 - _width(x, magnitude))


def ties_up(x: Tensor, magnitude: float = 0.0) -> Tensor:
    """Round to nearest, with ties (within float error) rounded up: the upper end; see `ties_down`."""
    return torch.floor(x + 0.5 + _width(x, magnitude))


def as_is(x: Whatever, *_: object) -> Whatever:
    """x unchanged, whatever else the step is given: a step that is left out."""
    return x


def wrapped(x: Tensor, bits: int) -> Tensor:
    """Integers as a signed type of so many bits holds them: wrapped around."""
    half = 1 << (bits - 1)
    return torch.remainder(x + half, 2 * half) - half


def _width(x: Tensor, magnitude: float) -> Tensor:
    finite = x.abs().nan_to_num(posinf=0.0)  # a mutant may divide by 0
    return TIE_WIDTH + TIE_WIDTH_RELATIVE * finite.clamp(min=magnitude)
