"""Grids for weights side by side: their levels over the histogram, and the error of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from qlab.arithmetic.validation import real_tensor
from qlab.formats.floatsd import (
    FLOATSD4,
    FLOATSD8,
    Grid,
    fake_quantize_to_grid,
    free_scale,
    power_of_two,
    uniform,
)
from qlab.plots.figure import Scene
from qlab.plots.theme import Theme, halo, minus, style
from qlab.ptq.metrics import mse, sqnr

MOST = 8192
"""The number of values to use; of a larger tensor, this many are taken at equal distances."""

CANDIDATES = 2.0 ** (torch.arange(-48, 13) / 12)
"""The scales to try, as multiples of the scale with which the grid ends at the largest weight."""

BINS = 121
DECIBELS = 50.0
FIXED = (power_of_two(4), FLOATSD4, FLOATSD8)


def example_weights(seed: int = 0) -> dict[str, Tensor]:
    """Three tensors of the same standard deviation: a bell (normal), long tails (Laplace), and even (uniform)."""
    generator = torch.Generator().manual_seed(seed)
    bell = torch.randn(MOST, generator=generator)
    share = torch.rand(2, MOST, generator=generator).clamp(min=1e-7)
    # The difference of two exponentially distributed numbers has a Laplace distribution of variance 2.
    tails = (share[1].log() - share[0].log()) / 2**0.5
    even = (2 * torch.rand(MOST, generator=generator) - 1) * 3**0.5
    return {"a bell": 0.12 * bell, "long tails": 0.12 * tails, "even": 0.12 * even}


def best_scale(x: Tensor, grid: Grid, rule: str = "nearest") -> float:
    """The scale among `CANDIDATES` with the smallest mean squared error."""
    scales = free_scale(x, grid) * CANDIDATES
    back = fake_quantize_to_grid(x.expand(len(scales), -1), grid, scales, rule=rule, channel_dim=0)
    errors = [mse(x, row) for row in back]
    return float(scales[int(np.argmin(errors))])


@dataclass(frozen=True)
class Cost:
    """The cost of rounding a tensor to a grid: signal to noise in dB, mean squared error, share of zeros."""

    decibels: float
    error: float
    zeros: float


def cost(x: Tensor, grid: Grid, scale: float, rule: str = "nearest") -> Cost:
    """Compare a tensor with itself rounded to a grid."""
    back = fake_quantize_to_grid(x, grid, scale, rule=rule)
    return Cost(sqnr(x, back), mse(x, back), float((back == 0).double().mean()))


class GridLevels(Scene):
    """Four grids on one tensor: uniform, powers of two, FloatSD4 and FloatSD8, each with its levels and its error.

    Args:
        weight: any shape, floating point; None for the examples only. Of a larger tensor, 8192 values are used.

    Raises:
        ValueError: all values are 0.
    """

    size = (10.6, 6.8)

    def __init__(self, weight: Tensor | None = None) -> None:
        own = {} if weight is None else {"yours": _sample(weight)}
        self.tensors = {**own, **example_weights()}
        self._best: dict[tuple[str, Grid, str], tuple[float, float]] = {}

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """One row per grid: the histogram over its levels, and on the right the signal-to-noise ratio."""
        self.theme = theme
        self.rows = [
            GridRow(
                figure.add_axes((0.03, 0.775 - 0.226 * row, 0.56, 0.165)),
                figure.add_axes((0.64, 0.775 - 0.226 * row, 0.335, 0.165)),
                theme,
                last=row == len(FIXED),
            )
            for row in range(1 + len(FIXED))
        ]
        return chain.from_iterable(row.moving for row in self.rows)

    def move(self, tensor: str = "a bell", times: float = 1.0, bits: int = 4, rule: str = "nearest") -> str:
        """Show all grids at these values.

        Args:
            tensor: its name in `tensors`.
            times: the scale of each grid, as a multiple of its best scale.
            bits: of the uniform grid, 2..8.
            rule: the rounding rule of the other grids, see `qlab.formats.floatsd.thresholds`; the uniform grid rounds
                to nearest.
        """
        x = self.tensors[tensor]
        reach = float(x.abs().max())
        counts, edges = np.histogram(x.numpy(), bins=BINS, range=(-reach, reach))
        grids = [(uniform(bits), "nearest"), *((grid, rule) for grid in FIXED)]
        scales, ceilings = zip(*(self.best(tensor, *grid) for grid in grids), strict=True)
        costs = [cost(x, grid, times * scale, by) for (grid, by), scale in zip(grids, scales, strict=True)]
        ratios = [each.decibels for each in costs]
        best = ratios.index(max(ratios))
        of_four = max((row for row, (grid, _) in enumerate(grids) if grid.bits <= 4), key=ratios.__getitem__)
        sentences = []
        for place, row in enumerate(self.rows):
            grid = grids[place][0]
            row.move(counts / counts.max(), edges, grid, times * scales[place])
            row.set_numbers(grid, costs[place], ceilings[place], best=place == best, of_four=place == of_four)
            sentences.append(
                f"{_name(grid)}: {costs[place].decibels:.1f} dB, mean squared error {costs[place].error:.3g}, "
                f"{costs[place].zeros:.1%} zeros"
            )
        by = "the nearest value" if rule == "nearest" else "the papers' thresholds"
        return (
            f"Weights: {tensor}; each grid at {times:.2g} times its best scale, rounded to {by}. "
            f"{'; '.join(sentences)}. "
            f"The best is {_name(grids[best][0])}, and of those with up to 4 bits {_name(grids[of_four][0])}. "
            f"The last gap of the uniform grid is {_last_gap(grids[0][0]):.0%} of its reach, of the powers of two "
            f"{_last_gap(grids[1][0]):.0%}.{self._lost(times, ratios, ceilings)}"
        )

    def best(self, tensor: str, grid: Grid, rule: str) -> tuple[float, float]:
        """The best scale of a grid for a tensor, and the SQNR with it in dB; computed once."""
        key = (tensor, grid, rule)
        if key not in self._best:
            x = self.tensors[tensor]
            scale = best_scale(x, grid, rule)
            self._best[key] = scale, cost(x, grid, scale, rule).decibels
        return self._best[key]

    @staticmethod
    def _lost(times: float, ratios: list[float], ceilings: tuple[float, ...]) -> str:
        if times == 1:
            return ""
        lost = [ceiling - ratio for ceiling, ratio in zip(ceilings, ratios, strict=True)]
        return f" With this scale they lose {min(lost):.1f} to {max(lost):.1f} dB against their best."


class GridRow:
    """One grid: its levels below the histogram, and a bar for the signal-to-noise ratio."""

    def __init__(self, left: Axes, right: Axes, theme: Theme, *, last: bool) -> None:
        self.theme, self.left = theme, left
        self.bars = left.stairs(np.zeros(BINS), np.linspace(-1, 1, BINS + 1), fill=True, color=theme.weight)
        self.levels = LineCollection([], linewidths=1.1, colors=theme.ink)
        left.add_collection(self.levels, autolim=False)
        for axes in (left, right):
            style(axes, theme)
            axes.grid(visible=False)
            axes.set_yticks([])
            axes.spines["left"].set_visible(axes is right)
        left.set_ylim(-0.42, 1.05)
        left.tick_params(labelbottom=last, bottom=last)
        left.spines["bottom"].set_visible(last)
        self.title = left.set_title(" ", loc="left", fontsize=11.5, color=theme.ink)
        right.set_xlim(0, DECIBELS)
        right.set_ylim(0, 1)
        right.tick_params(labelbottom=last)
        if last:
            left.set_xlabel("weight", color=theme.ink)
            right.set_xlabel("signal to noise, dB", color=theme.ink)
        (self.bar,) = right.plot([], [], linewidth=13, solid_capstyle="butt")
        (self.ceiling,) = right.plot([], [], color=theme.ink, linestyle="--", linewidth=1.5, path_effects=halo(theme))
        self.text = right.text(0.6, 0.78, "", va="center", fontsize=11, color=theme.ink)
        self.moving = [self.bars, self.levels, self.title, self.bar, self.ceiling, self.text]

    def move(self, heights: np.ndarray, edges: np.ndarray, grid: Grid, scale: float) -> None:
        """Set the histogram and the levels; the axis ends a little beyond the tensor's range."""
        self.bars.set_data(heights, edges)
        self.left.set_xlim(1.04 * edges[0], 1.04 * edges[-1])
        self.levels.set_segments([[(scale * value, -0.38), (scale * value, -0.08)] for value in grid.values])
        self.title.set_text(_name(grid))

    def set_numbers(self, grid: Grid, result: Cost, ceiling: float, *, best: bool, of_four: bool) -> None:
        """Set the numbers: the best grid gets its own colour, the best one with up to 4 bits a note."""
        ratio = min(result.decibels, DECIBELS)
        self.bar.set_data([0, ratio], [0.3, 0.3])
        self.bar.set_color(self.theme.clipping if best else self.theme.activation)
        self.ceiling.set_data([min(ceiling, DECIBELS)] * 2, [0.05, 0.55])
        mark = "  best" if best else ""
        mark += "  best of 4 bits" if of_four and not best else ""
        self.text.set_text(minus(f"{result.decibels:.1f} dB, {result.zeros:.1%} zeros{mark}"))
        self.text.set_color(self.theme.clipping if best else self.theme.ink)


def _name(grid: Grid) -> str:
    bits = "" if "bits" in grid.name else f", {grid.bits} bits"
    return f"{grid.name}{bits}, {len(grid.values)} values"


def _last_gap(grid: Grid) -> float:
    return 1 - grid.values[-2] / grid.top


def _sample(weight: Tensor) -> Tensor:
    x = real_tensor(weight, "weight").flatten().cpu()
    if not bool(x.any()):
        raise ValueError("all weights are 0: pass a tensor with other values.")
    return x if len(x) <= MOST else x[torch.linspace(0, len(x) - 1, MOST, dtype=torch.float64).round().long()]
