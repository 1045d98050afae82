"""What quantization costs and buys: size in memory, signal-to-quantization-noise ratio."""

import math

import torch
from torch import Tensor, nn


def model_size(model: nn.Module | int, bitwidth: int = 32) -> float:
    """Bytes that a model's parameters take at `bitwidth` bits each: 50 MB of fp32 are 12.5 MB in int8.

    Args:
        model: a module, or the number of its parameters.
        bitwidth: bits a parameter, at least 1.

    Raises:
        ValueError: a negative count, or bitwidth below 1.
    """
    count = sum(p.numel() for p in model.parameters()) if isinstance(model, nn.Module) else model
    if count < 0 or bitwidth < 1:
        raise ValueError(f"a model has at least 0 parameters of at least 1 bit, not {count} of {bitwidth}.")
    return count * bitwidth / 8


def sqnr(reference: Tensor, approximation: Tensor) -> float:
    """Signal-to-quantization-noise ratio in decibels: 10 log10(sum(x**2) / sum((x - y)**2)), in float64.

    Args:
        reference: the signal x, any shape.
        approximation: y, in the same shape.

    Returns:
        The ratio; inf where there is no noise, -inf where there is noise and no signal.

    Raises:
        ValueError: shapes differ, or a tensor holds NaN.
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
