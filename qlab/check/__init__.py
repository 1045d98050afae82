"""The feedback framework: questions, cases, named mistakes, partial credit and cards. It knows nothing of any lab."""

from qlab.check.cases import Case, Drawn, case, normal, uniform
from qlab.check.faults import (
    Mistake,
    Overrides,
    Step,
    as_is,
    given,
    nearest,
    override,
    ties_down,
    ties_up,
    wrapped,
)
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
    "Overrides",
    "Part",
    "Question",
    "Step",
    "about",
    "as_is",
    "case",
    "clear_of_ties",
    "differently",
    "given",
    "integer",
    "nearest",
    "normal",
    "override",
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
