"""Size against accuracy, and what no other beats."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import FuncFormatter

from qlab.plots.figure import DescribedFigure
from qlab.plots.theme import DARK, LIGHT, style


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
    style(axes, look)
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
