"""Demo of grids for weights: uniform, powers of two and FloatSD on the same histogram."""

from torch import Tensor

from qlab.demos.controls import choice, choice_slider, slider
from qlab.demos.demo import Demo
from qlab.formats.floatsd import RULES
from qlab.plots.grids import GridLevels

QUARTERS = [(f"{2 ** (k / 4):.2f}", 2 ** (k / 4)) for k in range(-8, 9)]


def grids(weight: Tensor | None = None, *, dark: bool = False) -> Demo:
    """The levels of four grids below a histogram of weights, with signal to noise, zeros, and the effect of the scale.

    Args:
        weight: any shape, floating point; by default a bell, long tails and an even distribution to choose from.
        dark: start on a dark background.
    """
    scene = GridLevels(weight)
    names = list(scene.tensors)
    controls = {
        "tensor": choice("weights", names, names[0]),
        "times": choice_slider("scale, times the best", QUARTERS, 1.0),
        "bits": slider("bits of the uniform grid", 4, 2, 8),
        "rule": choice("rounding", RULES, "nearest"),
    }
    return Demo(scene, controls, play="times", dark=dark)
