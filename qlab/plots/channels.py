"""The ranges of a layer's output channels, with one scale for all of them or one scale each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from torch import Tensor, nn

from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.ranges import symmetric_range
from qlab.arithmetic.validation import real_tensor
from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.theme import DARK, LIGHT, Theme, halo, minus, style
from qlab.ptq.fusion import folded
from qlab.ptq.metrics import sqnr

Floats = NDArray[Any]


def channel_ranges(weights: Sequence[Tensor], names: Sequence[str], *, dark: bool = False) -> DescribedFigure:
    """How much of the layer's range each output channel uses: one dot per channel, one column per layer.

    Args:
        weights: of the layers, output channels first.
        names: of the layers.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(7.5, 3.6), dpi=100, facecolor=theme.background)
    figure.subplots_adjust(left=0.1, right=0.98, top=0.9, bottom=0.1)
    axes, smallest_shares = figure.add_subplot(1, 1, 1), []
    for place, (name, weight) in enumerate(zip(names, weights, strict=True)):
        largest = symmetric_range(weight, 0)[1]
        share = (largest / largest.max()).sort().values
        axes.plot(place + np.linspace(-0.3, 0.3, len(share)), share, ".", color=theme.weight, markersize=8)
        smallest_shares.append(f"{name}: {float(share[0]):.0%}")
    style(axes, theme)
    axes.set_xticks(range(len(names)), names, color=theme.ink)
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set_title("Share of the layer's range that a channel uses", loc="left", fontsize=12, color=theme.ink)
    figure.description = f"Share of the layer's range that its smallest channel uses: {', '.join(smallest_shares)}."
    return figure


# The live scene -------------------------------------------------------------------------------------------------------

GRANULARITIES = ("one scale for all", "one scale per channel")
MOST_DB = 60.0
"""The end of the axis. 8 bits give about 50 dB; weights without any error are drawn at the end."""


@dataclass(frozen=True)
class _Quantized:
    """A quantized weight: its codes, the end of the range and the step of each channel, and the SQNR.

    Attributes:
        whole: the SQNR of the whole layer, in dB.
        channels: the SQNR of each channel, in dB.
    """

    codes: Tensor
    ends: Tensor
    steps: Tensor
    whole: float
    channels: Tensor


class ChannelScales(Scene):
    """A layer's channels with one scale for all of them or one each: ranges, noise, and the codes of one channel.

    Weights are symmetric with narrow codes, as in `qlab.ptq.sensitivity.quantized_weight`.

    Args:
        conv: a convolution.
        norm: the batch norm after it.

    Raises:
        ValueError: the two do not fit together, or the batch norm has no factors or no statistics.
    """

    size = (9.4, 6.4)

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        if not isinstance(conv, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise ValueError("pass both a Conv2d and the BatchNorm2d after it: folding needs the two.")
        if len(conv.weight) != norm.num_features:
            raise ValueError(
                f"the convolution has {len(conv.weight)} output channels and the batch norm {norm.num_features}: pass "
                "the batch norm that follows the convolution."
            )
        if norm.running_var is None or not norm.affine:
            raise ValueError("the batch norm has no factors or no running variance: pass a trained one that has both.")
        together = next(folded(nn.Sequential(conv, norm)).children())
        self.weights = {False: real_tensor(conv.weight, "the weight"), True: real_tensor(together.weight, "the weight")}
        self.largest = {which: symmetric_range(weight, 0)[1] for which, weight in self.weights.items()}
        if not all(bool(largest.any()) for largest in self.largest.values()):
            raise ValueError("all weights are 0: pass a layer that was trained.")
        self.channels = len(conv.weight)
        self._cache: dict[tuple[int, bool, bool], _Quantized] = {}

    @property
    def smallest(self) -> int:
        """The channel with the smallest folded weights, not counting channels of zeros."""
        largest = self.largest[True]
        return int(torch.where(largest > 0, largest, torch.inf).argmin())

    def quantized(self, bitwidth: int, per_channel: bool, fold: bool) -> _Quantized:
        """The quantized weight, computed on first use and cached."""
        key = (bitwidth, per_channel, fold)
        if key not in self._cache:
            weight, dim = self.weights[fold], 0 if per_channel else None
            qmin, qmax = code_range(bitwidth, narrow=True)
            scale, zero_point = qparams(*symmetric_range(weight, dim), qmin, qmax, symmetric=True)
            codes = quantize(weight, scale, zero_point, qmin, qmax, channel_dim=dim)
            back = dequantize(codes, scale, zero_point, channel_dim=dim)
            steps = scale.expand(self.channels)
            noise = torch.tensor([sqnr(w, b) for w, b in zip(weight, back, strict=True)])
            self._cache[key] = _Quantized(codes, steps * qmax, steps, sqnr(weight, back), noise)
        return self._cache[key]

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """Ranges above, noise below them, the codes of one channel at the bottom."""
        ranges = figure.add_axes((0.085, 0.62, 0.77, 0.32))
        noise = figure.add_axes((0.085, 0.285, 0.77, 0.24))
        line = figure.add_axes((0.085, 0.075, 0.77, 0.1))
        width = 0.62 * 72 * self.size[0] * 0.77 / self.channels
        rim, shares = halo(theme), torch.cat([largest / largest.max() for largest in self.largest.values()])

        def bars(axes: Axes, colour: str) -> Line2D:
            return axes.plot([], [], color=colour, linewidth=width, solid_capstyle="butt")[0]

        self.bars = [bars(ranges, theme.weight), bars(noise, theme.weight)]
        self.picked = [bars(ranges, theme.activation), bars(noise, theme.activation)]
        (self.ends,) = ranges.plot([], [], color=theme.clipping, linewidth=2.5, path_effects=rim)
        (self.halves,) = ranges.plot([], [], color=theme.ink, linestyle=(0, (1, 1)), linewidth=2, path_effects=rim)
        (self.others,) = noise.plot([], [], "o", color=theme.ink, markerfacecolor="none", markersize=min(6.0, width))
        self.labels = [
            ranges.text(self.channels - 0.35, 1, text, color=colour, fontsize=10.5, va=va)
            for text, colour, va in (
                (" end of range", theme.clipping, "bottom"),
                (" half a step:\n below it, code 0", theme.ink, "top"),
            )
        ]
        (self.spikes,) = line.plot([], [], color=theme.activation, linewidth=2.5)
        self.codes = [line.text(x, -0.12, "", ha="center", va="top", fontsize=11, color=theme.ink) for x in (-1, 0, 1)]
        self.titles = [
            axes.set_title(" ", loc="left", fontsize=11.5, color=theme.ink) for axes in (ranges, noise, line)
        ]
        for axes in (ranges, noise, line):
            style(axes, theme)
        ranges.set_yscale("log")
        ranges.minorticks_off()
        finest = 0.5 / code_range(8, narrow=True)[1]
        self.floor = 0.5 * finest * float(shares[shares > 0].min())
        ranges.set_ylim(self.floor, 2.5)
        ranges.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
        ranges.tick_params(labelbottom=False)
        noise.set_ylim(-2, MOST_DB)
        noise.set_yticks(range(0, 61, 20))
        noise.set_xlabel("output channel", color=theme.ink, fontsize=11, labelpad=1)
        for axes in (ranges, noise):
            axes.set_xlim(-0.7, self.channels - 0.3)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        line.set_xlim(-1.04, 1.04)
        line.set_ylim(0, 1.1)
        line.set_xticks([])
        line.set_yticks([])
        line.spines["left"].set_visible(False)
        lines = (*self.bars, *self.picked, self.ends, self.halves, self.others, self.spikes)
        return [*lines, *self.labels, *self.codes, *self.titles]

    def move(self, bitwidth: int = 8, granularity: str = GRANULARITIES[0], fold: bool = True, channel: int = 0) -> str:
        """Show the layer at these values.

        Args:
            bitwidth: 2..8.
            granularity: one of `GRANULARITIES`.
            fold: with batch norm folded into the weight.
            channel: whose codes are shown.
        """
        per_channel = granularity == GRANULARITIES[1]
        now, other = (self.quantized(bitwidth, each, fold) for each in (per_channel, not per_channel))
        largest = self.largest[fold]
        unit, places = float(largest.max()), np.arange(self.channels)
        heights = [(largest / unit).numpy(), now.channels.clamp(0, MOST_DB).numpy()]
        for bars, picked, height, low in zip(self.bars, self.picked, heights, (self.floor, 0.0), strict=True):
            bars.set_data(*_strokes(places, low, height))
            picked.set_data(*_strokes(places[channel : channel + 1], low, height[channel : channel + 1]))
        for line, label, values in (
            (self.ends, self.labels[0], now.ends / unit),
            (self.halves, self.labels[1], now.steps / unit / 2),
        ):
            line.set_data(*_dashes(places, values.numpy()))
            label.set_y(max(float(values[-1]), 5 * self.floor))
        self.others.set_data(places, other.channels.clamp(0, MOST_DB))
        self._move_codes(now.codes[channel], bitwidth)
        state = "folded" if fold else "before folding"
        silent = int((now.codes.flatten(1) == 0).all(dim=1).sum())
        self.titles[0].set_text(f"Each channel's largest weight, in % of the layer's largest, {state}: {granularity}")
        worst = int(now.channels.argmin())
        self.titles[1].set_text(
            f"SQNR in dB (rings: {GRANULARITIES[not per_channel]}): whole layer {now.whole:.1f}, "
            f"worst channel {now.channels[worst]:.1f}"
        )
        low, high = (int(end) for end in now.codes[channel].aminmax())
        count, codes = high - low + 1, 2**bitwidth - 1
        self.titles[2].set_text(minus(f"Channel {channel}: codes {low} to {high}, {count / codes:.1%} of {codes}"))
        return (
            f"{bitwidth} bits, batch norm {'folded in' if fold else 'not folded in'}, {granularity}. The "
            f"largest weights of the channels differ by a factor of {unit / float(largest[largest > 0].min()):.3g}. "
            f"{_silent(silent, self.channels)} The whole layer has {now.whole:.1f} dB, its worst channel, {worst}, "
            f"{now.channels[worst]:.1f} dB; with {GRANULARITIES[not per_channel]} the worst has "
            f"{float(other.channels.min()):.1f} dB. Channel {channel} has {now.channels[channel]:.1f} dB: its codes "
            f"run from {low} to {high}, {count / codes:.1%} of the {codes} codes."
        )

    def _move_codes(self, codes: Tensor, bitwidth: int) -> None:
        values, counts = np.unique(codes.numpy(), return_counts=True)
        last = code_range(bitwidth, narrow=True)[1]
        self.spikes.set_data(*_strokes(values / last, 0.0, counts / counts.max()))
        for text, code in zip(self.codes, (-last, 0, last), strict=True):
            text.set_text(minus(f"{code}"))


def _silent(count: int, channels: int) -> str:
    return f"{count} of {channels} channels became all zeros." if count else "No channel became all zeros."


def _strokes(x: Floats, low: float, high: Floats) -> tuple[Floats, Floats]:
    """Vertical strokes as one line with gaps: a single artist, however many channels there are."""
    gap = np.full(len(x), np.nan)
    return np.stack([x, x, gap], 1).ravel(), np.stack([np.full(len(x), low), high, gap], 1).ravel()


def _dashes(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """A short horizontal line at each x, as one line with gaps."""
    gap = np.full(len(x), np.nan)
    return np.stack([x - 0.45, x + 0.45, gap], 1).ravel(), np.stack([y, y, gap], 1).ravel()
