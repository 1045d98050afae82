"""Demo of affine and symmetric clipping ranges, and of what bits and clipping do to them."""

from torch import Tensor

from qlab.demos.controls import slider, toggle
from qlab.demos.demo import Demo
from qlab.plots.ranges import ClippingRanges


def clipping_ranges(activation: Tensor | None = None, weight: Tensor | None = None, *, dark: bool = False) -> Demo:
    """Histograms of an activation and a weight with affine and symmetric ranges, and the share of codes that each uses.

    Args:
        activation, weight: any shape, floating point; by default a long-tailed and a bell-shaped example.
        dark: start on a dark background.
    """
    controls = {
        "bitwidth": slider("bits", 8, 2, 16),
        "kept": slider("range kept, %", 100, 10, 100),
        "comes_back": toggle("what comes back"),
    }
    return Demo(ClippingRanges(activation, weight), controls, play="kept", dark=dark)
