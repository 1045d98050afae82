"""Shared by the questions of Lab 5: inputs inside and beyond the range of their codes."""

from typing import Any

from torch import Tensor

from qlab.check import clear_of_ties


def inside(x: Tensor, scale: float, zero_point: int, q_min: int, q_max: int, *_: Any) -> bool:
    q = x.double() / scale + zero_point
    return bool(((q > q_min - 0.4) & (q < q_max + 0.4)).all())


def beyond(x: Tensor, scale: float, zero_point: int, q_min: int, q_max: int, *_: Any) -> bool:
    q = x.double() / scale + zero_point
    return bool((q < q_min - 1).any() and (q > q_max + 1).any() and clear_of_ties(q))
