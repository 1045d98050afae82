"""The feedback framework: questions, cases, named mistakes, partial credit and cards. It knows nothing of any lab."""

from qlab.check.cases import Case, case, normal, uniform
from qlab.check.faults import Mistake, given, nearest, override, ties_down, ties_up
from qlab.check.outcome import Outcome
from qlab.check.question import Lab, Part, Question
from qlab.check.values import integer, real, tensor

__all__ = [
    "Case",
    "Lab",
    "Mistake",
    "Outcome",
    "Part",
    "Question",
    "case",
    "given",
    "integer",
    "nearest",
    "normal",
    "override",
    "real",
    "tensor",
    "ties_down",
    "ties_up",
    "uniform",
]
