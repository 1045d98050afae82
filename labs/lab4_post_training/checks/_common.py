"""Shared by the questions of Lab 4: how close a real result has to be, and whether codes fit into a byte."""

from torch import Tensor

from qlab.check import Step, about


def within(x: Tensor, rounding: Step) -> Tensor:
    """x, or an end of what is accepted for it: a part in 100,000."""
    return about(x, rounding, 1e-5 * (1 + x.abs()))


def inside(x: Tensor, low: int = 0, high: int = 255) -> bool:
    return bool(((x >= low) & (x <= high)).all())
