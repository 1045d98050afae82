"""Metrics of quantization: model size, noise, Pareto-optimal trade-offs, and the speed-up that a profile allows."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def model_size(model: nn.Module | int, bitwidth: int = 32) -> float:
    """The bytes of a model's parameters at `bitwidth` bits each: 50 MB in fp32 become 12.5 MB in int8.

    Args:
        model: a module, or the number of its parameters.
        bitwidth: bits per parameter, at least 1.

    Raises:
        ValueError: a negative count, or bitwidth below 1.
    """
    count = sum(p.numel() for p in model.parameters()) if isinstance(model, nn.Module) else model
    if count < 0 or bitwidth < 1:
        raise ValueError(f"a model has at least 0 parameters of at least 1 bit each, not {count} of {bitwidth}.")
    return count * bitwidth / 8


def sqnr(reference: Tensor, approximation: Tensor) -> float:
    """Signal-to-quantization-noise ratio in decibels: 10 log10(sum(x**2) / sum((x - y)**2)), in float64.

    Args:
        reference: the signal x, any shape.
        approximation: y, in the same shape.

    Returns:
        The ratio; inf if there is no noise, -inf if there is noise but no signal.

    Raises:
        ValueError: the shapes differ, or a tensor holds NaN.
    """
    if reference.shape != approximation.shape:
        raise ValueError(f"shapes differ: {tuple(reference.shape)} and {tuple(approximation.shape)}.")
    x, y = reference.detach().to(torch.float64), approximation.detach().to(torch.float64)
    signal, noise = float(x.square().sum()), float((x - y).square().sum())
    if math.isnan(signal + noise):
        raise ValueError("a tensor holds NaN: there is no ratio.")
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def mse(reference: Tensor, approximation: Tensor) -> float:
    """Mean squared error: the mean of (x - y)**2, in float64.

    Args, Raises: as `sqnr`; ValueError for an empty tensor too.
    """
    if reference.shape != approximation.shape:
        raise ValueError(f"shapes differ: {tuple(reference.shape)} and {tuple(approximation.shape)}.")
    if reference.numel() == 0:
        raise ValueError("an empty tensor has no mean: pass at least one value.")
    error = reference.detach().to(torch.float64) - approximation.detach().to(torch.float64)
    return float(error.square().mean())


def pareto(sizes: Sequence[float], accuracies: Sequence[float]) -> list[bool]:
    """Which points are Pareto-optimal: no other point is at least as good in both respects and better in one.

    Args:
        sizes: of each point; smaller is better.
        accuracies: of each point; higher is better. Equal points do not beat each other.

    Raises:
        ValueError: the two differ in length.
    """
    points = list(zip(sizes, accuracies, strict=True))
    return [not any(_beats(other, point) for other in points) for point in points]


def _beats(point: tuple[float, float], other: tuple[float, float]) -> bool:
    return point[0] <= other[0] and point[1] >= other[1] and point != other


def amdahl(seconds: Sequence[float], place: int, faster: float) -> float:
    """Amdahl's law: the overall speed-up if one part becomes `faster` times as fast; math.inf gives the upper bound.

    Args:
        seconds: of each part, at least 0, not all 0.
        place: the index of the part that changes.
        faster: above 0.

    Raises:
        ValueError: a time is negative, all times are 0, or faster is not above 0.

    Source: Amdahl 1967, "Validity of the single processor approach to achieving large scale computing capabilities".
    """
    whole = sum(seconds)
    if min(seconds) < 0 or whole <= 0 or not faster > 0:
        raise ValueError("times must be at least 0 and not all 0, and the factor must be above 0.")
    rest = whole - seconds[place] + seconds[place] / faster
    return whole / rest if rest > 0 else math.inf
