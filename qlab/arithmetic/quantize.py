"""Linear quantization: real numbers to integer codes and back."""

import torch
from torch import Tensor

from qlab.arithmetic.qparams import code_dtype, code_range, qparams
from qlab.arithmetic.ranges import affine_range, symmetric_range
from qlab.arithmetic.validation import (
    along_channel,
    checked_ends,
    checked_scale,
    checked_zero_point,
    integer_tensor,
    integers,
    real_tensor,
)

Scale = float | Tensor
ZeroPoint = int | Tensor


def quantize(
    fp32_tensor: Tensor, scale: Scale, zero_point: ZeroPoint, qmin: int, qmax: int, *, channel_dim: int | None = None
) -> Tensor:
    """The codes of a tensor: clamp(round_half_even(x / scale) + zero_point, qmin, qmax), in float32.

    Args:
        fp32_tensor: any shape, floating point, finite.
        scale, zero_point: a float and an int, or one entry per channel along `channel_dim`.
        qmin, qmax: smallest and largest code.

    Returns:
        Codes in the input's shape, in the smallest integer dtype that holds qmin and qmax (`code_dtype`).

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation`.

    Source: Jacob et al. 2018 (arXiv 1712.05877), equation 1, solved for q. PyTorch's engines multiply by 1/scale and
    may add the zero-point before they round, so their codes differ from these at exact ties.
    """
    x = real_tensor(fp32_tensor)
    scale = along_channel(checked_scale(scale), x, channel_dim)
    qmin, qmax = checked_ends(qmin, qmax)
    zero_point = along_channel(checked_zero_point(zero_point, qmin, qmax), x, channel_dim, "zero_point")
    # The division is done in float32. From there on float64: float32 would round the ends of wide code ranges outward.
    codes = torch.round(x / scale).double() + zero_point
    return codes.clamp(qmin, qmax).to(code_dtype(qmin, qmax))


def dequantize(q_tensor: Tensor, scale: Scale, zero_point: ZeroPoint, *, channel_dim: int | None = None) -> Tensor:
    """The real numbers that codes represent: scale * (q - zero_point), float32, in the shape of the codes.

    Integers of any dtype are widened before the subtraction, so nothing wraps.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation`.

    Source: Jacob et al. 2018 (arXiv 1712.05877), equation 1.
    """
    q = integer_tensor(q_tensor, "q_tensor")
    scale = along_channel(checked_scale(scale), q, channel_dim)
    zero_point = along_channel(integers(zero_point, "zero_point"), q, channel_dim, "zero_point")
    return (q - zero_point).to(torch.float32) * scale


def linear_quantize(
    fp32_tensor: Tensor,
    bitwidth: int = 8,
    *,
    signed: bool = True,
    symmetric: bool = False,
    narrow: bool = False,
    channel_dim: int | None = None,
) -> tuple[Tensor, Scale, ZeroPoint]:
    """Quantize a tensor over its own range: codes, scale, zero-point.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        bitwidth: 2..16.
        signed, narrow: see `code_range`.
        symmetric: use the range [-a, a] instead of [min, max].
        channel_dim: quantize each channel along this dimension over its own range.

    Returns:
        q_tensor (see `quantize`), scale and zero_point: a float and an int, or tensors with one entry per channel.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation`, `code_range` and `qparams`.
    """
    qmin, qmax = code_range(bitwidth, signed=signed, narrow=narrow)
    find_range = symmetric_range if symmetric else affine_range
    scale, zero_point = qparams(*find_range(fp32_tensor, channel_dim), qmin, qmax, symmetric=symmetric)
    q_tensor = quantize(fp32_tensor, scale, zero_point, qmin, qmax, channel_dim=channel_dim)
    if channel_dim is None:
        return q_tensor, scale.item(), int(zero_point)
    return q_tensor, scale, zero_point
