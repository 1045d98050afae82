"""Data in, a matplotlib Figure out; no widgets, no pyplot, so nothing has to be closed and any thread may draw."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from qlab.contracts import real_tensor
from qlab.fixed_point import multiply_rounding_once
from qlab.qparams import code_range, qparams
from qlab.quantize import dequantize, quantize
from qlab.ranges import extend_to_zero, min_max, symmetric_range


@dataclass(frozen=True)
class Look:
    """The colours of a figure: Okabe-Ito, checked on both backgrounds."""

    background: str
    ink: str
    grid: str
    activation: str
    weight: str
    clipping: str
    raw: str


LIGHT = Look("#ffffff", "#1f1f1f", "#d9d9d9", "#0072B2", "#E69F00", "#7b2d8e", "#5f5f5f")
DARK = Look("#111111", "#e8e8e8", "#3a3a3a", "#56B4E9", "#E69F00", "#d58bf0", "#b5b5b5")


class DescribedFigure(Figure):
    """A figure that shows itself as PNG in a notebook, with a sentence for people who cannot see it."""

    description: str = ""

    def png(self) -> bytes:
        """The figure as a PNG file's bytes."""
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer)
        return buffer.getvalue()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"image/png": self.png(), "text/plain": self.description}


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
    ends = quantize(torch.stack(min_max(x)), scale, zero_point, qmin, qmax).tolist()
    return float(ends[1] - ends[0] + 1) / (qmax - qmin + 1)


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
    examples = example_tensors()
    rows = [
        ("Activation", examples[0] if activation is None else activation, "activation"),
        ("Weight", examples[1] if weight is None else weight, "weight"),
    ]
    look = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(9.9, 6.2), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.085, right=0.985, top=0.94, bottom=0.06, hspace=0.32, wspace=0.08)
    sentences = []
    for row, (name, x, colour) in enumerate(rows):
        for column, kind in enumerate(("affine", "symmetric")):
            axes = figure.add_subplot(2, 2, 2 * row + column + 1)
            sentences.append(_range_panel(axes, look, getattr(look, colour), name, x, kind, bitwidth))
    figure.description = " ".join(sentences)
    return figure


def _range_panel(axes: Axes, look: Look, colour: str, name: str, x: Tensor, kind: str, bitwidth: int) -> str:
    raw_low, raw_high = min_max(x)
    low, high = symmetric_range(x) if kind == "symmetric" else extend_to_zero(raw_low, raw_high)
    widest = 1.12 * float(symmetric_range(x)[1])
    counts, edges = np.histogram(real_tensor(x).cpu().numpy().ravel(), bins=100)
    axes.stairs(counts, edges, fill=True, color=colour)
    _style(axes, look)
    axes.set_xlim(-widest, widest)
    axes.set_ylim(0, counts.max() * 1.22)
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value / 1000:g}k" if value >= 1000 else f"{value:g}")
    )
    if kind == "affine":
        axes.set_ylabel("count per bin", color=look.ink)
    else:
        axes.tick_params(labelleft=False)
    used = codes_used(x, low, high, bitwidth)
    axes.set_title(f"{name}: {kind}, {used:.0%} of codes used", loc="left", fontsize=12, color=look.ink)
    for letter, raw, end in (("α", raw_low, low), ("β", raw_high, high)):
        _mark_end(axes, look, letter, float(raw), float(end))
    return (
        f"{name}, {kind}: data from {float(raw_low):.2f} to {float(raw_high):.2f}, represented range "
        f"{float(low):.2f} to {float(high):.2f}, {used:.0%} of codes used."
    )


def _mark_end(axes: Axes, look: Look, letter: str, raw: float, end: float) -> None:
    """One end of the range: dotted where the data ends, dashed where the represented range does, each labelled."""
    (left, right), (_, top) = axes.get_xlim(), axes.get_ylim()
    halo = [withStroke(linewidth=3, foreground=look.background)]
    gap = 0.012 * (right - left)

    def label(x: float, height: float, text: str, colour: str, *, outside: bool) -> None:
        left_of_line = (letter == "α") == outside
        axes.text(
            x + (-gap if left_of_line else gap), height * top, text.replace("-", "−"), color=colour,
            ha="right" if left_of_line else "left", weight="bold" if colour == look.clipping else "normal",
            path_effects=halo,
        )  # fmt: skip

    axes.axvline(raw, color=look.raw, linestyle=":", linewidth=1.5, path_effects=halo)
    axes.axvline(end, color=look.clipping, linestyle="--", linewidth=2, path_effects=halo)
    room = (end - left if letter == "α" else right - end) > 0.2 * (right - left)
    label(end, 0.92, f"{letter} = {end:.2f}", look.clipping, outside=room)
    if abs(raw - end) > 0.02 * (right - left):
        label(raw, 0.84, f"raw {raw:.2f}", look.raw, outside=False)


def staircase_and_error(
    low: float = -1.0, high: float = 1.0, bitwidth: int = 3, *, dark: bool = False
) -> DescribedFigure:
    """The staircase of a quantizer over [low, high], and below it the error, which stays within half a scale.

    Args:
        low, high: the range; extended to hold 0.
        bitwidth: 2..16; at 3 bits every step can be seen.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    qmin, qmax = code_range(bitwidth)
    scale, zero_point = qparams(torch.tensor(low), torch.tensor(high), qmin, qmax)
    margin = 0.15 * (high - low)
    x = torch.linspace(low - margin, high + margin, 4001)
    back = dequantize(quantize(x, scale, zero_point, qmin, qmax), scale, zero_point)
    figure = DescribedFigure(figsize=(7.5, 5.6), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.11, right=0.98, top=0.93, bottom=0.09, hspace=0.34)
    top, bottom = figure.add_subplot(2, 1, 1), figure.add_subplot(2, 1, 2)
    top.plot(x, x, color=look.raw, linestyle=":", linewidth=1.5)
    top.plot(x, back, color=look.activation, linewidth=2)
    top.set_title(f"What comes back: {bitwidth} bits, {2**bitwidth} codes", loc="left", fontsize=12, color=look.ink)
    bottom.plot(x, back - x, color=look.weight, linewidth=1.5)
    bottom.set_title(
        "Error: at most half a scale inside the range, growing beyond the last codes",
        loc="left",
        fontsize=12,
        color=look.ink,
    )
    bottom.set_xlabel("x", color=look.ink)
    half = float(scale) / 2
    for end in (half, -half):
        bottom.axhline(end, color=look.clipping, linestyle="--", linewidth=1.5)
    bottom.text(high + margin, half * 1.15, "scale / 2", ha="right", color=look.clipping, weight="bold")
    for axes in (top, bottom):
        _style(axes, look)
        axes.set_xlim(low - margin, high + margin)
    figure.description = (
        f"A staircase of {2**bitwidth} codes, {float(scale):.3f} apart, from {low:g} to {high:g}; below it the error, "
        f"between -{half:.3f} and {half:.3f} inside the range and growing beyond the outermost codes."
    )
    return figure


def clipping_and_rounding(x: Tensor, thresholds: Tensor, *, bitwidth: int = 4, dark: bool = False) -> DescribedFigure:
    """What a range [0, a] costs an activation, by its high end a: clipping error, rounding error, and their sum.

    Above it the histogram of the values. Errors are sums of squares over all values, divided by their number.

    Args:
        x: any shape, floating point, no value below 0: what comes out of a ReLU.
        thresholds: (candidates,), above 0, ascending.
        bitwidth: 2..16; codes from 0 on.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    x = real_tensor(x).flatten()
    clipped, rounded = _two_errors(x, thresholds, bitwidth)
    both = clipped + rounded
    best = float(thresholds[both.argmin()])
    figure = DescribedFigure(figsize=(7.5, 5.6), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.12, right=0.98, top=0.93, bottom=0.09, hspace=0.34)
    top, bottom = figure.add_subplot(2, 1, 1), figure.add_subplot(2, 1, 2)
    counts, edges = np.histogram(x[x > 0].cpu().numpy(), bins=100)
    top.stairs(counts, edges, fill=True, color=look.activation)
    top.set_yscale("log")
    top.set_title("Values above 0, on a logarithmic scale", loc="left", fontsize=12, color=look.ink)
    for name, errors, colour in (
        ("rounding", rounded, look.activation),
        ("clipping", clipped, look.weight),
        ("both", both, look.ink),
    ):
        bottom.plot(thresholds, errors, color=colour, linewidth=2, label=name)
    bottom.set_ylim(0, 3 * float(both[-1]))
    bottom.legend(frameon=False, labelcolor=look.ink, fontsize=11)
    bottom.set_title(f"Mean squared error, {bitwidth} bits", loc="left", fontsize=12, color=look.ink)
    bottom.set_xlabel("high end of the range", color=look.ink)
    for axes in (top, bottom):
        _style(axes, look)
        axes.set_xlim(0, float(x.max()) * 1.02)
        axes.axvline(best, color=look.clipping, linestyle="--", linewidth=2)
    figure.description = (
        f"With {bitwidth} bits the squared error is smallest where the range ends at {best:.2f}; the largest of the "
        f"values is {float(x.max()):.2f}. Below that clipping costs more, above it rounding."
    )
    return figure


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


def channel_ranges(weights: Sequence[Tensor], names: Sequence[str], *, dark: bool = False) -> DescribedFigure:
    """How much of a common range each output channel of some layers uses: a dot a channel, a column a layer.

    Args:
        weights: of layers, output channels first.
        names: of the layers.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(7.5, 3.6), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.1, right=0.98, top=0.9, bottom=0.1)
    axes, told = figure.add_subplot(1, 1, 1), []
    for place, (name, weight) in enumerate(zip(names, weights, strict=True)):
        largest = symmetric_range(weight, 0)[1]
        share = (largest / largest.max()).sort().values
        axes.plot(place + np.linspace(-0.3, 0.3, len(share)), share, ".", color=look.weight, markersize=8)
        told.append(f"{name}: {float(share[0]):.0%}")
    _style(axes, look)
    axes.set_xticks(range(len(names)), names, color=look.ink)
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set_title("Share of the layer's range that a channel uses", loc="left", fontsize=12, color=look.ink)
    figure.description = f"The channel with the smallest weights uses, of its layer's range: {', '.join(told)}."
    return figure


def accumulator_bits(acc: int, M0: int, n: int, zero_point: int = 0, *, dark: bool = False) -> DescribedFigure:
    """An accumulator's way to a byte, bit by bit: times M0, a rounding shift by 31 + n, plus the zero-point, clamped.

    Args:
        acc: int32.
        M0, n: from `quantize_multiplier`, n from -30 to 31.
        zero_point: of the output, 0..255.
        dark: for a dark background.
    """
    look, shift = DARK if dark else LIGHT, 31 + n
    product = acc * M0
    rounded = int(multiply_rounding_once(torch.tensor(acc), M0, n))
    code = min(max(rounded + zero_point, 0), 255)
    figure = DescribedFigure(figsize=(11.6, 4.1), dpi=100, facecolor=look.background)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(-21, 82)
    axes.set_ylim(-5.9, 1.6)
    axes.axis("off")
    _bits(axes, look, 0, "accumulator", acc, 32, [look.activation] * 32)
    _bits(axes, look, -1, "times M0", M0, 32, [look.weight] * 32)
    kept = [look.activation] * (64 - shift) + [look.clipping] + [look.grid] * (shift - 1)
    _bits(axes, look, -2, "product", product, 64, kept[:64])
    _bits(
        axes,
        look,
        -3,
        f"shifted by 31 {n:+d}, rounded".replace("+", "+ ").replace("-", "− "),
        rounded,
        32,
        [look.activation] * 32,
    )
    _bits(axes, look, -4, f"+ {zero_point}, clamped: the byte", code, 8, [look.clipping] * 8)
    cut = 63.5 - shift
    axes.plot([cut, cut], [-1.5, -2.5], color=look.clipping, linewidth=2)
    told = f"The shift cuts {shift} bits off; the first of them, added to the rest, rounds."
    axes.text(63.5, -5.3, told, ha="right", fontsize=11, color=look.clipping)
    M = M0 * 2.0**-shift
    title = f"$M = M_0 \\cdot 2^{{-31}} \\cdot 2^{{{-n}}}$ = {M:.6g},   M · acc = {M * acc:,.4f}"
    axes.text(-20.5, 1.0, title, fontsize=12, color=look.ink)
    figure.description = (
        f"Accumulator {acc} times M0 {M0} is {product}; shifted right by {shift} bits with rounding it is {rounded}; "
        f"plus zero-point {zero_point}, clamped to 0..255, it is {code}."
    )
    return figure


def _bits(axes: Axes, look: Look, row: int, name: str, value: int, width: int, colours: list[str]) -> None:
    """A number as a row of bits, most significant first, ending at the right; its name before, its value behind."""
    digits = format(value % 2**width, f"0{width}b")
    for place, (digit, colour) in enumerate(zip(digits, colours, strict=True)):
        x = 63.5 - width + place
        axes.add_patch(
            Rectangle(
                (x, row - 0.36),
                0.74,
                0.72,
                facecolor=colour if digit == "1" else "none",
                edgecolor=colour,
                linewidth=0.8,
            )
        )
    axes.text(-20.5, row, name, va="center", fontsize=11, color=look.ink)
    axes.text(64.2, row, f"{value:,}".replace("-", "−"), va="center", fontsize=9.5, color=look.ink)


@dataclass(frozen=True)
class Node:
    """A box of a drawn graph: what stands in it, and what flows out of it: "float", "observed" or "int8"."""

    text: str
    kind: str = "float"


def graphs_side_by_side(columns: dict[str, list[Node]], *, dark: bool = False) -> DescribedFigure:
    """Graphs as columns of boxes, read from top to bottom; float boxes are plain, observers dashed, int8 filled.

    Args:
        columns: for each title its boxes in order.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    longest = max(len(nodes) for nodes in columns.values())
    figure = DescribedFigure(figsize=(3.4 * len(columns), 0.9 + 0.5 * longest), dpi=100, facecolor=look.background)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, len(columns))
    axes.set_ylim(-longest - 0.3, 1.2)
    axes.axis("off")
    colours = {"float": look.ink, "observed": look.clipping, "int8": look.activation}
    for place, (title, nodes) in enumerate(columns.items()):
        axes.text(place + 0.5, 0.55, title, ha="center", va="center", fontsize=12, weight="bold", color=look.ink)
        for row, node in enumerate(nodes):
            colour = colours[node.kind]
            axes.add_patch(
                Rectangle(
                    (place + 0.05, -row - 0.68), 0.9, 0.64, edgecolor=colour, linewidth=1.5,
                    facecolor=colour + "22" if node.kind == "int8" else "none",
                    linestyle="--" if node.kind == "observed" else "-",
                )
            )  # fmt: skip
            axes.text(place + 0.5, -row - 0.36, node.text, ha="center", va="center", fontsize=9.5, color=look.ink)
            if row + 1 < len(nodes):
                axes.plot([place + 0.5] * 2, [-row - 0.68, -row - 1.04], color=look.raw, linewidth=1.2)
    figure.description = " ".join(
        f"{title}: {', '.join(node.text for node in nodes)}." for title, nodes in columns.items()
    )
    return figure


@dataclass(frozen=True)
class Form:
    """One form of a model: its name, bytes in a file, seconds a batch, accuracy from 0 to 1."""

    name: str
    size: float
    seconds: float
    accuracy: float


def size_latency_accuracy(forms: list[Form], *, dark: bool = False) -> DescribedFigure:
    """Forms of one model in three panels of bars: file size, latency, accuracy, each with its number.

    Args:
        forms: at least one; the first is what the others are compared with.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(10.2, 1.0 + 0.5 * len(forms)), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.17, right=0.975, top=0.86, bottom=0.06, wspace=0.12)
    panels = (
        ("file, kB", [form.size / 1000 for form in forms], "{:.0f}"),
        ("latency, ms a batch", [form.seconds * 1000 for form in forms], "{:.2f}"),
        ("accuracy, %", [form.accuracy * 100 for form in forms], "{:.1f}"),
    )
    for place, (title, values, shape) in enumerate(panels):
        axes = figure.add_subplot(1, 3, place + 1)
        rows = range(len(forms))
        axes.barh(rows, values, color=[look.raw, *[look.activation] * (len(forms) - 1)], height=0.62)
        _style(axes, look)
        axes.grid(visible=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.28 * max(values))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_yticks(rows, [form.name for form in forms] if place == 0 else [""] * len(forms))
        axes.set_title(title, loc="left", fontsize=11, color=look.ink)
        for row, value in enumerate(values):
            axes.text(value, row, f" {shape.format(value)}", va="center", fontsize=10, color=look.ink)
    figure.description = "; ".join(
        f"{form.name}: {form.size / 1000:.0f} kB, {form.seconds * 1000:.2f} ms a batch, {form.accuracy:.1%} right"
        for form in forms
    )
    return figure


def layer_bars(
    names: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    value_name: str,
    title: str,
    level: tuple[str, float] | None = None,
    percent: bool = True,
    dark: bool = False,
) -> DescribedFigure:
    """Bars over the layers of a network, one colour a series, side by side.

    Args:
        names: of the layers.
        series: by name, a value for each layer; at most three.
        value_name, title: texts.
        level: a name and a value for a dotted line across.
        percent: the values are shares.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(8.8, 4.2), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.1, right=0.98, top=0.8, bottom=0.2)
    axes, width = figure.add_subplot(), 0.8 / len(series)
    places = np.arange(len(names))
    for number, (values, colour) in enumerate(
        zip(series.values(), (look.activation, look.weight, look.clipping), strict=False)
    ):
        axes.bar(places + (number - (len(series) - 1) / 2) * width, values, width * 0.92, color=colour)
    _style(axes, look)
    axes.axhline(0, color=look.ink, linewidth=0.8)
    axes.set_xticks(places, names, rotation=25, ha="right", color=look.ink, fontsize=10)
    axes.set_ylabel(value_name, color=look.ink)
    if percent:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    handles: list[Artist] = [
        Rectangle((0, 0), 1, 1, color=colour) for colour in (look.activation, look.weight, look.clipping)
    ]
    labels = list(series)
    if level is not None:
        line = axes.axhline(level[1], color=look.ink, linestyle=":", linewidth=1.4)
        handles, labels = [*handles[: len(series)], line], [*labels, level[0]]
    figure.legend(
        handles[: len(labels)], labels, loc="upper left", bbox_to_anchor=(0.09, 0.925), ncols=4, frameon=False,
        labelcolor=look.ink, fontsize=10.5,
    )  # fmt: skip
    figure.text(0.1, 0.94, title, fontsize=12, color=look.ink)
    shape = "{:.1%}" if percent else "{:.3g}"
    figure.description = f"{title}. " + " ".join(
        f"{kind}: "
        + ", ".join(f"{name} {shape.format(value)}" for name, value in zip(names, values, strict=True))
        + "."
        for kind, values in series.items()
    )
    return figure


def layers_compared(
    names: Sequence[str], weights: Sequence[float], activations: Sequence[float], *, title: str, dark: bool = False
) -> DescribedFigure:
    """The SQNR of each layer's weight, to the left, and of its output, to the right, layers from top to bottom.

    Args:
        names: of the layers.
        weights, activations: decibels, finite; a ratio below 0 is drawn from the axis across.
        title: a text.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(8.8, 1.5 + 0.36 * len(names)), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.17, right=0.98, top=1 - 0.72 / (1.5 + 0.36 * len(names)), bottom=0.14, wspace=0.06)
    rows, longest = np.arange(len(names)), max(*weights, *activations, 1.0)
    lowest = min(*weights, *activations, 0.0)
    for place, (kind, values, colour) in enumerate(
        (("weight", weights, look.weight), ("output", activations, look.activation))
    ):
        axes = figure.add_subplot(1, 2, place + 1)
        axes.barh(rows, values, color=colour, height=0.64)
        _style(axes, look)
        axes.grid(visible=False)
        axes.axvline(0, color=look.ink, linewidth=1)
        axes.set_yticks(rows, names if place == 0 else [""] * len(names), color=look.ink, fontsize=10)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        ends = (lowest - 0.22 * longest, 1.22 * longest)
        axes.set_xlim(*(ends if place else ends[::-1]))
        axes.invert_yaxis()
        axes.set_title(f"{kind}, dB", loc="left" if place else "right", fontsize=11, color=look.ink)
        for row, value in enumerate(values):
            outward = (value >= 0) == bool(place)
            axes.text(
                value, row, f" {round(value)} ".replace("-", "−"), ha="left" if outward else "right", va="center",
                fontsize=9.5, color=look.ink,
            )  # fmt: skip
    figure.text(0.02, 1 - 0.3 / (1.5 + 0.36 * len(names)), title, fontsize=12, color=look.ink)
    figure.description = f"{title}. " + "; ".join(
        f"{name}: weight {weight:.1f} dB, output {output:.1f} dB"
        for name, weight, output in zip(names, weights, activations, strict=True)
    )
    return figure


@dataclass(frozen=True)
class Point:
    """One network of a trade: its name, its size in bytes, its accuracy from 0 to 1, whether no other beats it."""

    name: str
    size: float
    accuracy: float
    best: bool


def pareto_plot(
    points: Sequence[Point], *, title: str, lowest: float | None = None, dark: bool = False
) -> DescribedFigure:
    """Size and accuracy as points; those that no other beats are filled, named and joined.

    Args:
        points: at least one.
        title: a text.
        lowest: points less accurate than this are left out of the picture, not out of its description.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(9.8, 4.6), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.09, right=0.7, top=0.91, bottom=0.12)
    axes = figure.add_subplot()
    front = sorted((point for point in points if point.best), key=lambda point: point.size)
    drawn = [point for point in front if lowest is None or point.accuracy >= lowest]
    beaten = [point for point in points if not point.best and (lowest is None or point.accuracy >= lowest)]
    axes.plot([p.size for p in beaten], [p.accuracy for p in beaten], "o", mfc="none", color=look.raw, markersize=8)
    axes.step(
        [p.size for p in drawn], [p.accuracy for p in drawn], "-o", where="post", color=look.activation, markersize=8
    )
    _style(axes, look)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.1%}"))
    axes.set_xlabel("bytes", color=look.ink)
    axes.set_ylabel("accuracy", color=look.ink)
    axes.set_title(title, loc="left", fontsize=12, color=look.ink)
    axes.margins(x=0.08, y=0.14)
    # Neighbours lie so close that their names would run into each other: numbers stand there, names beside the axes.
    for number, point in enumerate(drawn, 1):
        place = (point.size, point.accuracy)
        axes.annotate(
            f"{number}", place, (0, 7), textcoords="offset points", ha="center", fontsize=10.5, color=look.ink
        )
        line = f"{number}  {point.name}: {point.accuracy:.1%}"
        axes.text(1.03, 1 - 0.075 * number, line, transform=axes.transAxes, fontsize=10.5, color=look.ink)
    told = ", ".join(f"{p.name}: {p.size:,.0f} bytes, {p.accuracy:.1%}" for p in front)
    figure.description = f"{title}. Beaten by none of the {len(points)}: {told}."
    return figure


def _style(axes: Axes, look: Look) -> None:
    axes.set_facecolor(look.background)
    axes.tick_params(colors=look.ink, labelsize=11)
    axes.grid(axis="y", color=look.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(look.ink)


def curves(
    x: Sequence[float],
    runs: Mapping[str, Tensor],
    *,
    x_name: str,
    y_name: str,
    title: str,
    level: tuple[str, float] | None = None,
    lowest: float | None = None,
    dark: bool = False,
) -> DescribedFigure:
    """Lines over x; where a run has several rows, the line is their mean and the band reaches from least to greatest.

    Args:
        x: where the values belong.
        runs: by name, (len(x),) or (seeds, len(x)); at most four.
        x_name, y_name, title: texts.
        level: a name and a value for a dotted line across.
        lowest: where the y-axis begins, if the data shall not say.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    colours = (look.activation, look.weight, look.clipping, look.raw)
    figure = DescribedFigure(figsize=(8.2, 4.6), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.1, right=0.83, top=0.91, bottom=0.13)
    axes = figure.add_subplot()
    places = np.asarray(x, dtype=float)
    ends = []
    sentences = []
    for (name, values), colour, line in zip(runs.items(), colours, ("-", "--", "-.", ":"), strict=False):
        rows = values.detach().double().reshape(-1, len(places)).numpy()
        mean = rows.mean(axis=0)
        if len(rows) > 1:
            axes.fill_between(places, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.25, linewidth=0)
        axes.plot(places, mean, color=colour, linestyle=line, linewidth=2)
        ends.append((float(mean[-1]), name, colour))
        sentences.append(
            f"{name}: from {mean[0]:.3g} to {mean[-1]:.3g}, between {rows.min():.3g} and {rows.max():.3g}."
        )
    if level is not None:
        axes.axhline(level[1], color=look.ink, linestyle=":", linewidth=1.2)
        ends.append((level[1], level[0], look.ink))
        sentences.append(f"{level[0]}: {level[1]:.3g}.")
    _style(axes, look)
    if lowest is not None:
        axes.set_ylim(bottom=lowest)
    axes.set_xlim(places.min(), places.max())
    if len(places) <= 11 and bool((places == places.round()).all()):
        axes.set_xticks(places)
    axes.set_xlabel(x_name, color=look.ink)
    axes.set_ylabel(y_name, color=look.ink)
    axes.set_title(title, loc="left", fontsize=12, color=look.ink)
    _label_ends(axes, ends)
    figure.description = f"{title}. " + " ".join(sentences)
    return figure


def _label_ends(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Each line's name at its right end, moved apart where two would overlap, and kept inside."""
    (bottom, top), right = axes.get_ylim(), axes.get_xlim()[1]
    gap = 0.06 * (top - bottom)
    heights: list[float] = []
    for value, *_ in sorted(ends):
        heights.append(max(min(max(value, bottom), top), heights[-1] + gap if heights else bottom))
    for place in reversed(range(len(heights))):
        heights[place] = min(heights[place], heights[place + 1] - gap if place + 1 < len(heights) else top)
    for height, (_, name, colour) in zip(heights, sorted(ends), strict=True):
        axes.text(right, height, f"  {name}", va="center", color=colour, fontsize=11, clip_on=False)
