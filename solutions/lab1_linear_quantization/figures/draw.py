"""Draws the pictures in Lab 1's text: python solutions/lab1_linear_quantization/figures/draw.py."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

HERE = Path(__file__).parent
INK, BLUE, ORANGE, PURPLE, GREY = "#1f1f1f", "#0072B2", "#E69F00", "#7b2d8e", "#d9d9d9"


def canvas(width, height):
    figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def mapping():
    """The line through (-1, 0) and (1, 128), with its slope and the offset."""
    figure = canvas(6.2, 4.0)
    axes = figure.add_axes((0.11, 0.14, 0.85, 0.8))
    axes.plot([-1, 1], [0, 128], color=BLUE, linewidth=2.5)
    axes.plot([-1, 0, 1], [0, 64, 128], "o", color=BLUE)
    for x, y, text, place in (
        (-1, 0, "(−1, 0)", (34, 4)),
        (1, 128, "(1, 128)", (-62, -4)),
        (0, 64, "0.0 is the code 64", (12, -8)),
    ):
        axes.annotate(text, (x, y), place, textcoords="offset points", color=INK, fontsize=11)
    axes.plot([-0.5, 0, 0], [32, 32, 64], color=PURPLE, linestyle="--", linewidth=1.5)
    axes.text(-0.27, 24, "0.5", color=PURPLE, weight="bold")
    axes.text(0.03, 42, "32 codes: slope 64, scale 1/64", color=PURPLE, weight="bold")
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    axes.set_xlabel("real number")
    axes.set_ylabel("code")
    axes.set_yticks([0, 32, 64, 96, 128])
    axes.set_xticks([-1, -0.5, 0, 0.5, 1])
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(HERE / "mapping.png")


def box(axes, x, y, width, text, colour, height=0.9):
    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor=colour + "22",
            edgecolor=colour,
            linewidth=1.6,
        )
    )
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", color=INK, fontsize=10.5)


def arrow(axes, start, end):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.4})


def layer():
    """From input and weight codes to the accumulator, then through M and Z_out to the output code."""
    figure = canvas(9.4, 3.1)
    axes = figure.add_axes((0.005, 0.02, 0.99, 0.96))
    axes.set_xlim(0, 13.6)
    axes.set_ylim(0, 4.2)
    axes.axis("off")
    box(axes, 0.2, 2.8, 2.1, "input codes\n$q_x$  (int8)", BLUE)
    box(axes, 0.2, 0.6, 2.1, "weight codes\n$q_w$  (int8)", ORANGE)
    box(axes, 3.0, 2.8, 1.6, "$q_x - Z_{in}$\n(9 bits)", BLUE)
    box(axes, 3.0, 0.6, 1.6, "$q_w - Z_w$\n(9 bits)", ORANGE)
    box(axes, 5.4, 1.6, 2.3, "sum of products\n$acc$  (int32)", PURPLE, 1.1)
    box(axes, 8.4, 1.6, 1.9, "$M \\cdot acc$\nrounded", PURPLE, 1.1)
    box(axes, 11.0, 1.6, 2.3, "$+\\,Z_{out}$, clamped\n$q_{out}$  (int8)", BLUE, 1.1)
    for start, end in (
        ((2.35, 3.25), (2.95, 3.25)), ((2.35, 1.05), (2.95, 1.05)), ((4.65, 3.25), (5.4, 2.6)), ((4.65, 1.05), (5.4, 1.75)),
        ((7.75, 2.15), (8.35, 2.15)), ((10.35, 2.15), (10.95, 2.15)),
    ):  # fmt: skip
        arrow(axes, start, end)
    axes.text(6.55, 0.95, "integers only", ha="center", color=PURPLE, fontsize=10)
    axes.text(9.35, 0.95, "$M = S_{in} S_w / S_{out}$", ha="center", color=PURPLE, fontsize=11)
    figure.savefig(HERE / "layer.png")


def k_means(weights, levels):
    """Levels moved to the mean of the weights that are nearest to them, until none moves (Lloyd's algorithm)."""
    while True:
        nearest = np.searchsorted((levels[1:] + levels[:-1]) / 2, weights)
        moved = np.array([weights[nearest == number].mean() for number in range(len(levels))])
        if np.allclose(moved, levels, atol=1e-7):
            return moved
        levels = moved


def error_of(levels, weights):
    """The root mean square distance from each weight to its nearest level."""
    back = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, weights)]
    return np.sqrt(np.mean((back - weights) ** 2))


def equally_spaced(weights, count):
    """Levels around 0 at the spacing with the smallest error."""
    spacings = np.linspace(0.01, 0.1, 181)
    return min(
        ((np.arange(count) - (count - 1) / 2) * step for step in spacings), key=lambda one: error_of(one, weights)
    )


def staircase(axes, levels, ends, colour):
    borders = np.concatenate([[ends[0]], (levels[1:] + levels[:-1]) / 2, [ends[1]]])
    axes.plot(ends, ends, color=GREY, linewidth=1.2)
    axes.plot(np.repeat(borders, 2)[1:-1], np.repeat(levels, 2), color=colour, linewidth=1.8)
    axes.set_xlabel("weight")


def uniform():
    """16 levels for normal weights, equally spaced and by k-means: over the histogram, and as a staircase."""
    weights = np.sort(np.random.default_rng(0).normal(0, 0.12, 20_000))
    ends = (weights[0], weights[-1])
    equal = equally_spaced(weights, 16)
    # Begun with as many weights for each level, so that none of them is left without any.
    codebook = k_means(weights, np.quantile(weights, (np.arange(16) + 0.5) / 16))
    figure = canvas(9.4, 5.0)
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(1, 1.3))
    columns = (
        (equal, "uniform: 16 levels, at the best spacing", BLUE),
        (codebook, "non-uniform: 16 levels by k-means", ORANGE),
    )
    for (above, below), (levels, title, colour) in zip(axes.T, columns, strict=True):
        above.hist(weights, bins=80, color=GREY)
        above.vlines(levels, 0, 450, color=colour, linewidth=1.8)
        above.set_title(f"{title}\nroot mean square error {error_of(levels, weights):.4f}", color=INK, fontsize=11)
        above.set_yticks([])
        staircase(below, levels, ends, colour)
        for one in (above, below):
            for side in ("top", "right"):
                one.spines[side].set_visible(False)
    axes[1, 0].set_ylabel("nearest level")
    figure.tight_layout()
    figure.savefig(HERE / "uniform.png")


mapping()
layer()
uniform()
