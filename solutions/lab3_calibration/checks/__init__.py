"""The questions of Lab 3: what each asks, which inputs it tries, which mistakes it knows by name.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step.
"""

from qlab.check import Lab

from ._common import EXAMPLE
from .q1 import q1
from .q2 import q2
from .q3 import q3
from .q4 import q4
from .q5 import q5
from .q6 import q6
from .q7 import q7
from .q8 import q8
from .q9 import q9
from .q10 import q10
from .q10b import q10b
from .q10c import q10c

__all__ = ["EXAMPLE", "lab", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q10b", "q10c"]

lab = Lab("lab3_calibration", [q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q10b, q10c], by_hand=10)
