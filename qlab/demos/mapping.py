"""A float becomes an integer and comes back: the staircase, with bitwidth, scale and zero-point by hand."""

from qlab.demos.controls import choice_slider, slider
from qlab.demos.demo import Demo
from qlab.plots.staircase import Staircase

HUNDREDTHS = [(f"{k / 100:.2f}", k / 100) for k in range(2, 61, 2)]
PLACES = [(f"{k / 20:.2f}".replace("-", "−"), k / 20) for k in range(-26, 27)]


def mapping(*, dark: bool = False) -> Demo:
    """The staircase of a quantizer, its error, and the way of one number x from float to integer to float.

    Args:
        dark: start on a dark background.
    """
    controls = {
        "bitwidth": slider("bits", 3, 2, 8),
        "scale": choice_slider("scale", HUNDREDTHS, 0.28),
        "zero_point": slider("zero-point", 0, -8, 8),
        "x": choice_slider("x", PLACES, 0.4),
    }
    return Demo(Staircase(), controls, play="x", dark=dark)
