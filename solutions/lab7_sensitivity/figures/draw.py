"""Draws the pictures in Lab 7's text: python solutions/lab7_sensitivity/figures/draw.py."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

HERE = Path(__file__).parent
INK, BLUE, ORANGE, PURPLE, GREY = "#1f1f1f", "#0072B2", "#E69F00", "#7b2d8e", "#d9d9d9"
DARK_ORANGE = "#8a5f00"


def canvas(width, height, xlim, ylim):
    figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.005, 0.01, 0.99, 0.98))
    axes.axis("off")
    axes.set_xlim(*xlim)
    axes.set_ylim(*ylim)
    return figure, axes


def box(axes, x, y, text, colour, *, width=1.9, height=0.8, size=10, dashed=False):
    """A box around its middle."""
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor=colour + "1c", edgecolor=colour, linewidth=1.6, linestyle="--" if dashed else "-",
        )
    )  # fmt: skip
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=INK)


def arrow(axes, start, end, colour=INK, text="", offset=(0.0, 0.0)):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.4})
    if text:
        middle = ((start[0] + end[0]) / 2 + offset[0], (start[1] + end[1]) / 2 + offset[1])
        axes.text(*middle, text, ha="center", va="center", fontsize=9.5, color=colour)


def three_comparisons():
    """The fp32 row, the quantized row, and between them the shadow of the second layer."""
    figure, axes = canvas(9.4, 3.3, (0, 15), (-0.2, 5.1))
    for y, colour, names in ((4.3, BLUE, ("$W_1$", "$W_2$")), (0.7, PURPLE, ("$W_{q,1}$", "$W_{q,2}$"))):
        box(axes, 1.0, y, "$x$", colour, width=1.0)
        box(axes, 4.0, y, names[0], colour)
        box(axes, 7.2, y, "ReLU", colour, width=1.4)
        box(axes, 10.4, y, names[1], colour)
        arrow(axes, (1.55, y), (3.0, y), colour)
        arrow(axes, (5.0, y), (6.45, y), colour)
        arrow(axes, (7.95, y), (9.4, y), colour)
        arrow(axes, (11.4, y), (13.0, y), colour)
    axes.text(13.2, 4.3, "fp32", va="center", fontsize=11, color=BLUE)
    axes.text(13.2, 0.7, "quantized", va="center", fontsize=11, color=PURPLE)
    box(axes, 10.4, 2.5, "$W_2$, the shadow", DARK_ORANGE, dashed=True)
    arrow(axes, (11.4, 2.5), (12.3, 2.5), DARK_ORANGE)
    arrow(axes, (8.4, 0.85), (9.4, 2.35), DARK_ORANGE, "the quantized\nrow's input", (-1.25, 0.35))
    for low, high, x, text, colour in (
        (0.8, 2.4, 11.8, "alone", DARK_ORANGE),
        (1.15, 3.85, 4.0, "weights", INK),
        (0.8, 4.2, 12.75, "outputs", INK),
    ):
        look = {"arrowstyle": "<->", "color": colour, "linewidth": 1.2, "linestyle": ":"}
        axes.annotate("", (x, high), (x, low), arrowprops=look)
        axes.text(x + 0.1, (low + high) / 2, text, va="center", fontsize=10.5, color=colour)
    figure.savefig(HERE / "three_comparisons.png")


def equalization():
    """Ranges of four channels in two layers: as they are, and with sqrt(r1 r2) for both."""
    figure = Figure(figsize=(9.4, 3.0), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    first, second = np.array([8.0, 0.5, 2.0, 0.2]), np.array([0.5, 2.0, 1.0, 5.0])
    even = np.sqrt(first * second)
    for place, (title, r1, r2) in enumerate((("before", first, second), ("after: both $\\sqrt{r_1 r_2}$", even, even))):
        axes = figure.add_axes((0.06 + 0.49 * place, 0.16, 0.43, 0.7))
        channels = np.arange(4)
        axes.bar(channels - 0.19, r1, 0.34, color=BLUE, label="$r_1$: made by the first layer")
        axes.bar(channels + 0.19, r2, 0.34, color=ORANGE, label="$r_2$: taken by the second")
        axes.axhline(r1.max() / 14, color=PURPLE, linestyle="--", linewidth=1.2)
        if not place:
            axes.text(
                0.6,
                6.6,
                "dashed: half a 4-bit step of the first layer;\nwhat lies below becomes 0",
                fontsize=9.5,
                color=PURPLE,
            )
        axes.set_ylim(0, 8.6)
        axes.set_xlim(-0.5, 3.5)
        axes.set_xticks(channels, [f"channel {i}" for i in channels], fontsize=9.5)
        axes.set_title(title, loc="left", fontsize=10.5, color=INK)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.grid(axis="y", color=GREY, linewidth=0.7)
        axes.set_axisbelow(True)
        if place:
            axes.legend(frameon=False, fontsize=10, loc="upper right")
    figure.savefig(HERE / "equalization.png")


def workflow():
    """The chart of decisions, from the cheapest step to the dearest."""
    figure, axes = canvas(9.6, 8.3, (0, 16), (-0.4, 15.2))
    rows = (
        (14.2, "Dynamic quantization", "no data, one line: weights int8,\nactivations measured as they come", "convolutions,\nor not fast enough"),
        (11.6, "Static, after training", "weights: per channel, symmetric, MinMax\nactivations: per tensor, affine, moving average\nsome hundred calibration images", "too much is lost"),
        (9.0, "Find the layer", "SQNR of outputs, each layer alone;\none only, all but one, on held-out images", "it is known"),
        (6.4, "Mend without training", "equalize across layers, correct biases;\nkeep the worst few in higher precision", "still too much"),
        (3.8, "Train with the codes in sight", "quantization-aware training:\nabout a tenth of the schedule", "still too much"),
        (1.2, "Change the plan", "more bits, a wider network,\nanother engine", ""),
    )  # fmt: skip
    for place, (y, title, text, on) in enumerate(rows):
        box(axes, 5.4, y, "", BLUE if place < 5 else INK, width=7.6, height=1.75)
        axes.text(5.4, y + 0.52, title, ha="center", va="center", fontsize=11.5, weight="bold", color=INK)
        axes.text(5.4, y - 0.28, text, ha="center", va="center", fontsize=9.8, color=INK)
        if on:
            arrow(axes, (5.4, y - 0.9), (5.4, y - 1.68), DARK_ORANGE)
            axes.text(5.65, y - 1.28, on.replace("\n", " "), ha="left", va="center", fontsize=9.8, color=DARK_ORANGE)
        if place in (0, 1, 3, 4):
            arrow(axes, (9.25, y), (11.3, y), "#00664b", "good enough", (0, 0.3))
            box(axes, 13.3, y, "ship it: compare\nlayer by layer once more", "#00664b", width=3.9, height=1.1)
    axes.text(0.25, 14.2, "cheap", rotation=90, ha="center", va="center", fontsize=10.5, color="#5f5f5f")
    axes.text(0.25, 1.2, "dear", rotation=90, ha="center", va="center", fontsize=10.5, color="#5f5f5f")
    axes.annotate("", (0.25, 2.2), (0.25, 13.3), arrowprops={"arrowstyle": "->", "color": "#5f5f5f", "linewidth": 1.2})
    figure.savefig(HERE / "workflow.png")


three_comparisons()
equalization()
workflow()
