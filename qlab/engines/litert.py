"""LiteRT (TensorFlow Lite) with its three sets of kernels: XNNPACK's, its own optimized ones, and the reference.

The arithmetic was measured with ai-edge-litert 2.3.0.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import Tensor

from qlab.arithmetic import output_stage as rules
from qlab.arithmetic.output_stage import Output, OutputStage, Rule, f32, f64, integer_bias, rule
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.reference import Arithmetic
from qlab.engines.tflite import SIGNED, depthwise, float32_scales, model

# An engine is the set of kernels that an interpreter is given: its "op resolver".
RESOLVERS = {
    "litert": "BUILTIN",
    "litert-optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "litert-reference": "BUILTIN_REF",
}
NAMES = tuple(RESOLVERS)
HOW = "pip install ai-edge-litert"
NEEDS = ("ai_edge_litert", "flatbuffers")


def available() -> list[str]:
    """The three engines, where the packages that write and run LiteRT's models are installed."""
    return list(NAMES) if all(find_spec(package) for package in NEEDS) else []


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """Output codes of the engine's own kernels, uint8, output channels last.

    Raises:
        ValueError: the engine does not take the layer, or x does not fit to it.
    """
    _check(engine, layer, x)
    rows = x.reshape(-1, x.shape[-1]) if layer.kind == "linear" else x.permute(0, 2, 3, 1)
    try:
        signed = _interpret(model(layer, tuple(rows.shape)), RESOLVERS[engine], rows)
    except RuntimeError as refusal:
        raise ValueError(f"{engine} refuses this layer: {refusal}") from refusal
    codes = signed.view(torch.uint8) ^ SIGNED
    return codes.reshape(*x.shape[:-1], codes.shape[-1]) if layer.kind == "linear" else codes


def _check(engine: str, layer: Layer, x: Tensor) -> None:
    """ValueError where the engine would compute something else without a word, or end the process."""
    channels, expected = x.shape[-1 if layer.kind == "linear" else 1], layer.weights.shape[1] * layer.groups
    if channels != expected:
        raise ValueError(f"x has {channels} input channels, but the layer has {expected}.")
    accumulator_scale = f32(layer.input_scale) * f32(layer.weight_scale)
    scales = [f32(layer.input_scale), f32(layer.weight_scale), f32(layer.output_scale), accumulator_scale]
    tiny = torch.finfo(torch.float32).tiny
    if any(bool((scale < tiny).any()) for scale in scales):
        raise ValueError(f"{engine} needs S1, S2, S3 and S1 * S2 of {tiny:.3g} or more: float32's normal numbers.")
    if engine == "litert" and bool((accumulator_scale / f32(layer.output_scale) >= 256).any()):
        raise ValueError("litert takes no M = S1 * S2 / S3 of 256 or more: XNNPACK refuses it.")


def _interpret(content: bytes, resolver: str, x: Tensor) -> Tensor:
    litert = import_module("ai_edge_litert.interpreter")
    with _silent():
        interpreter = litert.Interpreter(
            model_content=content,
            experimental_op_resolver_type=litert.OpResolverType[resolver],
            num_threads=1,  # a lab's layer is done before threads are
        )
        interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], x.detach().to(torch.float32).contiguous().numpy()
    )
    interpreter.invoke()
    return torch.from_numpy(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


@contextmanager
def _silent() -> Iterator[None]:
    """Without LiteRT's note on stderr that XNNPACK is there: a cell that prints to stderr loses marks."""
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


# The same in integers -------------------------------------------------------------------------------------------------


def half_away(x: Tensor) -> Tensor:
    """Rounded to integers, ties away from zero, as C's round does."""
    whole = x.trunc()
    return whole + x.sign() * ((x - whole).abs() >= 0.5)


def quantize(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """XNNPACK's first arrow: clamp(rint(x * f32(1/scale)) + zero_point).

    Source: google/XNNPACK, src/f32-qs8-vcvt.
    """
    return (torch.round(x * (1 / f32(scale))) + zero_point).clamp(0, 255).to(torch.uint8)


def quantize_by_division(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """The reference's first arrow: clamp(round(x / scale) + zero_point), ties away from zero; |x / scale| < 2**31.

    Source: LiteRT, kernels/internal/reference/quantize.h, `AffineQuantize`.
    """
    return (half_away(x / f32(scale).to(x.dtype)) + zero_point).clamp(0, 255).to(torch.uint8)


def quantize_in_eights(x: Tensor, scale: float, zero_point: int, *, image: bool) -> Tensor:
    """The optimized first arrow: 8 numbers at a time as XNNPACK, and what is left over by a division in float64.

    Args:
        x, scale, zero_point: |x / scale| < 2**31.
        image: whether x is (batch, channels, height, width); LiteRT has the channels last.

    Source: LiteRT, kernels/internal/optimized/optimized_ops.h, `AffineQuantize`.
    """
    lying = x.permute(0, 2, 3, 1) if image else x
    flat, eights = lying.flatten(), x.numel() // 8 * 8
    first, rest = quantize(flat[:eights], scale, zero_point), flat[eights:].double()
    codes = torch.cat([first, quantize_by_division(rest, scale, zero_point)]).reshape(lying.shape)
    return codes.permute(0, 3, 1, 2) if image else codes


def _on_file(found: Rule) -> Rule:
    """The rule, built from the scales that a file holds."""
    return Rule(found.name, found.source, lambda stage: found(replace(stage, **float32_scales(stage))))


def _bias(stage: OutputStage) -> Callable[[Tensor], Tensor]:
    """Adds the int32 bias of scale S1 * S2."""
    return integer_bias(stage.bias, f64(stage.input_scale) * f64(stage.weight_scale))


@rule("XNNPACK", "google/XNNPACK, src/operators/convolution-nhwc.c, and its microkernels with fp32 requantization")
def xnnpack(stage: OutputStage) -> Output:
    """rint(f32(acc + bias) * M) + Z_out, clamped, with an int32 bias and M = f32(f32(S1 * S2) / S3)."""
    with_bias = _bias(stage)
    M = f32(stage.input_scale) * f32(stage.weight_scale) / f32(stage.output_scale)
    return lambda acc: stage.clamp(torch.round(with_bias(acc).to(torch.float32) * M) + stage.output_zero_point)


@rule("float64", "LiteRT, kernels/internal/reference/integer_ops/fully_connected.h: requant in float")
def float64(stage: OutputStage) -> Output:
    """round((acc + bias) * M) + Z_out, clamped, in float64, with ties away from zero and an int32 bias.

    The product saturates to int32; the signed zero-point is then added in int32, which may wrap around.
    """
    with_bias, M = _bias(stage), f64(stage.input_scale) * f64(stage.weight_scale) / f64(stage.output_scale)

    def output(acc: Tensor) -> Tensor:
        product = half_away(with_bias(acc).to(torch.float64) * M).clamp(-(2**31), 2**31 - 1).to(torch.int64)
        signed = (product + stage.output_zero_point - SIGNED).to(torch.int32)
        return stage.clamp(signed.to(torch.int64) + SIGNED)

    return output


@rule(
    "fixed point, rounded twice, ties up, M from f32(S1 * S2)",
    "LiteRT, kernels/kernel_util.cc, GetQuantizedConvolutionMultipler",
)
def ties_up_of_product(stage: OutputStage) -> Output:
    """`rules.double_rounding_ties_up` with M = f32(S1 * S2) / S3; the bias keeps the scale S1 * S2."""
    with_bias, product = _bias(stage), f32(stage.input_scale) * f32(stage.weight_scale)
    output = rules.double_rounding_ties_up(replace(stage, input_scale=1.0, weight_scale=product, bias=None))
    return lambda acc: output(with_bias(acc))


@rule(
    "fixed point, rounded twice, ties up in eights of channels",
    "LiteRT, kernels/internal/optimized/optimized_ops.h, Quantize",
)
def ties_up_in_eights(stage: OutputStage) -> Output:
    """8 channels at a time with ties up; the channels left over, fewer than 8, with ties away from zero."""
    up, away = rules.double_rounding_ties_up(stage), rules.double_rounding(stage)

    def output(acc: Tensor) -> Tensor:
        eights = acc.shape[-1] // 8 * 8
        return torch.cat([up(acc)[..., :eights], away(acc)[..., eights:]], dim=-1)

    return output


def arithmetic(engine: str, layer: Layer, cpu: Cpu) -> Arithmetic:
    """What the engine computes for a layer. From AVX2 on all CPUs of x86 give the same."""
    image = layer.kind == "conv2d"
    if engine == "litert":
        return Arithmetic(quantize, Layer.accumulator, _on_file(xnnpack))
    if engine == "litert-reference":
        return Arithmetic(
            quantize_by_division, Layer.accumulator, _on_file(rules.double_rounding if image else float64)
        )
    return Arithmetic(partial(quantize_in_eights, image=image), Layer.accumulator, _on_file(_optimized(layer)))


def _optimized(layer: Layer) -> Rule:
    if layer.kind == "linear":
        return rules.double_rounding_ties_up if layer.per_channel else ties_up_of_product
    if depthwise(layer):
        return ties_up_in_eights
    # Groups have no optimized kernel: the reference computes them.
    return rules.double_rounding_ties_up if layer.groups == 1 else rules.double_rounding
