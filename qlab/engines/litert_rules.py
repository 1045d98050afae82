"""How LiteRT's three sets of kernels add, multiply, concatenate and average.

XNNPACK takes a node where its fixed point can hold the ratio of the scales, and leaves it to the optimized kernels
elsewhere. All codes here are ours, 0..255; where LiteRT's rounding depends on the sign of a code, 128 is subtracted
first. The arithmetic was measured with ai-edge-litert 2.3.0.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from qlab.arithmetic.elementwise import ClampRule, product, rule
from qlab.arithmetic.fixed_point import multiply_rounding_twice, rounding_shift, rounding_shift_ties_up
from qlab.arithmetic.operations import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Clamp,
    Concatenate,
    MaxPool2d,
    Mul,
    Operation,
    Rule,
)
from qlab.arithmetic.output_stage import f32
from qlab.arithmetic.pooling import PoolingRule, Windows, maximum, real_sums
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor
from qlab.arithmetic.requantize import quantize_multiplier
from qlab.engines.cpu import Cpu
from qlab.engines.litert import half_away
from qlab.engines.tflite import SIGNED

Shift = Callable[[Tensor, int | Tensor], Tensor]


def distance(x: QuantizedTensor) -> Tensor:
    """q - Z, int64."""
    return x.codes.to(torch.int64) - x.zero_point


def times(values: Tensor, M: float | Tensor, shift: Shift = rounding_shift) -> Tensor:
    """values * M in fixed point, rounded twice; OverflowError where that leaves int32."""
    M0, n = quantize_multiplier(float(M))
    try:
        return multiply_rounding_twice(values, M0, n, shift)
    except OverflowError as error:
        raise OverflowError("LiteRT's fixed point leaves int32: take a larger output scale.") from error


def in_sixteens(vector: Tensor, scalar: Tensor) -> Tensor:
    """What vector code gives, which takes 16 codes at a time with channels last, and scalar code for the rest."""
    image = vector.dim() == 4
    position = torch.arange(vector.numel()).reshape(vector.permute(0, 2, 3, 1).shape if image else vector.shape)
    at_once = position < vector.numel() // 16 * 16
    return torch.where(at_once.permute(0, 3, 1, 2) if image else at_once, vector, scalar)


def in_int16(codes: Tensor) -> Tensor:
    """Codes as signed int16 holds them: far outside of the code range they wrap around to the other end.

    That takes an output scale that is far too small.
    """
    return (codes - SIGNED).to(torch.int16).to(torch.int64) + SIGNED


# Addition -------------------------------------------------------------------------------------------------------------


@rule("gemmlowp", "LiteRT, kernels/internal/reference/add.h and kernels/add.cc")
def gemmlowp_add(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """Both inputs to steps of 2 max(S_a, S_b) / 2**20, added there, and the sum to steps of the output."""
    scales = [f32(x.scale).double() for x in inputs]
    largest = 2 * torch.stack(scales).max()
    a, b = (times(distance(x) * 2**20, scale / largest) for x, scale in zip(inputs, scales, strict=True))
    return times(a + b, largest / (2**20 * f32(out.scale).double())) + out.zero_point


@rule("gemmlowp in int16", "LiteRT, kernels/internal/optimized/integer_ops/add.h, AddElementwise")
def optimized_add(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """The same, 16 codes at a time in int16."""
    codes = gemmlowp_add.compute(inputs, out)
    return in_sixteens(in_int16(codes), codes)


@rule("XNNPACK", "google/XNNPACK, src/microparams-init.c, xnn_init_qs8_add_minmax_scalar_params, and src/qs8-vadd")
def xnnpack_add(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """(A (q_a - Z_a) + B (q_b - Z_b) + half) >> shift, A and B in fixed point with one shift: ties upward.

    qnnpack's addition with one bit less, and with ties upward instead of away from zero.
    """
    ratios = torch.stack([f32(x.scale) / f32(out.scale) for x in inputs])
    if not bool(((ratios >= 2.0**-10) & (ratios < 2.0**8)).all()):
        return optimized_add.compute(inputs, out)
    shift = 21 - int(torch.frexp(ratios.max()).exponent)
    A, B = torch.round(ratios * 2.0**shift).to(torch.int64)
    a, b = (distance(x) for x in inputs)
    return rounding_shift_ties_up(A * a + B * b, shift) + out.zero_point


# Multiplication -------------------------------------------------------------------------------------------------------


def _product_in_steps(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """M (q_a - Z_a) (q_b - Z_b) in fixed point, rounded twice, with M = f32(f32(S_a S_b) / S_out)."""
    return times(product(*inputs).to(torch.int64), _product_ratio(inputs, out))


@rule("gemmlowp", "LiteRT, kernels/internal/reference/integer_ops/mul.h")
def gemmlowp_mul(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """round(M (q_a - Z_a) (q_b - Z_b)) + Z_out in fixed point."""
    return _product_in_steps(inputs, out) + out.zero_point


@rule("gemmlowp in int16", "LiteRT, kernels/internal/optimized/integer_ops/mul.h, MulElementwise")
def optimized_mul(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """The same, 16 codes at a time in int16. The product saturates before the zero-point is added."""
    steps = _product_in_steps(inputs, out)
    vector = in_int16(steps.clamp(-(2**15), 2**15 - 1) + out.zero_point)
    return in_sixteens(vector, steps + out.zero_point)


@rule("XNNPACK", "google/XNNPACK, src/qs8-vmul, with fp32 requantization")
def xnnpack_mul(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint(M (q_a - Z_a) (q_b - Z_b)) + Z_out in float32."""
    M = _product_ratio(inputs, out)
    if not 2.0**-16 <= float(M) < 2.0**8:
        return optimized_mul.compute(inputs, out)
    return torch.round(product(*inputs) * M) + out.zero_point


def _product_ratio(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    a, b = inputs
    return f32(a.scale) * f32(b.scale) / f32(out.scale)


# Concatenation: each input requantized by a QUANTIZE operator ---------------------------------------------------------


def _ratio(x: QuantizedTensor, out: Grid) -> Tensor:
    return f32(x.scale).double() / f32(out.scale).double()


@rule("gemmlowp", "LiteRT, kernels/internal/reference/requantize.h, Requantize")
def gemmlowp_rescale(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """round(M (q - Z)) + Z_out in fixed point, rounded twice."""
    x = inputs[0]
    return times(distance(x), _ratio(x, out)) + out.zero_point


@rule("gemmlowp in sixteens", "LiteRT, kernels/internal/optimized/optimized_ops.h, Requantize")
def optimized_rescale(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """Vector code takes 16 codes at a time, channels last, and rounds ties up; the remaining ones go away from zero."""
    x = inputs[0]
    up = times(distance(x), _ratio(x, out), rounding_shift_ties_up) + out.zero_point
    return in_sixteens(up, gemmlowp_rescale.compute(inputs, out))


@rule("XNNPACK", "google/XNNPACK, src/qs8-vcvt")
def xnnpack_rescale(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """(round(256 S / S_out) (q - Z) + 128) >> 8, then + Z_out: eight bits after the point, whatever the ratio."""
    x = inputs[0]
    ratio = f32(x.scale) / f32(out.scale)
    if not 2.0**-8 <= float(ratio) <= 2.0**7:
        return optimized_rescale.compute(inputs, out)
    return rounding_shift_ties_up(distance(x) * int(torch.round(256 * ratio)), 8) + out.zero_point


# Averages -------------------------------------------------------------------------------------------------------------


def _divided(sums: Tensor, counts: Tensor) -> Tensor:
    """sums / counts, ties away from zero."""
    return sums.sign() * ((sums.abs() + counts // 2) // counts)


def _average(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    # Input and output have one grid, so the average of the (signed) codes is the code of the average.
    return _divided(windows.sums(x.codes.to(torch.int64) - SIGNED), windows.sizes) + SIGNED


average = PoolingRule("integers", "LiteRT, kernels/internal/reference/integer_ops/pooling.h, AveragePool", _average)


def _xnnpack_mean(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    """rint(M sum(q) + (Z_out - M n Z)): the zero-points make one constant, which is added before rounding."""
    M = f32(x.scale) / f32(out.scale) / windows.sizes
    sums = windows.sums(x.codes.to(torch.int64) - SIGNED).to(torch.float32)
    constant = (out.zero_point - SIGNED) - (windows.sizes * (x.zero_point - SIGNED)) * M
    return torch.round(sums * M + constant) + SIGNED


def _optimized_mean(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    """round(M sum(q)) + C, where C = Z_out - round(Z S / S_out) is an integer: that costs up to half a code."""
    sums = windows.sums(x.codes.to(torch.int64) - SIGNED)
    M = f32(x.scale) / (windows.sizes.max() * f32(out.scale))
    offset = f32(x.zero_point - SIGNED) * f32(x.scale) / f32(out.scale)
    constant = out.zero_point - int(offset + torch.sign(offset) * 0.5)
    # Vector code takes 16 channels at a time and rounds ties up.
    bulk = sums.shape[1] // 16 * 16
    up, away = times(sums[:, :bulk], M, rounding_shift_ties_up), times(sums[:, bulk:], M)
    return torch.cat([up, away], 1) + constant


def _reference_mean(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    """round(M sum(q - Z)) + Z_out, rounded twice; the division by n is part of the multiplier M0, which it shortens."""
    count = int(windows.sizes.max())
    M0, n = quantize_multiplier(float(_ratio(x, out)))
    more = min(count.bit_length() - 1, 32, 31 - int(n))
    M0, n = (int(M0) << more) // count, int(n) + more
    return multiply_rounding_twice(real_sums(x, windows), M0, n) + out.zero_point


xnnpack_mean = PoolingRule("XNNPACK", "google/XNNPACK, src/qs8-rdsum and src/qs8-rsum", _xnnpack_mean)
optimized_mean = PoolingRule(
    "gemmlowp in sixteens", "LiteRT, kernels/internal/optimized/integer_ops/mean.h, MeanImpl", _optimized_mean
)
reference_mean = PoolingRule(
    "gemmlowp", "LiteRT, kernels/internal/reference/reduce.h, QuantizedMeanOrSum", _reference_mean
)

clamp = ClampRule(
    "LiteRT",
    "LiteRT, kernels/kernel_util.cc, CalculateActivationRangeQuantized, and kernels/activations.cc",
    lambda ends, grid: half_away(ends / f32(grid.scale)) + grid.zero_point,
)

SHARED: dict[type, Rule] = {Clamp: clamp, MaxPool2d: maximum, AvgPool2d: average}
RULES: dict[str, dict[type, Rule]] = {
    "litert": {Add: xnnpack_add, Mul: xnnpack_mul, Concatenate: xnnpack_rescale, AdaptiveAvgPool2d: xnnpack_mean},
    "litert-optimized": {
        Add: optimized_add,
        Mul: optimized_mul,
        Concatenate: optimized_rescale,
        AdaptiveAvgPool2d: optimized_mean,
    },
    "litert-reference": {
        Add: gemmlowp_add,
        Mul: gemmlowp_mul,
        Concatenate: gemmlowp_rescale,
        AdaptiveAvgPool2d: reference_mean,
    },
}


def rule_for(engine: str, operation: Operation, *, channels_last: bool, threads: int, cpu: Cpu) -> Rule | None:
    """The rule by which the engine computes the operation; None where the definition leaves nothing open."""
    return (SHARED | RULES[engine]).get(type(operation))
