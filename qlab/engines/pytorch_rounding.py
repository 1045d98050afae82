"""Where PyTorch adds the zero-point when it quantizes real numbers: before it rounds, or after. Releases differ.

If the zero-point is odd, a tie goes one way or the other. Nothing but ties, and numbers a last bit away from them, can
tell the two apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from packaging.version import Version
from torch import Tensor

from qlab.arithmetic.output_stage import f32, fused_multiply_add

# Measured: 2.13.0 adds the zero-point first; 2.6 and 2.14.1 round first.
ZERO_POINT_FIRST = ((2, 13),)
_release: ContextVar[str] = ContextVar("release", default=torch.__version__)


@contextmanager
def as_in_release(version: str) -> Iterator[None]:
    """In the block, rules are those of another release of PyTorch, such as "2.13.0+cpu"."""
    token = _release.set(version)
    try:
        yield
    finally:
        _release.reset(token)


def zero_point_first() -> bool:
    """Whether the installed PyTorch, or that of `as_in_release`, adds the zero-point before it rounds."""
    return Version(_release.get()).release[:2] in ZERO_POINT_FIRST


def quantize_one_by_one(real: Tensor, inverse_scale: Tensor, zero_point: int) -> Tensor:
    """rint(real * inverse_scale + Z) or rint(real * inverse_scale) + Z: scalar code, before the clamp; float32.

    Source: pytorch/FBGEMM, include/fbgemm/QuantUtils.h, `Quantize`.
    """
    steps = real * inverse_scale
    return torch.round(steps + zero_point) if zero_point_first() else torch.round(steps) + zero_point


def quantize_fused(real: Tensor, inverse_scale: Tensor, zero_point: int) -> Tensor:
    """The same in vector code, where product and sum are one fused multiply-add; before the clamp, float32.

    Source: pytorch/FBGEMM, src/QuantUtilsAvx2.cc, `QuantizeAvx2`.
    """
    if zero_point_first():
        return torch.round(fused_multiply_add(real, inverse_scale, f32(zero_point)))
    return torch.round(real * inverse_scale) + zero_point
