"""The operations beside layers in onnxruntime: models with one operator, and the rule that reproduces each.

The arithmetic was measured with onnxruntime 1.31.1.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from qlab.arithmetic.elementwise import ClampRule, ElementwiseRule, float32_rescale, product, rule
from qlab.arithmetic.operations import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Clamp,
    Concatenate,
    Flatten,
    MaxPool2d,
    Mul,
    Operation,
    ReLU,
    Rule,
    output_grid,
)
from qlab.arithmetic.output_stage import f32, fused_multiply_add
from qlab.arithmetic.pooling import PoolingRule, Windows, maximum, real_sums
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor
from qlab.arithmetic.validation import integer_pair
from qlab.engines.cpu import Cpu
from qlab.engines.onnx_runtime import IR_VERSION, OPERATOR_SET

MICROSOFT = "com.microsoft"


def run(
    engine: str, operation: Operation, inputs: Sequence[QuantizedTensor], *, channels_last: bool
) -> QuantizedTensor:
    """The output of onnxruntime's own kernel.

    Raises:
        ValueError: onnxruntime does not offer the operation.
    """
    _refuse(operation)
    out = output_grid(operation, inputs[0])
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = onnxruntime.InferenceSession(
            _model(operation, inputs, out), options, providers=["CPUExecutionProvider"]
        )
        (codes,) = session.run(None, {f"x{i}": x.codes.contiguous().numpy() for i, x in enumerate(inputs)})
    except Exception as refusal:  # onnxruntime's errors have no common base class
        raise ValueError(f"{engine} refuses this operation: {refusal}") from refusal
    return out.tensor(torch.from_numpy(codes))


def _model(operation: Operation, inputs: Sequence[QuantizedTensor], out: Grid) -> bytes:
    """The content of an ONNX file: uint8 codes `x0`, `x1`, ... in, uint8 codes out."""
    onnx = import_module("onnx")
    grids = {f"{i}": x.grid for i, x in enumerate(inputs)} | {"out": out}
    constants = {f"S{name}": f32(grid.scale) for name, grid in grids.items()}
    constants |= {f"Z{name}": torch.tensor(grid.zero_point, dtype=torch.uint8) for name, grid in grids.items()}
    if isinstance(operation, Clamp):
        constants |= {"low": f32(operation.low), "high": f32(operation.high)}
    nodes = _nodes(operation, len(inputs))
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "operation",
        [tensor(f"x{i}", onnx.TensorProto.UINT8, x.codes.shape) for i, x in enumerate(inputs)],
        [tensor(nodes[-1].output[0], onnx.TensorProto.UINT8, None)],
        [onnx.numpy_helper.from_array(values.numpy(), name) for name, values in constants.items()],
    )
    sets = [onnx.helper.make_opsetid("", OPERATOR_SET), onnx.helper.make_opsetid(MICROSOFT, 1)]
    content: bytes = onnx.helper.make_model(graph, opset_imports=sets, ir_version=IR_VERSION).SerializeToString()
    return content


def _nodes(operation: Operation, count: int) -> list[Any]:
    make = import_module("onnx").helper.make_node
    with_grids = [name for i in range(count) for name in (f"x{i}", f"S{i}", f"Z{i}")]
    out = ["Sout", "Zout"]
    match operation:
        case Add(relu=relu) | Mul(relu=relu):
            name = "QLinearAdd" if isinstance(operation, Add) else "QLinearMul"
            nodes = [make(name, [*with_grids, *out], ["y"], domain=MICROSOFT)]
            return [*nodes, make("Clip", ["y", "Zout"], ["relu"])] if relu else nodes
        case Concatenate(dim=dim):
            return [make("QLinearConcat", [*out, *with_grids], ["y"], domain=MICROSOFT, axis=dim)]
        case ReLU():
            return [make("Clip", ["x0", "Z0"], ["y"])]
        case Clamp():
            ends = [make("QuantizeLinear", [end, "S0", "Z0"], [f"q_{end}"]) for end in ("low", "high")]
            return [*ends, make("Clip", ["x0", "q_low", "q_high"], ["y"])]
        case Flatten(start_dim):
            return [make("Flatten", ["x0"], ["y"], axis=start_dim)]
        case MaxPool2d(dilation=dilation):
            reach = integer_pair(dilation, "dilation", 1)
            return [make("MaxPool", ["x0"], ["y"], dilations=reach, **_window(operation))]
        case AvgPool2d(count_include_pad=count):
            attributes = {**_window(operation), "count_include_pad": int(count)}
            return [make("QLinearAveragePool", [*with_grids, *out], ["y"], domain=MICROSOFT, **attributes)]
        case AdaptiveAvgPool2d():
            attributes = {"channels_last": 0}
            return [make("QLinearGlobalAveragePool", [*with_grids, *out], ["y"], domain=MICROSOFT, **attributes)]


def _window(operation: MaxPool2d | AvgPool2d) -> dict[str, Any]:
    kernel = integer_pair(operation.kernel_size, "kernel_size", 1)
    stride = kernel if operation.stride is None else integer_pair(operation.stride, "stride", 1)
    padding = integer_pair(operation.padding, "padding", 0)
    ceil_mode = int(operation.ceil_mode)
    return {"kernel_shape": kernel, "strides": stride, "pads": [*padding, *padding], "ceil_mode": ceil_mode}


def _refuse(operation: Operation) -> None:
    if isinstance(operation, AdaptiveAvgPool2d) and integer_pair(operation.output_size, "output_size", 1) != (1, 1):
        raise ValueError("onnxruntime averages over the whole image or over equal windows: take AvgPool2d.")
    if isinstance(operation, AvgPool2d) and operation.ceil_mode:
        raise ValueError("onnxruntime divides by the whole window where ceil_mode cuts one off: leave ceil_mode out.")
    if isinstance(operation, Flatten) and operation.start_dim != 1:
        raise ValueError("onnxruntime flattens to two dimensions: leave start_dim at 1.")


# The rules ------------------------------------------------------------------------------------------------------------


def in_int32(steps: Tensor) -> Tensor:
    """What int32 cannot hold becomes its lowest number, as the instruction cvtps2dq gives it."""
    return steps.masked_fill(steps >= 2.0**31, -(2.0**31))


@rule("onnxruntime", "microsoft/onnxruntime, onnxruntime/core/mlas/lib/intrinsics/avx2/qladd_avx2.cpp")
def onnxruntime_add(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint(R_a q_a + (R_b q_b + C)) with R = S / S_out, and C = Z_out - (R_a Z_a + R_b Z_b), which is known before.

    Each product and the sum behind it is one fused multiply-add. The zero-point is added before rounding.
    """
    a, b = inputs
    ratio_a, ratio_b = (f32(x.scale) / f32(out.scale) for x in inputs)
    constant = out.zero_point - fused_multiply_add(ratio_a, f32(a.zero_point), ratio_b * b.zero_point)
    with_b = fused_multiply_add(b.codes.to(torch.float32), ratio_b, constant)
    return in_int32(torch.round(fused_multiply_add(a.codes.to(torch.float32), ratio_a, with_b)))


@rule("onnxruntime", "microsoft/onnxruntime, onnxruntime/core/mlas/lib/qlmul.cpp")
def onnxruntime_mul(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint(M (q_a - Z_a) (q_b - Z_b) + Z_out) with M = f32(S_a S_b) / S_out, in float32."""
    a, b = inputs
    return in_int32(torch.round(product(a, b) * (f32(a.scale) * f32(b.scale) / f32(out.scale)) + out.zero_point))


onnxruntime_rescale = ElementwiseRule(
    "onnxruntime",
    "microsoft/onnxruntime, onnxruntime/contrib_ops/cpu/quantization/qlinear_concat.cc",
    float32_rescale.compute,
)
onnxruntime_clamp = ClampRule(
    "onnxruntime",
    "microsoft/onnxruntime, onnxruntime/core/mlas/lib/quantize.cpp, MlasQuantizeLinear",
    lambda ends, grid: torch.round(ends / f32(grid.scale)) + grid.zero_point,
)


def _global_average(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    M = f32(x.scale) / (f32(out.scale) * windows.sizes)
    return in_int32(torch.round(real_sums(x, windows).to(torch.float32) * M)) + out.zero_point


onnxruntime_global_average = PoolingRule(
    "onnxruntime", "microsoft/onnxruntime, onnxruntime/core/mlas/lib/qlgavgpool.cpp", _global_average
)


def _average(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    """rint(sum / count / S_out + Z_out): the one engine that sums real numbers, float32, pixel after pixel."""
    if x.codes.shape[2:] == (int(windows.rows.padded[0]), int(windows.columns.padded[0])) and not windows.has_padding:
        return _global_average(x, windows, out)
    return torch.round(windows.float_sums(x.dequantize()) / windows.divisors / f32(out.scale) + out.zero_point)


onnxruntime_average = PoolingRule(
    "onnxruntime", "microsoft/onnxruntime, onnxruntime/contrib_ops/cpu/qlinear_pool.cc", _average
)


def rule_for(engine: str, operation: Operation, *, channels_last: bool, threads: int, cpu: Cpu) -> Rule | None:
    """The rule by which onnxruntime computes the operation; None where the definition leaves nothing open."""
    _refuse(operation)
    rules: dict[type, Rule] = {
        Add: onnxruntime_add,
        Mul: onnxruntime_mul,
        Concatenate: onnxruntime_rescale,
        Clamp: onnxruntime_clamp,
        MaxPool2d: maximum,
        AvgPool2d: onnxruntime_average,
        AdaptiveAvgPool2d: onnxruntime_global_average,
    }
    return rules.get(type(operation))
