"""The ranges of a layer's channels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from qlab.plots.figure import DescribedFigure
from qlab.plots.look import DARK, LIGHT, style
from qlab.ranges import symmetric_range


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
    style(axes, look)
    axes.set_xticks(range(len(names)), names, color=look.ink)
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set_title("Share of the layer's range that a channel uses", loc="left", fontsize=12, color=look.ink)
    figure.description = f"The channel with the smallest weights uses, of its layer's range: {', '.join(told)}."
    return figure
