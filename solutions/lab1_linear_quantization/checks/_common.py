"""Shared by the questions of Lab 1: the codes of a bitwidth, and tensors of codes."""

import torch
from torch import Tensor

from qlab.check import Step, ties_down, ties_up


def signed(bitwidth: int) -> tuple[int, int]:
    return -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1


# An all-zero tensor leaves the scale open: any finite one above 0 will do, with any zero-point among the codes.
ANY: dict[Step, Step] = {ties_down: lambda q_min, q_max: (1e-300, q_min), ties_up: lambda q_min, q_max: (1e300, q_max)}


def int8(rows: list[list[int]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.int8)
