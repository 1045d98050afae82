"""Which real range to represent: the clipping range [alpha, beta] with low end alpha and high end beta."""

import torch
from torch import Tensor

from qlab.arithmetic.validation import checked_dim, real_tensor


def min_max(fp32_tensor: Tensor, channel_dim: int | None = None) -> tuple[Tensor, Tensor]:
    """Smallest and largest value of a tensor, or of each of its channels.

    Args:
        fp32_tensor: any shape, floating point, finite.
        channel_dim: the dimension of the channels; None for the whole tensor.

    Returns:
        low and high, float32: 0-d, or (channels,).

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation.real_tensor`; channel_dim does not exist.
    """
    x = real_tensor(fp32_tensor)
    if channel_dim is None:
        return x.min(), x.max()
    channel_dim = checked_dim(channel_dim, x)
    channels = x.movedim(channel_dim, 0).flatten(1) if x.dim() > 1 else x.reshape(-1, 1)
    return channels.min(dim=1).values, channels.max(dim=1).values


def extend_to_zero(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """The smallest range that includes both the given one and 0.

    If 0 is not in the range, the zero-point falls outside the codes and is clipped, which moves the range: the values
    1..6 come back as 1, 2, 3, 4, 5, 5. Zero also has to be exact because padding and ReLU produce it.

    Source: torch.ao.quantization.observer, `UniformQuantizationObserverBase._calculate_qparams`.
    """
    return low.clamp(max=0.0), high.clamp(min=0.0)


def affine_range(fp32_tensor: Tensor, channel_dim: int | None = None) -> tuple[Tensor, Tensor]:
    """The affine (asymmetric) clipping range: minimum and maximum, extended to include 0.

    Args, Returns, Raises: as `min_max`.
    """
    return extend_to_zero(*min_max(fp32_tensor, channel_dim))


def symmetric_range(fp32_tensor: Tensor, channel_dim: int | None = None) -> tuple[Tensor, Tensor]:
    """The symmetric clipping range [-a, a], where a is the largest absolute value.

    Args, Returns, Raises: as `min_max`.
    """
    low, high = min_max(fp32_tensor, channel_dim)
    largest = torch.maximum(-low, high)
    return -largest, largest
