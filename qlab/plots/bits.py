"""Integers as rows of bits: an accumulator's way to a byte."""

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from qlab.fixed_point import multiply_rounding_once
from qlab.plots.figure import DescribedFigure
from qlab.plots.look import DARK, LIGHT, Look, minus


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
    axes.text(64.2, row, minus(f"{value:,}"), va="center", fontsize=9.5, color=look.ink)
