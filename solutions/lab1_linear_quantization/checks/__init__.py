"""The questions of Lab 1: what each asks, which inputs it tries, which mistakes it knows by name.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. References compute in
float64, so that ties are known exactly; answers may use any precision.
"""

from qlab.check import Lab

from .q1 import q1
from .q2 import q2
from .q2b import q2b
from .q3 import q3
from .q3b import q3b
from .q4 import q4
from .q5 import q5

__all__ = ["lab", "q1", "q2", "q2b", "q3", "q3b", "q4", "q5"]

lab = Lab("lab1_linear_quantization", [q1, q2, q2b, q3, q3b, q4, q5], by_hand=25)
