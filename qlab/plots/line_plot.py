"""Line plots with the names at the ends of the lines."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from qlab.plots.figure import DescribedFigure
from qlab.plots.theme import DARK, LIGHT, style


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
    """Lines over x. For a run with several rows, the line is their mean and a band spans minimum to maximum.

    Args:
        x: the x values.
        runs: by name, (len(x),) or (seeds, len(x)); at most four.
        x_name, y_name, title: texts.
        level: the name and the value of a dotted horizontal line.
        lowest: the lower end of the y-axis; by default it follows from the data.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    colours = (theme.activation, theme.weight, theme.clipping, theme.raw)
    written = (theme.activation, theme.weight_text, theme.clipping, theme.raw)
    figure = DescribedFigure(figsize=(8.2, 4.6), dpi=100, facecolor=theme.background)
    figure.subplots_adjust(left=0.1, right=0.83, top=0.91, bottom=0.13)
    axes = figure.add_subplot()
    places = np.asarray(x, dtype=float)
    ends = []
    sentences = []
    styles = zip(colours, written, ("-", "--", "-.", ":"), strict=True)
    for (name, values), (colour, text, line) in zip(runs.items(), styles, strict=False):
        rows = values.detach().double().reshape(-1, len(places)).numpy()
        mean = rows.mean(axis=0)
        if len(rows) > 1:
            axes.fill_between(places, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.25, linewidth=0)
        axes.plot(places, mean, color=colour, linestyle=line, linewidth=2)
        ends.append((float(mean[-1]), name, text))
        sentences.append(
            f"{name}: from {mean[0]:.3g} to {mean[-1]:.3g}, between {rows.min():.3g} and {rows.max():.3g}."
        )
    if level is not None:
        axes.axhline(level[1], color=theme.ink, linestyle=":", linewidth=1.2)
        ends.append((level[1], level[0], theme.ink))
        sentences.append(f"{level[0]}: {level[1]:.3g}.")
    style(axes, theme)
    if lowest is not None:
        axes.set_ylim(bottom=lowest)
    axes.set_xlim(places.min(), places.max())
    if len(places) <= 11 and bool((places == places.round()).all()):
        axes.set_xticks(places)
    axes.set_xlabel(x_name, color=theme.ink)
    axes.set_ylabel(y_name, color=theme.ink)
    axes.set_title(title, loc="left", fontsize=12, color=theme.ink)
    _label_ends(axes, ends)
    figure.description = f"{title}. " + " ".join(sentences)
    return figure


def _label_ends(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Write each line's name at its right end; names that would overlap are moved apart, inside the axes."""
    (bottom, top), right = axes.get_ylim(), axes.get_xlim()[1]
    gap = 0.06 * (top - bottom)
    heights: list[float] = []
    for value, *_ in sorted(ends):
        heights.append(max(min(max(value, bottom), top), heights[-1] + gap if heights else bottom))
    for place in reversed(range(len(heights))):
        heights[place] = min(heights[place], heights[place + 1] - gap if place + 1 < len(heights) else top)
    for height, (_, name, colour) in zip(heights, sorted(ends), strict=True):
        axes.text(right, height, f"  {name}", va="center", color=colour, fontsize=11, clip_on=False)
