"""What networks do to codes one by one: addition, multiplication, concatenation, ReLU and clamp.

All take and return `QuantizedTensor`s of uint8 codes. Two tensors with different scales have no common unit, so each is
brought to the output's grid first; engines differ in the order of these few float operations, and so now and then in a
code close to a tie. An `ElementwiseRule` follows one engine step by step. As in `output_stage`, `f32` rounds to
float32, and `torch.round` rounds half to even.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.fixed_point import rounding_shift
from qlab.arithmetic.output_stage import f32, f64, fused_multiply_add
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor, checked_activation

QMIN, QMAX = 0, 255
CODES = torch.arange(QMIN, QMAX + 1)


@dataclass(frozen=True)
class ElementwiseRule:
    """One engine's rule for an operation on codes.

    Attributes:
        name: of the engine or of the arithmetic.
        source: the file that defines the rule.
        compute: from the inputs and the output's grid to output codes before the clamp, integers of any dtype.
    """

    name: str
    source: str
    compute: Callable[[Sequence[QuantizedTensor], Grid], Tensor]


def rule(name: str, source: str) -> Callable[[Callable[[Sequence[QuantizedTensor], Grid], Tensor]], ElementwiseRule]:
    """Decorator: make a rule of the function that computes it."""
    return lambda compute: ElementwiseRule(name, source, compute)


# The plain rules, to read first ---------------------------------------------------------------------------------------

PLAIN = "Jacob et al. 2018 (arXiv 1712.05877), equation 1"


@rule("float32", PLAIN)
def float32_add(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint((S_a (q_a - Z_a) + S_b (q_b - Z_b)) / S_out) + Z_out."""
    a, b = inputs
    return torch.round((a.dequantize() + b.dequantize()) / f32(out.scale)) + out.zero_point


@rule("float32", PLAIN)
def float32_mul(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint(M (q_a - Z_a) (q_b - Z_b)) + Z_out with M = S_a S_b / S_out."""
    a, b = inputs
    return torch.round(product(a, b) * f32(f64(a.scale) * b.scale / out.scale)) + out.zero_point


@rule("float32", PLAIN)
def float32_rescale(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint(S (q - Z) / S_out) + Z_out: the same real numbers on another grid, for concatenation."""
    (x,) = inputs
    return torch.round(x.dequantize() / f32(out.scale)) + out.zero_point


@rule("plain", "the definition")
def unchanged(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """Each code where it was."""
    return inputs[0].codes


def product(a: QuantizedTensor, b: QuantizedTensor) -> Tensor:
    """(q_a - Z_a) (q_b - Z_b), float32: at most 255 * 255, so exact."""
    return (a.codes.to(torch.int32) - a.zero_point).to(torch.float32) * (b.codes.to(torch.int32) - b.zero_point)


# The operations -------------------------------------------------------------------------------------------------------


def quantized_add(
    a: QuantizedTensor,
    b: QuantizedTensor,
    output_scale: float,
    output_zero_point: int,
    *,
    relu: bool = False,
    rule: ElementwiseRule = float32_add,
) -> QuantizedTensor:
    """a + b, as at the end of a residual block.

    Args:
        a, b: codes 0..255 of one shape; grids of their own.
        output_scale, output_zero_point: of the sum.
        relu: clamp the sum at its zero-point, the code of the real number 0.
        rule: how the sum is rounded.

    Returns:
        uint8 codes in the shape of a and b.

    Raises:
        TypeError, ValueError: an input is no `QuantizedTensor` of codes 0..255, shapes or output grid do not fit.
    """
    return _binary(a, b, Grid(output_scale, output_zero_point), relu, rule)


def quantized_mul(
    a: QuantizedTensor,
    b: QuantizedTensor,
    output_scale: float,
    output_zero_point: int,
    *,
    relu: bool = False,
    rule: ElementwiseRule = float32_mul,
) -> QuantizedTensor:
    """a * b, one by one. Args, returns and errors: as `quantized_add`."""
    return _binary(a, b, Grid(output_scale, output_zero_point), relu, rule)


def _binary(a: QuantizedTensor, b: QuantizedTensor, out: Grid, relu: bool, rule: ElementwiseRule) -> QuantizedTensor:
    a, b = checked_activation(a, "a"), checked_activation(b, "b")
    if a.codes.shape != b.codes.shape:
        raise ValueError(
            f"a has shape {tuple(a.codes.shape)} and b {tuple(b.codes.shape)}: expand them to one shape first."
        )
    return out.tensor(clamp_to_uint8(rule.compute((a, b), out), out.zero_point if relu else QMIN))


def quantized_concatenate(
    inputs: Sequence[QuantizedTensor],
    output_scale: float,
    output_zero_point: int,
    *,
    dim: int = 1,
    rule: ElementwiseRule = float32_rescale,
) -> QuantizedTensor:
    """The inputs one after another along `dim`, each brought to the output's grid. On that grid already, it is copied.

    Args:
        inputs: codes 0..255, shapes equal but along `dim`.
        output_scale, output_zero_point: of the output.
        dim: 1 for channels.
        rule: how one input is brought to the output's grid.

    Raises:
        TypeError, ValueError: as `quantized_add`; there is no input.
    """
    if not inputs:
        raise ValueError("there is nothing to concatenate: pass one tensor or more.")
    out = Grid(output_scale, output_zero_point)
    tensors = [checked_activation(x, f"inputs[{index}]") for index, x in enumerate(inputs)]
    shapes = [tuple(x.codes.shape[:dim] + x.codes.shape[dim:][1:]) for x in tensors]
    if len(set(shapes)) > 1:
        raise ValueError(f"the inputs differ in more than dimension {dim}: {[tuple(x.codes.shape) for x in tensors]}.")
    return out.tensor(torch.cat([clamp_to_uint8(rule.compute((x,), out)) for x in tensors], dim))


def quantized_relu(x: QuantizedTensor) -> QuantizedTensor:
    """max(q, Z): the zero-point is the code of 0, and a larger code is a larger number. Every engine agrees."""
    x = checked_activation(x, "x")
    return x.grid.tensor(x.codes.clamp(min=x.zero_point))


def quantized_clamp(
    x: QuantizedTensor, low: float, high: float, *, rule: ElementwiseRule = unchanged
) -> QuantizedTensor:
    """The real numbers clamped to [low, high]: hardtanh with its -1 and 1, ReLU6 with 0 and 6.

    Both ends are quantized, clamp(rint(x * f32(1/S) + Z)), and the codes are clamped between them.

    Args:
        x: codes 0..255.
        low, high: real numbers.
        rule: what an engine does to the clamped codes beside; `qnnpack_clamp` mixes up images.

    Raises:
        TypeError, ValueError: x is no `QuantizedTensor` of codes 0..255; low is not at most high.

    Source: pytorch, aten/src/ATen/native/quantized/cpu/qclamp.cpp.
    """
    x = checked_activation(x, "x")
    if not low <= high:
        raise ValueError(f"low must be a number of at most high, not {low!r} and {high!r}.")
    ends = quantize_one_by_one(f32(torch.tensor([low, high])), 1 / f32(x.scale), x.zero_point)
    lowest, highest = ends.clamp(QMIN, QMAX).tolist()
    clamped = x.grid.tensor(x.codes.clamp(int(lowest), int(highest)))
    return x.grid.tensor(rule.compute((clamped,), x.grid))


def quantized_flatten(x: QuantizedTensor, start_dim: int = 1) -> QuantizedTensor:
    """The codes of each image in one row. Only their shape changes."""
    x = checked_activation(x, "x")
    return x.grid.tensor(x.codes.flatten(start_dim))


def clamp_to_uint8(codes: Tensor, lowest: int = QMIN) -> Tensor:
    """The codes clamped to [lowest, 255], as uint8."""
    return codes.clamp(lowest, QMAX).to(torch.uint8)


# PyTorch: float arithmetic, 64 codes at a time, and the rest one by one -----------------------------------------------

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


def quantize_one_by_one(real: Tensor, inverse_scale: Tensor, zero_point: int) -> Tensor:
    """rint(real * inverse_scale + Z): how scalar code quantizes, before the clamp; float32.

    The zero-point is added before rounding: where it is odd, a tie goes the other way than in vector code.

    Source: pytorch/FBGEMM, include/fbgemm/QuantUtils.h, `Quantize`.
    """
    return torch.round(real * inverse_scale + zero_point)


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


def pytorch_add(*, channels_last: bool = True, threads: int = 1) -> ElementwiseRule:
    """PyTorch's own add (engines fbgemm, x86 and onednn): dequantize both, add, quantize; all in float32."""

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
        (x,) = inputs
        if not (channels_last and x.codes.dim() == 4 and dim == 1):
            # Without channels last, the inputs become one float tensor, and that is quantized as any input is.
            real = dequantize_one_by_one(x)
            return torch.round(fused_multiply_add(real, 1 / f32(out.scale), f32(out.zero_point)))
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
    ratios = torch.stack([f32(x.scale) / f32(out.scale) for x in inputs])
    if not bool(((ratios >= 2.0**-14) & (ratios < 2.0**8)).all() & (ratios.max() >= 2.0**-10)):
        raise ValueError(
            "qnnpack adds where S_a / S_out and S_b / S_out are from 2**-14 to 2**8, and one at least 2**-10: "
            f"change the output scale, which makes them {ratios.tolist()}."
        )
    shift = 21 - int(torch.frexp(ratios.max()).exponent) + 1
    A, B = torch.round(ratios * 2.0**shift).to(torch.int64)
    a, b = (x.codes.long() - x.zero_point for x in inputs)
    return rounding_shift(A * a + B * b, shift) + out.zero_point


def qnnpack_clamp(*, channels_last: bool = True) -> ElementwiseRule:
    """qnnpack's clamp in PyTorch 2.13 reads memory that lies channels last and writes it as if it did not.

    The codes are right, but each image's are in another place. (In place, the operation is right.)

    Source: pytorch, aten/src/ATen/native/quantized/cpu/qclamp.cpp, `qnnpack_clamp`.
    """

    def compute(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
        codes = inputs[0].codes
        return codes.permute(0, 2, 3, 1).reshape(codes.shape) if channels_last and codes.dim() == 4 else codes

    return ElementwiseRule("qnnpack", "pytorch, aten/src/ATen/native/quantized/cpu/qclamp.cpp", compute)
