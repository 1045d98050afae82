"""Live demos for lectures and for students' own tensors: `from qlab import demos; demos.clipping_ranges()`."""

from qlab.demos.calibration import calibration
from qlab.demos.clipping_ranges import clipping_ranges
from qlab.demos.cost import cost
from qlab.demos.grids import grids
from qlab.demos.integer_layer import integer_layer
from qlab.demos.mapping import mapping
from qlab.demos.multiplier import multiplier
from qlab.demos.per_channel import per_channel
from qlab.demos.sensitivity import sensitivity
from qlab.demos.training import training

__all__ = [
    "calibration",
    "clipping_ranges",
    "cost",
    "grids",
    "integer_layer",
    "mapping",
    "multiplier",
    "per_channel",
    "sensitivity",
    "training",
]
