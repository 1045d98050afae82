"""Random integers, fractions and scales, each from a generator with a seed."""

import math

import torch
from torch import Generator, Tensor

SCALE_RANGE = (1e-4, 1.0)


def random_scale(scale_range: tuple[float, float], power_of_two: bool, generator: Generator) -> float:
    """A scale whose logarithm is uniform: a power of two, or else a float64 that no float32 equals."""
    low, high = (math.log2(end) for end in scale_range)
    exponent = low + (high - low) * uniform((), generator).item()
    return 2.0 ** (round(exponent) if power_of_two else exponent)


def integer(low: int, high: int, generator: Generator) -> int:
    """A number from low to high, both included."""
    return int(integers(low, high, (), generator))


def integers(low: int, high: int, size: tuple[int, ...], generator: Generator) -> Tensor:
    """Numbers from low to high, both included, int64."""
    return torch.randint(low, high + 1, size, generator=generator)


def uniform(size: tuple[int, ...], generator: Generator) -> Tensor:
    """Numbers in [0, 1), float64."""
    return torch.rand(size, generator=generator, dtype=torch.float64)
