"""How PyTorch's engines add, multiply, concatenate and clamp: float arithmetic, but for qnnpack's addition.

A kernel has vector code for many codes at a time and scalar code for the few that remain, and the two round differently
now and then. Which code meets which depends on how a tensor lies in memory. The arithmetic was measured with torch
2.13.0 and 2.14.1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from qlab.arithmetic.elementwise import (
    QMAX,
    QMIN,
    ClampRule,
    ElementwiseRule,
    clamp_to_uint8,
    product,
    rule,
)
from qlab.arithmetic.fixed_point import rounding_shift
from qlab.arithmetic.output_stage import f32, f64, fused_multiply_add
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor
from qlab.engines.pytorch_rounding import quantize_fused, quantize_one_by_one

CODES = torch.arange(QMIN, QMAX + 1)
KERNELS = "pytorch, aten/src/ATen/native/quantized/cpu/kernels/QuantizedOpKernels.cpp"


def dequantize_at_once(x: QuantizedTensor) -> Tensor:
    """The real numbers as vector code computes them: S q + f32(-S Z), with one fused multiply-add.

    There are 256 codes only, so the 256 numbers are computed once and looked up.
    """
    scale = f32(x.scale)
    return fused_multiply_add(scale, f32(CODES), -scale * x.zero_point)[x.codes.long()]


def dequantize_one_by_one(x: QuantizedTensor) -> Tensor:
    """The real numbers as scalar code computes them: S (q - Z), where nothing is rounded but the product."""
    return (f32(x.scale) * (CODES - x.zero_point).to(torch.float32))[x.codes.long()]


def quantize_at_once(real: Tensor, inverse_scale: Tensor, zero_point: int) -> Tensor:
    """rint(real * inverse_scale) + Z: how most vector code quantizes, before the clamp; int32.

    What int32 cannot hold becomes its lowest number or about its highest, and adding Z may then wrap around.
    """
    steps = torch.round(real * inverse_scale).clamp(-(2.0**31), 2.0**31 - 128)
    return steps.to(torch.int32) + zero_point


def vector_positions(shape: torch.Size, channels_last: bool, threads: int, step: int = 64) -> Tensor:
    """Where a kernel of PyTorch's TensorIterator uses vector code, bool in the given shape.

    It walks through memory in steps of 64 codes; what remains is done one by one. From 32,768 codes on, each thread
    has a part of its own, and each part a remainder.

    Args:
        shape: of the codes; 4 dimensions are (batch, channels, height, width).
        channels_last: how an image lies in memory.
        threads: PyTorch's number of threads.
        step: codes per step.

    Source: pytorch, aten/src/ATen/native/cpu/Loops.h, `vectorized_loop`; ATen/ParallelOpenMP.h, `parallel_for`.
    """
    size, grain = shape.numel(), 32_768
    parts = min(threads, -(-size // grain)) if size >= grain else 1
    length = -(-size // max(1, parts))
    position = torch.arange(size)
    start = position // max(1, length) * length
    end = (start + length).clamp(max=size)
    vector = position - start < (end - start) // step * step
    if channels_last and len(shape) == 4:
        batch, channels, height, width = shape
        return vector.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
    return vector.reshape(shape)


def lies_channels_last(x: QuantizedTensor, channels_last: bool) -> bool:
    """Whether PyTorch takes the image for channels last: with one channel or one pixel, both orders are the same."""
    _, channels, height, width = x.codes.shape
    return channels_last or channels == 1 or height == width == 1


def pytorch_add(*, channels_last: bool = True, threads: int = 1) -> ElementwiseRule:
    """PyTorch's own add (engines fbgemm, x86 and onednn): dequantize both, add, quantize; all in float32.

    Both inputs lie in memory in the same order. S_a / S_out and S_b / S_out are below 2**22: beyond, sums leave int32.

    Args:
        channels_last: how images lie in memory.
        threads: PyTorch's number of threads.
    """

    def compute(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
        a, b = inputs
        inverse = 1 / f32(out.scale)
        vector = quantize_at_once(dequantize_at_once(a) + dequantize_at_once(b), inverse, out.zero_point)
        scalar = quantize_one_by_one(dequantize_one_by_one(a) + dequantize_one_by_one(b), inverse, out.zero_point)
        at_once = vector_positions(a.codes.shape, channels_last, threads)
        return torch.where(at_once, vector.clamp(QMIN, QMAX), scalar.clamp(QMIN, QMAX))

    return ElementwiseRule("pytorch", f"{KERNELS}, qadd_kernel", compute)


def pytorch_mul(*, channels_last: bool = True, threads: int = 1) -> ElementwiseRule:
    """PyTorch's mul: rint(M (q_a - Z_a) (q_b - Z_b)) + Z_out with M = S_a S_b f32(1/S_out), in float32."""

    def compute(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
        a, b = inputs
        steps = torch.round(product(a, b) * (f32(a.scale) * f32(b.scale) * (1 / f32(out.scale))))
        if bool((steps >= 2.0**31).any()):
            # What int32 cannot hold becomes its lowest number, and so the lowest code; scalar code rounds to int64.
            at_once = vector_positions(a.codes.shape, channels_last, threads)
            steps = steps.masked_fill(steps >= torch.where(at_once, 2.0**31, 2.0**63), -(2.0**31))
        return steps + out.zero_point

    return ElementwiseRule("pytorch", f"{KERNELS}, qmul_kernel", compute)


def pytorch_rescale(*, channels_last: bool = True, dim: int = 1) -> ElementwiseRule:
    """PyTorch's concatenation. Channels last, 8 channels at a time, and the remaining ones one by one."""

    def compute(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
        x = inputs[0]
        images = dim == 1 and all(x.codes.dim() == 4 for x in inputs)
        if not (images and all(lies_channels_last(x, channels_last) for x in inputs)):
            # Without channels last, the inputs become one float tensor, and that is quantized as any input is.
            real = dequantize_one_by_one(x)
            return quantize_fused(real, 1 / f32(out.scale), out.zero_point)
        if (x.scale, x.zero_point) == (out.scale, out.zero_point):
            return x.codes
        # The vector code's 1 / S_out is computed in float64 and rounded once, the scalar code's in float32.
        vector = quantize_at_once(dequantize_at_once(x), f32(1 / f64(out.scale)), out.zero_point)
        scalar = quantize_one_by_one(dequantize_one_by_one(x), 1 / f32(out.scale), out.zero_point)
        bulk = x.codes.shape[1] // 8 * 8
        return torch.cat([clamp_to_uint8(vector[:, :bulk]), clamp_to_uint8(scalar[:, bulk:])], 1)

    return ElementwiseRule("pytorch", f"{KERNELS}, qcat_nhwc_kernel; qconcat.cpp", compute)


# qnnpack: the one engine of PyTorch that adds in integers -------------------------------------------------------------


@rule("qnnpack", "pytorch, aten/src/ATen/native/quantized/cpu/qnnpack/src/q8vadd/sse2.c and qnnpack/requantization.h")
def qnnpack_add(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """round((A (q_a - Z_a) + B (q_b - Z_b)) / 2**shift) + Z_out, ties away from zero, all in int32.

    A and B are S_a / S_out and S_b / S_out in fixed point: one shift serves both, chosen so that the larger of them
    has 22 bits.

    Raises:
        ValueError: a ratio lies outside [2**-14, 2**8), or both below 2**-10, where the shift would leave 31 bits.
    """
    ratios = check_ratios([x.scale for x in inputs], out.scale)
    shift = 21 - int(torch.frexp(ratios.max()).exponent) + 1
    A, B = torch.round(ratios * 2.0**shift).to(torch.int64)
    a, b = (x.codes.long() - x.zero_point for x in inputs)
    return rounding_shift(A * a + B * b, shift) + out.zero_point


def check_ratios(scales: Sequence[float], output_scale: float) -> Tensor:
    """S / S_out for each scale, float32; ValueError where qnnpack does not add."""
    ratios = f32(torch.tensor(scales, dtype=torch.float64)) / f32(output_scale)
    if not bool(((ratios >= 2.0**-14) & (ratios < 2.0**8)).all() & (ratios.max() >= 2.0**-10)):
        raise ValueError(
            "qnnpack adds where S_a / S_out and S_b / S_out are from 2**-14 to 2**8, and one at least 2**-10: "
            f"change the output scale, which makes them {ratios.tolist()}."
        )
    return ratios


def pytorch_ends(ends: Tensor, grid: Grid) -> Tensor:
    """How the ends of a clamp are quantized: one by one."""
    return quantize_one_by_one(ends, 1 / f32(grid.scale), grid.zero_point)


CLAMP = "pytorch, aten/src/ATen/native/quantized/cpu/qclamp.cpp"
pytorch_clamp = ClampRule("pytorch", CLAMP, pytorch_ends)


def qnnpack_clamp(*, channels_last: bool = True) -> ClampRule:
    """qnnpack's clamp in PyTorch 2.13 reads an image that lies channels last and writes it as if it did not.

    The codes are right, but in another place. (In place, torch.clamp_ and the like, the operation is right.)
    """

    def place(codes: Tensor) -> Tensor:
        return codes.permute(0, 2, 3, 1).reshape(codes.shape) if channels_last and codes.dim() == 4 else codes

    return ClampRule("qnnpack", CLAMP, pytorch_ends, place)
