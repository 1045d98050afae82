"""The scale of a grid: a power of two as in the papers, or any float."""

import torch
from torch import Tensor

from qlab.arithmetic.qparams import EPS
from qlab.arithmetic.validation import real_tensor
from qlab.formats.floatsd.grid import Grid


def power_of_two_scale(x: Tensor, grid: Grid, *, channel_dim: int | None = None) -> Tensor:
    """The smallest power of two with which the grid covers x: top * 2**e >= max|x|.

    Multiplying by such a scale is a shift as well, so no float multiplication is left.

    Args:
        x: floating point, finite, not empty.
        grid: its top determines the scale.
        channel_dim: one scale per entry of this dimension; None for a single scale.

    Returns:
        float32, 0-d or (channels,), at least 2**-23.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation.real_tensor`.

    Source: FloatSD's scale is a power of two (doi 10.1109/jetcas.2019.2911999); which one to take is our choice.
    """
    fraction, exponent = torch.frexp((_largest(x, channel_dim).double() / grid.top).clamp(min=EPS))
    exponent = (exponent - (fraction == 0.5).int()).clamp(max=127)  # 0.5 * 2**e is 2**(e - 1) exactly
    return ((exponent + 127) << 23).to(torch.int32).view(torch.float32)  # built from its bits, since pow would round


def free_scale(x: Tensor, grid: Grid, *, channel_dim: int | None = None) -> Tensor:
    """max|x| / top: a variation in which the scale is any float; it costs one float multiplication per output.

    Arguments, result and errors as for `power_of_two_scale`.
    """
    return (_largest(x, channel_dim) / grid.top).clamp(min=EPS)


def _largest(x: Tensor, channel_dim: int | None) -> Tensor:
    magnitudes = real_tensor(x).abs()
    if channel_dim is None:
        return magnitudes.max()
    return magnitudes.movedim(channel_dim, 0).flatten(1).amax(dim=1) if x.dim() > 1 else magnitudes
