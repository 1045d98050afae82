"""Where a range should end: clipping error against rounding error, and what each calibration rule chooses."""

from torch import Tensor

from qlab.demos.controls import choice, slider
from qlab.demos.demo import Demo
from qlab.plots.clipping import RULES, Calibration


def calibration(activation: Tensor | None = None, *, dark: bool = False) -> Demo:
    """An activation's histogram, its clipping and rounding error by the end of the range, and where five rules end it.

    The rules: min and max, a moving average of them, the percentile 99.9, least squared error, relative entropy.

    Args:
        activation: any shape, floating point, no value below 0; by default one with a long tail. The moving average
            sees it in up to 64 batches, cut along the first dimension. The first look at a bitwidth takes 0.2 s, for
            a million values some 3 s; from then on its curves are kept.
        dark: start on a dark background.
    """
    controls = {
        "bitwidth": slider("bits", 4, 2, 8),
        "end": slider("end of the range, %", 70, 1, 100),
        "marked": choice("rule", ["all", *RULES], "all"),
    }
    return Demo(Calibration(activation), controls, play="end", dark=dark)
