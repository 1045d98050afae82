"""From an int32 accumulator to an output code: the multiplier M = S1 * S2 / S3 and its parts M0 and n."""

import math

import torch
from torch import Tensor

from qlab.arithmetic.validation import (
    along_channel,
    checked_ends,
    checked_scale,
    checked_zero_point,
    integer_tensor,
    numbers,
    one_integer,
    plain_tensor,
)


def decompose_multiplier(M: float) -> tuple[float, int]:
    """M0 and n with M = M0 * 2**-n exactly and M0 in [0.5, 1): 0.2 is 0.8 * 2**-2.

    M >= 1 gives n < 0, which means a left shift.

    Raises:
        ValueError: M is not finite or not above 0.

    Source: Jacob et al. 2018 (arXiv 1712.05877), equation 6.
    """
    M0, exponent = math.frexp(_checked_multiplier(M))
    return M0, -exponent


def quantize_multiplier(M: float | Tensor) -> tuple[int | Tensor, int | Tensor]:
    """M0 as a 31-bit fixed-point number, 2**31 * M0 rounded to nearest with ties up, and n.

    A mantissa that rounds up to 2**31 does not fit into int32; it is halved and n is reduced by one.

    Args:
        M: one number, or one per output channel, (out,).

    Returns:
        M0_q in [2**30, 2**31 - 1], and n: two ints, or two int64 tensors in the shape of M.

    Raises:
        ValueError: see `decompose_multiplier`.

    Source: gemmlowp, doc/quantization.md, section "Implementation of quantized matrix multiplication".
    """
    if isinstance(M, Tensor):
        plain_tensor(M, "M")
        pairs = [quantize_multiplier(value) for value in M.double().flatten().tolist()]
        M0_q, n = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T.reshape(2, *M.shape)
        return M0_q, n
    M0, n = decompose_multiplier(M)
    M0_q = math.floor(M0 * 2**31 + 0.5)
    return (M0_q // 2, n - 1) if M0_q == 2**31 else (M0_q, n)


def _checked_multiplier(M: object) -> float:
    value = numbers(M, "M")
    if value.numel() != 1:
        raise ValueError(f"M must be one number, not of shape {tuple(value.shape)}.")
    value = value if isinstance(M, Tensor) else torch.as_tensor(M, dtype=torch.float64)  # a Python float has 53 bits
    if not (bool(torch.isfinite(value)) and bool(value > 0)):
        raise ValueError(f"M must be finite and greater than 0, not {M!r}.")
    return float(value)


def _recombined(pair: tuple[object, ...]) -> float:
    """M of the pair (M0, n)."""
    if len(pair) != 2:
        raise ValueError(f"multiplier must be M or the pair (M0, n), not {pair!r}.")
    return math.ldexp(_checked_multiplier(pair[0]), -one_integer(pair[1], "n"))


def requantize(
    accumulator: Tensor,
    multiplier: float | Tensor | tuple[float, int],
    zero_point: int | Tensor,
    qmin: int = -128,
    qmax: int = 127,
) -> Tensor:
    """Output codes from accumulators: clamp(round_half_even(M * acc) + zero_point, qmin, qmax).

    M and the accumulator are rounded to float32 and multiplied in float32, as in PyTorch's engines.

    Args:
        accumulator: (..., out), integers.
        multiplier: M, one number or one per output channel, (out,); or the pair (M0, n).
        zero_point: of the output.
        qmin, qmax: smallest and largest output code.

    Returns:
        int32, in the shape of the accumulator.

    Raises:
        TypeError, ValueError: the accumulator does not hold integers; M is not finite or not above 0; zero_point is no
            code.
    """
    qmin, qmax = checked_ends(qmin, qmax)
    if isinstance(multiplier, tuple):
        multiplier = _recombined(multiplier)
    acc = integer_tensor(accumulator, "accumulator").to(torch.float32)
    M = along_channel(checked_scale(multiplier, "M"), acc, -1, "M")
    zero_point = along_channel(checked_zero_point(zero_point, qmin, qmax), acc, -1, "zero_point")
    # float64 from here on, because float32 would round the ends of a 32-bit code range outward.
    return (torch.round(acc * M).double() + zero_point).clamp(qmin, qmax).to(torch.int32)
