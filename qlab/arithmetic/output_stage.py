"""Output stages: how each engine turns int32 accumulators into output codes.

The formula is the same everywhere: add the bias, scale by M = S1 * S2 / S3, round, add the zero-point, clamp. But
engines compute it in different orders and with different precision, so their codes differ now and then, mostly close to
ties. Each function below follows one engine step by step, so that its codes come out the same bit for bit.

An output stage is built from the parameters of one layer and then maps accumulators (..., out) to codes. Throughout
this file `f32` rounds to float32; an operation on two float32 tensors rounds once, as the engine's instruction does;
and `torch.round` rounds half to even, as the instruction cvtps2dq does.
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
from qlab.arithmetic.validation import checked_ends, checked_scale, one_scale, one_zero_point, real_tensor, within_int32

Requantizer = Callable[[Tensor], Tensor]

BLOCK = 2**20  # accumulators that are requantized at a time


@dataclass(frozen=True)
class OutputStageParams:
    """The parameters of a layer that an output stage is built from.

    Attributes:
        input_scale, weight_scale, output_scale: above 0; weight_scale is one number, or one per output channel, (out,).
        output_zero_point, qmin, qmax: of the output codes.
        bias: (out,) float32 or None.
        relu: clamp the output at its zero-point, the code of the real number 0.
        kind: "linear" or "conv2d"; some engines round the two differently.
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
        checked_ends(self.qmin, self.qmax)
        for name in ("input_scale", "output_scale"):
            one_scale(getattr(self, name), name)
        checked_scale(self.weight_scale, "weight_scale")
        one_zero_point(self.output_zero_point, self.qmin, self.qmax, "output_zero_point")
        if self.bias is not None:
            real_tensor(self.bias, "bias")

    @property
    def per_channel(self) -> bool:
        """Whether each output channel has its own weight scale."""
        return torch.as_tensor(self.weight_scale).dim() > 0

    @property
    def lowest(self) -> int:
        """The smallest code that the layer can return. A fused ReLU raises it to the code of 0, at no further cost."""
        return max(self.qmin, self.output_zero_point) if self.relu else self.qmin

    def clamp(self, codes: Tensor) -> Tensor:
        """The codes, clamped in place to [lowest, qmax], as int32."""
        return codes.clamp_(self.lowest, self.qmax).to(torch.int32)


@dataclass(frozen=True)
class OutputStage:
    """One engine's rule for turning accumulators into output codes.

    Attributes:
        name: of the engine or of the rounding scheme.
        source: the file or the paper that defines the rule.
        build: from a layer's `OutputStageParams` to the function of its accumulators.
    """

    name: str
    source: str
    build: Callable[[OutputStageParams], Requantizer]

    def __call__(self, params: OutputStageParams) -> Requantizer:
        """A function from accumulators (..., out), int32 values in any integer dtype, to output codes, int32."""
        requantizer = self.build(params)
        return lambda acc: in_blocks(requantizer, acc)


Rule = OutputStage  # its name in labs released before 0.2


def in_blocks(requantizer: Requantizer, acc: Tensor) -> Tensor:
    """requantizer(acc), computed block by block so that temporary memory is reused.

    Cutting is safe because each output depends on its own accumulator only.
    """
    if acc.numel() <= BLOCK or acc.dim() < 2:
        return requantizer(acc)
    rows = acc.reshape(-1, acc.shape[-1])
    codes = torch.empty(rows.shape, dtype=torch.int32, device=acc.device)
    step = max(1, BLOCK // rows.shape[1])
    for start in range(0, len(rows), step):
        codes[start : start + step] = requantizer(rows[start : start + step])
    return codes.reshape(acc.shape)


def stage(name: str, source: str) -> Callable[[Callable[[OutputStageParams], Requantizer]], OutputStage]:
    """Decorator: make an output stage of the function that builds it."""
    return lambda build: OutputStage(name, source, build)


def f32(value: float | Tensor) -> Tensor:
    """Rounded to float32."""
    return torch.as_tensor(value, dtype=torch.float64).to(torch.float32)


def f64(value: float | Tensor) -> Tensor:
    """As float64, which holds every float32, and the product of any two of them, exactly."""
    return torch.as_tensor(value, dtype=torch.float64)


# Output stages with an int32 bias of scale S1 * S2, as in the paper ---------------------------------------------------


def integer_bias(bias: Tensor | None, scale: Tensor) -> Callable[[Tensor], Tensor]:
    """A function that adds round(bias / scale) to accumulators; it raises OverflowError if a sum leaves int32.

    The accumulator counts in steps of S1 * S2. Expressed in the same steps, the bias is an integer too, and the whole
    layer up to here is integer arithmetic.
    """
    if bias is None:
        return lambda acc: acc
    codes = torch.round(bias.double() / scale).to(torch.int64)
    return lambda acc: within_int32(acc.to(torch.int64) + codes, "accumulator + bias")


@stage("float32", "Jacob et al. 2018 (arXiv 1712.05877), section 2.4, with float32 in place of fixed point")
def float32_stage(params: OutputStageParams) -> Requantizer:
    """clamp(rint(f32(acc + bias) * f32(M)) + Z_out) with M = S1 * S2 / S3: the one to read first."""
    accumulator_scale = f64(params.input_scale) * f64(params.weight_scale)
    with_bias, M = integer_bias(params.bias, accumulator_scale), accumulator_scale / params.output_scale
    return lambda acc: requantize(with_bias(acc), M, params.output_zero_point, params.lowest, params.qmax)


def fixed_point_stage(name: str, source: str, multiply: Callable[..., Tensor]) -> OutputStage:
    """An output stage without floats: clamp(multiply(acc + bias, M0, n) + Z_out).

    M is known before the first input arrives, so it is split offline into an integer M0 and a shift by n. What is left
    for run time is one integer multiplication, one shift and one addition.

    Args:
        name, source: as in `OutputStage`.
        multiply: from (accumulator, M0, n) to the rounded product; this is where the schemes differ.
    """

    def build(params: OutputStageParams) -> Requantizer:
        accumulator_scale = f64(params.input_scale) * f64(params.weight_scale)
        with_bias = integer_bias(params.bias, accumulator_scale)
        M0, n = quantize_multiplier(accumulator_scale / params.output_scale)
        return lambda acc: params.clamp(multiply(with_bias(acc), M0, n).add_(params.output_zero_point))

    return OutputStage(name, source, build)


# Rounding once needs the full 63-bit product. Hardware that keeps only the upper 32 bits has already rounded when it
# shifts, so it rounds twice: a value that the first rounding moves onto a tie then takes a second step.
single_rounding = fixed_point_stage(
    "fixed point, rounded once",
    "TensorFlow Lite, kernels/internal/common.cc, MultiplyByQuantizedMultiplier with TFLITE_SINGLE_ROUNDING",
    multiply_rounding_once,
)
double_rounding = fixed_point_stage(
    "fixed point, rounded twice",
    "gemmlowp, doc/quantization.md; LiteRT, reference CONV_2D",
    lambda acc, M0, n: multiply_rounding_twice(acc, M0, n, rounding_shift),
)
# The same, but its shift adds half a step and truncates, which is one instruction on Arm: negative ties go up as well.
double_rounding_ties_up = fixed_point_stage(
    "fixed point, rounded twice, ties up",
    "LiteRT, optimized kernels (ruy)",
    lambda acc, M0, n: multiply_rounding_twice(acc, M0, n, rounding_shift_ties_up),
)


# PyTorch's engines: none of them requantizes in integers --------------------------------------------------------------


@stage(
    "fbgemm",
    "pytorch/FBGEMM, src/QuantUtilsAvx2.cc, requantizeOutputProcessingAvx2 and requantizeOutputProcessingGConvAvx512",
)
def fbgemm(params: OutputStageParams) -> Requantizer:
    """rint((f32(acc) + bias / (S1 * S2)) * M) + Z_out, clamped."""
    accumulator_scale = f32(params.input_scale) * f32(params.weight_scale)
    M = accumulator_scale / f32(params.output_scale)

    # fbgemm does not round the bias to an integer. It divides it by S1 * S2, so that it counts in steps of the
    # accumulator, and adds it as a float. An int32 bias is off by up to half a step of the accumulator; after the
    # multiplication by M that is enough to move results that lie close to a tie.
    def with_bias(t: Tensor) -> Tensor:
        if params.bias is None:
            return t
        if params.per_channel:
            return t.add_(params.bias / accumulator_scale)
        # With a single scale its reciprocal is computed once, and the compiler fuses the product and the sum into one
        # instruction that rounds once. With one scale per channel there is a vector division, which cannot be fused.
        return fused_multiply_add(params.bias, f32(1 / f64(accumulator_scale)), t)

    return lambda acc: multiply_in_float32(with_bias(acc.to(torch.float32)), M, params)


@stage("qnnpack", "pytorch, aten/src/ATen/native/quantized/cpu/qnnpack/src/requantization/fp32-sse2.c")
def qnnpack(params: OutputStageParams) -> Requantizer:
    """rint(f32(acc + bias) * M) + Z_out, clamped, with an int32 bias."""
    s_x, s_w, s_out = f32(params.input_scale), f32(params.weight_scale), f32(params.output_scale)
    # qnnpack multiplies by the reciprocal of S3 where fbgemm divides by S3. The two values of M may differ in their
    # last bit, and then the codes differ where M * acc lies close to a tie.
    M = (s_w * s_x) * (1 / s_out)
    # PyTorch, not qnnpack, quantizes the bias, with one more way to build almost the same number: the product of the
    # scales is formed in float64, rounded to float32, and inverted.
    inverse = f32(1 / f32(f64(params.weight_scale) * f64(params.input_scale)))
    bias = torch.tensor(0) if params.bias is None else torch.round(params.bias * inverse).to(torch.int64)
    return lambda acc: multiply_in_float32(within_int32(acc + bias, "accumulator + bias").to(torch.float32), M, params)


def multiply_in_float32(t: Tensor, M: Tensor, params: OutputStageParams) -> Tensor:
    """clamp(rint(t * M) + Z_out); t is overwritten."""
    product = t.mul_(M).round_()
    # cvtps2dq returns -2**31 for everything that int32 cannot hold. A product that is too large therefore ends up at
    # the lowest code, not at the highest as one would expect from clamping.
    if product.numel() and float(product.amax()) >= 2.0**31:
        product.masked_fill_(product >= 2.0**31, -(2.0**31))
    return params.clamp(product.add_(params.output_zero_point))


def fused_multiply_add(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a * b + c in float32, rounded once, as the FMA instruction does it.

    Source: Knuth's TwoSum for the rounding error; Boldo and Melquiond 2008 for rounding to odd.
    """
    # float64 holds a * b exactly, but not the sum. Rounded to float64 and then to float32, a sum would be rounded
    # twice, and the second rounding could see a tie where there is none.
    product, c = f64(a) * f64(b), f64(c)
    total = product + c
    # The exact rounding error of the sum tells whether anything was cut off.
    rest = total - product
    error = (product - (total - rest)) + (c - rest)
    # If so, set the last bit of the float64 sum ("rounding to odd"): the sum can then no longer look like a tie.
    even = (total.view(torch.int64) & 1) == 0
    odd = torch.nextafter(total, torch.copysign(torch.full_like(error, torch.inf), error))
    return torch.where((error != 0) & even, odd, total).to(torch.float32)


def _onednn(name: str, scales_first: bool, divide: bool = False) -> OutputStage:
    """rint((acc * S1 * S2 + bias) * (1 / S3) + Z_out), clamped.

    oneDNN returns to real numbers first, adds the float bias and applies ReLU there, and only then quantizes. It adds
    Z_out before rounding: which way a tie goes then depends on whether Z_out is odd.

    Args:
        name: of the output stage.
        scales_first: the kernel multiplies the accumulator by the product S1 * S2, not by S1 and then by S2.
        divide: the kernel divides by S3 instead of multiplying by 1 / S3.
    """

    def build(params: OutputStageParams) -> Requantizer:
        # PyTorch hands scales to oneDNN as reciprocals, and oneDNN inverts them again, which may change the last bit.
        # For a convolution the weight scales take another route and arrive unchanged.
        s_x, s_out = inverted_twice(params.input_scale), inverted_twice(params.output_scale)
        s_w = f32(params.weight_scale)
        if params.kind == "linear":
            s_w = inverted_twice(s_w if params.per_channel else params.weight_scale)

        def real(acc: Tensor) -> Tensor:
            t = acc.to(torch.float32)
            t = t.mul_(s_x * s_w) if scales_first else t.mul_(s_x).mul_(s_w)
            t = t if params.bias is None else t.add_(params.bias)
            return t.relu_() if params.relu else t

        def in_steps(t: Tensor) -> Tensor:
            return t.div_(s_out) if divide else t.mul_(1 / s_out)

        return lambda acc: params.clamp(in_steps(real(acc)).add_(params.output_zero_point).round_())

    return OutputStage(
        name,
        "pytorch, aten/src/ATen/native/quantized/cpu/onednn_utils.h; oneDNN, cpu/x64/jit_avx512_core_x8s8s32x",
        build,
    )


def inverted_twice(scale: float | Tensor) -> Tensor:
    """f32(1 / f32(1 / scale)): the scale, or one of its neighbours in float32."""
    return 1 / f32(1 / f64(scale))


# oneDNN generates its kernels at run time. The CPU and the shape of the layer decide which of these three applies.
onednn = _onednn("onednn", scales_first=False)
onednn_scales_first = _onednn("onednn, scales first", scales_first=True)
onednn_without_a_kernel = _onednn("onednn, without a kernel", scales_first=False, divide=True)
