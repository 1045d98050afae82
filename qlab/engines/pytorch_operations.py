"""The operations beside layers in PyTorch's engines: their own kernels, and the rule that reproduces each."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

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
)
from qlab.arithmetic.pooling import maximum
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.arithmetic.validation import integer_pair
from qlab.engines import pytorch_elementwise, pytorch_pooling
from qlab.engines.cpu import Cpu
from qlab.engines.pytorch import selected


def run(
    engine: str, operation: Operation, inputs: Sequence[QuantizedTensor], *, channels_last: bool
) -> QuantizedTensor:
    """The output of the engine's own kernel.

    Raises:
        ValueError: the engine refuses the operation.
    """
    if engine == "qnnpack":
        _refuse_what_qnnpack_refuses(operation, inputs)
    _refuse_another_grid(engine, operation)
    with selected(engine), warnings.catch_warnings():
        # PyTorch warns that quantized tensors are deprecated, and a cell that prints to stderr loses marks.
        warnings.simplefilter("ignore")
        try:
            output = _kernel(operation, [_quantized(x, channels_last) for x in inputs])
        except RuntimeError as refusal:
            raise ValueError(f"{engine} refuses this operation: {refusal}") from refusal
    return QuantizedTensor(output.int_repr(), output.q_scale(), output.q_zero_point())


def _quantized(x: QuantizedTensor, channels_last: bool) -> Tensor:
    tensor = torch._make_per_tensor_quantized_tensor(x.codes.contiguous(), x.scale, x.zero_point)
    return tensor.contiguous(memory_format=torch.channels_last) if channels_last and tensor.dim() == 4 else tensor


def _kernel(operation: Operation, inputs: list[Tensor]) -> Tensor:
    quantized, x = torch.ops.quantized, inputs[0]
    output: Tensor
    match operation:
        case Add(scale, zero_point, relu):
            output = (quantized.add_relu if relu else quantized.add)(*inputs, scale, zero_point)
        case Mul(scale, zero_point, relu):
            output = (quantized.mul_relu if relu else quantized.mul)(*inputs, scale, zero_point)
        case Concatenate(scale, zero_point, dim):
            output = quantized.cat(inputs, dim, scale, zero_point)
        case ReLU():
            output = functional.relu(x)
        case Clamp(low, high):
            output = torch.clamp(x, low, high)
        case Flatten(start_dim):
            output = x.flatten(start_dim)
        case MaxPool2d(kernel, stride, padding, dilation, ceil_mode):
            output = functional.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode)
        case AvgPool2d(kernel, stride, padding, ceil_mode, count_include_pad):
            output = functional.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad)
        case AdaptiveAvgPool2d(size):
            output = functional.adaptive_avg_pool2d(x, size)
    return output


def _refuse_another_grid(engine: str, operation: Operation) -> None:
    if isinstance(operation, AvgPool2d | AdaptiveAvgPool2d) and operation.output_scale is not None:
        raise ValueError(f"{engine} averages on the input's grid: leave out output_scale and output_zero_point.")


def _refuse_what_qnnpack_refuses(operation: Operation, inputs: Sequence[QuantizedTensor]) -> None:
    """ValueError in our words; qnnpack writes its own to stderr."""
    if isinstance(operation, Add):
        pytorch_elementwise.check_ratios([x.scale for x in inputs], operation.output_scale)
        if operation.relu and operation.output_zero_point == 255:
            raise ValueError("qnnpack fuses no ReLU with zero-point 255, which leaves one code: take a smaller one.")
    if (
        isinstance(operation, AvgPool2d | MaxPool2d)
        and not operation.ceil_mode
        and integer_pair(operation.kernel_size, "kernel_size", 1) == (1, 1)
    ):
        raise ValueError("qnnpack knows no window of one pixel: leave the pooling out.")


def rule_for(engine: str, operation: Operation, *, channels_last: bool, threads: int, cpu: Cpu) -> Rule | None:
    """The rule by which the engine computes the operation; None where the definition leaves nothing open."""
    qnnpack = engine == "qnnpack"
    _refuse_another_grid(engine, operation)
    match operation:
        case Add():
            own = pytorch_elementwise.pytorch_add(channels_last=channels_last, threads=threads)
            return pytorch_elementwise.qnnpack_add if qnnpack else own
        case Mul():
            return pytorch_elementwise.pytorch_mul(channels_last=channels_last, threads=threads)
        case Concatenate():
            return pytorch_elementwise.pytorch_rescale(channels_last=channels_last, dim=operation.dim)
        case Clamp():
            return (
                pytorch_elementwise.qnnpack_clamp(channels_last=channels_last)
                if qnnpack
                else pytorch_elementwise.pytorch_clamp
            )
        case MaxPool2d():
            return pytorch_pooling.qnnpack_maximum if qnnpack else maximum
        case AvgPool2d():
            # qnnpack knows no ceil_mode: PyTorch's own kernel takes over.
            if qnnpack and not operation.ceil_mode:
                return pytorch_pooling.qnnpack_average
            return pytorch_pooling.pytorch_average(channels_last=channels_last, lanes=16 if cpu.avx512 else 8)
        case AdaptiveAvgPool2d():
            average = pytorch_pooling.qnnpack_adaptive_average if qnnpack else pytorch_pooling.pytorch_adaptive_average
            return average(channels_last=channels_last)
    return None
