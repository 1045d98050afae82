"""The scale of a grid: a power of two, as in the papers, or any float."""

import torch
from torch import Tensor

from qlab.arithmetic.qparams import EPS
from qlab.arithmetic.validation import real_tensor
from qlab.formats.floatsd.grid import Grid


def power_of_two_scale(x: Tensor, grid: Grid, *, channel_dim: int | None = None) -> Tensor:
    """The smallest power of two with which the grid reaches as far as x: top * 2**e >= max|x|.

    A real weight is then a sum of shifts too, and no float is left to multiply by.

    Args:
        x: floating point, finite, not empty.
        grid: its top decides.
        channel_dim: one scale for each entry of this dimension; None for one of all.

    Returns:
        float32, 0-d or (channels,), at least 2**-23.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation.real_tensor`.

    Source: the scale of FloatSD (doi 10.1109/jetcas.2019.2911999) is a power of two; which one, is ours.
    """
    fraction, exponent = torch.frexp((_largest(x, channel_dim).double() / grid.top).clamp(min=EPS))
    exponent = (exponent - (fraction == 0.5).int()).clamp(max=127)  # 0.5 * 2**e is the power of two below
    return ((exponent + 127) << 23).to(torch.int32).view(torch.float32)  # by its bits: pow would round


def free_scale(x: Tensor, grid: Grid, *, channel_dim: int | None = None) -> Tensor:
    """max|x| / top: the variation whose scale is any float; one float multiplication an output is left.

    Arguments, result and errors as for `power_of_two_scale`.
    """
    return (_largest(x, channel_dim) / grid.top).clamp(min=EPS)


def _largest(x: Tensor, channel_dim: int | None) -> Tensor:
    magnitudes = real_tensor(x).abs()
    if channel_dim is None:
        return magnitudes.max()
    return magnitudes.movedim(channel_dim, 0).flatten(1).amax(dim=1) if x.dim() > 1 else magnitudes
