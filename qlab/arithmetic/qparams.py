"""From a clipping range to the two numbers of linear quantization: scale and zero-point."""

import torch
from torch import Tensor

from qlab.arithmetic.ranges import affine_range, extend_to_zero
from qlab.arithmetic.validation import checked_bitwidth, checked_ends, numbers

# The smallest scale that torch's observers return. An all-zero tensor gets it, and the code closest to 0 as zero-point.
EPS = torch.finfo(torch.float32).eps


def code_range(bitwidth: int = 8, *, signed: bool = True, narrow: bool = False) -> tuple[int, int]:
    """Smallest and largest code, (qmin, qmax): -128, 127 for 8 bits.

    Args:
        bitwidth: 2..16.
        signed: two's complement codes; False for 0..2**bitwidth - 1.
        narrow: leave out the lowest signed code (-127..127), as TFLite and TensorRT do for weights.

    Raises:
        ValueError: bitwidth outside 2..16, or narrow without signed.
    """
    bitwidth = checked_bitwidth(bitwidth)
    if narrow and not signed:
        raise ValueError("narrow leaves out the lowest signed code: it has no meaning for unsigned codes.")
    if not signed:
        return 0, 2**bitwidth - 1
    return -(2 ** (bitwidth - 1)) + narrow, 2 ** (bitwidth - 1) - 1


def code_dtype(qmin: int, qmax: int) -> torch.dtype:
    """The smallest of int8, uint8, int16 and int32 that holds both ends; int8 is preferred to uint8 if both do."""
    for dtype in (torch.int8, torch.uint8, torch.int16, torch.int32):
        if torch.iinfo(dtype).min <= qmin and qmax <= torch.iinfo(dtype).max:
            return dtype
    raise ValueError(f"codes {qmin}..{qmax} do not fit into 32 bits.")


def qparams(low: Tensor, high: Tensor, qmin: int, qmax: int, *, symmetric: bool = False) -> tuple[Tensor, Tensor]:
    """Scale and zero-point of the linear map from [low, high] onto the codes qmin..qmax.

    The range is extended to include 0. Affine: scale = (high - low) / (qmax - qmin), zero_point = qmin - low / scale,
    rounded half to even and clipped. Symmetric: scale = max|.| / ((qmax - qmin) / 2), that is, the divisor is 127.5 for
    -128..127 and 127 for the narrow -127..127; the zero-point is the middle code. Everything is computed in float32,
    and the scale is at least `EPS`.

    Args:
        low, high: float32, 0-d or (channels,).
        qmin, qmax: smallest and largest code.
        symmetric: represent [-a, a].

    Returns:
        scale, float32, and zero_point, int32, shaped as low.

    Raises:
        ValueError: the shapes differ, an end is not finite, low is above high, float32 cannot hold the width of the
            range, or qmin is not below qmax.

    Source: torch.ao.quantization.observer, `UniformQuantizationObserverBase._calculate_qparams`; equal to the last bit,
    but for the zero-point of a symmetric range on unsigned codes whose ends were passed to the observer: it takes the
    lower one of two middle codes there, 127 of 0..255.
    """
    low, high = _checked_range(numbers(low, "low").to(torch.float32), numbers(high, "high").to(torch.float32))
    qmin, qmax = checked_ends(qmin, qmax)
    low, high = extend_to_zero(low, high)
    if symmetric:
        scale = torch.maximum(-low, high) / ((qmax - qmin) / 2)
        return scale.clamp(min=EPS), torch.full_like(scale, (qmin + qmax + 1) // 2, dtype=torch.int32)
    scale = ((high - low) / (qmax - qmin)).clamp(min=EPS)
    zero_point = (qmin - torch.round(low / scale)).clamp(qmin, qmax)
    return scale, zero_point.to(torch.int32)


def _checked_range(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    if low.shape != high.shape:
        raise ValueError(f"low and high must have the same shape, not {tuple(low.shape)} and {tuple(high.shape)}.")
    if not bool((torch.isfinite(low) & torch.isfinite(high)).all()):
        raise ValueError("the ends of a range must be finite.")
    if bool((low > high).any()):
        raise ValueError("low must not be above high: are the two ends swapped?")
    if not bool(torch.isfinite(high.clamp(min=0.0) - low.clamp(max=0.0)).all()):
        raise ValueError("the range is wider than float32 can hold: clip the outliers first.")
    return low, high


def get_scale_and_zero_point(fp32_tensor: Tensor, bitwidth: int = 8) -> tuple[float, int]:
    """Scale and zero-point of a whole tensor, affine, for signed codes: a simpler front end to `qparams`.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        bitwidth: 2..16.

    Returns:
        scale as a Python float (a float32 value), zero_point as an int in the code range.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation.real_tensor`, `code_range` and `qparams`.
    """
    qmin, qmax = code_range(bitwidth)
    scale, zero_point = qparams(*affine_range(fp32_tensor), qmin, qmax)
    return scale.item(), int(zero_point)
