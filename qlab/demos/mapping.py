"""Demo of the mapping from float to integer and back: the staircase, with bitwidth, scale and zero-point by hand."""

import math

import torch
from torch import Tensor

from qlab.arithmetic.ranges import affine_range
from qlab.demos.controls import choice_slider, slider
from qlab.demos.demo import Demo
from qlab.plots.theme import minus
from qlab.plots.transfer_function import Staircase

BITWIDTH = 3


def mapping(x: Tensor | None = None, *, dark: bool = False) -> Demo:
    """The staircase of a quantizer, its error, and the path of one number x from float to integer and back.

    Args:
        x: any shape, floating point; the staircase covers its range, by default [-1, 1].
        dark: start on a dark background.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation.real_tensor`; all of x is 0.
    """
    low, high = map(float, affine_range(torch.tensor([-1.0, 1.0]) if x is None else x))
    if low == high:
        raise ValueError("all of x is 0: pass a tensor with some range.")
    step = (high - low) / 100
    controls = {
        "bitwidth": slider("bits", BITWIDTH, 2, 8),
        # With 3 bits one step is 1/7 of the range.
        "scale": _steps("scale", [k * step for k in range(1, 31)], 14 * step),
        "zero_point": slider("zero-point", 0, -8, 8),
        "x": _steps("x", [low + 2.5 * k * step for k in range(-6, 47)], low + 70 * step),
    }
    return Demo(Staircase(low, high), controls, play="x", dark=dark)


def _steps(name: str, values: list[float], first: float) -> object:
    """A slider over real values, with enough decimals to tell them apart."""
    decimals = max(2, -math.floor(math.log10(values[1] - values[0])))
    rounded = [round(value, decimals) for value in values]
    return choice_slider(name, [(minus(f"{value:.{decimals}f}"), value) for value in rounded], round(first, decimals))
