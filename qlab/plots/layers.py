"""Bar charts with one value per layer of a network."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from qlab.plots.figure import DescribedFigure
from qlab.plots.theme import DARK, LIGHT, minus, style


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
    """Bars for the layers of a network; several series are drawn side by side in their own colours.

    Args:
        names: of the layers.
        series: one value per layer, by the name of the series; at most three series.
        value_name, title: texts.
        level: the name and the value of a dotted horizontal line.
        percent: format the values as percentages.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(8.8, 4.2), dpi=100, facecolor=theme.background)
    figure.subplots_adjust(left=0.1, right=0.98, top=0.8, bottom=0.2)
    axes, width = figure.add_subplot(), 0.8 / len(series)
    places = np.arange(len(names))
    for number, (values, colour) in enumerate(
        zip(series.values(), (theme.activation, theme.weight, theme.clipping), strict=False)
    ):
        axes.bar(places + (number - (len(series) - 1) / 2) * width, values, width * 0.92, color=colour)
    style(axes, theme)
    axes.axhline(0, color=theme.ink, linewidth=0.8)
    axes.set_xticks(places, names, rotation=25, ha="right", color=theme.ink, fontsize=10)
    axes.set_ylabel(value_name, color=theme.ink)
    if percent:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    handles: list[Artist] = [
        Rectangle((0, 0), 1, 1, color=colour) for colour in (theme.activation, theme.weight, theme.clipping)
    ]
    labels = list(series)
    if level is not None:
        line = axes.axhline(level[1], color=theme.ink, linestyle=":", linewidth=1.4)
        handles, labels = [*handles[: len(series)], line], [*labels, level[0]]
    figure.legend(
        handles[: len(labels)], labels, loc="upper left", bbox_to_anchor=(0.09, 0.925), ncols=4, frameon=False,
        labelcolor=theme.ink, fontsize=10.5,
    )  # fmt: skip
    figure.text(0.1, 0.94, title, fontsize=12, color=theme.ink)
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
    """The SQNR of each layer's weight on the left and of its output on the right, layers from top to bottom.

    Args:
        names: of the layers.
        weights, activations: decibels, finite; negative values are drawn to the other side of the axis.
        title: a text.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(8.8, 1.5 + 0.36 * len(names)), dpi=100, facecolor=theme.background)
    figure.subplots_adjust(left=0.17, right=0.98, top=1 - 0.72 / (1.5 + 0.36 * len(names)), bottom=0.14, wspace=0.06)
    rows, longest = np.arange(len(names)), max(*weights, *activations, 1.0)
    lowest = min(*weights, *activations, 0.0)
    for place, (kind, values, colour) in enumerate(
        (("weight", weights, theme.weight), ("output", activations, theme.activation))
    ):
        axes = figure.add_subplot(1, 2, place + 1)
        axes.barh(rows, values, color=colour, height=0.64)
        style(axes, theme)
        axes.grid(visible=False)
        axes.axvline(0, color=theme.ink, linewidth=1)
        axes.set_yticks(rows, names if place == 0 else [""] * len(names), color=theme.ink, fontsize=10)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        ends = (lowest - 0.22 * longest, 1.22 * longest)
        axes.set_xlim(*(ends if place else ends[::-1]))
        axes.invert_yaxis()
        axes.set_title(f"{kind}, dB", loc="left" if place else "right", fontsize=11, color=theme.ink)
        for row, value in enumerate(values):
            outward = (value >= 0) == bool(place)
            axes.text(
                value, row, minus(f" {round(value)} "), ha="left" if outward else "right", va="center",
                fontsize=9.5, color=theme.ink,
            )  # fmt: skip
    figure.text(0.02, 1 - 0.3 / (1.5 + 0.36 * len(names)), title, fontsize=12, color=theme.ink)
    figure.description = f"{title}. " + "; ".join(
        f"{name}: weight {weight:.1f} dB, output {output:.1f} dB"
        for name, weight, output in zip(names, weights, activations, strict=True)
    )
    return figure
