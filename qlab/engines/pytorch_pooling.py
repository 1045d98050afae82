"""How PyTorch's engines take averages and maxima. The arithmetic was measured with torch 2.13.0 and 2.14.1."""

import torch
from torch import Tensor
from torch.nn import functional

from qlab.arithmetic.output_stage import f32
from qlab.arithmetic.pooling import MaximumRule, Pair, PoolingRule, Windows, real_sums
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor
from qlab.engines.pytorch_elementwise import KERNELS, lies_channels_last, quantize_at_once
from qlab.engines.pytorch_rounding import quantize_fused, quantize_one_by_one


def pytorch_average(*, channels_last: bool = True, lanes: int = 8) -> PoolingRule:
    """PyTorch's own average pooling (engines fbgemm, x86 and onednn).

    Args:
        channels_last: how the image lies in memory; convolutions return it so.
        lanes: channels that vector code takes at a time; 8 with AVX2, 16 with AVX-512. It is the only one of these
            kernels that has code of its own for AVX-512.
    """

    def compute(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
        sums, M = real_sums(x, windows).to(torch.float32), f32(1 / windows.divisors.double())
        if not lies_channels_last(x, channels_last):
            # The zero-point is added in float32 before rounding: a tie goes to the even code, not to an even distance.
            return torch.round(sums * M + out.zero_point)
        # In vector code it is added behind. What remains of the channels is computed one by one.
        vector = quantize_at_once(sums, M, out.zero_point)
        scalar = quantize_one_by_one(sums, M, out.zero_point)
        bulk = x.codes.shape[1] // lanes * lanes
        return torch.cat([vector[:, :bulk], scalar[:, bulk:]], 1)

    return PoolingRule("pytorch", f"{KERNELS}, _qavg_pool_nhwc_kernel; AveragePool2d.cpp", compute)


def pytorch_adaptive_average(*, channels_last: bool = True) -> PoolingRule:
    """PyTorch's own adaptive average pooling (engines fbgemm, x86 and onednn)."""

    def compute(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
        if not lies_channels_last(x, channels_last):
            # Input and output have one grid, so the average of the codes is the code of the average.
            sums = windows.sums(x.codes).to(torch.float32)
            return torch.round(sums * ((1 / f32(windows.rows.length))[:, None] / windows.columns.length))
        sums, M = real_sums(x, windows).to(torch.float32), 1 / f32(windows.sizes)
        vector = quantize_fused(sums, M, out.zero_point)
        scalar = quantize_one_by_one(sums, M, out.zero_point)
        bulk = x.codes.shape[1] // 8 * 8
        return torch.cat([vector[:, :bulk], scalar[:, bulk:]], 1)

    return PoolingRule("pytorch", f"{KERNELS}, _qadaptive_avg_pool_kernel; AdaptiveAveragePooling.cpp", compute)


# qnnpack --------------------------------------------------------------------------------------------------------------


def _qnnpack_average(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    # qnnpack knows one divisor only: the padding counts, whatever count_include_pad says.
    divisor = f32(windows.rows.padded[:, None] * windows.columns.padded)
    M = f32(x.scale) / (f32(out.scale) * divisor)
    return quantize_at_once(real_sums(x, windows).to(torch.float32), M, out.zero_point)


qnnpack_average = PoolingRule(
    "qnnpack", "pytorch, aten/src/ATen/native/quantized/cpu/qnnpack/src/average-pooling.c, q8avgpool", _qnnpack_average
)


def _qnnpack_maximum(codes: Tensor, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool) -> Tensor:
    if ceil:  # which qnnpack does not know: PyTorch's own kernel takes over
        return functional.max_pool2d(codes, kernel, stride, padding, dilation, ceil)
    vertical, horizontal = padding
    bordered = functional.pad(codes, (horizontal, horizontal, vertical, vertical), mode="replicate")
    return functional.max_pool2d(bordered, kernel, stride, 0, dilation)


# Instead of leaving out pixels in the padding, qnnpack takes the nearest one of the image. Undilated, that one lies in
# the window anyway; dilated, it may be one that the window skips.
qnnpack_maximum = MaximumRule(
    "qnnpack", "pytorch, aten/src/ATen/native/quantized/cpu/qnnpack/src/indirection.c", _qnnpack_maximum
)


def qnnpack_adaptive_average(*, channels_last: bool = True) -> PoolingRule:
    """qnnpack's average where the windows are equal and more than one pixel large, else PyTorch's own kernel."""
    fallback = pytorch_adaptive_average(channels_last=channels_last)

    def compute(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
        sides = zip(x.codes.shape[2:], windows.sizes.shape, strict=True)
        even = all(size % parts == 0 for size, parts in sides) and x.codes.shape[2:] != windows.sizes.shape
        return (qnnpack_average if even else fallback).compute(x, windows, out)

    return PoolingRule("qnnpack", f"{qnnpack_average.source}; AdaptiveAveragePooling.cpp", compute)
