"""The questions of Lab 2: what each asks, which inputs it tries, which mistakes it knows by name.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. Integers are int64 here
and are rounded exactly: both neighbours are accepted at a tie, and only there.
"""

from qlab.check import Lab

from .q1 import q1
from .q2 import q2
from .q3 import q3
from .q4 import q4
from .q5 import q5
from .q6 import q6
from .q7 import q7
from .q8 import q8
from .q9 import q9
from .q9b import q9b
from .q10 import q10

__all__ = ["lab", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q9b", "q10"]

lab = Lab("lab2_integer_only", [q1, q2, q3, q4, q5, q6, q7, q8, q9, q9b, q10], by_hand=10)
