"""Shared by the questions of Lab 6: grids, the nearest of their values, inputs of many magnitudes."""

from typing import Any

import torch
from torch import Generator, Tensor

from qlab.check import Drawn, uniform


def symmetric(*magnitudes: float) -> Tensor:
    """A sorted grid: 0 and these magnitudes with both signs."""
    return torch.tensor(sorted({0.0, *magnitudes, *(-m for m in magnitudes)}))


ELEVEN = symmetric(*(2.0**k for k in range(1, 6)))
THIRTEEN = symmetric(*(2.0**k for k in range(6)))
FIFTEEN = symmetric(*(2.0**k for k in range(7)))
TWO_DIGITS = symmetric(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0)

# All that rounds to a grid calls `_snap`.
ROUNDERS = (
    *("qlab.formats.floatsd.rounding:round_to_grid", "qlab.formats.floatsd.rounding:fake_quantize_to_grid"),
    "qlab.formats.floatsd.rounding:_snap",
)


def by_distance(v: Tensor, grid: Tensor, *_: Any) -> Tensor:
    return grid[(v.unsqueeze(-1) - grid).abs().argmin(dim=-1)]


def clear_of_borders(x: Tensor, unit: float | Tensor, grid: Tensor) -> bool:
    """Whether no value is near the middle between two of the grid, or near the papers' border to 0."""
    v = x.double() / (unit.double() if isinstance(unit, torch.Tensor) else unit)
    smallest = grid[grid > 0].min()
    middles = torch.cat(((grid[1:] + grid[:-1]) / 2, torch.tensor([0.75, -0.75]) * smallest)).double()
    return bool(((v.unsqueeze(-1) - middles).abs() > 1e-3 * (1 + middles.abs())).all())


def spread(*shape: int, low: float, high: float) -> Drawn:
    """Values of both signs and many magnitudes, 2**low to 2**high, even in the exponent."""
    drawn = uniform(0, 10**6, *shape, dtype=torch.float32)
    signs = uniform(0, 1, *shape, dtype=torch.float32)

    def draw(generator: Generator) -> Tensor:
        magnitude = 2 ** (low + (high - low) * drawn.draw(generator) / 10**6)
        return (2 * signs.draw(generator) - 1) * magnitude

    return Drawn(draw)


def some_units(*units: float) -> Tensor:
    return torch.tensor(units).reshape(-1, 1)
