"""From an int32 accumulator to an output code: the multiplier M = S1 * S2 / S3 and its parts M0 and n."""

import math

import torch
from torch import Tensor

from qlab.arithmetic.validation import along_channel, checked_scale, checked_zero_point, integer_tensor


def decompose_multiplier(M: float) -> tuple[float, int]:
    """M0 and n with M = M0 * 2**-n exactly and M0 in [0.5, 1): 0.2 is 0.8 * 2**-2.

    M >= 1 gives n < 0, which means a left shift.

    Raises:
        ValueError: M is not finite or not above 0.

    Source: Jacob et al. 2018 (arXiv 1712.05877), equation 6.
    """
    if not (math.isfinite(M) and M > 0):
        raise ValueError(f"M must be finite and greater than 0, not {M!r}.")
    M0, exponent = math.frexp(M)
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
        pairs = [quantize_multiplier(value) for value in M.double().flatten().tolist()]
        M0_q, n = torch.tensor(pairs, dtype=torch.int64).T.reshape(2, *M.shape)
        return M0_q, n
    M0, n = decompose_multiplier(M)
    M0_q = math.floor(M0 * 2**31 + 0.5)
    return (M0_q // 2, n - 1) if M0_q == 2**31 else (M0_q, n)


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
    if isinstance(multiplier, tuple):
        M0, n = multiplier
        multiplier = math.ldexp(M0, -n)
    acc = integer_tensor(accumulator, "accumulator").to(torch.float32)
    M = along_channel(checked_scale(multiplier, "M"), acc, -1, "M")
    zero_point = checked_zero_point(zero_point, qmin, qmax)
    # float64 from here on, because float32 would round the ends of a 32-bit code range outward.
    return (torch.round(acc * M).double() + zero_point).clamp(qmin, qmax).to(torch.int32)
