"""Size against accuracy, and the Pareto front."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import FuncFormatter

from qlab.plots.figure import DescribedFigure
from qlab.plots.theme import DARK, LIGHT, style


@dataclass(frozen=True)
class Point:
    """One network: its name, size in bytes, accuracy from 0 to 1, and whether it is on the Pareto front."""

    name: str
    size: float
    accuracy: float
    best: bool


def pareto_plot(
    points: Sequence[Point], *, title: str, lowest: float | None = None, dark: bool = False
) -> DescribedFigure:
    """Size and accuracy as points; those on the Pareto front are filled, named and connected.

    Args:
        points: at least one.
        title: a text.
        lowest: points with less accuracy are left out of the picture, but not of its description.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(9.8, 4.6), dpi=100, facecolor=theme.background)
    figure.subplots_adjust(left=0.09, right=0.7, top=0.91, bottom=0.12)
    axes = figure.add_subplot()
    front = sorted((point for point in points if point.best), key=lambda point: point.size)
    drawn = [point for point in front if lowest is None or point.accuracy >= lowest]
    beaten = [point for point in points if not point.best and (lowest is None or point.accuracy >= lowest)]
    axes.plot([p.size for p in beaten], [p.accuracy for p in beaten], "o", mfc="none", color=theme.raw, markersize=8)
    axes.step(
        [p.size for p in drawn], [p.accuracy for p in drawn], "-o", where="post", color=theme.activation, markersize=8
    )
    style(axes, theme)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.1%}"))
    axes.set_xlabel("bytes", color=theme.ink)
    axes.set_ylabel("accuracy", color=theme.ink)
    axes.set_title(title, loc="left", fontsize=12, color=theme.ink)
    axes.margins(x=0.08, y=0.14)
    # Neighbours are so close that their names would overlap, so the points get numbers and the names stand beside.
    for number, point in enumerate(drawn, 1):
        place = (point.size, point.accuracy)
        axes.annotate(
            f"{number}", place, (0, 7), textcoords="offset points", ha="center", fontsize=10.5, color=theme.ink
        )
        line = f"{number}  {point.name}: {point.accuracy:.1%}"
        axes.text(1.03, 1 - 0.075 * number, line, transform=axes.transAxes, fontsize=10.5, color=theme.ink)
    described = ", ".join(f"{p.name}: {p.size:,.0f} bytes, {p.accuracy:.1%}" for p in front)
    figure.description = f"{title}. On the Pareto front of {len(points)}: {described}."
    return figure
