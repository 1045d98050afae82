"""What a range costs: the error of what it clips against the error of rounding what it holds."""

import numpy as np
import torch
from torch import Tensor

from qlab.contracts import real_tensor
from qlab.plots.figure import DescribedFigure
from qlab.plots.look import DARK, LIGHT, style
from qlab.qparams import code_range, qparams
from qlab.quantize import dequantize, quantize


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
        style(axes, look)
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
