"""Draws the pictures in Lab 5's text: python solutions/lab5_aware_training/figures/draw.py."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

HERE = Path(__file__).parent
INK, BLUE, ORANGE, PURPLE, GREY = "#1f1f1f", "#0072B2", "#E69F00", "#7b2d8e", "#d9d9d9"
DARK_ORANGE = "#8a5f00"


def plain(axes):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=GREY, linewidth=0.7)
    axes.set_axisbelow(True)


def straight_through():
    """The staircase on the left; its slope and the one used in its place on the right. Scale 0.5, codes -3 to 3."""
    figure = Figure(figsize=(9.4, 3.4), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    x = np.linspace(-2.4, 2.4, 4001)
    left, right = figure.add_axes((0.06, 0.16, 0.42, 0.72)), figure.add_axes((0.56, 0.16, 0.42, 0.72))
    left.plot(x, np.clip(np.round(x / 0.5), -3, 3) * 0.5, color=BLUE, linewidth=2)
    left.plot(x, np.clip(x, -1.75, 1.75), color=ORANGE, linewidth=1.6, linestyle="--")
    left.set_title("forward: the staircase; dashed: what backward takes it for", loc="left", fontsize=10.5, color=INK)
    right.plot(x, (np.abs(x) <= 1.75).astype(float), color=ORANGE, linewidth=2.2, linestyle="--")
    right.plot(x, np.zeros_like(x), color=BLUE, linewidth=2.2)
    for sign in (-1, 1):
        right.axvspan(sign * 1.5, sign * 1.75, color=PURPLE, alpha=0.25, linewidth=0)
    right.text(0, 1.06, "used in its place: 1", ha="center", color=DARK_ORANGE, fontsize=10.5)
    right.text(0, 0.06, "true slope: 0", ha="center", color=BLUE, fontsize=10.5)
    right.text(1.46, 0.5, "half a step\nbeyond: passes", ha="right", va="center", color=PURPLE, fontsize=10.5)
    right.set_title("slope", loc="left", fontsize=10.5, color=INK)
    right.set_ylim(-0.08, 1.25)
    for axes in (left, right):
        axes.set_xlabel("x")
        axes.set_xticks(np.arange(-2, 2.1, 1))
        plain(axes)
    figure.savefig(HERE / "straight_through.png")


def folding():
    """The way of one batch through a layer whose batch norm is folded while it trains."""
    figure = Figure(figsize=(9.4, 2.7), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.005, 0.02, 0.99, 0.96))
    axes.axis("off")
    axes.set_xlim(0, 18.6)
    axes.set_ylim(0, 4.2)
    boxes = (
        (0.3, 2.3, "weight $w$", "float", BLUE),
        (3.6, 2.3, "times $f$", "running variance", ORANGE),
        (7.3, 2.3, "fake-quantize", "the codes to be shipped", PURPLE),
        (10.4, 0.6, "times input", "", BLUE),
        (13.4, 0.6, "divided by $f$", "undone", ORANGE),
        (16.4, 0.6, "batch norm", "the batch's own", BLUE),
        (7.3, 0.6, "input $x$", "of one batch", BLUE),
    )
    for x, y, name, remark, colour in boxes:
        axes.add_patch(
            FancyBboxPatch(
                (x, y), 2.1, 0.8, boxstyle="round,pad=0.03,rounding_size=0.1", facecolor=colour + "22", edgecolor=colour,
                linewidth=1.6,
            )
        )  # fmt: skip
        axes.text(x + 1.05, y + 0.4, name, ha="center", va="center", fontsize=9.5, color=INK)
        axes.text(
            x + 1.05, y - 0.15 if y < 1 else y + 1.1, remark, ha="center", va="top" if y < 1 else "bottom", fontsize=9.5,
            color=DARK_ORANGE if colour == ORANGE else colour,
        )  # fmt: skip
    for start, end in (
        ((2.5, 2.7), (3.5, 2.7)), ((5.8, 2.7), (7.2, 2.7)), ((9.5, 2.6), (11.4, 1.5)),
        ((9.5, 1.0), (10.3, 1.0)), ((12.6, 1.0), (13.3, 1.0)), ((15.6, 1.0), (16.3, 1.0)),
    ):  # fmt: skip
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 1.3})
    figure.savefig(HERE / "folding.png")


def two_rules():
    """The worked example on a line: exact value, middle between the codes, and where the rounded bias puts it."""
    figure = Figure(figsize=(9.4, 2.3), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.05, 0.96, 0.9))
    axes.axis("off")
    axes.set_xlim(26.9, 28.1)
    axes.set_ylim(-1.3, 1.5)
    axes.plot([26.95, 28.05], [0, 0], color=INK, linewidth=1.4)
    for code in (27, 28):
        axes.plot([code, code], [-0.18, 0.18], color=INK, linewidth=2)
        axes.text(code, -0.3, str(code), ha="center", va="top", fontsize=13, color=INK)
    axes.plot([27.5, 27.5], [-0.5, 0.5], color="#5f5f5f", linestyle=":", linewidth=1.8)
    axes.text(27.5, -0.6, "middle", ha="center", va="top", fontsize=10.5, color="#5f5f5f")
    for x, name, colour, way in (
        (27.55, "exact 27.55, real bias\nfake: 28", BLUE, 27.95),
        (27.4, "rounded bias: 27.4\nengine: 27", PURPLE, 27.05),
    ):
        axes.plot([x], [0], "o", color=colour, markersize=9)
        axes.annotate("", (way, 0.55), (x, 0.12), arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.6})
        axes.text((x + way) / 2, 0.75, name, ha="center", va="bottom", fontsize=11, color=colour)
    figure.savefig(HERE / "two_rules.png")


def learned_step():
    """One weight, 1, and codes up to 3: what comes back for each step on the left, its two slopes on the right."""
    figure = Figure(figsize=(9.4, 3.4), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    step = np.linspace(0.2, 1.2, 4001)
    left, right = figure.add_axes((0.06, 0.16, 0.42, 0.72)), figure.add_axes((0.56, 0.16, 0.42, 0.72))
    code = np.round(np.minimum(1 / step, 3))
    slope = np.where(step > 1 / 3, code - 1 / step, 3)
    left.plot([0.2, 1.2], [1, 1], color=INK, linewidth=1.2, linestyle=":")
    left.text(0.78, 1.01, "w = 1", ha="left", va="bottom", fontsize=10.5, color=INK)
    for number in (1, 2, 3):
        left.plot(
            *(np.where(code == number, values, np.nan) for values in (step, code * step)), color=BLUE, linewidth=2
        )
        right.plot(step, np.where(code == number, code, np.nan), color=BLUE, linewidth=2.2)
        right.plot(
            step,
            np.where((code == number) & (step > 1 / 3), slope, np.nan),
            color=ORANGE,
            linewidth=2.2,
            linestyle="--",
        )
    right.plot(step, np.where(step <= 1 / 3, 3, np.nan), color=ORANGE, linewidth=2.2, linestyle="--")
    left.axvspan(0.2, 1 / 3, color=PURPLE, alpha=0.15, linewidth=0)
    right.axvspan(0.2, 1 / 3, color=PURPLE, alpha=0.15, linewidth=0)
    left.text(0.21, 1.2, "clamped", fontsize=10.5, color=PURPLE)
    left.set_ylim(0.5, 1.4)
    left.set_title("y = S q for one weight", loc="left", fontsize=10.5, color=INK)
    right.text(0.72, 2.05, "true slope: the code q", fontsize=10.5, color=BLUE)
    right.text(0.72, -0.85, "the paper's: round(v) - v", fontsize=10.5, color=DARK_ORANGE)
    right.set_ylim(-1.1, 3.4)
    right.set_title("its slope with respect to S", loc="left", fontsize=10.5, color=INK)
    for axes in (left, right):
        axes.set_xlabel("step S")
        axes.set_xlim(0.2, 1.2)
        plain(axes)
    figure.savefig(HERE / "learned_step.png")


straight_through()
folding()
learned_step()
two_rules()
