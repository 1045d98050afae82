"""Draws the pictures in Lab 4's text: python solutions/lab4_post_training/figures/draw.py."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

HERE = Path(__file__).parent
INK, BLUE, ORANGE, PURPLE, GREY = "#1f1f1f", "#0072B2", "#E69F00", "#7b2d8e", "#5f5f5f"


def canvas(width, height, wide, high):
    figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.005, 0.02, 0.99, 0.96))
    axes.axis("off")
    axes.set_xlim(0, wide)
    axes.set_ylim(0, high)
    return figure, axes


def box(axes, x, y, width, height, text, colour, size=11.5):
    axes.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0.02,rounding_size=0.1", facecolor=colour + "22",
            edgecolor=colour, linewidth=1.6,
        )
    )  # fmt: skip
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size, color=INK)


def arrow(axes, start, end, colour=GREY):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.6})


def folding():
    """Two layers, and the one that equals them."""
    figure, axes = canvas(9.4, 2.3, 15, 3.4)
    axes.text(0.1, 1.7, "x", fontsize=14, va="center", color=INK)
    arrow(axes, (0.4, 1.7), (0.95, 1.7))
    box(axes, 1.0, 1.0, 2.3, 1.4, "$w\\,x + b$", BLUE, 14)
    axes.text(2.15, 0.55, "convolution", ha="center", fontsize=11, color=BLUE)
    arrow(axes, (3.35, 1.7), (3.95, 1.7))
    box(axes, 4.0, 1.0, 3.2, 1.4, "$\\gamma\\,\\frac{y - \\mu}{\\sqrt{\\sigma^2 + \\epsilon}} + \\beta$", ORANGE, 15)
    axes.text(5.6, 0.55, "batch norm, in use", ha="center", fontsize=11, color="#8a5f00")
    axes.text(8.15, 1.7, "=", fontsize=20, va="center", ha="center", color=INK)
    box(axes, 9.1, 1.0, 4.6, 1.4, "$w'\\,x + b'$", BLUE, 14)
    axes.text(11.4, 0.55, "one convolution: which w' and b'?", ha="center", fontsize=11, color=BLUE)
    arrow(axes, (13.75, 1.7), (14.4, 1.7))
    figure.savefig(HERE / "folding.png")


def five_steps():
    """What each step does to a layer."""
    figure, axes = canvas(9.6, 2.5, 17, 3.9)
    steps = (
        ("1  fuse", "conv, bn, relu\nbecome one layer", BLUE),
        ("2  qconfig", "which observers,\nwhich codes", ORANGE),
        ("3  prepare", "observers are put\nbehind each layer", PURPLE),
        ("4  calibrate", "batches run through,\nobservers look on", PURPLE),
        ("5  convert", "layers of int8 in\nplace of float ones", BLUE),
    )
    for place, (name, meaning, colour) in enumerate(steps):
        x = 0.2 + 3.4 * place
        box(axes, x, 1.9, 2.8, 1.3, name, colour, 13)
        axes.text(x + 1.4, 1.5, meaning, ha="center", va="top", fontsize=10.5, color=INK)
        if place:
            arrow(axes, (x - 0.55, 2.55), (x - 0.05, 2.55))
    axes.text(
        8.5,
        0.05,
        "weights stay float32 through steps 1 to 4; only convert rounds them",
        ha="center",
        fontsize=10.5,
        color=GREY,
    )
    figure.savefig(HERE / "five_steps.png")


def two_rulers():
    """The same real numbers on two grids: codes cannot be added as they are."""
    figure, axes = canvas(9.4, 2.9, 20, 6.2)
    rulers = (
        (4.6, "a:  S = 0.5, Z = 100", 0.5, 100, BLUE, 110),
        (2.6, "b:  S = 0.25, Z = 48", 0.25, 48, ORANGE, 40),
        (0.6, "sum:  S = 0.5, Z = 20", 0.5, 20, PURPLE, 26),
    )
    for y, name, scale, zero_point, colour, code in rulers:
        axes.text(0.1, y + 0.1, name, va="center", fontsize=11, color=INK)
        axes.plot([5.2, 19.6], [y, y], color=colour, linewidth=1.5)
        step = 0.5 if scale == 0.5 else 0.25
        count = int(12 / step)
        for k in range(count + 1):
            value = -5 + k * step
            x = 5.2 + 14.4 * (value + 5) / 12
            axes.plot([x, x], [y - 0.13, y + 0.13], color=colour, linewidth=0.8)
            if abs(value) < 1e-9:
                axes.text(x + 0.12, y - 0.5, f"Z = {zero_point}", ha="left", va="center", fontsize=9.5, color=GREY)
        real = scale * (code - zero_point)
        x = 5.2 + 14.4 * (real + 5) / 12
        axes.plot(x, y, "o", color=colour, markersize=9)
        axes.text(x, y + 0.55, f"code {code} is {real:g}", ha="center", va="center", fontsize=11, color=INK)
    zero = 5.2 + 14.4 * 5 / 12
    axes.plot([zero, zero], [0.2, 5.2], color=GREY, linestyle=":", linewidth=1.2)
    axes.text(zero, 5.75, "0", ha="center", fontsize=11, color=GREY)
    figure.savefig(HERE / "two_rulers.png")


folding()
five_steps()
two_rulers()
