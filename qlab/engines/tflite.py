"""A layer as a TensorFlow Lite file, the format that LiteRT runs: quantize, pad if needed, then the layer."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import checked_window
from qlab.arithmetic.output_stage import OutputStageParams, f32, f64, integer_bias
from qlab.arithmetic.validation import integer_pair
from qlab.engines.layer import Layer

# LiteRT's activations are signed: the same codes and zero-points, lower by 128.
SIGNED = 128


def model(layer: Layer, shape: tuple[int, ...]) -> bytes:
    """The content of a LiteRT file with one layer: float32 of the given shape in, channels last; int8 codes out."""
    file, layer = File(), replace(layer, **float32_scales(layer))
    x = file.tensor(shape, "FLOAT32")
    q_x = file.activation(shape, layer.input_scale, layer.input_zero_point)
    file.operator("QUANTIZE", 1, [x], q_x, "QuantizeOptions")
    if any(integer_pair(layer.padding, "padding", 0)):
        q_x, shape = _padded(file, layer, q_x, shape)
    return file.finish([x], _layer(file, layer, q_x, shape))


def float32_scales(layer: Layer | OutputStageParams) -> dict[str, Any]:
    """The scales as a file stores them, rounded to float32; LiteRT computes from these."""
    return {
        "input_scale": f32(layer.input_scale).item(),
        "weight_scale": f32(layer.weight_scale),
        "output_scale": f32(layer.output_scale).item(),
    }


def _padded(file: "File", layer: Layer, q_x: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Put a PAD operator in front, which pads with the zero-point: LiteRT's convolutions only know SAME and VALID."""
    pad_y, pad_x = integer_pair(layer.padding, "padding", 0)
    before_and_after = torch.tensor([[0, 0], [pad_y] * 2, [pad_x] * 2, [0, 0]], dtype=torch.int32)
    batch, height, width, channels = shape
    larger = (batch, height + 2 * pad_y, width + 2 * pad_x, channels)
    padded = file.activation(larger, layer.input_scale, layer.input_zero_point)
    file.operator("PAD", 2, [q_x, file.tensor((4, 2), "INT32", before_and_after)], padded, "PadOptions")
    return padded, larger


def _layer(file: "File", layer: Layer, q_x: int, shape: tuple[int, ...]) -> int:
    """Add the layer's own operator; returns the tensor that it writes."""
    constants = [q_x, file.weights(layer), file.bias(layer)]
    q_out = file.activation(_output_shape(layer, shape), layer.output_scale, layer.output_zero_point)
    activation = file.constant("ActivationFunctionType", "RELU" if layer.relu else "NONE")
    if layer.kind == "linear":
        options = {"fusedActivationFunction": activation}
        return file.operator("FULLY_CONNECTED", 4, constants, q_out, "FullyConnectedOptions", **options)
    (stride_y, stride_x), _, (dilation_y, dilation_x) = checked_window(layer.stride, layer.padding, layer.dilation)
    options = {
        "fusedActivationFunction": activation,
        "padding": file.constant("Padding", "VALID"),
        "strideH": stride_y,
        "strideW": stride_x,
        "dilationHFactor": dilation_y,
        "dilationWFactor": dilation_x,
    }
    if not depthwise(layer):
        return file.operator("CONV_2D", 3, constants, q_out, "Conv2DOptions", **options)
    options["depthMultiplier"] = layer.weights.shape[0] // layer.groups
    return file.operator("DEPTHWISE_CONV_2D", 3, constants, q_out, "DepthwiseConv2DOptions", **options)


def _output_shape(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    if layer.kind == "linear":
        return shape[0], layer.weights.shape[0]
    stride, _, dilation = checked_window(layer.stride, layer.padding, layer.dilation)
    axes = zip(shape[1:3], layer.weights.shape[2:], stride, dilation, strict=True)
    height, width = ((size - spread * (kernel - 1) - 1) // step + 1 for size, kernel, step, spread in axes)
    return shape[0], height, width, layer.weights.shape[0]


def depthwise(layer: Layer) -> bool:
    """Whether each output channel has one input channel; LiteRT has a separate operator for that."""
    return layer.groups > 1 and layer.weights.shape[1] == 1


class File:
    """A model with one graph, built tensor by tensor; a tensor is identified by its index."""

    def __init__(self) -> None:
        self.schema: Any = import_module("ai_edge_litert.schema_py_generated")
        self.model, self.graph = self.schema.ModelT(), self.schema.SubGraphT()
        self.model.version, self.model.subgraphs, self.model.operatorCodes = 3, [self.graph], []
        self.model.buffers = [self.schema.BufferT()]  # buffer 0 is for tensors without data
        self.graph.tensors, self.graph.operators = [], []

    def constant(self, group: str, name: str) -> int:
        """The value of a named constant in LiteRT's schema."""
        number: int = getattr(getattr(self.schema, group), name)
        return number

    def tensor(self, shape: tuple[int, ...], dtype: str, data: Tensor | None = None, **quantization: Any) -> int:
        """Add a tensor, with data if it is constant; `quantization` holds fields of QuantizationParametersT."""
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
        """Add a tensor of activation codes."""
        return self.tensor(shape, "INT8", scale=[scale], zeroPoint=[zero_point - SIGNED])

    def weights(self, layer: Layer) -> int:
        """Add the weights, input channels last; for a depthwise convolution output channels last."""
        order = (0, 1) if layer.kind == "linear" else (1, 2, 3, 0) if depthwise(layer) else (0, 2, 3, 1)
        scale = torch.as_tensor(layer.weight_scale).reshape(-1).tolist()
        data, channels = layer.weights.permute(order), order.index(0)
        return self.tensor(
            tuple(data.shape), "INT8", data, scale=scale, zeroPoint=[0] * len(scale), quantizedDimension=channels
        )

    def bias(self, layer: Layer) -> int:
        """Add the bias; zeros if there is none, because the convolution kernels read one in any case."""
        out = layer.weights.shape[0]
        accumulator_scale = f64(layer.input_scale) * f64(layer.weight_scale)
        codes = integer_bias(layer.bias, accumulator_scale)(torch.zeros(out, dtype=torch.int64)).to(torch.int32)
        scale = accumulator_scale.reshape(-1).tolist()
        return self.tensor((out,), "INT32", codes, scale=scale, zeroPoint=[0] * len(scale))

    def operator(self, name: str, version: int, inputs: list[int], output: int, options: str, **settings: int) -> int:
        """Append an operator; returns its output."""
        code, operator = self.schema.OperatorCodeT(), self.schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = self.constant("BuiltinOperator", name)
        code.version = version
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes), inputs, [output]
        if options:
            operator.builtinOptionsType = self.constant("BuiltinOptions", options)
            operator.builtinOptions = _set(getattr(self.schema, f"{options}T")(), settings)
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)
        return output

    def finish(self, inputs: list[int], output: int) -> bytes:
        """The file's content."""
        self.graph.inputs, self.graph.outputs = inputs, [output]
        builder = import_module("flatbuffers").Builder()
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _set(target: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        setattr(target, name, value)
    return target
