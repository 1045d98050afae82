"""Affine against symmetric ranges: the values, the range that is represented, and how many codes the data uses."""

from collections.abc import Iterable
from itertools import chain

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.ranges import extend_to_zero, min_max, symmetric_range
from qlab.arithmetic.validation import real_tensor
from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.theme import Theme, halo, minus, style
from qlab.ptq.metrics import sqnr

BARS = 64
"""The number of bars for the dequantized values: one bar per code up to 6 bits, several codes per bar beyond."""


def example_tensors(count: int = 100_000, seed: int = 0) -> tuple[Tensor, Tensor]:
    """An activation ~ Pareto(1, 10) and a weight ~ Normal(0, 0.12): one-sided with a long tail, and a bell.

    Args:
        count: numbers in each.
        seed: of a generator of their own.
    """
    generator = torch.Generator().manual_seed(seed)
    # The inverse of Pareto's distribution function, F(x) = 1 - x**-10 for x >= 1.
    activation = (1 - torch.rand(count, generator=generator, dtype=torch.float64)).pow(-1 / 10)
    weight = 0.12 * torch.randn(count, generator=generator)
    return activation.float(), weight


def codes_used(x: Tensor, low: Tensor, high: Tensor, bitwidth: int = 8) -> float:
    """The share of all codes from the smallest to the largest code of x, if [low, high] is the represented range."""
    qmin, qmax = code_range(bitwidth)
    scale, zero_point = qparams(low, high, qmin, qmax)
    return _share_between_ends(quantize(torch.stack(min_max(x)), scale, zero_point, qmin, qmax), bitwidth)


def _share_between_ends(codes: Tensor, bitwidth: int) -> float:
    lowest, highest = map(int, codes.aminmax())
    return (highest - lowest + 1) / (1 << bitwidth)


def clipping_ranges(
    activation: Tensor | None = None, weight: Tensor | None = None, *, bitwidth: int = 8, dark: bool = False
) -> DescribedFigure:
    """Affine against symmetric: histograms of an activation and a weight with their clipping ranges, in 2x2 panels.

    Each panel marks the raw range (dotted) and the represented range (dashed, alpha and beta), and states the share of
    codes that the data uses, computed with `codes_used`. Panels in a row have the same x-axis.

    Args:
        activation, weight: any shape, floating point; by default `example_tensors`.
        bitwidth: 2..16.
        dark: for a dark background.
    """
    return ClippingRanges(activation, weight).still(dark=dark, bitwidth=bitwidth)


class ClippingRanges(Scene):
    """`clipping_ranges` as a live scene: the bitwidth, the share of the range that is kept, the dequantized values.

    Args:
        activation, weight: any shape, floating point; by default `example_tensors`.
    """

    size = (9.9, 6.2)

    def __init__(self, activation: Tensor | None = None, weight: Tensor | None = None) -> None:
        examples = example_tensors()
        self.tensors = {
            "Activation": examples[0] if activation is None else activation,
            "Weight": examples[1] if weight is None else weight,
        }

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """Four panels."""
        figure.subplots_adjust(left=0.085, right=0.985, top=0.94, bottom=0.06, hspace=0.32, wspace=0.08)
        self.panels = [
            RangePanel(figure.add_subplot(2, 2, 2 * row + column + 1), theme, name, x, kind)
            for row, (name, x) in enumerate(self.tensors.items())
            for column, kind in enumerate(("affine", "symmetric"))
        ]
        return chain.from_iterable(panel.moving for panel in self.panels)

    def move(self, bitwidth: int = 8, kept: float = 100, comes_back: bool = False) -> str:
        """Show all panels at these values.

        Args:
            bitwidth: 2..16.
            kept: the share of the range to keep, in per cent; values beyond it are clipped.
            comes_back: draw the dequantized values as well.
        """
        sentences = [panel.move(bitwidth, kept / 100, comes_back) for panel in self.panels]
        return " ".join([*sentences, "The outline shows the dequantized values."] if comes_back else sentences)


class RangePanel:
    """One tensor and one kind of range."""

    def __init__(self, axes: Axes, theme: Theme, name: str, x: Tensor, kind: str) -> None:
        self.name, self.kind, self.x = name, kind, real_tensor(x).detach().flatten()
        self.exact = self.x.double()
        self.raw = tuple(map(float, min_max(x)))
        self.ends = symmetric_range(x) if kind == "symmetric" else extend_to_zero(*min_max(x))
        widest = 1.12 * float(symmetric_range(x)[1])
        counts, edges = np.histogram(self.x.cpu().numpy(), bins=100)
        self.bin = edges[1] - edges[0]
        axes.stairs(counts, edges, fill=True, color=theme.activation if name == "Activation" else theme.weight)
        style(axes, theme)
        axes.set_xlim(-widest, widest)
        axes.set_ylim(0, counts.max() * 1.22)
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        if kind == "affine":
            axes.set_ylabel("count per bin", color=theme.ink)
        else:
            axes.tick_params(labelleft=False)
        self.title = axes.set_title(" ", loc="left", fontsize=11.5, color=theme.ink)
        self.back = axes.stairs([0], [0, 1], color=theme.ink, linewidth=1.2, baseline=None)
        self.marks = [EndMark(axes, theme, letter, raw) for letter, raw in zip("αβ", self.raw, strict=True)]
        self.moving = [self.title, self.back, *chain.from_iterable(mark.moving for mark in self.marks)]

    def move(self, bitwidth: int, kept: float, comes_back: bool) -> str:
        """Show the panel at these values, where `kept` is from 0 to 1; returns its description."""
        low, high = (end * kept for end in self.ends)
        qmin, qmax = code_range(bitwidth)
        scale, zero_point = qparams(low, high, qmin, qmax)
        codes = quantize(self.x, scale, zero_point, qmin, qmax)
        used, noise = _share_between_ends(codes, bitwidth), sqnr(self.exact, dequantize(codes, scale, zero_point))
        self.title.set_text(minus(f"{self.name}: {self.kind}, {used:.0%} of codes used, {noise:.1f} dB"))
        for mark, end in zip(self.marks, (low, high), strict=True):
            mark.move(float(end))
        self.back.set_visible(comes_back)
        if comes_back:
            self.back.set_data(*self._bars(codes, bitwidth, float(scale), int(zero_point)))
        return (
            f"{self.name}, {self.kind}: data from {self.raw[0]:.2f} to {self.raw[1]:.2f}, represented range "
            f"{float(low):.2f} to {float(high):.2f}, {used:.0%} of codes used, {noise:.1f} dB."
        )

    def _bars(self, codes: Tensor, bitwidth: int, scale: float, zero_point: int) -> tuple[np.ndarray, np.ndarray]:
        """Heights and edges of the dequantized values, scaled to match the histogram where nothing is lost."""
        codes_per_bar = max(1, 2**bitwidth // BARS)
        first = code_range(bitwidth)[0]
        counts = torch.bincount((codes.int() - first) // codes_per_bar, minlength=2**bitwidth // codes_per_bar)
        width = codes_per_bar * scale
        edges = (first - zero_point - 0.5) * scale + width * np.arange(len(counts) + 1)
        return counts.numpy() * (self.bin / width), edges


def _thousands(value: float, _: object) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


class EndMark:
    """One end of the range, labelled: dotted where the data ends, dashed where the represented range ends."""

    def __init__(self, axes: Axes, theme: Theme, letter: str, raw: float) -> None:
        (self.left, self.right), (_, top) = axes.get_xlim(), axes.get_ylim()
        self.letter, self.raw = letter, raw
        rim = halo(theme)
        axes.axvline(raw, color=theme.raw, linestyle=":", linewidth=1.5, path_effects=rim)
        self.line = axes.axvline(raw, color=theme.clipping, linestyle="--", linewidth=2, path_effects=rim)
        self.label = axes.text(0, 0.92 * top, "", color=theme.clipping, weight="bold", path_effects=rim)
        height = 0.84 if letter == "α" else 0.76  # the two may come close
        self.raw_label = axes.text(
            0, height * top, f"raw {raw:.2f}".replace("-", "−"), color=theme.raw, path_effects=rim
        )
        self._beside(self.raw_label, raw, outside=False)
        self.moving = [self.line, self.label, self.raw_label]

    def move(self, end: float) -> None:
        """Move the represented end to `end`, with its label on the side that has room."""
        self.line.set_xdata([end, end])
        self.label.set_text(minus(f"{self.letter} = {end:.2f}"))
        room = (end - self.left if self.letter == "α" else self.right - end) > 0.2 * (self.right - self.left)
        self._beside(self.label, end, outside=room)
        self.raw_label.set_visible(abs(self.raw - end) > 0.02 * (self.right - self.left))

    def _beside(self, text: Text, x: float, *, outside: bool) -> None:
        left_of_line = (self.letter == "α") == outside
        gap = 0.012 * (self.right - self.left)
        text.set_x(x + (-gap if left_of_line else gap))
        text.set_horizontalalignment("right" if left_of_line else "left")
