"""The engines in production beside arithmetic that one can read: the same layer through both, output by output."""

from qlab.engines.comparison import Comparison, Difference, compare
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.registry import arithmetic, available, missing, reference, run
from qlab.engines.verification import Standing, standing

__all__ = [
    "Comparison",
    "Cpu",
    "Difference",
    "Layer",
    "Standing",
    "arithmetic",
    "available",
    "compare",
    "missing",
    "reference",
    "run",
    "standing",
]
