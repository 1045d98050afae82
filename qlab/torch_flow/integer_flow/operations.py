"""What happens to codes between layers, by the selected engine's rule: sums, products, pools, clamps."""

from typing import Any, TypeVar

import torch
from torch import Tensor

from qlab.arithmetic.operations import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Clamp,
    Concatenate,
    MaxPool2d,
    Mul,
    Operation,
    ReLU,
)
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.engines import pytorch
from qlab.engines.operations import reference_operation

Q = TypeVar("Q", bound=QuantizedTensor)


def _computed(operation: Operation, first: Q, *others: Q) -> Q:
    channels_last = lies_channels_last(first.codes)
    result = reference_operation(pytorch.current(), operation, first, *others, channels_last=channels_last)
    codes = result.codes
    # As in PyTorch, an image keeps its layout: the order of a few float operations depends on it.
    if channels_last and codes.dim() == 4:
        codes = codes.contiguous(memory_format=torch.channels_last)
    return type(first)(codes, result.scale, result.zero_point)


def lies_channels_last(codes: Tensor) -> bool:
    """Whether an image's channels lie beside each other in memory, as convolutions return them."""
    return codes.dim() == 4 and not codes.is_contiguous() and codes.is_contiguous(memory_format=torch.channels_last)


def add(a: Q, b: Q, scale: float, zero_point: int, *, relu: bool = False) -> Q:
    """The codes of a + b on the output's grid."""
    return _computed(Add(scale, zero_point, relu), a, b)


def mul(a: Q, b: Q, scale: float, zero_point: int) -> Q:
    """The codes of a * b on the output's grid."""
    return _computed(Mul(scale, zero_point), a, b)


def cat(tensors: list[Q], dim: int = 0, *, scale: float | None = None, zero_point: int | None = None) -> Q:
    """The codes of all inputs, brought to one grid: by default the first one's."""
    first = tensors[0]
    s, z = first.scale if scale is None else scale, first.zero_point if zero_point is None else zero_point
    return _computed(Concatenate(s, z, dim), *tensors)


def relu(x: Q, inplace: bool = False) -> Q:
    """Codes below the zero-point become the zero-point."""
    return _computed(ReLU(), x)


def hardtanh(x: Q, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Q:
    """Codes clamped to those of the two limits."""
    return _computed(Clamp(min_val, max_val), x)


def max_pool2d(
    x: Q,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Q:
    """The largest code of each window: the scale is above 0, so it stands for the largest number."""
    return _computed(MaxPool2d(kernel_size, stride or None, padding, dilation, ceil_mode), x)


def avg_pool2d(
    x: Q,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: None = None,
) -> Q:
    """The mean of each window, on the input's grid."""
    return _computed(AvgPool2d(kernel_size, stride or None, padding, ceil_mode, count_include_pad), x)


def adaptive_avg_pool2d(x: Q, output_size: Any) -> Q:
    """The mean of each part of the image, on the input's grid."""
    return _computed(AdaptiveAvgPool2d(output_size), x)


def mean(x: Q, dim: Any = None, keepdim: bool = False) -> Q:
    """The mean over some dimensions, on the input's grid: of the real numbers, then quantized.

    qnnpack has a kernel for the mean of each channel of images: its adaptive average.

    Source: pytorch, aten/src/ATen/native/quantized/cpu/ReduceOps.cpp.
    """
    if pytorch.current() == "qnnpack" and x.codes.dim() == 4 and dim in ((2, 3), [2, 3], (-2, -1), [-2, -1]):
        channels_last = x.codes.contiguous(memory_format=torch.channels_last)
        average = adaptive_avg_pool2d(type(x)(channels_last, x.scale, x.zero_point), 1)
        return average if keepdim else type(x)(average.codes.flatten(1), x.scale, x.zero_point)
    real = x.dequantize()
    mean_of_all = real.mean() if dim is None else real.mean(dim, keepdim)
    return type(x)(pytorch.quantize_input(mean_of_all, x.scale, x.zero_point), x.scale, x.zero_point)
