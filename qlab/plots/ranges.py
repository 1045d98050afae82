"""Affine beside symmetric: where the values lie, which range is represented, how many codes the data uses."""

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
from qlab.plots.theme import Look, halo, minus, style
from qlab.ptq.metrics import sqnr

BARS = 64
"""Of what comes back: a bar a code up to 6 bits, several codes a bar beyond."""


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
    """Share of the codes that lie between the smallest and the largest code of x, when [low, high] is represented."""
    qmin, qmax = code_range(bitwidth)
    scale, zero_point = qparams(low, high, qmin, qmax)
    return _share_between_ends(quantize(torch.stack(min_max(x)), scale, zero_point, qmin, qmax), bitwidth)


def _share_between_ends(codes: Tensor, bitwidth: int) -> float:
    lowest, highest = map(int, codes.aminmax())
    return (highest - lowest + 1) / (1 << bitwidth)


def clipping_ranges(
    activation: Tensor | None = None, weight: Tensor | None = None, *, bitwidth: int = 8, dark: bool = False
) -> DescribedFigure:
    """Affine beside symmetric: histograms of an activation and a weight with their clipping ranges, 2x2.

    Each panel marks the raw range (dotted) and the range that is represented (dashed, alpha and beta), and says the
    share of codes that the data uses, computed with `codes_used`. Panels in a row share the x-range.

    Args:
        activation, weight: any shape, floating point; by default `example_tensors`.
        bitwidth: 2..16.
        dark: for a dark background.
    """
    return ClippingRanges(activation, weight).still(dark=dark, bitwidth=bitwidth)


class ClippingRanges(Scene):
    """`clipping_ranges`, and how it moves: the bitwidth, the share of the range that is kept, what comes back.

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

    def draw(self, figure: Figure, look: Look) -> Iterable[Artist]:
        """Four panels."""
        figure.subplots_adjust(left=0.085, right=0.985, top=0.94, bottom=0.06, hspace=0.32, wspace=0.08)
        self.panels = [
            RangePanel(figure.add_subplot(2, 2, 2 * row + column + 1), look, name, x, kind)
            for row, (name, x) in enumerate(self.tensors.items())
            for column, kind in enumerate(("affine", "symmetric"))
        ]
        return chain.from_iterable(panel.moving for panel in self.panels)

    def move(self, bitwidth: int = 8, kept: float = 100, comes_back: bool = False) -> str:
        """All panels at once.

        Args:
            bitwidth: 2..16.
            kept: per cent of the range; the values beyond it are clipped.
            comes_back: draw the values that come back, too.
        """
        sentences = [panel.move(bitwidth, kept / 100, comes_back) for panel in self.panels]
        return " ".join([*sentences, "The outline is what comes back."] if comes_back else sentences)


class RangePanel:
    """One tensor and one kind of range."""

    def __init__(self, axes: Axes, look: Look, name: str, x: Tensor, kind: str) -> None:
        self.name, self.kind, self.x = name, kind, real_tensor(x).detach().flatten()
        self.exact = self.x.double()
        self.raw = tuple(map(float, min_max(x)))
        self.ends = symmetric_range(x) if kind == "symmetric" else extend_to_zero(*min_max(x))
        widest = 1.12 * float(symmetric_range(x)[1])
        counts, edges = np.histogram(self.x.cpu().numpy(), bins=100)
        self.bin = edges[1] - edges[0]
        axes.stairs(counts, edges, fill=True, color=look.activation if name == "Activation" else look.weight)
        style(axes, look)
        axes.set_xlim(-widest, widest)
        axes.set_ylim(0, counts.max() * 1.22)
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        if kind == "affine":
            axes.set_ylabel("count per bin", color=look.ink)
        else:
            axes.tick_params(labelleft=False)
        self.title = axes.set_title(" ", loc="left", fontsize=11.5, color=look.ink)
        self.back = axes.stairs([0], [0, 1], color=look.ink, linewidth=1.2, baseline=None)
        self.marks = [EndMark(axes, look, letter, raw) for letter, raw in zip("αβ", self.raw, strict=True)]
        self.moving = [self.title, self.back, *chain.from_iterable(mark.moving for mark in self.marks)]

    def move(self, bitwidth: int, kept: float, comes_back: bool) -> str:
        """The panel at these values, `kept` a share of 1; its sentence."""
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
        """Heights and edges of what comes back, as high as the histogram of the values where nothing is lost."""
        together = max(1, 2**bitwidth // BARS)
        first = code_range(bitwidth)[0]
        counts = torch.bincount((codes.int() - first) // together, minlength=2**bitwidth // together)
        width = together * scale
        edges = (first - zero_point - 0.5) * scale + width * np.arange(len(counts) + 1)
        return counts.numpy() * (self.bin / width), edges


def _thousands(value: float, _: object) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


class EndMark:
    """One end of the range: dotted where the data ends, dashed where the represented range does, each labelled."""

    def __init__(self, axes: Axes, look: Look, letter: str, raw: float) -> None:
        (self.left, self.right), (_, top) = axes.get_xlim(), axes.get_ylim()
        self.letter, self.raw = letter, raw
        rim = halo(look)
        axes.axvline(raw, color=look.raw, linestyle=":", linewidth=1.5, path_effects=rim)
        self.line = axes.axvline(raw, color=look.clipping, linestyle="--", linewidth=2, path_effects=rim)
        self.label = axes.text(0, 0.92 * top, "", color=look.clipping, weight="bold", path_effects=rim)
        height = 0.84 if letter == "α" else 0.76  # the two may come close
        self.raw_label = axes.text(
            0, height * top, f"raw {raw:.2f}".replace("-", "−"), color=look.raw, path_effects=rim
        )
        self._beside(self.raw_label, raw, outside=False)
        self.moving = [self.line, self.label, self.raw_label]

    def move(self, end: float) -> None:
        """Put the represented end at `end`, its label where there is room."""
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
