"""Draws the pictures in Lab 6's text: python solutions/lab6_floatsd/figures/draw.py."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

HERE = Path(__file__).parent
INK, BLUE, ORANGE, PURPLE, GREY = "#1f1f1f", "#0072B2", "#E69F00", "#7b2d8e", "#d9d9d9"
DARK_ORANGE = "#8a5f00"


def empty(width: float, height: float, right: float, top: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
    axes.axis("off")
    axes.set_xlim(0, right)
    axes.set_ylim(0, top)
    return figure, axes


def along(share: float) -> float:
    """Where a share of the range lies, from -1 to 1."""
    return 50 + 46 * share


def place(units: float) -> float:
    """Where a weight of so many units lies, from 0 to 9."""
    return 14 + 84 * units / 9


def number_line():
    """FloatSD4 above, uniform int4 below, both reaching as far; and the part around 0 enlarged."""
    figure, axes = empty(9.4, 3.2, 100, 36)
    powers = sorted({0, *(sign * 2**k for k in range(6) for sign in (1, -1))})
    rows = (
        (27, powers, 32, BLUE, "FloatSD4: 13 values, 0 and ±1 to ±32"),
        (11, list(range(-7, 8)), 7, DARK_ORANGE, "uniform int4: 15 values, 0 and ±1 to ±7"),
    )
    for y, values, top, colour, name in rows:
        axes.plot([4, 96], [y, y], color=INK, linewidth=1.2)
        for value in values:
            axes.plot([along(value / top)] * 2, [y - 1.6, y + 1.6], color=colour, linewidth=2.4)
        shown = [v for v in values if top == 7 or abs(v) >= 4 or v == 0]
        for value in shown:
            axes.text(along(value / top), y - 2.4, f"{value}", ha="center", va="top", fontsize=10.5, color=INK)
        axes.text(4, y + 3, name, ha="left", va="bottom", fontsize=11.5, color=colour)
    axes.text(96, 30, "gaps grow with the value", ha="right", va="bottom", fontsize=10.5, color=BLUE)
    axes.text(96, 14, "all gaps are alike", ha="right", va="bottom", fontsize=10.5, color=DARK_ORANGE)
    axes.text(50, 3.5, "the same range of weights; the numbers count units of each grid", ha="center", va="center", fontsize=10.5, color=INK)  # fmt: skip
    figure.savefig(HERE / "number_line.png")


def thresholds():
    """Which value a weight from 0 to 9 units becomes: by distance, and by the papers' thresholds."""
    figure, axes = empty(9.4, 2.9, 100, 33)
    colours = {0: GREY, 1: "#b7d7ea", 2: "#f5dca3", 4: "#d9bfe0", 8: "#a9cfc0"}
    for y, first, name in ((20, 0.5, "nearest"), (8, 0.75, "thresholds")):
        ends = (0, first, 1.5, 3, 6, 9)
        for value, low, high in zip(colours, ends, ends[1:], strict=False):
            axes.add_patch(Rectangle((place(low), y), place(high) - place(low), 5, facecolor=colours[value], edgecolor="white"))  # fmt: skip
            axes.text((place(low) + place(high)) / 2, y + 2.5, f"{value}", ha="center", va="center", fontsize=11.5, color=INK)  # fmt: skip
        for end in ends[1:-1]:
            axes.plot([place(end)] * 2, [y - 0.7, y + 5.7], color=INK, linewidth=1.6)
            beside = ("right", -0.6) if end == 0.5 else ("center", 0)
            axes.text(place(end) + beside[1], y - 1, f"{end:g}", ha=beside[0], va="top", fontsize=10.5, color=INK)
        axes.text(13, y + 2.5, name, ha="right", va="center", fontsize=11.5, color=INK)
    axes.add_patch(Rectangle((place(0.5), 7.2), place(0.75) - place(0.5), 19, fill=False, edgecolor=PURPLE, linewidth=2, linestyle="--"))  # fmt: skip
    axes.text(place(0.5), 29, "here the two rules differ", ha="left", va="bottom", fontsize=11, color=PURPLE)
    axes.text(place(9), 29, "|weight| in units, and the value that it becomes", ha="right", va="bottom", fontsize=11, color=INK)  # fmt: skip
    figure.savefig(HERE / "thresholds.png")


def bits(axes: Axes, x: float, y: float, text: str, colour: str, size: float = 2.6) -> None:
    for place, bit in enumerate(text):
        if bit != " ":
            axes.add_patch(Rectangle((x + place * size, y), size, 3.4, facecolor=colour + "22", edgecolor=colour))
            axes.text(x + (place + 0.5) * size, y + 1.7, bit, ha="center", va="center", fontsize=10.5, color=INK)


def box(axes: Axes, x: float, y: float, width: float, text: str, colour: str) -> None:
    axes.add_patch(FancyBboxPatch((x, y), width, 4, boxstyle="round,pad=0.1,rounding_size=0.6", facecolor=colour + "22", edgecolor=colour, linewidth=1.5))  # fmt: skip
    axes.text(x + width / 2, y + 2, text, ha="center", va="center", fontsize=10.5, color=INK)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 1.2})


def shift_and_add():
    """5 times 8 by a shift on the left; on the right 5 times 93 in a multiplier, a row for each bit of the weight."""
    figure, axes = empty(9.4, 4.3, 112, 50)
    axes.text(2, 47, "a weight of 8: code 0100, field 4, shift by 3", fontsize=11.5, color=BLUE, va="center")
    axes.text(2, 39.7, "input 5", fontsize=10.5, color=INK, va="center")
    bits(axes, 14, 38, "   00000101", BLUE)
    arrow(axes, (28, 37.4), (28, 33.4))
    axes.text(29.5, 35.3, "shift by the field less 1", fontsize=10.5, color=INK, va="center")
    axes.text(2, 30.7, "term 40", fontsize=10.5, color=INK, va="center")
    bits(axes, 14, 29, "00000101000", BLUE)
    arrow(axes, (28, 28.4), (28, 23.4))
    axes.text(29.5, 26, "sign bit: add or subtract", fontsize=10.5, color=INK, va="center")
    box(axes, 20, 18.5, 16, "one adder", BLUE)
    arrow(axes, (28, 18), (28, 13.6))
    axes.text(28, 12, "sum of the output", fontsize=10.5, color=INK, ha="center", va="center")
    axes.plot([53, 53], [4, 48], color=GREY, linewidth=1.5)
    axes.text(57, 47, "a weight of 93: 01011101, eight rows to add", fontsize=11.5, color=DARK_ORANGE, va="center")
    for row, bit in enumerate(reversed("01011101")):
        text = "00000101" if bit == "1" else "00000000"
        bits(axes, 82 - 2.1 * row, 40.5 - 3.9 * row, text, DARK_ORANGE if bit == "1" else "#9a9a9a", 2.1)
        axes.text(57, 42.2 - 3.9 * row, f"bit {row}: {bit}", fontsize=9.5, color=INK, va="center")
    axes.plot([57, 108], [12.2, 12.2], color=INK, linewidth=1.2)
    axes.text(82, 10, "465: seven adders inside the multiplier,", fontsize=10.5, color=INK, ha="center", va="center")
    axes.text(82, 6.5, "and one more for the sum of the output", fontsize=10.5, color=INK, ha="center", va="center")
    figure.savefig(HERE / "shift_and_add.png")


number_line()
thresholds()
shift_and_add()
