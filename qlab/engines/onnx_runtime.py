"""onnxruntime on the CPU: QuantizeLinear, then QGemm or QLinearConv, then Clip if there is a ReLU.

The arithmetic was measured with onnxruntime 1.31.1.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import checked_window
from qlab.arithmetic.output_stage import OutputStageParams, Requantizer, f32, f64, integer_bias, stage
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.reference import Reference
from qlab.engines.saturation import saturating_accumulator

ENGINE_NAMES = ("onnxruntime",)
INSTALL_HINT = "pip install onnx onnxruntime"
REQUIREMENTS = ("onnxruntime", "onnx")

# Old versions on purpose: a new onnxruntime reads old files, but an old one does not read new files.
IR_VERSION, OPERATOR_SET = 8, 13


def available() -> list[str]:
    """The engine, if the packages that write and run its models are installed."""
    return list(ENGINE_NAMES) if all(find_spec(package) for package in REQUIREMENTS) else []


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """Output codes of the engine's own kernels, uint8, output channels last.

    Raises:
        ValueError: the engine refuses the layer.
    """
    rows = x.reshape(-1, x.shape[-1]) if layer.kind == "linear" else x
    try:
        codes = _infer(model(layer), rows.detach().to(torch.float32))
    except Exception as refusal:  # onnxruntime's errors have no common base class
        raise ValueError(f"{engine} refuses this layer: {refusal}") from refusal
    return codes.reshape(*x.shape[:-1], codes.shape[-1]) if layer.kind == "linear" else codes.permute(0, 2, 3, 1)


def _infer(content: bytes, x: Tensor) -> Tensor:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the layers of a lab are so small that starting threads takes longer
    options.log_severity_level = 4  # errors are raised anyway, and a cell that prints to stderr loses marks
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"x": x.numpy()})[0])


# The model ------------------------------------------------------------------------------------------------------------


def model(layer: Layer) -> bytes:
    """The content of an ONNX file with one layer: float32 `x` in, uint8 codes out."""
    onnx = import_module("onnx")
    nodes = [onnx.helper.make_node("QuantizeLinear", ["x", "S1", "Z1"], ["q1"]), _operator(layer)]
    if layer.relu:
        nodes.append(onnx.helper.make_node("Clip", ["q3", "Z3"], ["relu"]))
    dimensions = ["rows", "in"] if layer.kind == "linear" else ["batch", "in", "height", "width"]
    graph = onnx.helper.make_graph(
        nodes,
        "layer",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, dimensions)],
        [onnx.helper.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.UINT8, None)],
        [onnx.numpy_helper.from_array(values.numpy(), name) for name, values in _constants(layer).items()],
    )
    sets = [onnx.helper.make_opsetid("", OPERATOR_SET), onnx.helper.make_opsetid("com.microsoft", 1)]
    content: bytes = onnx.helper.make_model(graph, opset_imports=sets, ir_version=IR_VERSION).SerializeToString()
    return content


def _operator(layer: Layer) -> Any:
    make_node = import_module("onnx").helper.make_node
    x, w, out, bias = ["q1", "S1", "Z1"], ["q2", "S2", "Z2"], ["S3", "Z3"], ["bias"] * (layer.bias is not None)
    if layer.kind == "linear":
        # QLinearMatMul of standard ONNX has no bias. QGemm is what onnxruntime turns a quantized Gemm into.
        return make_node("QGemm", [*x, *w, *(bias or [""]), *out], ["q3"], domain="com.microsoft")
    stride, padding, dilation = checked_window(layer.stride, layer.padding, layer.dilation)
    window = {"strides": stride, "pads": padding * 2, "dilations": dilation}
    return make_node("QLinearConv", [*x, *w, *out, *bias], ["q3"], group=layer.groups, **window)


def _constants(layer: Layer) -> dict[str, Tensor]:
    constants = {
        "S1": f32(layer.input_scale),
        "Z1": torch.tensor(layer.input_zero_point, dtype=torch.uint8),
        "q2": layer.weights.T.contiguous() if layer.kind == "linear" else layer.weights,
        "S2": f32(layer.weight_scale),
        "Z2": torch.zeros_like(f32(layer.weight_scale), dtype=torch.int8),
        "S3": f32(layer.output_scale),
        "Z3": torch.tensor(layer.output_zero_point, dtype=torch.uint8),
    }
    if layer.bias is not None:
        add = integer_bias(layer.bias, f64(layer.input_scale) * f64(layer.weight_scale))
        constants["bias"] = add(torch.zeros(len(layer.bias), dtype=torch.int64)).to(torch.int32)
    return constants


# The reference implementation -----------------------------------------------------------------------------------------


def quantize(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """How onnxruntime quantizes the input: clamp(rint(x / scale) + zero_point).

    Source: microsoft/onnxruntime, onnxruntime/core/mlas/lib/quantize.cpp, `MlasQuantizeLinear`.
    """
    return (torch.round(x / f32(scale)) + zero_point).clamp(0, 255).to(torch.uint8)


@stage("onnxruntime", "microsoft/onnxruntime, onnxruntime/core/mlas/lib/quantize.cpp, MlasRequantizeOutput")
def onnxruntime_stage(params: OutputStageParams) -> Requantizer:
    """rint(f32(acc + bias) * M) + Z_out, clamped, with an int32 bias and M = f32(f32(S1 * S2) / S3)."""
    with_bias = integer_bias(params.bias, f64(params.input_scale) * f64(params.weight_scale))
    M = f32(params.input_scale) * f32(params.weight_scale) / f32(params.output_scale)
    return lambda acc: params.clamp(with_bias(acc).to(torch.float32).mul_(M).round_().add_(params.output_zero_point))


def reference_for(engine: str, layer: Layer, cpu: Cpu) -> Reference:
    """The engine's reference implementation for a layer on a CPU. An x86 CPU is assumed to have AVX2."""
    exact = not cpu.x86 or cpu.vnni or _one_by_one(layer)
    return Reference(quantize, Layer.accumulator if exact else saturating_accumulator, onnxruntime_stage)


def _one_by_one(layer: Layer) -> bool:
    """Whether each group has one input and one output channel: those kernels widen to 32 bits before they multiply."""
    return layer.kind == "conv2d" and layer.weights.shape[:2] == (layer.groups, 1)
