"""The operations beside layers in LiteRT's three sets of kernels: models with one operator.

LiteRT's codes are signed, lower by 128 than ours, and its images have channels last; both are changed on the way in and
out.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

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
    output_grid,
)
from qlab.arithmetic.output_stage import f32
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor
from qlab.arithmetic.validation import integer_pair
from qlab.engines.litert import RESOLVERS, silent
from qlab.engines.litert_rules import rule_for
from qlab.engines.tflite import SIGNED, File

__all__ = ["rule_for", "run"]


def run(
    engine: str, operation: Operation, inputs: Sequence[QuantizedTensor], *, channels_last: bool
) -> QuantizedTensor:
    """The output of the engine's own kernel.

    Raises:
        ValueError: LiteRT does not offer the operation.
    """
    _refuse(engine, operation, inputs)
    out = output_grid(operation, inputs[0])
    codes = [(_channels_last(x.codes) ^ SIGNED).view(torch.int8).contiguous() for x in inputs]
    try:
        signed = _interpret(_model(operation, inputs, codes, out), RESOLVERS[engine], codes)
    except (RuntimeError, ValueError) as refusal:
        raise ValueError(f"{engine} refuses this operation: {refusal}") from refusal
    unsigned = signed.view(torch.uint8) ^ SIGNED
    return out.tensor(unsigned.permute(0, 3, 1, 2) if unsigned.dim() == 4 else unsigned)


def _channels_last(codes: Tensor) -> Tensor:
    return codes.permute(0, 2, 3, 1) if codes.dim() == 4 else codes


def _interpret(content: bytes, resolver: str, inputs: list[Tensor]) -> Tensor:
    litert = import_module("ai_edge_litert.interpreter")
    with silent():
        kernels = litert.OpResolverType[resolver]
        interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=kernels, num_threads=1)
        interpreter.allocate_tensors()
    for detail, codes in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], codes.numpy())
    interpreter.invoke()
    return torch.from_numpy(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


# The model ------------------------------------------------------------------------------------------------------------


def _model(operation: Operation, inputs: Sequence[QuantizedTensor], codes: list[Tensor], out: Grid) -> bytes:
    """The content of a LiteRT file: int8 codes in and out, channels last."""
    file = File()
    tensors = [
        file.activation(tuple(q.shape), f32(x.scale).item(), x.zero_point) for x, q in zip(inputs, codes, strict=True)
    ]
    shape = tuple(_channels_last(operation(*inputs).codes).shape)
    output = file.activation(shape, f32(out.scale).item(), out.zero_point)
    name, version, options, settings = _operator(file, operation)
    operands = tensors
    if isinstance(operation, Concatenate):
        operands = [
            _on_the_grid(file, t, x, out, tuple(q.shape)) for t, x, q in zip(tensors, inputs, codes, strict=True)
        ]
    if isinstance(operation, AdaptiveAvgPool2d):
        operands = [*tensors, file.tensor((2,), "INT32", torch.tensor([1, 2], dtype=torch.int32))]
    file.operator(name, version, operands, output, options, **settings)
    return file.finish(tensors, output)


def _on_the_grid(file: File, tensor: int, x: QuantizedTensor, out: Grid, shape: tuple[int, ...]) -> int:
    """LiteRT concatenates equal grids only: put a QUANTIZE operator in front of any other input."""
    if (f32(x.scale), x.zero_point) == (f32(out.scale), out.zero_point):
        return tensor
    same = file.activation(shape, f32(out.scale).item(), out.zero_point)
    return file.operator("QUANTIZE", 2, [tensor], same, "QuantizeOptions")


def _operator(file: File, operation: Operation) -> tuple[str, int, str, dict[str, Any]]:
    """Name, version, options and their settings."""
    activation = "RELU" if getattr(operation, "relu", False) else "NONE"
    fused = {"fusedActivationFunction": file.constant("ActivationFunctionType", activation)}
    match operation:
        case Add():
            return "ADD", 2, "AddOptions", fused
        case Mul():
            return "MUL", 2, "MulOptions", fused
        case Concatenate(dim=dim):
            return "CONCATENATION", 2, "ConcatenationOptions", {"axis": {1: 3, 2: 1, 3: 2}[dim], **fused}
        case ReLU():
            return "RELU", 2, "", {}
        case Clamp(low, high):
            return ("RELU6" if (low, high) == (0, 6) else "RELU_N1_TO_1"), (2 if low == 0 else 1), "", {}
        case AvgPool2d() | MaxPool2d():
            kernel, stride = _kernel_and_stride(operation)
            padding = "SAME" if integer_pair(operation.padding, "padding", 0) != (0, 0) else "VALID"
            settings = {"filterHeight": kernel[0], "filterWidth": kernel[1], "strideH": stride[0], "strideW": stride[1]}
            name = "AVERAGE_POOL_2D" if isinstance(operation, AvgPool2d) else "MAX_POOL_2D"
            return name, 2, "Pool2DOptions", {**settings, "padding": file.constant("Padding", padding), **fused}
        case AdaptiveAvgPool2d():
            return "MEAN", 2, "ReducerOptions", {"keepDims": True}
    raise AssertionError(operation)


def _kernel_and_stride(operation: AvgPool2d | MaxPool2d) -> tuple[tuple[int, int], tuple[int, int]]:
    kernel = integer_pair(operation.kernel_size, "kernel_size", 1)
    return kernel, kernel if operation.stride is None else integer_pair(operation.stride, "stride", 1)


def _refuse(engine: str, operation: Operation, inputs: Sequence[QuantizedTensor]) -> None:
    """ValueError for what LiteRT has no operator for."""
    match operation:
        case Add(scale) if max(x.scale for x in inputs) / scale >= 2.0**19:
            # LiteRT would end the process: QuantizeMultiplierSmallerThanOneExp checks its name.
            raise ValueError(f"{engine} adds up to S / S_out of 2**19: take a larger output scale.")
        case Flatten():
            raise ValueError(f"{engine} has channels last, so it flattens in another order: flatten elsewhere.")
        case Clamp(low, high) if (low, high) not in ((0, 6), (-1, 1)):
            raise ValueError(f"{engine} clamps to [0, 6] and to [-1, 1] only: take onnxruntime for other ends.")
        case AdaptiveAvgPool2d(size) if integer_pair(size, "output_size", 1) != (1, 1):
            raise ValueError(f"{engine} averages over the whole image or over equal windows: take AvgPool2d.")
        case MaxPool2d() | AvgPool2d():
            _refuse_windows(engine, operation, inputs[0])


def _refuse_windows(engine: str, operation: MaxPool2d | AvgPool2d, x: QuantizedTensor) -> None:
    if operation.ceil_mode or getattr(operation, "dilation", 1) not in (1, (1, 1)):
        raise ValueError(f"{engine} pools without ceil_mode and dilation: leave them out.")
    if getattr(operation, "output_scale", None) is not None:
        raise ValueError(
            f"{engine} averages windows on the input's grid: leave out output_scale and output_zero_point."
        )
    padding = integer_pair(operation.padding, "padding", 0)
    if padding == (0, 0):
        return
    # SAME: as many windows as strides fit, and the padding that they need, half of it on each side.
    kernel, stride = _kernel_and_stride(operation)
    for size, k, step, edge in zip(x.codes.shape[2:], kernel, stride, padding, strict=True):
        if max((-(-size // step) - 1) * step + k - size, 0) != 2 * edge:
            raise ValueError(f"{engine} knows the paddings VALID and SAME only, not {padding}.")
    if getattr(operation, "count_include_pad", False):
        raise ValueError(f"{engine} leaves the padding out of an average: set count_include_pad to False.")
