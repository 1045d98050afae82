"""Demo of calibration: clipping error against rounding error, and the range that each calibration rule chooses."""

from torch import Tensor

from qlab.demos.controls import choice, slider
from qlab.demos.demo import Demo
from qlab.plots.clipping import RULES, Calibration


def calibration(activation: Tensor | None = None, *, dark: bool = False) -> Demo:
    """An activation's histogram, its clipping and rounding errors by the end of the range, and the ends of five rules.

    The rules: minimum and maximum, a moving average of them, percentile 99.9, least squared error, relative entropy.

    Args:
        activation: any shape, floating point, no value below 0; by default one with a long tail. The moving average
            sees it in up to 64 batches, cut along the first dimension. Showing a bitwidth for the first time takes
            0.2 s, or about 3 s for a million values; after that its curves are cached.
        dark: start on a dark background.
    """
    controls = {
        "bitwidth": slider("bits", 4, 2, 8),
        "end": slider("end of the range, %", 70, 1, 100),
        "marked": choice("rule", ["all", *RULES], "all"),
    }
    return Demo(Calibration(activation), controls, play="end", dark=dark)
