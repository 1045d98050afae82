"""The transfer function of a quantizer: the staircase, its error, and the path of a single number."""

from collections.abc import Iterable

import torch
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from torch import Tensor

from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.theme import Theme, halo, minus, style


def staircase_and_error(
    low: float = -1.0, high: float = 1.0, bitwidth: int = 3, *, dark: bool = False
) -> DescribedFigure:
    """The staircase of a quantizer over [low, high], and below it the error, which stays within half a scale.

    Args:
        low, high: the range; extended to include 0.
        bitwidth: 2..16; with 3 bits every step is visible.
        dark: for a dark background.
    """
    scale, zero_point = qparams(torch.tensor(low), torch.tensor(high), *code_range(bitwidth))
    scene = Staircase(low, high)
    return scene.still(dark=dark, bitwidth=bitwidth, scale=float(scale), zero_point=int(zero_point))


class Staircase(Scene):
    """The dequantized value for every x of an interval, the error below it, and the path of one x.

    Args:
        low, high: the interval, drawn with a margin at both ends.
    """

    size = (7.5, 5.6)

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        margin = 0.15 * (high - low)
        self.low, self.high = low - margin, high + margin
        self.x = torch.linspace(self.low, self.high, 4001)

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """The staircase above, the error below."""
        figure.subplots_adjust(left=0.11, right=0.98, top=0.93, bottom=0.09, hspace=0.34)
        top, bottom = figure.add_subplot(2, 1, 1), figure.add_subplot(2, 1, 2)
        top.plot(self.x, self.x, color=theme.raw, linestyle=":", linewidth=1.5)
        (self.stairs,) = top.plot([], [], color=theme.activation, linewidth=2)
        (self.way,) = top.plot([], [], color=theme.ink, linewidth=1.2, marker="o", markersize=5)
        (self.error,) = bottom.plot([], [], color=theme.weight, linewidth=1.5)
        (self.own_error,) = bottom.plot([], [], color=theme.ink, linewidth=1.2, marker="o", markersize=5)
        self.halves = [bottom.axhline(0, color=theme.clipping, linestyle="--", linewidth=1.5) for _ in range(2)]
        self.half = bottom.text(
            self.high, 0, "scale / 2 ", ha="right", va="bottom", color=theme.clipping, weight="bold",
            path_effects=halo(theme),
        )  # fmt: skip
        self.title = top.set_title(" ", loc="left", fontsize=12, color=theme.ink)
        bottom.set_title("Error: at most half a scale inside the range, growing beyond the last codes", loc="left",
                         fontsize=12, color=theme.ink)  # fmt: skip
        bottom.set_xlabel("x", color=theme.ink)
        for axes in (top, bottom):
            style(axes, theme)
            axes.set_xlim(self.low, self.high)
        top.set_ylim(self.low, self.high)
        bottom.set_ylim(-0.16 * (self.high - self.low), 0.16 * (self.high - self.low))
        return [self.stairs, self.way, self.error, self.own_error, *self.halves, self.half, self.title]

    def move(self, bitwidth: int, scale: float, zero_point: int, x: float | None = None) -> str:
        """Show the staircase of a scale and a zero-point.

        Args:
            bitwidth: 2..16.
            scale: above 0.
            zero_point: may lie outside the codes; then 0 does not come back as 0.
            x: the number whose path is drawn; None for none.
        """
        qmin, qmax = code_range(bitwidth)
        back = dequantize(_unclamped(self.x, scale, zero_point).clamp(qmin, qmax), scale, zero_point)
        self.stairs.set_data(self.x, back)
        self.error.set_data(self.x, back - self.x)
        for line, end in zip(self.halves, (scale / 2, -scale / 2), strict=True):
            line.set_ydata([end, end])
        self.half.set_y(scale / 2)
        low, high = scale * (qmin - zero_point), scale * (qmax - zero_point)
        ends = minus(f"from {low:.2f} to {high:.2f}")
        self.title.set_text(f"What comes back: {bitwidth} bits, {2**bitwidth} codes, {ends}")
        for line in (self.way, self.own_error):
            line.set_visible(x is not None)
        described = (
            f"A staircase of {2**bitwidth} codes, {scale:.3f} apart, from {low:.2f} to {high:.2f}; below it the error, "
            f"between -{scale / 2:.3f} and {scale / 2:.3f} inside the range and growing beyond the outermost codes."
        )
        return described if x is None else f"{self._way_of(x, scale, zero_point, qmin, qmax)} {described}"

    def _way_of(self, x: float, scale: float, zero_point: int, qmin: int, qmax: int) -> str:
        unclamped = _unclamped(torch.tensor(x), scale, zero_point)
        code = unclamped.clamp(qmin, qmax)
        back = float(dequantize(code, scale, zero_point))
        self.way.set_data([x, x, self.low], [self.low, back, back])
        self.own_error.set_data([x, x], [0, back - x])
        clamped = "" if code == unclamped else f", clamped to {int(code)}"
        return (
            f"x = {x:.2f}: x / scale = {x / scale:.2f}, rounded and plus the zero-point {zero_point} it is "
            f"{int(unclamped)}{clamped}; back it is {scale:.2f} · ({int(code)} - {zero_point}) = {back:.2f}, "
            f"an error of {back - x:.3f}."
        )


def _unclamped(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """The codes before clamping; `quantize` itself refuses a zero-point outside of the codes."""
    return quantize(x, scale, zero_point, -(2**30), 2**30)
