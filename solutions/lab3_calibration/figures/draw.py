"""Draws the pictures in Lab 3's text: python solutions/lab3_calibration/figures/draw.py."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

HERE = Path(__file__).parent
INK, BLUE, ORANGE, PURPLE, GREY = "#1f1f1f", "#0072B2", "#E69F00", "#7b2d8e", "#d9d9d9"


def canvas(width, height):
    figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
    axes.axis("off")
    return figure, axes


def full_narrow():
    """3-bit codes on the line from -a to a: full and narrow."""
    figure, axes = canvas(9.0, 2.9)
    axes.set_xlim(-1.8, 1.35)
    axes.set_ylim(-0.2, 3.1)
    for y, name, codes, step, colour in (
        (2.0, "full: -4 to 3\n3.5 steps a side", range(-4, 4), 1 / 3.5, BLUE),
        (0.6, "narrow: -3 to 3\n3 steps a side", range(-3, 4), 1 / 3, ORANGE),
    ):
        axes.plot((-1.2, 1.2), (y, y), color=GREY, linewidth=1.5, zorder=1)
        axes.text(-1.78, y, name, va="center", fontsize=11, color=INK)
        for code in codes:
            axes.plot(code * step, y, "o", color=colour, markersize=9, zorder=2)
            axes.text(code * step, y + 0.28, str(code).replace("-", "−"), ha="center", fontsize=11, color=INK,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5}, zorder=3)  # fmt: skip
    for x, label in ((-1, "−a"), (1, "a")):
        axes.plot((x, x), (0.15, 2.75), color=PURPLE, linestyle="--", linewidth=1.5)
        axes.text(x, 2.85, label, ha="center", fontsize=12, color=PURPLE)
    figure.savefig(HERE / "full_narrow.png")


def bars(axes, x, y, heights, width, colour, unit=0.28, labels=True):
    for place, height in enumerate(heights):
        axes.add_patch(
            Rectangle(
                (x + place * width, y), width * 0.92, max(height * unit, 0.02), facecolor=colour, edgecolor=colour
            )
        )
        if labels:
            text = f"{height:g}"
            axes.text(x + (place + 0.46) * width, y + height * unit + 0.08, text, ha="center", fontsize=11, color=INK)


def doubling():
    """Four bins up to 4, the same merged in pairs up to 8, and the new value."""
    figure, axes = canvas(9.0, 2.6)
    axes.set_xlim(-0.3, 9.7)
    axes.set_ylim(-0.5, 1.75)
    for x, heights, ticks, title in (
        (0.0, (1, 2, 1, 2), ("0", "1", "2", "3", "4"), "before: up to 4"),
        (3.4, (3, 3, 0, 0), ("0", "2", "4", "6", "8"), "doubled, merged in pairs"),
        (6.8, (3, 3, 0, 1), ("0", "2", "4", "6", "8"), "then 7.1 is counted"),
    ):
        bars(axes, x, 0, heights, 0.65, BLUE)
        for place, tick in enumerate(ticks):
            axes.text(x + place * 0.65, -0.12, tick, ha="center", va="top", fontsize=10, color=INK)
        axes.text(x + 1.3, 1.5, title, ha="center", fontsize=11.5, color=INK)
    for x in (2.85, 6.25):
        axes.annotate("", (x + 0.45, 0.5), (x, 0.5), arrowprops={"arrowstyle": "->", "color": PURPLE, "linewidth": 2})
    figure.savefig(HERE / "doubling.png")


def entropy():
    """Six bins, four kept: P with the rest in its last bin, Q in two levels."""
    figure, axes = canvas(9.0, 2.9)
    axes.set_xlim(-0.3, 10.2)
    axes.set_ylim(-0.45, 2.1)
    bars(axes, 0.0, 0, (4, 2, 0, 3, 1, 1), 0.5, GREY, unit=0.25)
    axes.plot((2.0, 2.0), (-0.2, 1.5), color=PURPLE, linestyle="--", linewidth=2)
    axes.text(2.0, -0.25, "threshold", ha="center", va="top", fontsize=10.5, color=PURPLE)
    axes.text(1.5, 1.8, "counts", ha="center", fontsize=12, color=INK)
    bars(axes, 4.1, 0, (4, 2, 0, 5), 0.5, BLUE, unit=0.25)
    axes.text(5.1, 1.8, "P, to be divided by 11", ha="center", fontsize=12, color=INK)
    axes.text(5.85, -0.08, "3 + 2", ha="center", va="top", fontsize=10.5, color=BLUE)
    bars(axes, 7.6, 0, (3, 3, 0, 3), 0.5, ORANGE, unit=0.25)
    axes.text(8.6, 1.8, "Q, to be divided by 9", ha="center", fontsize=12, color=INK)
    for x, text in ((8.1, "(4 + 2) / 2"), (9.35, "3 / 1")):
        axes.text(x, -0.08, text, ha="center", va="top", fontsize=10.5, color="#8a5f00")
    figure.savefig(HERE / "entropy.png")


def row(axes, y, x, texts, width, colours, height=0.55):
    """Boxes of one width with a text in each."""
    for place, (text, colour) in enumerate(zip(texts, colours, strict=True)):
        left = x + place * width
        axes.add_patch(Rectangle((left, y), width * 0.94, height, facecolor=colour + "33", edgecolor=colour))
        axes.text(left + width * 0.47, y + height / 2, text, ha="center", va="center", fontsize=11, color=INK)


def groups():
    """Seven weights in two groups, their codes, and the four bytes that hold these."""
    figure, axes = canvas(9.0, 3.9)
    axes.set_xlim(-1.9, 8.3)
    axes.set_ylim(-0.75, 4.35)
    grouped = [BLUE] * 4 + [ORANGE] * 3
    for y, name in ((3.0, "weights"), (1.75, "codes"), (0.5, "nibbles"), (-0.5, "bytes")):
        axes.text(-1.85, y + 0.27, name, va="center", fontsize=12, color=INK)
    row(axes, 3.0, 0, ("0.875", "−0.375", "0.125", "−0.875", "1.75", "−0.25", "0.75"), 1, grouped)
    row(axes, 1.75, 0, ("7", "−3", "1", "−7", "7", "−1", "3"), 1, grouped)
    row(axes, 0.5, 0, ("0111", "1101", "0001", "1001", "0111", "1111", "0011", "0000"), 1, [*grouped, "#888888"])
    for place in range(4):
        axes.text(2 * place + 0.47, 1.13, "low", ha="center", va="bottom", fontsize=9.5, color=INK)
        axes.text(2 * place + 1.47, 1.13, "high", ha="center", va="bottom", fontsize=9.5, color=INK)
    sums = ("7 + 16·13 = 215", "1 + 16·9 = 145", "7 + 16·15 = 247", "3 + 16·0 = 3")
    row(axes, -0.5, 0, sums, 2, [PURPLE] * 4)
    for x, text, colour in (
        (0, "group 0: scale 0.875 / 7 = 0.125", BLUE),
        (4, "group 1: scale 1.75 / 7 = 0.25", "#8a5f00"),
    ):
        axes.text(x, 3.75, text, fontsize=11.5, color=colour)
    axes.annotate("", (3.47, 2.36), (3.47, 2.95), arrowprops={"arrowstyle": "->", "color": PURPLE, "linewidth": 2})
    axes.text(3.6, 2.65, "divide by the scale of the group, round", va="center", fontsize=10.5, color=PURPLE)
    figure.savefig(HERE / "groups.png")


if __name__ == "__main__":
    groups()
    full_narrow()
    doubling()
    entropy()
