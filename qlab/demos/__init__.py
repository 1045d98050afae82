"""Live demos for a lecture and for a student's own tensor: `from qlab import demos; demos.clipping_ranges()`."""

from qlab.demos.clipping_ranges import clipping_ranges
from qlab.demos.mapping import mapping
from qlab.demos.sensitivity import sensitivity
from qlab.demos.training import training

__all__ = ["clipping_ranges", "mapping", "sensitivity", "training"]
