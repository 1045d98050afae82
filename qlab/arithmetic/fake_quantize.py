"""Fake quantization: the effect of quantizing a tensor, computed in floats and with a gradient to train with."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from qlab.arithmetic.qparams import EPS, code_range
from qlab.arithmetic.quantize import Scale, ZeroPoint
from qlab.arithmetic.validation import along_channel, checked_ends, checked_scale, checked_zero_point, real_tensor


class _StraightThrough(torch.autograd.Function):
    """Forward: quantize, dequantize. Backward: rounding counts as the identity, and clamped values get no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, zero_point: Tensor | int, qmin: int, qmax: int) -> Tensor:
        codes = torch.round(x * (1 / scale)) + zero_point
        ctx.save_for_backward((codes >= qmin) & (codes <= qmax))
        return (codes.clamp(qmin, qmax) - zero_point) * scale

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None, None]:
        (inside,) = ctx.saved_tensors
        return upstream * inside, None, None, None, None


def straight_through(x: Tensor, scale: Tensor, zero_point: Tensor | int, qmin: int, qmax: int) -> Tensor:
    """`fake_quantize` without validation; scale and zero_point must broadcast against x."""
    result: Tensor = _StraightThrough.apply(x, scale, zero_point, qmin, qmax)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return result


def fake_quantize(
    fp32_tensor: Tensor, scale: Scale, zero_point: ZeroPoint, qmin: int, qmax: int, *, channel_dim: int | None = None
) -> Tensor:
    """Quantize and dequantize: scale * (clamp(round_half_even(x * (1 / scale)) + zero_point, qmin, qmax) - zero_point).

    The gradient is the straight-through estimator's: 1 where the code before clamping lies in [qmin, qmax], else 0.

    Args:
        fp32_tensor: any shape, float32, finite.
        scale, zero_point: a float and an int, or one entry per channel along `channel_dim`.
        qmin, qmax: smallest and largest code.

    Returns:
        Real numbers on the grid of the codes, float32, in the input's shape.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation`.

    Source: pytorch, aten/src/ATen/native/quantized/cpu/kernels/QuantizedOpKernels.cpp, fake_quantize_tensor; equal to
    the last bit. It multiplies by 1/scale where `qlab.quantize` divides, so the codes may differ at exact ties.
    """
    x = real_tensor(fp32_tensor)
    scale = along_channel(checked_scale(scale), x, channel_dim)
    qmin, qmax = checked_ends(qmin, qmax)
    zero_point = along_channel(checked_zero_point(zero_point, qmin, qmax), x, channel_dim, "zero_point")
    return straight_through(fp32_tensor.to(torch.float32), scale, zero_point, qmin, qmax)


class FakeQuantizedWeight(nn.Module):
    """Fake-quantizes a layer's weight: symmetric, one scale per output channel, zero-point 0.

    Args:
        bitwidth: 2..16.
    """

    def __init__(self, bitwidth: int):
        super().__init__()
        self.qmin, self.qmax = code_range(bitwidth, narrow=True)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight rounded to its grid; the scale is computed from the weight each time."""
        # The same as symmetric_range and qparams, but without their validation: this runs in every training step.
        largest = weight.detach().abs().amax(dim=tuple(range(1, weight.dim())), keepdim=True)
        scale = (largest / ((self.qmax - self.qmin) / 2)).clamp(min=EPS)
        return straight_through(weight, scale, 0, self.qmin, self.qmax)


class FakeQuantizedActivation(nn.Module):
    """Fake-quantizes an activation: affine, its range a moving average over training batches.

    Args:
        bitwidth: 2..16.
        averaging_constant: the weight of a new batch in the moving average; the first batch sets the range.

    Attributes:
        observing: whether batches update the range; it only matters in training mode.
        low, high: the range as observed; before use it is extended to include 0.

    Source: torch.ao.quantization, `MovingAverageMinMaxObserver`.
    """

    low: Tensor
    high: Tensor

    def __init__(self, bitwidth: int, averaging_constant: float = 0.01):
        super().__init__()
        self.qmin, self.qmax = code_range(bitwidth, signed=False)
        self.averaging_constant = averaging_constant
        self.observing = True
        self.register_buffer("low", torch.tensor(torch.inf))
        self.register_buffer("high", torch.tensor(-torch.inf))

    def forward(self, x: Tensor) -> Tensor:
        """The activation rounded to its grid; in training mode the batch updates the range first."""
        if self.training and self.observing:
            self.observe(x.detach())
        low, high = self.low.clamp(max=0), self.high.clamp(min=0)
        scale = ((high - low) / (self.qmax - self.qmin)).clamp(min=EPS)
        zero_point = (self.qmin - torch.round(low / scale)).clamp(self.qmin, self.qmax)
        return straight_through(x, scale, zero_point, self.qmin, self.qmax)

    def observe(self, x: Tensor) -> None:
        """Update the range with a batch."""
        low, high = x.aminmax()
        if self.low > self.high:
            self.low, self.high = low, high
        else:
            self.low = self.low + self.averaging_constant * (low - self.low)
            self.high = self.high + self.averaging_constant * (high - self.high)


def fake_quantized(
    network: nn.Module, weight_bits: int, activation_bits: int, images: Tensor, *, averaging_constant: float = 0.01
) -> nn.Module:
    """A copy of a network whose linear and convolutional layers use fake-quantized weights and inputs.

    The copy is the network after post-training quantization; training it further is quantization-aware training.

    Args:
        network: its `nn.Linear` and `nn.Conv2d` layers are quantized.
        weight_bits, activation_bits: 2..16.
        images: one batch, which sets the activation ranges.
        averaging_constant: see `FakeQuantizedActivation`.

    Returns:
        The copy, in evaluation mode. Its stored weights stay float32, since an optimizer's steps are far smaller than
        the distance between two codes.
    """
    aware = copy.deepcopy(network)
    for layer in list(aware.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            activation = FakeQuantizedActivation(activation_bits, averaging_constant)
            layer.fake_quantized_input = activation  # as a submodule, so that train() and eval() reach it
            layer.register_forward_pre_hook(lambda layer, inputs: layer.fake_quantized_input(inputs[0]))
            parametrize.register_parametrization(layer, "weight", FakeQuantizedWeight(weight_bits))
    with torch.no_grad():
        aware.train()
        aware(images)
    return aware.eval()
