"""Draws the pictures in Lab 2's text: python solutions/lab2_integer_only/figures/draw.py."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

HERE = Path(__file__).parent
INK, BLUE, ORANGE, PURPLE, GREY = "#1f1f1f", "#0072B2", "#E69F00", "#7b2d8e", "#d9d9d9"


def canvas(width, height):
    figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.005, 0.02, 0.99, 0.96))
    axes.axis("off")
    return figure, axes


def four_terms():
    """The four terms, coloured by what has to be known for each."""
    figure, axes = canvas(9.4, 2.5)
    axes.set_xlim(0, 15.2)
    axes.set_ylim(0, 3.6)
    terms = (
        (0.3, "$\\sum_k\\, q_x\\, q_w$", "bytes by bytes:\nthe matrix product", BLUE),
        (4.1, "$Z_x \\sum_k\\, q_w$", "known when the\nmodel is built", ORANGE),
        (7.9, "$Z_w \\sum_k\\, q_x$", "needs the input;\ngone if $Z_w = 0$", PURPLE),
        (11.7, "$K\\, Z_x\\, Z_w$", "known when the\nmodel is built", ORANGE),
    )
    for (x, formula, meaning, colour), sign in zip(terms, ("", "−", "−", "+"), strict=True):
        axes.add_patch(
            FancyBboxPatch(
                (x, 1.7), 2.9, 1.4, boxstyle="round,pad=0.02,rounding_size=0.1", facecolor=colour + "22", edgecolor=colour,
                linewidth=1.6,
            )
        )  # fmt: skip
        axes.text(x + 1.45, 2.4, formula, ha="center", va="center", fontsize=14, color=INK)
        axes.text(
            x + 1.45, 1.3, meaning, ha="center", va="top", fontsize=11, color=colour if colour != ORANGE else "#8a5f00"
        )
        axes.text(x - 0.45, 2.4, sign, ha="center", va="center", fontsize=17, color=INK)
    figure.savefig(HERE / "four_terms.png")


def rounding():
    """Shifts by 2 bits: the plain one below the line, the rounding one around it."""
    figure = Figure(figsize=(8.2, 3.2), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    x = np.arange(-8, 9)
    for place, (name, y, colour) in enumerate(
        (("plain: x >> 2", x >> 2, PURPLE), ("rounding: (x + 2) >> 2", (x + 2) >> 2, BLUE))
    ):
        axes = figure.add_axes((0.07 + 0.49 * place, 0.17, 0.42, 0.7))
        axes.plot(x, x / 4, color="#5f5f5f", linestyle=":", linewidth=1.5)
        axes.plot(x, y, "o", color=colour, markersize=5)
        axes.vlines(x, x / 4, y, color=colour, linewidth=1.2)
        axes.set_title(f"{name}; mean error {np.mean(y[:-1] - x[:-1] / 4):+.3f}", loc="left", fontsize=11, color=INK)
        axes.set_xticks(range(-8, 9, 4))
        axes.set_yticks(range(-2, 3))
        axes.set_xlabel("x")
        axes.grid(color=GREY, linewidth=0.7)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.axes[0].set_ylabel("shifted by 2 bits")
    figure.savefig(HERE / "rounding.png")


def word(axes, right, row, value, width, colours):
    """A number's bits, the last one at `right`."""
    for place, digit in enumerate(format(value, f"0{width}b")):
        x = right - width + place
        axes.add_patch(
            Rectangle(
                (x, row), 0.88, 0.8, facecolor=colours[place] if digit == "1" else "white", edgecolor=colours[place]
            )
        )
        axes.text(
            x + 0.44, row + 0.38, digit, ha="center", va="center", fontsize=9, color="white" if digit == "1" else INK
        )


def bits():
    """The paper example: 100 times 102, its high half, and the shift."""
    figure, axes = canvas(9.4, 3.7)
    axes.set_xlim(-8.5, 25)
    axes.set_ylim(-6.4, 1.2)
    ink = "#55606a"
    rows = (
        (0, "acc = 100", 100, 8, [BLUE] * 8, "8 bits"),
        (-1.25, "times M0 = 102", 102, 8, [ORANGE] * 8, "0.8 in 7 bits behind the point"),
        (-2.5, "product = 10200", 10200, 16, [BLUE] * 9 + [PURPLE] + [ink] * 6, "16 bits"),
        (-3.75, "high half, rounded = 80", 80, 8, [BLUE] * 6 + [PURPLE] + [ink], "shifted by 7"),
        (-5, "shifted by n = 2 = 20", 20, 8, [BLUE] * 8, "0.2 · 100"),
    )
    for row, name, value, width, colours, remark in rows:
        word(axes, 16, row, value, width, colours)
        axes.text(-8.2, row + 0.4, name, va="center", fontsize=11, color=INK)
        axes.text(16.6, row + 0.4, remark, va="center", fontsize=10.5, color=INK)
    axes.text(
        16,
        -6.1,
        "purple: the highest of the bits that are cut off; if it is 1, the rest goes up by one",
        ha="right",
        fontsize=10.5,
        color=PURPLE,
    )
    figure.savefig(HERE / "bits.png")


four_terms()
rounding()
bits()
