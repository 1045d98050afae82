"""The two errors of a clipping range: clipping error outside against rounding error inside."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.validation import real_tensor
from qlab.calibration.observers import MinMax, MovingAverage, Observer
from qlab.calibration.range_search import entropy_range, mean_squared_error, percentile_range
from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.theme import DARK, LIGHT, Theme, halo, minus, style


def clipping_and_rounding(x: Tensor, thresholds: Tensor, *, bitwidth: int = 4, dark: bool = False) -> DescribedFigure:
    """The error of quantizing an activation over [0, a], as a function of a: clipping, rounding, and their sum.

    The histogram of the values is drawn above. Errors are mean squared errors over all values.

    Args:
        x: any shape, floating point, no value below 0: the output of a ReLU.
        thresholds: (candidates,), above 0, ascending.
        bitwidth: 2..16; codes from 0 on.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    x = real_tensor(x).flatten()
    clipped, rounded = _two_errors(x, thresholds, bitwidth)
    both = clipped + rounded
    best = float(thresholds[both.argmin()])
    figure = DescribedFigure(figsize=(7.5, 5.6), dpi=100, facecolor=theme.background)
    figure.subplots_adjust(left=0.12, right=0.98, top=0.93, bottom=0.09, hspace=0.34)
    top, bottom = figure.add_subplot(2, 1, 1), figure.add_subplot(2, 1, 2)
    _draw_histogram(top, theme, x)
    top.set_title("Values above 0, on a logarithmic scale", loc="left", fontsize=12, color=theme.ink)
    for name, errors, colour in (
        ("rounding", rounded, theme.activation),
        ("clipping", clipped, theme.weight),
        ("both", both, theme.ink),
    ):
        bottom.plot(thresholds, errors, color=colour, linewidth=2, label=name)
    bottom.set_ylim(0, 3 * float(both[-1]))
    bottom.legend(frameon=False, labelcolor=theme.ink, fontsize=11)
    bottom.set_title(f"Mean squared error, {bitwidth} bits", loc="left", fontsize=12, color=theme.ink)
    bottom.set_xlabel("high end of the range", color=theme.ink)
    for axes in (top, bottom):
        style(axes, theme)
        axes.set_xlim(0, float(x.max()) * 1.02)
        axes.axvline(best, color=theme.clipping, linestyle="--", linewidth=2)
    figure.description = (
        f"With {bitwidth} bits the squared error is smallest if the range ends at {best:.2f}; the largest value is "
        f"{float(x.max()):.2f}. If the range ends lower, clipping costs more; if it ends higher, rounding does."
    )
    return figure


def _draw_histogram(axes: Axes, theme: Theme, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Draw a histogram of the values above 0 on a logarithmic scale; returns its counts and edges."""
    counts, edges = np.histogram(x[x > 0].cpu().numpy(), bins=100)
    axes.stairs(counts, edges, fill=True, color=theme.activation)
    axes.set_yscale("log")
    return counts, edges


def _two_errors(x: Tensor, thresholds: Tensor, bitwidth: int) -> tuple[Tensor, Tensor]:
    """Mean squared clipping error and mean squared rounding error for ranges [0, a]."""
    qmin, qmax = code_range(bitwidth, signed=False)
    clipped, rounded = [], []
    for a in thresholds:
        scale, zero_point = qparams(torch.zeros_like(a), a, qmin, qmax)
        squares = (dequantize(quantize(x, scale, zero_point, qmin, qmax), scale, zero_point) - x).double().square()
        clipped.append(squares[x > a].sum() / x.numel())
        rounded.append(squares[x <= a].sum() / x.numel())
    return torch.stack(clipped), torch.stack(rounded)


# The live scene -------------------------------------------------------------------------------------------------------

PERCENT = range(1, 101)
BATCHES = 64
ENTROPY_BINS = 512
"""A quarter of TensorRT's number, for a quarter of the time; two bins per level with 8 bits."""
RULES = ("min and max", "moving average", "percentile 99.9", "least squared error", "relative entropy")


def example_activation(seed: int = 0) -> Tensor:
    """An example of a ReLU's output with a long tail: (64, 128), the positive part of normals of varying width.

    Args:
        seed: of the random generator.
    """
    generator = torch.Generator().manual_seed(seed)
    bell, width = torch.randn(2, BATCHES, 128, generator=generator)
    return torch.relu(bell * torch.exp(0.75 * width))


def _end_of(observer: Observer, x: Tensor) -> float:
    """The high end of an observer's range after it has seen the batches one by one."""
    for batch in x.chunk(BATCHES):
        observer.observe(batch)
    return float(observer.range()[1])


@dataclass(frozen=True)
class _Curves:
    """The curves of one bitwidth.

    Attributes:
        clipped, rounded, both: the two errors and their sum, by the end of the range.
        ends: the end that each rule chooses.
        errors: the squared error of each rule.
    """

    clipped: Tensor
    rounded: Tensor
    both: Tensor
    ends: dict[str, float]
    errors: dict[str, float]


class Calibration(Scene):
    """Clipping error against rounding error as the end of a range [0, a] moves, and the end that each rule chooses.

    The curves have 100 points, from 1 % to 100 % of the largest value. They are the ranges that `mse_range` of
    qlab.calibration.range_search tries, so its answer is the minimum of the sum. The curves of a bitwidth are computed
    on first use and cached.

    Args:
        activation: any shape, floating point, no value below 0; by default `example_activation`. The moving average
            sees it in up to 64 batches, cut along the first dimension.

    Raises:
        ValueError: a value is below 0, or all values are 0.
    """

    size = (9.6, 6.4)

    def __init__(self, activation: Tensor | None = None) -> None:
        x = real_tensor(example_activation() if activation is None else activation, "activation")
        if float(x.min()) < 0:
            raise ValueError("the activation has values below 0: pass the output of a ReLU, such as torch.relu(x).")
        self.x, self.largest = x.flatten(), float(x.max())
        if self.largest == 0:
            raise ValueError("the activation is 0 everywhere: pass one with values above 0.")
        self.ends = self.x.max() * torch.tensor([k / 100 for k in PERCENT])
        percentile = float(percentile_range(self.x)[1])
        self.fixed = [_end_of(MinMax(), x), _end_of(MovingAverage(), x), percentile]  # at any bitwidth
        self._curves: dict[int, _Curves] = {}

    def curves(self, bitwidth: int) -> _Curves:
        """The curves of a bitwidth, from the cache if they were computed before."""
        if bitwidth not in self._curves:
            clipped, rounded = _two_errors(self.x, self.ends, bitwidth)
            both = clipped + rounded
            least = len(both) - 1 - int(both.flip(0).argmin())  # the widest of equally good ranges, as in mse_range
            entropy = entropy_range(self.x, 2**bitwidth, ENTROPY_BINS)[1]
            ends = dict(zip(RULES, [*self.fixed, float(self.ends[least]), float(entropy)], strict=True))
            zero, qmax = torch.tensor(0.0), 2**bitwidth - 1
            squares = [mean_squared_error(self.x, zero, torch.tensor(end), 0, qmax) for end in ends.values()]
            self._curves[bitwidth] = _Curves(clipped, rounded, both, ends, dict(zip(RULES, squares, strict=True)))
        return self._curves[bitwidth]

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """The histogram, the curves, and one row per rule."""
        self.top = figure.add_axes((0.165, 0.72, 0.62, 0.23))
        self.middle = figure.add_axes((0.165, 0.36, 0.62, 0.28))
        self.rows = figure.add_axes((0.165, 0.09, 0.62, 0.22))
        rim = halo(theme)
        self.counts, self.edges = _draw_histogram(self.top, theme, self.x)
        self.beyond = self.top.stairs([0], [0, 1], fill=True, color=theme.weight)
        self.middle.set_yscale("log")
        lines = (
            ("rounding", theme.activation, "-", 2.5),
            ("clipping", theme.weight, "--", 2.5),
            ("sum", theme.ink, "-", 1),
        )
        self.lines = [
            self.middle.plot([], [], color=colour, linestyle=dashes, linewidth=width)[0]
            for _, colour, dashes, width in lines
        ]
        self.names = [
            self.middle.text(0, 0, name, color=colour, fontsize=11, path_effects=rim)
            for (name, *_), colour in zip(lines, (theme.activation, theme.weight_text, theme.ink), strict=True)
        ]
        self.dots = [self.middle.plot([], [], "o", color=colour, path_effects=rim)[0] for _, colour, _, _ in lines]
        self.at = [
            axes.axvline(1, color=theme.clipping, linestyle="--", linewidth=2)
            for axes in (self.top, self.middle, self.rows)
        ]
        self.guides = [
            axes.axvline(1, color=theme.raw, linestyle=":", linewidth=1.5) for axes in (self.top, self.middle)
        ]
        self.marks = [self.rows.plot([], [], "D", color=theme.ink, markersize=6)[0] for _ in RULES]
        self.notes = [
            self.rows.text(1.04 * self.largest, row, "", va="center", fontsize=10.5, color=theme.ink)
            for row in range(len(RULES))
        ]
        self.titles = [
            axes.set_title(" ", loc="left", fontsize=11.5, color=theme.ink) for axes in (self.top, self.middle)
        ]
        for axes in (self.top, self.middle, self.rows):
            style(axes, theme)
            axes.minorticks_off()
            axes.set_xlim(0, 1.02 * self.largest)
            if axes is not self.rows:
                axes.tick_params(labelbottom=False)
        self.top.set_ylim(0.7, 2 * float(self.counts.max()))
        self.middle.set_ylim(*self._limits())
        self.rows.set_ylim(len(RULES) - 0.4, -0.6)
        self.rows.set_yticks(range(len(RULES)), RULES)
        self.rows.set_xlabel("high end of the range", color=theme.ink, fontsize=11)
        moving = (*self.lines, *self.names, *self.dots, *self.at, *self.guides, *self.marks, *self.notes, *self.titles)
        return [self.beyond, *moving]

    def _limits(self) -> tuple[float, float]:
        """The limits of the error axis, for all bitwidths and with room for the names."""
        (_, finest), (clipped, coarsest) = (_two_errors(self.x, self.ends[4::5], bitwidth) for bitwidth in (8, 2))
        most = float(torch.maximum(clipped, coarsest).max())
        return max(float(finest.max()), 1e-6 * most) / 20, 5 * most

    def move(self, bitwidth: int = 4, end: int = 100, marked: str = "all") -> str:
        """Show the range [0, a].

        Args:
            bitwidth: 2..8; codes from 0 on.
            end: a in per cent of the largest value, 1..100.
            marked: the rule to mark, one of `RULES`, or "all".
        """
        curves, place, a = self.curves(bitwidth), end - 1, float(self.ends[end - 1])
        errors = (curves.rounded, curves.clipped, curves.both)
        for line, dot, values in zip(self.lines, self.dots, errors, strict=True):
            line.set_data(self.ends, values)
            dot.set_data([a], [float(values[place])])
        self._place_names(curves)
        for mark in self.at:
            mark.set_xdata([a, a])
        self.beyond.set_data(self.counts, np.maximum(self.edges, a))
        share = float((self.x > self.ends[place]).double().mean())
        self.titles[0].set_text(f"Values above 0, log scale: {share:.2%} of all are clipped at {a:.2f}")
        rounded, clipped, both = (float(values[place]) for values in errors)
        self.titles[1].set_text(
            minus(f"Mean squared error, {bitwidth} bits: rounding {rounded:.2g} + clipping {clipped:.2g} = {both:.2g}")
        )
        self._move_rows(curves, marked)
        return self._words(bitwidth, end, share, curves, marked)

    def _place_names(self, curves: _Curves) -> None:
        """Put each curve's name where the curves are apart: rounding and clipping on the left, the sum on the right."""
        rounding, clipping, both = self.names
        low, high = self.middle.get_ylim()
        for text, place, values, up in ((rounding, 6, curves.rounded, 0.2), (clipping, 6, curves.clipped, 0.15)):
            text.set_position(
                (float(self.ends[place]) + 0.01 * self.largest, max(float(values[place]) * up, 1.5 * low))
            )
        both.set_position((0.94 * self.largest, min(float(curves.both[-20:].max()) * 1.6, 0.4 * high)))

    def _move_rows(self, curves: _Curves, marked: str) -> None:
        least = float(curves.both.min())
        for mark, text, name in zip(self.marks, self.notes, RULES, strict=True):
            end, shown = curves.ends[name], marked in ("all", name)
            mark.set_visible(shown)
            text.set_visible(shown)
            mark.set_data([end], [RULES.index(name)])
            text.set_text(f"{end:.3g}: {_times(curves.errors[name], least)} × least error")
        for guide in self.guides:
            guide.set_visible(marked != "all")
            if marked != "all":
                guide.set_xdata([curves.ends[marked]] * 2)

    def _words(self, bitwidth: int, end: int, share: float, curves: _Curves, marked: str) -> str:
        place, least = end - 1, float(curves.both.min())
        rounded, clipped, both = (float(v[place]) for v in (curves.rounded, curves.clipped, curves.both))
        more = "clipping costs more" if clipped > rounded else "rounding costs more"
        now = (
            f"{bitwidth} bits over 0 to {float(self.ends[place]):.2f}, {end} % of the largest value: {share:.2%} of "
            f"the values are clipped. Squared error {rounded:.2g} from rounding, {clipped:.2g} from clipping"
        )
        verdict = (
            "; no other end on the slider costs less."
            if both == least
            else f"; {more}: {_times(both, least)} times the least on the slider."
        )
        names = RULES if marked == "all" else (marked,)
        ends = ", ".join(
            f"{name} {curves.ends[name]:.2f} ({_times(curves.errors[name], least)} times)" for name in names
        )
        return f"{now}{verdict} Where the rules end the range, with their error: {ends}."


def _times(error: float, least: float) -> str:
    if least == 0:  # some range represents the tensor without any error
        return "1.00" if error == 0 else "∞"
    return f"{error / least:.2f}" if error < 10 * least else f"{error / least:.0f}"
