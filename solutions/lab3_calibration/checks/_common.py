"""Shared by the questions of Lab 3: batches to calibrate with, and the two ends of a range."""

import torch
from torch import Generator, Tensor

from qlab.check import Drawn, tensor


def batches_of(count: int, channels: int, values: int, spread: float = 1.0, centre: float = 0.0) -> Drawn:
    """Batches (count, channels, values) whose channels differ, each with values below and above 0."""

    def draw(generator: Generator) -> Tensor:
        x = torch.randn(count, channels, values, generator=generator) * spread + centre
        x = x * torch.linspace(1, 3, channels).reshape(-1, 1)
        x[..., 0], x[..., 1] = -0.5 - x[..., 0].abs(), 0.5 + x[..., 1].abs()
        return x

    return Drawn(draw)


EXAMPLE = torch.tensor(
    [
        [[-0.0590, 1.1674, 0.7119, -1.1270], [-1.3974, 0.5077, -0.5601, 0.0683], [-0.0929, 0.9473, 0.7159, -0.4574]],
        [[-0.0236, -0.7599, 1.0290, 0.8914], [-1.1727, -1.2556, -0.2271, 0.9568], [-0.2500, 1.4579, 1.4707, 0.4043]],
    ]
)
LOW_AND_HIGH = (tensor("low", integer=False), tensor("high", integer=False))
