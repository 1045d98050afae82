"""Output stages: how accumulators become output codes, engine by engine.

A rule is built from a layer's scales, zero-point and bias, and then maps accumulators (..., out) to codes. In each, f32
rounds to float32, an operation on float32 tensors rounds once, as the engine's own does, and torch.round rounds half to
even, as cvtps2dq does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.fixed_point import (
    multiply_rounding_once,
    multiply_rounding_twice,
    rounding_shift,
    rounding_shift_ties_up,
)
from qlab.arithmetic.requantize import quantize_multiplier, requantize
from qlab.arithmetic.validation import checked_scale, real_tensor, within_int32

Output = Callable[[Tensor], Tensor]

BLOCK = 2**20  # accumulators that an output stage takes at once


@dataclass(frozen=True)
class OutputStage:
    """What a rule is built from: everything between a layer's accumulator and its output codes.

    Attributes:
        input_scale, weight_scale, output_scale: weight_scale a number or one an output channel, (out,).
        output_zero_point, qmin, qmax: of the output codes.
        bias: (out,) float32 or None.
        relu: clamp at the output's zero-point, which is where the real number 0 lies.
        kind: "linear" or "conv2d"; some engines round them differently.
    """

    input_scale: float
    weight_scale: float | Tensor
    output_scale: float
    output_zero_point: int
    qmin: int = -128
    qmax: int = 127
    bias: Tensor | None = None
    relu: bool = False
    kind: str = "linear"

    def __post_init__(self) -> None:
        for name in ("input_scale", "weight_scale", "output_scale"):
            checked_scale(getattr(self, name), name)
        zero_point = self.output_zero_point
        if not self.qmin <= zero_point <= self.qmax or zero_point != int(zero_point):
            raise ValueError(
                f"output_zero_point must be an integer from {self.qmin} to {self.qmax}, not {zero_point!r}."
            )
        if self.bias is not None:
            real_tensor(self.bias, "bias")

    @property
    def per_channel(self) -> bool:
        """Whether each output channel has a weight scale of its own."""
        return torch.as_tensor(self.weight_scale).dim() > 0

    @property
    def lowest(self) -> int:
        """The smallest code that may come out: with ReLU the code of 0, which is all that ReLU costs."""
        return max(self.qmin, self.output_zero_point) if self.relu else self.qmin

    def clamp(self, codes: Tensor) -> Tensor:
        """The codes, limited to what may come out, int32."""
        return codes.clamp_(self.lowest, self.qmax).to(torch.int32)


@dataclass(frozen=True)
class Rule:
    """One engine's way from accumulators to output codes.

    Attributes:
        name: whose.
        source: where it is written down.
        build: from a layer's `OutputStage` to the function of its accumulators.
    """

    name: str
    source: str
    build: Callable[[OutputStage], Output]

    def __call__(self, stage: OutputStage) -> Output:
        """A function from accumulators (..., out), int32 values in any integer dtype, to output codes, int32."""
        output = self.build(stage)
        return lambda acc: in_blocks(output, acc)


def in_blocks(output: Output, acc: Tensor) -> Tensor:
    """output(acc), block by block, so that memory is used again. Each output depends on its sum alone."""
    if acc.numel() <= BLOCK or acc.dim() < 2:
        return output(acc)
    rows = acc.reshape(-1, acc.shape[-1])
    codes = torch.empty(rows.shape, dtype=torch.int32, device=acc.device)
    step = max(1, BLOCK // rows.shape[1])
    for start in range(0, len(rows), step):
        codes[start : start + step] = output(rows[start : start + step])
    return codes.reshape(acc.shape)


def rule(name: str, source: str) -> Callable[[Callable[[OutputStage], Output]], Rule]:
    """Make a rule of the function below, which builds it."""
    return lambda build: Rule(name, source, build)


def f32(value: float | Tensor) -> Tensor:
    """Rounded to float32."""
    return torch.as_tensor(value, dtype=torch.float64).to(torch.float32)


def f64(value: float | Tensor) -> Tensor:
    """As float64, which holds every float32 and every product of two exactly."""
    return torch.as_tensor(value, dtype=torch.float64)


# With an int32 bias of scale S1*S2, as in the paper -------------------------------------------------------------------


def integer_bias(bias: Tensor | None, scale: Tensor) -> Callable[[Tensor], Tensor]:
    """Adds round(bias / scale) to accumulators; OverflowError where a sum leaves int32."""
    if bias is None:
        return lambda acc: acc
    codes = torch.round(bias.double() / scale).to(torch.int64)
    return lambda acc: within_int32(acc.to(torch.int64) + codes, "accumulator + bias")


@rule("float32", "Jacob et al. 2018 (arXiv 1712.05877), section 2.4, with float32 in place of fixed point")
def float32_rule(stage: OutputStage) -> Output:
    """The readable rule: clamp(rint(f32(acc + bias) * f32(M)) + Z_out), with M = S1*S2/S3."""
    accumulator_scale = f64(stage.input_scale) * f64(stage.weight_scale)
    with_bias, M = integer_bias(stage.bias, accumulator_scale), accumulator_scale / stage.output_scale
    return lambda acc: requantize(with_bias(acc), M, stage.output_zero_point, stage.lowest, stage.qmax)


def fixed_point(name: str, source: str, multiply: Callable[..., Tensor]) -> Rule:
    """The rules without a float: clamp(multiply(acc + bias, M0, n) + Z_out)."""

    def build(stage: OutputStage) -> Output:
        accumulator_scale = f64(stage.input_scale) * f64(stage.weight_scale)
        with_bias = integer_bias(stage.bias, accumulator_scale)
        M0, n = quantize_multiplier(accumulator_scale / stage.output_scale)
        return lambda acc: stage.clamp(multiply(with_bias(acc), M0, n).add_(stage.output_zero_point))

    return Rule(name, source, build)


single_rounding = fixed_point(
    "fixed point, rounded once",
    "TensorFlow Lite, kernels/internal/common.cc, MultiplyByQuantizedMultiplier with TFLITE_SINGLE_ROUNDING",
    multiply_rounding_once,
)
double_rounding = fixed_point(
    "fixed point, rounded twice",
    "gemmlowp, doc/quantization.md; LiteRT, reference CONV_2D",
    lambda acc, M0, n: multiply_rounding_twice(acc, M0, n, rounding_shift),
)
double_rounding_ties_up = fixed_point(
    "fixed point, rounded twice, ties up",
    "LiteRT, optimized kernels (ruy)",
    lambda acc, M0, n: multiply_rounding_twice(acc, M0, n, rounding_shift_ties_up),
)


# PyTorch's engines ----------------------------------------------------------------------------------------------------


@rule(
    "fbgemm",
    "pytorch/FBGEMM, src/QuantUtilsAvx2.cc, requantizeOutputProcessingAvx2 and requantizeOutputProcessingGConvAvx512",
)
def fbgemm(stage: OutputStage) -> Output:
    """rint((f32(acc) + bias/S1S2) * M) + Z_out, clamped: the bias stays a float, in units of the accumulator."""
    accumulator_scale = f32(stage.input_scale) * f32(stage.weight_scale)
    M = accumulator_scale / f32(stage.output_scale)

    def with_bias(t: Tensor) -> Tensor:
        if stage.bias is None:
            return t
        if stage.per_channel:
            return t.add_(stage.bias / accumulator_scale)
        return fused_multiply_add(stage.bias, f32(1 / f64(accumulator_scale)), t)

    return lambda acc: times_in_float32(with_bias(acc.to(torch.float32)), M, stage)


@rule("qnnpack", "pytorch, aten/src/ATen/native/quantized/cpu/qnnpack/src/requantization/fp32-sse2.c")
def qnnpack(stage: OutputStage) -> Output:
    """rint(f32(acc + bias) * M) + Z_out, clamped, with an int32 bias; M is built with a reciprocal."""
    s_x, s_w, s_out = f32(stage.input_scale), f32(stage.weight_scale), f32(stage.output_scale)
    M = (s_w * s_x) * (1 / s_out)
    # f32 also around the product of the scales: one engine, three ways to build what is nearly the same number.
    inverse = f32(1 / f32(f64(stage.weight_scale) * f64(stage.input_scale)))
    bias = torch.tensor(0) if stage.bias is None else torch.round(stage.bias * inverse).to(torch.int64)
    return lambda acc: times_in_float32(within_int32(acc + bias, "accumulator + bias").to(torch.float32), M, stage)


def times_in_float32(t: Tensor, M: Tensor, stage: OutputStage) -> Tensor:
    """clamp(rint(t * M) + Z_out); t is overwritten. Where the product leaves int32, cvtps2dq gives -2**31."""
    product = t.mul_(M).round_()
    if product.numel() and float(product.amax()) >= 2.0**31:
        product.masked_fill_(product >= 2.0**31, -(2.0**31))
    return stage.clamp(product.add_(stage.output_zero_point))


def fused_multiply_add(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a * b + c in float32, rounded once, as the FMA instruction does."""
    product, c = f64(a) * f64(b), f64(c)
    total = product + c
    # The sum's rounding error, exactly (Knuth's TwoSum); a second rounding must not see a tie that is none: where
    # something was cut off, the last bit is set (rounding to odd; Boldo and Melquiond 2008).
    rest = total - product
    error = (product - (total - rest)) + (c - rest)
    even = (total.view(torch.int64) & 1) == 0
    odd = torch.nextafter(total, torch.copysign(torch.full_like(error, torch.inf), error))
    return torch.where((error != 0) & even, odd, total).to(torch.float32)


def _onednn(name: str, scales_first: bool, divide: bool = False) -> Rule:
    """rint(((acc * S1 * S2 + bias) * 1/S3) + Z_out), clamped: real numbers in between, Z_out added before rounding.

    Scales reach oneDNN as reciprocals and are inverted again, which may move their last bit.

    Args:
        name: of the rule.
        scales_first: the kernel multiplies S1 by S2 first, and not the accumulator by one, then by the other.
        divide: it divides by S3, and does not multiply by 1/S3.
    """

    def build(stage: OutputStage) -> Output:
        s_x, s_out = there_and_back(stage.input_scale), there_and_back(stage.output_scale)
        s_w = f32(stage.weight_scale)
        if stage.kind == "linear":
            s_w = there_and_back(s_w if stage.per_channel else stage.weight_scale)

        def real(acc: Tensor) -> Tensor:
            t = acc.to(torch.float32)
            t = t.mul_(s_x * s_w) if scales_first else t.mul_(s_x).mul_(s_w)
            t = t if stage.bias is None else t.add_(stage.bias)
            return t.relu_() if stage.relu else t

        def in_steps(t: Tensor) -> Tensor:
            return t.div_(s_out) if divide else t.mul_(1 / s_out)

        return lambda acc: stage.clamp(in_steps(real(acc)).add_(stage.output_zero_point).round_())

    return Rule(
        name,
        "pytorch, aten/src/ATen/native/quantized/cpu/onednn_utils.h; oneDNN, cpu/x64/jit_avx512_core_x8s8s32x",
        build,
    )


def there_and_back(scale: float | Tensor) -> Tensor:
    """f32(1 / f32(1 / scale))."""
    return 1 / f32(1 / f64(scale))


# Which of the two is compiled depends on the kernel, and so on the CPU.
onednn = _onednn("onednn", scales_first=False)
onednn_scales_first = _onednn("onednn, scales first", scales_first=True)
onednn_without_a_kernel = _onednn("onednn, without a kernel", scales_first=False, divide=True)
