"""Rounding to a grid, and fake quantization to it."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from qlab.arithmetic.qparams import code_dtype
from qlab.arithmetic.quantize import Scale
from qlab.arithmetic.validation import along_channel, checked_scale, real_tensor
from qlab.formats.floatsd.grid import Grid

RULES = ("nearest", "papers")


def thresholds(grid: Grid, rule: str = "nearest") -> Tensor:
    """The rounding thresholds: |x| / scale at or above thresholds[i] becomes magnitude i + 1 or more.

    Args:
        grid: with n magnitudes, including 0.
        rule: "nearest" for the midpoints; "papers" for the same with one exception: the first threshold is 0.75 times
            the smallest positive magnitude. (Between powers of two, midpoints are 1.5 * 2**k, and 0.75 = 1.5 / 2.)

    Returns:
        float32, (n - 1,).

    Raises:
        ValueError: the rule is unknown.

    Source: FloatSD4 (Hsieh, Liu, Chiueh, JETCAS 2021).
    """
    if rule not in RULES:
        raise ValueError(f"the rule must be one of {', '.join(RULES)}, not {rule!r}.")
    magnitudes = torch.tensor(grid.magnitudes, dtype=torch.float32)
    midpoints = (magnitudes[1:] + magnitudes[:-1]) / 2
    if rule == "papers":
        midpoints[0] = 0.75 * magnitudes[1]
    return midpoints


def round_to_grid(
    x: Tensor, grid: Grid, scale: Scale, *, rule: str = "nearest", channel_dim: int | None = None
) -> Tensor:
    """Round a tensor to the integers of a grid: compare |x| / scale, in float32, with the thresholds; keep the sign.

    A value at a threshold gets the larger magnitude; a value beyond the top gets the top.

    Args:
        x: any shape, floating point, finite.
        grid, rule: see `thresholds`.
        scale: a float, or one entry per channel along `channel_dim`.

    Returns:
        Integers of the grid, in the shape of x, in the smallest dtype that holds the top.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation` and `thresholds`.
    """
    x = real_tensor(x)
    divisor = along_channel(checked_scale(scale), x, channel_dim)
    return _snap(x / divisor, *_tables(grid, rule)).to(code_dtype(-grid.top, grid.top))


def fake_quantize_to_grid(
    x: Tensor, grid: Grid, scale: Scale, *, rule: str = "nearest", channel_dim: int | None = None
) -> Tensor:
    """Rounded to the grid and back: float32, scale * integer.

    The gradient is the straight-through estimator's: 0 where |x| / scale exceeds the top by half of the last step or
    more, else 1.

    Arguments and errors as for `round_to_grid`.
    """
    divisor = along_channel(checked_scale(scale), real_tensor(x), channel_dim)
    return straight_through(x.to(torch.float32), grid, divisor, rule)


def straight_through(x: Tensor, grid: Grid, scale: Tensor, rule: str) -> Tensor:
    """`fake_quantize_to_grid` without validation; scale must broadcast against x."""
    result: Tensor = _StraightThrough.apply(x, scale, *_tables(grid, rule))  # type: ignore[no-untyped-call]  # torch's
    return result


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, thresholds: Tensor, magnitudes: Tensor) -> Tensor:
        in_units = x / scale
        beyond = magnitudes[-1] + (magnitudes[-1] - magnitudes[-2]) / 2
        ctx.save_for_backward(in_units.abs() < beyond)
        return _snap(in_units, thresholds, magnitudes) * scale

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        (inside,) = ctx.saved_tensors
        return upstream * inside, None, None, None


def _snap(in_units: Tensor, thresholds: Tensor, magnitudes: Tensor) -> Tensor:
    """Integers of the grid as floats."""
    passed = torch.bucketize(in_units.abs(), thresholds.to(in_units.device), right=True)
    return torch.copysign(magnitudes.to(in_units.device)[passed], in_units)


@lru_cache
def _tables(grid: Grid, rule: str) -> tuple[Tensor, Tensor]:
    return thresholds(grid, rule), torch.tensor(grid.magnitudes, dtype=torch.float32)
