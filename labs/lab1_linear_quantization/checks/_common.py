"""What several questions of Lab 1 share: the codes of a bitwidth, and tensors of codes."""

import torch
from torch import Tensor

from qlab.check import Step, ties_down, ties_up


def signed(bitwidth: int) -> tuple[int, int]:
    return -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1


# An all-zero tensor leaves the scale open: every finite one above 0, with any zero-point among the codes, will do.
ANY: dict[Step, Step] = {ties_down: lambda q_min, q_max: (1e-300, q_min), ties_up: lambda q_min, q_max: (1e300, q_max)}


def int8(rows: list[list[int]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.int8)
