"""Multiplying an accumulator by M without floats: a high multiply by M0, then a rounding shift by n."""

from collections.abc import Callable

import torch
from torch import Tensor

from qlab.arithmetic.validation import integer_codes, integers, numbers, within_int32

Shift = int | Tensor


def high_multiply(a: Tensor, b: int | Tensor) -> Tensor:
    """The saturating rounding doubling high multiply: round(a * b / 2**31), ties upward.

    "Doubling", because the product of two numbers with 31 fractional bits has 62 and a redundant sign bit, which
    doubling removes; "saturating", because -2**31 times itself is the one product that does not fit.

    Args:
        a, b: int32 values in any integer dtype; b is one number, or one per output channel.

    Returns:
        int32 values, int64.

    Source: gemmlowp, fixedpoint/fixedpoint.h, `SaturatingRoundingDoublingHighMul`; vqrdmulh of Arm's NEON.
    """
    a, b = integers(a, "a"), integers(b, "b")
    _check_that_it_fits(b, a, "b")
    product = a * b
    return product.add_(2**30).bitwise_right_shift_(31).clamp_(max=2**31 - 1)


def rounding_shift(x: Tensor, n: Shift) -> Tensor:
    """round(x / 2**n), ties away from zero. A plain `x >> n` would be floor(x / 2**n).

    Args:
        x: int32 values in any integer dtype.
        n: bits, 0..31; one integer, or one per output channel.

    Returns:
        int64.

    Raises:
        ValueError: n is not an integer from 0 to 31.

    Source: gemmlowp, fixedpoint/fixedpoint.h, `RoundingDivideByPOT`.
    """
    x, n = integers(x, "x"), _checked_shift(n)
    _check_that_it_fits(n, x, "n")
    # A shift rounds down. Adding half a step first makes ties go up; for negative x they have to go down, so the half
    # is made smaller by one.
    half = _half(n)
    minus_one_below_zero = x.bitwise_right_shift(63) * (half > 0)
    return minus_one_below_zero.add_(x).add_(half).bitwise_right_shift_(n)


def rounding_shift_ties_up(x: Tensor, n: Shift) -> Tensor:
    """round(x / 2**n), ties upward: half a step is added, then a plain shift.

    Args and returns: as `rounding_shift`.

    Source: ruy and LiteRT's optimized kernels; vrshl of Arm's NEON.
    """
    x, n = integers(x, "x"), _checked_shift(n)
    _check_that_it_fits(n, x, "n")
    return (x + _half(n)).bitwise_right_shift_(n)


def multiply_rounding_once(acc: Tensor, M0: int | Tensor, n: Shift) -> Tensor:
    """round(acc * M0 / 2**(31 + n)): the full 63-bit product, rounded once, ties upward.

    Args:
        acc: int32 values in any integer dtype, (..., out).
        M0, n: from `quantize_multiplier`; numbers, or one per output channel. From n = 32 on the product is 0.

    Returns:
        int64. With M >= 1 it may leave int32; the output stage clamps it.

    Raises:
        OverflowError: a value of acc leaves int32, or M is 2**30 or more.

    Source: TensorFlow Lite, kernels/internal/common.cc, `MultiplyByQuantizedMultiplier` with TFLITE_SINGLE_ROUNDING.
    """
    acc, M0, n = _usable(acc, M0, n)
    product = within_int32(acc, "accumulator").to(torch.int64) * M0
    return product.add_(_half(n + 31)).bitwise_right_shift_(n + 31)


def multiply_rounding_twice(
    acc: Tensor, M0: int | Tensor, n: Shift, shift: Callable[[Tensor, Shift], Tensor] = rounding_shift
) -> Tensor:
    """The high multiply rounds off 31 bits, then the shift rounds again.

    A fraction of 2**-(n + 1) of all results differs by 1 from rounding once.

    Args:
        acc, M0, n: as in `multiply_rounding_once`.
        shift: the second rounding, `rounding_shift` or `rounding_shift_ties_up`.

    Returns:
        int32 values, int64.

    Raises:
        OverflowError: acc leaves int32; or M >= 1 needs a left shift and acc * 2**-n leaves int32.

    Source: gemmlowp, doc/quantization.md; TensorFlow Lite, kernels/internal/common.cc, `MultiplyByQuantizedMultiplier`.
    """
    acc, M0, n = _usable(acc, M0, n)
    left, right = (-n).clamp(min=0), n.clamp(min=0)
    if left.any():
        acc = acc.to(torch.int64) * 2**left
    return shift(high_multiply(within_int32(acc, "accumulator << -n"), M0), right)


def _check_that_it_fits(values: Tensor, x: Tensor, name: str) -> None:
    """ValueError unless there is one value, or one per output channel, which is the last dimension of x."""
    channels = x.shape[-1:]
    if values.dim() and channels and values.shape[-1:] != channels and 1 not in (values.shape[-1], *channels):
        raise ValueError(f"{name} has shape {tuple(values.shape)}, but there are {channels[0]} output channels.")


def _checked_shift(n: Shift) -> Tensor:
    bits = integers(n, "n")
    if bool((bits < 0).any()):
        raise ValueError("cannot shift right by a negative number of bits: multiply by a power of two instead.")
    if bool((bits > 31).any()):
        raise ValueError(f"int32 values are shifted by 0 to 31 bits, not by {int(bits.max())}: the result would be 0.")
    return bits


def _half(n: Tensor) -> Tensor:
    """Half a step of a shift by n bits, which rounding to nearest adds; 0 for n = 0."""
    return 2**n // 2


def _usable(acc: Tensor, M0: int | Tensor, n: Shift) -> tuple[Tensor, Tensor, Tensor]:
    """The arguments as integers. Where n is above 31, M0 and n are 0: every product is below 1/2."""
    acc, M0, n = integer_codes(numbers(acc, "acc"), "acc"), integers(M0, "M0"), integers(n, "n")
    _check_that_it_fits(M0, acc, "M0")
    _check_that_it_fits(n, acc, "n")
    if bool((n < -30).any()):
        raise OverflowError("M is 2**30 or more: every accumulator but 0 and 1 would leave int32.")
    return acc, M0 * (n <= 31), n * (n <= 31)
