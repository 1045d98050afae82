"""How far an answer may lie from the reference's result, and how far an input has to lie from a tie."""

from typing import TypeVar

from torch import Tensor

from qlab.check.faults import Step, ties_down, ties_up

Number = TypeVar("Number", float, Tensor)


def about(value: Number, rounding: Step, slack: Number | float) -> Number:
    """A real result; under `ties_down` and `ties_up`, the two ends of what is accepted around it.

    Args:
        slack: how far an answer's own float arithmetic may take it; a number, or one for each entry.
    """
    return value + {ties_down: -1, ties_up: 1}.get(rounding, 0) * slack


def clear_of_ties(x: Tensor, margin: float = 1e-3) -> bool:
    """Whether all of x lie at least a margin away from the middle between two integers.

    There the last bit of a float would decide: a case that is drawn keeps away from it.
    """
    return bool(((x.double() % 1 - 0.5).abs() > margin).all())
