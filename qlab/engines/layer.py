"""A quantized layer in the form that every engine accepts, with a float input."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import check_that_it_fits, checked_window, conv2d_accumulator, linear_accumulator
from qlab.arithmetic.output_stage import OutputStageParams
from qlab.arithmetic.validation import (
    checked_scale,
    checked_zero_point,
    one_or_per_channel,
    one_scale,
    one_zero_point,
    plain_tensor,
    real_tensor,
)

Pair = int | tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """Weights, scales and geometry of one layer. Activations are uint8, weights int8.

    Raises:
        TypeError, ValueError: an argument is not what is said of it here.

    Attributes:
        weights: int8, (out, in) for a linear layer, (out, in / groups, kernel height, kernel width) for a convolution.
        weight_scale: above 0; one number, or one per output channel, (out,).
        input_scale, input_zero_point, output_scale, output_zero_point: zero-points 0..255.
        bias: (out,) float32, or None.
        relu: whether a ReLU is fused into the layer.
        stride, padding, dilation, groups: of a convolution; the first three are one integer, or one per axis.
        weight_zero_point: one integer, or one per output channel; engines themselves only take 0.
    """

    weights: Tensor
    weight_scale: float | Tensor
    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int
    bias: Tensor | None = None
    relu: bool = False
    stride: Pair = 1
    padding: Pair = 0
    dilation: Pair = 1
    groups: int = 1
    weight_zero_point: int | Tensor = 0

    def __post_init__(self) -> None:
        _check_weights(self.weights, self.groups)
        out = self.weights.shape[0]
        for name in ("input_scale", "output_scale"):
            one_scale(getattr(self, name), name)
        one_or_per_channel(checked_scale(self.weight_scale, "weight_scale"), out, "weight_scale")
        for name in ("input_zero_point", "output_zero_point"):
            one_zero_point(getattr(self, name), 0, 255, name)
        zero_points = checked_zero_point(self.weight_zero_point, -128, 127, "weight_zero_point")
        one_or_per_channel(zero_points, out, "weight_zero_point")
        if self.bias is not None:
            _check_bias(self.bias, out)
        checked_window(self.stride, self.padding, self.dilation)

    @property
    def kind(self) -> str:
        """ "linear" or "conv2d"."""
        return "linear" if self.weights.dim() == 2 else "conv2d"

    @property
    def per_channel(self) -> bool:
        """Whether each output channel has its own weight scale."""
        return torch.as_tensor(self.weight_scale).dim() > 0

    @property
    def output_params(self) -> OutputStageParams:
        """The parameters for building an output stage."""
        return OutputStageParams(
            self.input_scale,
            self.weight_scale,
            self.output_scale,
            self.output_zero_point,
            0,
            255,
            self.bias,
            self.relu,
            self.kind,
        )

    def accumulator(self, codes: Tensor) -> Tensor:
        """The exact accumulator of input codes, output channels last."""
        if self.kind == "linear":
            return linear_accumulator(codes, self.weights, self.input_zero_point, self.weight_zero_point)
        acc = conv2d_accumulator(
            codes,
            self.weights,
            self.input_zero_point,
            self.weight_zero_point,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return acc.permute(0, 2, 3, 1)

    def checked_input(self, x: Tensor) -> Tensor:
        """The float input of this layer, as float32.

        Raises:
            TypeError, ValueError: x is not a tensor of finite real numbers, is empty, or does not fit the layer.
        """
        if isinstance(x, Tensor) and x.numel() == 0:
            raise ValueError(f"x is empty (shape {tuple(x.shape)}): there is nothing to compute.")
        x = real_tensor(x, "x")
        inputs, kernel = self.weights.shape[1] * self.groups, self.weights.shape[2:]
        if self.kind == "linear":
            if not x.dim() or x.shape[-1] != inputs:
                raise ValueError(f"x must be of shape (..., {inputs}), not {tuple(x.shape)}.")
            return x
        if x.dim() != 4 or x.shape[1] != inputs:
            raise ValueError(f"x must be of shape (batch, {inputs}, height, width), not {tuple(x.shape)}.")
        _, padding, dilation = checked_window(self.stride, self.padding, self.dilation)
        padded = [size + 2 * more for size, more in zip(x.shape[2:], padding, strict=True)]
        check_that_it_fits(padded, kernel, dilation)
        return x


def _check_weights(weights: Tensor, groups: int) -> None:
    plain_tensor(weights, "weights")
    if weights.dtype != torch.int8 or weights.dim() not in (2, 4) or not weights.numel():
        raise ValueError(
            "weights must be int8, (out, in) or (out, in / groups, kernel height, kernel width), and not empty; these "
            f"are {str(weights.dtype).removeprefix('torch.')} of shape {tuple(weights.shape)}."
        )
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1 or weights.shape[0] % groups:
        raise ValueError(f"groups must be an integer that divides the {weights.shape[0]} outputs, not {groups!r}.")
    if weights.dim() == 2 and groups != 1:
        raise ValueError(f"a linear layer has no groups, but groups is {groups}.")


def _check_bias(bias: Tensor, out: int) -> None:
    plain_tensor(bias, "bias")
    if bias.dtype != torch.float32 or bias.shape != (out,):
        kind = str(bias.dtype).removeprefix("torch.")
        raise ValueError(f"bias must be float32 of shape ({out},), not {kind} of shape {tuple(bias.shape)}.")
    real_tensor(bias, "bias")
