"""A reference in named steps, and mistakes as faults put into them.

The reference of a question is a function whose keyword-only arguments are its steps: `rounding`, `clamp`, … A mistake
is the same function with a step or two replaced. So a mistake is a line, two of them combine, and each is by
construction what a student gets who makes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

Step = Callable[..., Any]
Steps = Mapping[str, Any]
Whatever = TypeVar("Whatever")

# Float arithmetic moves a value this far, absolutely and relatively: whatever lies so close to a tie counts as one.
TIE_WIDTH = 1e-4
TIE_WIDTH_RELATIVE = 2.0**-21


@dataclass(frozen=True)
class Mistake:
    """A named mistake.

    Attributes:
        name: said to the student as the cause, counted in the class report.
        steps: the steps of the reference that are wrong in it (`given`).
        next: the one next step, best as a question.
    """

    name: str
    steps: Steps = field(hash=False)
    next: str


def given(**steps: Any) -> Steps:
    """The steps that a mistake replaces: `given(clamp=identity)`."""
    return steps


def nearest(x: Tensor) -> Tensor:
    """Round half to even, as torch.round; the one reading that is not about ties."""
    return torch.round(x)


def ties_down(x: Tensor, magnitude: float = 0.0) -> Tensor:
    """Round to nearest, values at (or within float error of) a tie down: one end of what is accepted.

    Args:
        magnitude: of the largest number on the way to x, whose float32 error x carries.
    """
    return torch.ceil(x - 0.5 - _width(x, magnitude))


def ties_up(x: Tensor, magnitude: float = 0.0) -> Tensor:
    """Round to nearest, values at (or within float error of) a tie up: the other end; see `ties_down`."""
    return torch.floor(x + 0.5 + _width(x, magnitude))


def as_is(x: Whatever, *_: object) -> Whatever:
    """x as it was, whatever a step is given besides: the step is left out."""
    return x


def wrapped(x: Tensor, bits: int) -> Tensor:
    """What a signed integer type of so many bits makes of integers: it wraps around."""
    half = 1 << (bits - 1)
    return torch.remainder(x + half, 2 * half) - half


def _width(x: Tensor, magnitude: float) -> Tensor:
    finite = x.abs().nan_to_num(posinf=0.0)  # a faulty step may divide by 0
    return TIE_WIDTH + TIE_WIDTH_RELATIVE * finite.clamp(min=magnitude)
