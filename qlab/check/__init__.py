"""The framework for feedback: questions, cases, named mistakes, partial credit, cards. It knows no lab."""

from qlab.check.cases import Case, Drawn, case, normal, uniform
from qlab.check.faults import Mistake, Step, Steps, as_is, given, nearest, ties_down, ties_up, wrapped
from qlab.check.flows import How, differently, remembered
from qlab.check.margins import about, clear_of_ties
from qlab.check.outcome import Outcome
from qlab.check.question import Lab, Part, Question
from qlab.check.stated import value, wrong
from qlab.check.values import integer, real, tensor

__all__ = [
    "Case",
    "Drawn",
    "How",
    "Lab",
    "Mistake",
    "Outcome",
    "Part",
    "Question",
    "Step",
    "Steps",
    "about",
    "as_is",
    "case",
    "clear_of_ties",
    "differently",
    "given",
    "integer",
    "nearest",
    "normal",
    "real",
    "remembered",
    "tensor",
    "ties_down",
    "ties_up",
    "uniform",
    "value",
    "wrapped",
    "wrong",
]
