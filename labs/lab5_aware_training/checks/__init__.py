"""The questions of Lab 5: what each asks, which inputs it tries, which mistakes it knows by name.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. References compute in
float64; where a float32 answer may differ in its last digits, the two readings of a rounding mark the ends of what is
accepted.
"""

from qlab.check import Lab, case

from .q1 import q1
from .q2 import q2
from .q3 import q3
from .q4 import q4
from .q5 import q5
from .q6 import q6
from .q7 import q7
from .q8 import q8
from .q10 import q10

# case: the check of Q6 imported it from here before version 0.2, and a copy of that notebook may stand beside these.
__all__ = ["case", "lab", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q10"]

lab = Lab("lab5_aware_training", [q1, q2, q3, q4, q5, q6, q7, q8, q10], by_hand=10)
