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
from typing import Any

import torch
from torch import Tensor

from qlab import rules
from qlab.engines.arithmetic import Arithmetic
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.rules import Output, OutputStage, Rule, f32, f64, integer_bias, rule

# An engine is the set of kernels that an interpreter is given: its "op resolver".
RESOLVERS = {
    "litert": "BUILTIN",
    "litert-optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "litert-reference": "BUILTIN_REF",
}
NAMES = tuple(RESOLVERS)
HOW = 'pip install "qlab[engines]"'
NEEDS = ("ai_edge_litert", "flatbuffers")

# LiteRT's activations are signed bytes: the same codes and zero-points, 128 lower.
SIGNED = 128


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


# The model ------------------------------------------------------------------------------------------------------------


def model(layer: Layer, shape: tuple[int, ...]) -> bytes:
    """A layer as a LiteRT file: float32 of the given shape in, channels last; int8 codes out."""
    file, layer = _File(), replace(layer, **_float32_scales(layer))
    x = file.tensor(shape, "FLOAT32")
    q_x = file.activation(shape, layer.input_scale, layer.input_zero_point)
    file.operator("QUANTIZE", 1, [x], q_x, "QuantizeOptions")
    if layer.padding:
        q_x, shape = _padded(file, layer, q_x, shape)
    return file.finish(x, _layer(file, layer, q_x, shape))


def _float32_scales(what: Layer | OutputStage) -> dict[str, Any]:
    """The scales as a file holds them: what LiteRT computes from is rounded to float32."""
    return {
        "input_scale": f32(what.input_scale).item(),
        "weight_scale": f32(what.weight_scale),
        "output_scale": f32(what.output_scale).item(),
    }


def _padded(file: "_File", layer: Layer, q_x: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """A PAD in front, which pads with the zero-point: convolutions know no padding in numbers, only SAME and VALID."""
    before_and_after = torch.tensor([[0, 0], [layer.padding] * 2, [layer.padding] * 2, [0, 0]], dtype=torch.int32)
    batch, height, width, channels = shape
    larger = (batch, height + 2 * layer.padding, width + 2 * layer.padding, channels)
    padded = file.activation(larger, layer.input_scale, layer.input_zero_point)
    file.operator("PAD", 2, [q_x, file.tensor((4, 2), "INT32", before_and_after)], padded, "PadOptions")
    return padded, larger


def _layer(file: "_File", layer: Layer, q_x: int, shape: tuple[int, ...]) -> int:
    """The layer's own operator; the tensor that it writes."""
    constants = [q_x, file.weights(layer), file.bias(layer)]
    q_out = file.activation(_output_shape(layer, shape), layer.output_scale, layer.output_zero_point)
    activation = file.constant("ActivationFunctionType", "RELU" if layer.relu else "NONE")
    if layer.kind == "linear":
        options = {"fusedActivationFunction": activation}
        return file.operator("FULLY_CONNECTED", 4, constants, q_out, "FullyConnectedOptions", **options)
    options = {
        "fusedActivationFunction": activation,
        "padding": file.constant("Padding", "VALID"),
        "strideH": layer.stride,
        "strideW": layer.stride,
        "dilationHFactor": layer.dilation,
        "dilationWFactor": layer.dilation,
    }
    if not _depthwise(layer):
        return file.operator("CONV_2D", 3, constants, q_out, "Conv2DOptions", **options)
    options["depthMultiplier"] = layer.weights.shape[0] // layer.groups
    return file.operator("DEPTHWISE_CONV_2D", 3, constants, q_out, "DepthwiseConv2DOptions", **options)


def _output_shape(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    if layer.kind == "linear":
        return shape[0], layer.weights.shape[0]
    reach = [layer.dilation * (size - 1) for size in layer.weights.shape[2:]]
    height, width = ((size - r - 1) // layer.stride + 1 for size, r in zip(shape[1:3], reach, strict=True))
    return shape[0], height, width, layer.weights.shape[0]


def _depthwise(layer: Layer) -> bool:
    """Whether each output channel has one input channel, which is an operator of its own in LiteRT."""
    return layer.groups > 1 and layer.weights.shape[1] == 1


class _File:
    """A model with one graph, put together tensor by tensor; a tensor is known by its place."""

    def __init__(self) -> None:
        self.schema: Any = import_module("ai_edge_litert.schema_py_generated")
        self.model, self.graph = self.schema.ModelT(), self.schema.SubGraphT()
        self.model.version, self.model.subgraphs, self.model.operatorCodes = 3, [self.graph], []
        self.model.buffers = [self.schema.BufferT()]  # the first one is for tensors without data
        self.graph.tensors, self.graph.operators = [], []

    def constant(self, group: str, name: str) -> int:
        """A named number of LiteRT's schema."""
        number: int = getattr(getattr(self.schema, group), name)
        return number

    def tensor(self, shape: tuple[int, ...], dtype: str, data: Tensor | None = None, **quantization: Any) -> int:
        """A tensor, with data if it is constant; quantization as QuantizationParametersT has it."""
        tensor = self.schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), self.constant("TensorType", dtype), 0
        tensor.name = f"tensor{len(self.graph.tensors)}"
        if data is not None:
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(self.schema.BufferT())
            self.model.buffers[-1].data = data.contiguous().flatten().view(torch.uint8).numpy()
        if quantization:
            tensor.quantization = _set(self.schema.QuantizationParametersT(), quantization)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def activation(self, shape: tuple[int, ...], scale: float, zero_point: int) -> int:
        """A tensor of codes."""
        return self.tensor(shape, "INT8", scale=[scale], zeroPoint=[zero_point - SIGNED])

    def weights(self, layer: Layer) -> int:
        """The weights, input channels last; of a depthwise convolution output channels last."""
        order = (0, 1) if layer.kind == "linear" else (1, 2, 3, 0) if _depthwise(layer) else (0, 2, 3, 1)
        scale = torch.as_tensor(layer.weight_scale).reshape(-1).tolist()
        data, channels = layer.weights.permute(order), order.index(0)
        return self.tensor(
            tuple(data.shape), "INT8", data, scale=scale, zeroPoint=[0] * len(scale), quantizedDimension=channels
        )

    def bias(self, layer: Layer) -> int:
        """The bias; zeros where there is none, because the convolutions' kernels read one in any case."""
        out = layer.weights.shape[0]
        accumulator_scale = f64(layer.input_scale) * f64(layer.weight_scale)
        codes = integer_bias(layer.bias, accumulator_scale)(torch.zeros(out, dtype=torch.int64)).to(torch.int32)
        scale = accumulator_scale.reshape(-1).tolist()
        return self.tensor((out,), "INT32", codes, scale=scale, zeroPoint=[0] * len(scale))

    def operator(self, name: str, version: int, inputs: list[int], output: int, options: str, **settings: int) -> int:
        """An operator behind the ones so far; its output."""
        code, operator = self.schema.OperatorCodeT(), self.schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = self.constant("BuiltinOperator", name)
        code.version = version
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes), inputs, [output]
        operator.builtinOptionsType = self.constant("BuiltinOptions", options)
        operator.builtinOptions = _set(getattr(self.schema, f"{options}T")(), settings)
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)
        return output

    def finish(self, input: int, output: int) -> bytes:
        """The file's content."""
        self.graph.inputs, self.graph.outputs = [input], [output]
        builder = import_module("flatbuffers").Builder()
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _set(target: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        setattr(target, name, value)
    return target


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
    return Rule(found.name, found.source, lambda stage: found(replace(stage, **_float32_scales(stage))))


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

    A product beyond int32 is cast to int32 all the same, which C leaves undefined: that is not modelled.
    """
    with_bias, M = _bias(stage), f64(stage.input_scale) * f64(stage.weight_scale) / f64(stage.output_scale)
    return lambda acc: stage.clamp(half_away(with_bias(acc).to(torch.float64) * M) + stage.output_zero_point)


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
    if _depthwise(layer):
        return ties_up_in_eights
    # Groups have no optimized kernel: the reference computes them.
    return rules.double_rounding_ties_up if layer.groups == 1 else rules.double_rounding
