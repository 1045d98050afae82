"""LiteRT (TensorFlow Lite) with its three sets of kernels: XNNPACK, its own optimized ones, and its reference ones.

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

from qlab.arithmetic import output_stage
from qlab.arithmetic.output_stage import OutputStage, OutputStageParams, Requantizer, f32, f64, integer_bias, stage
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.reference import Reference
from qlab.engines.tflite import SIGNED, depthwise, float32_scales, model

# Each engine here is one set of kernels; an interpreter gets them from its "op resolver".
RESOLVERS = {
    "litert": "BUILTIN",
    "litert-optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "litert-reference": "BUILTIN_REF",
}
ENGINE_NAMES = tuple(RESOLVERS)
INSTALL_HINT = "pip install ai-edge-litert"
REQUIREMENTS = ("ai_edge_litert", "flatbuffers")


def available() -> list[str]:
    """The three engines, if the packages that write and run LiteRT models are installed."""
    return list(ENGINE_NAMES) if all(find_spec(package) for package in REQUIREMENTS) else []


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """Output codes of the engine's own kernels, uint8, output channels last.

    Raises:
        ValueError: the engine does not support the layer.
    """
    _check(engine, layer)
    rows = x.reshape(-1, x.shape[-1]) if layer.kind == "linear" else x.permute(0, 2, 3, 1)
    try:
        signed = _interpret(model(layer, tuple(rows.shape)), RESOLVERS[engine], rows)
    except RuntimeError as refusal:
        raise ValueError(f"{engine} refuses this layer: {refusal}") from refusal
    codes = signed.view(torch.uint8) ^ SIGNED
    return codes.reshape(*x.shape[:-1], codes.shape[-1]) if layer.kind == "linear" else codes


def _check(engine: str, layer: Layer) -> None:
    """ValueError where the engine would silently compute something else, or crash the process."""
    accumulator_scale = f32(layer.input_scale) * f32(layer.weight_scale)
    scales = [f32(layer.input_scale), f32(layer.weight_scale), f32(layer.output_scale), accumulator_scale]
    tiny = torch.finfo(torch.float32).tiny
    if any(bool((scale < tiny).any()) for scale in scales):
        raise ValueError(f"{engine} needs S1, S2, S3 and S1 * S2 of {tiny:.3g} or more: float32's normal numbers.")
    if engine == "litert" and bool((accumulator_scale / f32(layer.output_scale) >= 256).any()):
        raise ValueError("litert takes no M = S1 * S2 / S3 of 256 or more: XNNPACK refuses it.")


def _interpret(content: bytes, resolver: str, x: Tensor) -> Tensor:
    litert = import_module("ai_edge_litert.interpreter")
    with silent():
        interpreter = litert.Interpreter(
            model_content=content,
            experimental_op_resolver_type=litert.OpResolverType[resolver],
            num_threads=1,  # the layers of a lab are so small that starting threads takes longer
        )
        interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], x.detach().to(torch.float32).contiguous().numpy()
    )
    interpreter.invoke()
    return torch.from_numpy(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


@contextmanager
def silent() -> Iterator[None]:
    """Suppress LiteRT's message about XNNPACK on stderr: a cell that prints to stderr loses marks.

    LiteRT writes it from C++, so the file descriptor itself has to be redirected.
    """
    before, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(devnull)


# The reference implementation -----------------------------------------------------------------------------------------


def half_away(x: Tensor) -> Tensor:
    """Rounded to integers, ties away from zero, as C's round does."""
    whole = x.trunc()
    return whole + x.sign() * ((x - whole).abs() >= 0.5)


def quantize(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """How XNNPACK quantizes the input: clamp(rint(x * f32(1/scale)) + zero_point).

    Source: google/XNNPACK, src/f32-qs8-vcvt.
    """
    return (torch.round(x * (1 / f32(scale))) + zero_point).clamp(0, 255).to(torch.uint8)


def quantize_by_division(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """How the reference kernels quantize: clamp(round(x / scale) + zero_point), ties away from zero.

    It needs |x / scale| < 2**31.

    Source: LiteRT, kernels/internal/reference/quantize.h, `AffineQuantize`.
    """
    return (half_away(x / f32(scale).to(x.dtype)) + zero_point).clamp(0, 255).to(torch.uint8)


def quantize_in_eights(x: Tensor, scale: float, zero_point: int, *, image: bool) -> Tensor:
    """How the optimized kernels quantize: 8 numbers at a time as XNNPACK does, the remaining ones by float64 division.

    Args:
        x, scale, zero_point: |x / scale| < 2**31.
        image: whether x is (batch, channels, height, width). In LiteRT the channels come last, which decides which
            numbers remain.

    Source: LiteRT, kernels/internal/optimized/optimized_ops.h, `AffineQuantize`.
    """
    channels_last = x.permute(0, 2, 3, 1) if image else x
    flat, bulk = channels_last.flatten(), x.numel() // 8 * 8
    first, rest = quantize(flat[:bulk], scale, zero_point), flat[bulk:].double()
    codes = torch.cat([first, quantize_by_division(rest, scale, zero_point)]).reshape(channels_last.shape)
    return codes.permute(0, 3, 1, 2) if image else codes


def _with_file_scales(original: OutputStage) -> OutputStage:
    """The output stage, built from the scales as a model file stores them."""
    return OutputStage(
        original.name, original.source, lambda params: original(replace(params, **float32_scales(params)))
    )


def _bias(params: OutputStageParams) -> Callable[[Tensor], Tensor]:
    """Adds the int32 bias of scale S1 * S2."""
    return integer_bias(params.bias, f64(params.input_scale) * f64(params.weight_scale))


@stage("XNNPACK", "google/XNNPACK, src/operators/convolution-nhwc.c, and its microkernels with fp32 requantization")
def xnnpack(params: OutputStageParams) -> Requantizer:
    """rint(f32(acc + bias) * M) + Z_out, clamped, with an int32 bias and M = f32(f32(S1 * S2) / S3)."""
    with_bias = _bias(params)
    M = f32(params.input_scale) * f32(params.weight_scale) / f32(params.output_scale)
    return lambda acc: params.clamp(torch.round(with_bias(acc).to(torch.float32) * M) + params.output_zero_point)


@stage("float64", "LiteRT, kernels/internal/reference/integer_ops/fully_connected.h: requant in float")
def float64(params: OutputStageParams) -> Requantizer:
    """round((acc + bias) * M) + Z_out, clamped, in float64, with ties away from zero and an int32 bias.

    The product saturates to int32; the signed zero-point is then added in int32, which may wrap around.
    """
    with_bias, M = _bias(params), f64(params.input_scale) * f64(params.weight_scale) / f64(params.output_scale)

    def output(acc: Tensor) -> Tensor:
        product = half_away(with_bias(acc).to(torch.float64) * M).clamp(-(2**31), 2**31 - 1).to(torch.int64)
        signed = (product + params.output_zero_point - SIGNED).to(torch.int32)
        return params.clamp(signed.to(torch.int64) + SIGNED)

    return output


@stage(
    "fixed point, rounded twice, ties up, M from f32(S1 * S2)",
    "LiteRT, kernels/kernel_util.cc, GetQuantizedConvolutionMultipler",
)
def ties_up_of_product(params: OutputStageParams) -> Requantizer:
    """`double_rounding_ties_up` with M = f32(S1 * S2) / S3.

    The bias was quantized with S1 * S2 when the model was written, so it does not see that rounding.
    """
    with_bias, product = _bias(params), f32(params.input_scale) * f32(params.weight_scale)
    output = output_stage.double_rounding_ties_up(replace(params, input_scale=1.0, weight_scale=product, bias=None))
    return lambda acc: output(with_bias(acc))


@stage(
    "fixed point, rounded twice, ties up in eights of channels",
    "LiteRT, kernels/internal/optimized/optimized_ops.h, Quantize",
)
def ties_up_in_eights(params: OutputStageParams) -> Requantizer:
    """The vector code rounds ties up, 8 channels at a time; the remaining channels get ties away from zero."""
    up, away = output_stage.double_rounding_ties_up(params), output_stage.double_rounding(params)

    def output(acc: Tensor) -> Tensor:
        bulk = acc.shape[-1] // 8 * 8
        return torch.cat([up(acc)[..., :bulk], away(acc)[..., bulk:]], dim=-1)

    return output


def reference_for(engine: str, layer: Layer, cpu: Cpu) -> Reference:
    """The engine's reference implementation for a layer. All x86 CPUs with AVX2 or more compute the same."""
    image = layer.kind == "conv2d"
    if engine == "litert":
        return Reference(quantize, Layer.accumulator, _with_file_scales(xnnpack))
    if engine == "litert-reference":
        return Reference(
            quantize_by_division,
            Layer.accumulator,
            _with_file_scales(output_stage.double_rounding if image else float64),
        )
    return Reference(partial(quantize_in_eights, image=image), Layer.accumulator, _with_file_scales(_optimized(layer)))


def _optimized(layer: Layer) -> OutputStage:
    if layer.kind == "linear":
        # A file does not tell one scale per channel from one per tensor where there is one channel.
        several = layer.per_channel and len(layer.weights) > 1
        return output_stage.double_rounding_ties_up if several else ties_up_of_product
    if depthwise(layer):
        return ties_up_in_eights
    # There is no optimized kernel for grouped convolutions: LiteRT falls back on the reference kernel.
    return output_stage.double_rounding_ties_up if layer.groups == 1 else output_stage.double_rounding
