"""The codec of a grid: its values as bits, first the sign, then the index of the magnitude."""

import torch
from torch import Tensor

from qlab.arithmetic.qparams import code_dtype
from qlab.arithmetic.validation import integer_tensor
from qlab.formats.floatsd.grid import Grid


def encode(integers: Tensor, grid: Grid) -> Tensor:
    """The codes of a grid's integers: the top bit is the sign, the others are the index of the magnitude.

    FloatSD4 takes four bits: 0 is 0000, 1 is 0001, 2 is 0010, 4 is 0011, -4 is 1011. The index of a power of two is
    its shift plus 1.

    Args:
        integers: values of the grid, any integer dtype, any shape.

    Returns:
        Codes 0 .. 2**grid.bits - 1, in the input's shape, in the smallest of int8, uint8 and int16 that holds them.

    Raises:
        ValueError: an integer is not on the grid; the message names the first one.

    Source: our own; the FloatSD papers store exponent and digits, which give some values several codes.
    """
    q = integer_tensor(integers, "integers")
    if not bool((on_grid := grid.on_grid(q)).all()):
        raise ValueError(f"{int(q[~on_grid].flatten()[0])} is not on the grid {grid.name}: round to it first.")
    index = torch.searchsorted(torch.tensor(grid.magnitudes), q.abs())
    codes = torch.where(q < 0, index + (1 << (grid.bits - 1)), index)
    return codes.to(code_dtype(0, 2**grid.bits - 1))


def decode(codes: Tensor, grid: Grid) -> Tensor:
    """The integers that codes stand for, int64; the inverse of `encode`.

    Raises:
        ValueError: a code stands for no value: it is a negative 0, or its index is beyond the last magnitude.
    """
    q = integer_tensor(codes, "codes")
    if not bool((valid := torch.isin(q, valid_codes(grid))).all()):
        raise ValueError(f"{int(q[~valid].flatten()[0])} is not a code of the grid {grid.name}: it has no such value.")
    sign = 1 << (grid.bits - 1)
    magnitudes = torch.tensor(grid.magnitudes)[q & (sign - 1)]
    return torch.where(q >= sign, -magnitudes, magnitudes)


def valid_codes(grid: Grid) -> Tensor:
    """The codes that stand for a value, ascending, int64: 13 of the 16 for FloatSD4."""
    sign, count = 1 << (grid.bits - 1), len(grid.magnitudes)
    return torch.cat([torch.arange(count), torch.arange(sign + 1, sign + count)])
