"""Graphs of operations side by side, as columns of boxes."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from qlab.plots.figure import DescribedFigure
from qlab.plots.theme import DARK, LIGHT, Theme

LEFT, RIGHT = 0.03, 0.87  # of the boxes of a column that is 1 wide; lines past boxes go on their right


@dataclass(frozen=True)
class Node:
    """A box of a graph.

    Attributes:
        text: what it says.
        kind: of its output: "float", "observed" or "int8".
        inputs: the positions of the boxes whose outputs it takes; None for the box above it.
    """

    text: str
    kind: str = "float"
    inputs: tuple[int, ...] | None = None

    def sources(self, place: int) -> tuple[int, ...]:
        """The positions of the boxes that a line comes from, if this one is at `place`."""
        return (place - 1,) * (place > 0) if self.inputs is None else self.inputs


def graphs_side_by_side(columns: dict[str, list[Node]], *, dark: bool = False) -> DescribedFigure:
    """Graphs as columns of boxes, to be read from top to bottom: float boxes are plain, observers dashed, int8 filled.

    A line goes from a box to the next one that uses its output; past the boxes between, such as those of a residual
    branch, it goes on the right.

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
                    (place + LEFT, -row - 0.68), RIGHT - LEFT, 0.64, edgecolor=colour, linewidth=1.5,
                    facecolor=colour + "22" if node.kind == "int8" else "none",
                    linestyle="--" if node.kind == "observed" else "-",
                )
            )  # fmt: skip
            axes.text(place + 0.45, -row - 0.36, node.text, ha="center", va="center", fontsize=9.5, color=theme.ink)
            for source in node.sources(row):
                _line(axes, place, source, row, theme)
    figure.description = " ".join(f"{title}: {_told(nodes)}." for title, nodes in columns.items())
    return figure


def _line(axes: Axes, place: int, source: int, row: int, theme: Theme) -> None:
    """A line from a box to one below it: straight to the next one, around all others."""
    if row == source + 1:
        axes.plot([place + 0.45] * 2, [-source - 0.68, -row - 0.04], color=theme.raw, linewidth=1.2)
        return
    edge, beside = place + RIGHT, place + RIGHT + 0.07
    x, y = [edge, beside, beside, edge], [-source - 0.36, -source - 0.36, -row - 0.36, -row - 0.36]
    axes.plot(x, y, color=theme.weight, linewidth=2.0, solid_joinstyle="round")
    axes.plot(edge, -row - 0.36, "<", color=theme.weight, markersize=6)


def _told(nodes: list[Node]) -> str:
    """The boxes in words; where one takes more than the box above it, what it takes."""
    words = []
    for row, node in enumerate(nodes):
        around = [nodes[source].text for source in node.sources(row) if source + 1 < row]
        words.append(f"{node.text} (also of {', '.join(around)} further up)" if around else node.text)
    return ", ".join(words)
