"""Graphs of operations side by side, as columns of boxes."""

from dataclasses import dataclass

from matplotlib.patches import Rectangle

from qlab.plots.figure import DescribedFigure
from qlab.plots.theme import DARK, LIGHT


@dataclass(frozen=True)
class Node:
    """A box of a graph: its text, and the kind of its output: "float", "observed" or "int8"."""

    text: str
    kind: str = "float"


def graphs_side_by_side(columns: dict[str, list[Node]], *, dark: bool = False) -> DescribedFigure:
    """Graphs as columns of boxes, to be read from top to bottom: float boxes are plain, observers dashed, int8 filled.

    Args:
        columns: the boxes of each graph in order, by title.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    longest = max(len(nodes) for nodes in columns.values())
    figure = DescribedFigure(figsize=(3.4 * len(columns), 0.9 + 0.5 * longest), dpi=100, facecolor=theme.background)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, len(columns))
    axes.set_ylim(-longest - 0.3, 1.2)
    axes.axis("off")
    colours = {"float": theme.ink, "observed": theme.clipping, "int8": theme.activation}
    for place, (title, nodes) in enumerate(columns.items()):
        axes.text(place + 0.5, 0.55, title, ha="center", va="center", fontsize=12, weight="bold", color=theme.ink)
        for row, node in enumerate(nodes):
            colour = colours[node.kind]
            axes.add_patch(
                Rectangle(
                    (place + 0.05, -row - 0.68), 0.9, 0.64, edgecolor=colour, linewidth=1.5,
                    facecolor=colour + "22" if node.kind == "int8" else "none",
                    linestyle="--" if node.kind == "observed" else "-",
                )
            )  # fmt: skip
            axes.text(place + 0.5, -row - 0.36, node.text, ha="center", va="center", fontsize=9.5, color=theme.ink)
            if row + 1 < len(nodes):
                axes.plot([place + 0.5] * 2, [-row - 0.68, -row - 1.04], color=theme.raw, linewidth=1.2)
    figure.description = " ".join(
        f"{title}: {', '.join(node.text for node in nodes)}." for title, nodes in columns.items()
    )
    return figure
