"""onnxruntime's CPU kernels: QuantizeLinear, then QGemm or QLinearConv, with ReLU as a Clip behind."""

from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from qlab.engines.arithmetic import Arithmetic
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.rules import Output, OutputStage, f32, f64, integer_bias, rule

NAMES = ("onnxruntime",)
HOW = 'pip install "qlab[engines]"'
NEEDS = ("onnxruntime", "onnx")


def available() -> list[str]:
    """The engine, if the packages that build and run its models are installed."""
    return list(NAMES) if all(find_spec(package) for package in NEEDS) else []


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """Output codes of the engine's own kernels, from float32 on: uint8, output channels last."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a layer of a lab is smaller than what threads cost
    session = onnxruntime.InferenceSession(model(layer), options, providers=["CPUExecutionProvider"])
    rows = x.reshape(-1, x.shape[-1]) if layer.kind == "linear" else x
    (output,) = session.run(None, {"x": rows.to(torch.float32).numpy()})
    codes = torch.from_numpy(output)
    return codes.reshape(*x.shape[:-1], codes.shape[-1]) if layer.kind == "linear" else codes.permute(0, 2, 3, 1)


# The model ------------------------------------------------------------------------------------------------------------


def model(layer: Layer) -> bytes:
    """A layer as an ONNX file: float32 `x` in, uint8 codes out."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s_x", "z_x"], ["q_x"]),
        _gemm(layer) if layer.kind == "linear" else _conv(layer),
        *([helper.make_node("Clip", ["q", "z_out"], ["q_relu"])] if layer.relu else []),
    ]
    batch = ["rows"] if layer.kind == "linear" else ["batch", "in", "height", "width"]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", "in"] if layer.kind == "linear" else batch)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.UINT8, None)],
        [numpy_helper.from_array(tensor.numpy(), name) for name, tensor in _constants(layer).items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def _constants(layer: Layer) -> dict[str, Tensor]:
    constants = {
        "s_x": f32(layer.input_scale),
        "z_x": torch.tensor(layer.input_zero_point, dtype=torch.uint8),
        "w": layer.weights.T.contiguous() if layer.kind == "linear" else layer.weights,
        "s_w": f32(layer.weight_scale),
        "z_w": torch.zeros_like(torch.as_tensor(layer.weight_scale), dtype=torch.int8),
        "s_out": f32(layer.output_scale),
        "z_out": torch.tensor(layer.output_zero_point, dtype=torch.uint8),
    }
    if layer.bias is not None:
        scale = f64(layer.input_scale) * f64(layer.weight_scale)
        constants["bias"] = torch.round(layer.bias.double() / scale).to(torch.int32)
    return constants


def _gemm(layer: Layer) -> Any:
    from onnx import helper

    bias = "" if layer.bias is None else "bias"
    inputs = ["q_x", "s_x", "z_x", "w", "s_w", "z_w", bias, "s_out", "z_out"]
    return helper.make_node("QGemm", inputs, ["q"], domain="com.microsoft")


def _conv(layer: Layer) -> Any:
    from onnx import helper

    bias = [] if layer.bias is None else ["bias"]
    inputs = ["q_x", "s_x", "z_x", "w", "s_w", "z_w", "s_out", "z_out", *bias]
    return helper.make_node(
        "QLinearConv",
        inputs,
        ["q"],
        strides=[layer.stride] * 2,
        pads=[layer.padding] * 4,
        dilations=[layer.dilation] * 2,
        group=layer.groups,
    )


# The same in integers -------------------------------------------------------------------------------------------------


def first_arrow(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """clamp(rint(x / f32(scale)) + zero_point)."""
    return (torch.round(x / f32(scale)) + zero_point).clamp(0, 255).to(torch.uint8)


@rule("onnxruntime", "microsoft/onnxruntime, onnxruntime/core/mlas/lib/quantize.cpp, MlasRequantizeOutput")
def onnxruntime_rule(stage: OutputStage) -> Output:
    """rint(f32(acc + bias) * M) + Z_out, clamped, with an int32 bias and M = f32(f32(S1 * S2) / S3)."""
    with_bias = integer_bias(stage.bias, f64(stage.input_scale) * f64(stage.weight_scale))
    M = f32(stage.input_scale) * f32(stage.weight_scale) / f32(stage.output_scale)
    return lambda acc: stage.clamp(torch.round(with_bias(acc).to(torch.float32) * M) + stage.output_zero_point)


def arithmetic(engine: str, layer: Layer, cpu: Cpu) -> Arithmetic:
    """What the engine computes for a layer on a CPU."""
    return Arithmetic(first_arrow, Layer.accumulator, onnxruntime_rule)
