"""Multiplication by the values of a grid with shifts and adders only, and what it costs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.validation import integer_tensor


def signed_digits(value: int) -> tuple[tuple[int, int], ...]:
    """The fewest signed powers of two that add up to a value, as (sign, shift): 7 = 8 - 1 is (-1, 0), (1, 3).

    Returns:
        Smallest shift first; () for 0. No two shifts are adjacent.

    Source: the non-adjacent form, Reitwiesner 1960.
    """
    digits: list[tuple[int, int]] = []
    remainder, shift = abs(value), 0
    while remainder:
        if remainder & 1:
            digit = 2 - (remainder & 3)  # 1 if the bits end in 01, -1 if they end in 11, since 4 - 1 is shorter
            digits.append((digit if value > 0 else -digit, shift))
            remainder -= digit
        remainder >>= 1
        shift += 1
    return tuple(digits)


def shift_multiply(x: Tensor, value: int) -> Tensor:
    """Integers times one value of a grid, by shifts, additions and subtractions; int64, the exact product.

    Args:
        x: integers of any dtype.
        value: any integer, such as a grid's.
    """
    x = integer_tensor(x, "x")
    total = torch.zeros_like(x)
    for sign, shift in signed_digits(value):
        total = total + (x << shift) if sign > 0 else total - (x << shift)
    return total


def shift_dot(x: Tensor, weights: Tensor) -> Tensor:
    """Dot products by shifts, additions and subtractions; int64, the exact sum of the products.

    For each shift, the inputs whose weight has that digit are added (or subtracted, if the digit is -1), and the sum
    is shifted once.

    Args:
        x: (..., n), integers of any dtype.
        weights: (n,) or (out, n), integers of a grid.

    Returns:
        (...,) or (..., out).

    Raises:
        ValueError: x and weights do not agree in n.
    """
    x, weights = integer_tensor(x, "x"), integer_tensor(weights, "weights")
    if x.dim() < 1 or weights.dim() not in (1, 2) or x.shape[-1] != weights.shape[-1]:
        raise ValueError(f"x {tuple(x.shape)} and weights {tuple(weights.shape)} must have the same last dimension.")
    inputs = x.unsqueeze(-2) if weights.dim() == 2 else x
    total = torch.zeros(1, dtype=torch.int64)
    for shift, digits in enumerate(_digit_planes(weights)):
        added = torch.where(digits > 0, inputs, 0).sum(dim=-1)
        subtracted = torch.where(digits < 0, inputs, 0).sum(dim=-1)
        total = total + ((added - subtracted) << shift)
    return total


def _digit_planes(weights: Tensor) -> Tensor:
    """The signed digits of weights, one plane per shift: (shifts, *weights.shape), each digit -1, 0 or 1."""
    values = set(weights.flatten().tolist())
    shifts = 1 + max((shift for value in values for _, shift in signed_digits(value)), default=0)
    planes = torch.zeros(shifts, *weights.shape, dtype=torch.int8)
    for value in values:
        for sign, shift in signed_digits(value):
            planes[shift][weights == value] = sign
    return planes


@dataclass(frozen=True)
class Operations:
    """The operations for computing the outputs of a layer once.

    Attributes:
        multipliers, shifts, adders: how many; a subtraction counts as an adder.
    """

    multipliers: int
    shifts: int
    adders: int


def operations(weights: Tensor) -> Operations:
    """Shifts and adders for a weight's dot products: one shift per digit except those of 2**0, and adders for the sum.

    Args:
        weights: (n,), or (out, ...) with one row of inputs per output; integers of a grid. A 0 costs nothing.
    """
    q = integer_tensor(weights, "weights")
    planes = _digit_planes(q.flatten(1) if q.dim() > 1 else q.unsqueeze(0)).abs().long()
    digits = planes.sum(dim=(0, 2))
    return Operations(0, int(planes[1:].sum()), int((digits - 1).clamp(min=0).sum()))


def operations_with_multipliers(weights: Tensor) -> Operations:
    """Multipliers and adders for the same dot products done conventionally: n and n - 1 per row of n."""
    rows = weights.flatten(1) if weights.dim() > 1 else weights.unsqueeze(0)
    return Operations(rows.numel(), 0, rows.numel() - len(rows))


def adders_in_a_multiplier(bits: int = 8) -> int:
    """Adders in an array multiplier for two numbers of this many bits: it adds up one partial product per bit.

    Raises:
        ValueError: bits is below 1.
    """
    if bits < 1:
        raise ValueError(f"a multiplier has at least one bit, not {bits}.")
    return bits - 1
