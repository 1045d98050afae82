"""A quantized layer in the form that every engine accepts, with a float input."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import conv2d_accumulator, linear_accumulator
from qlab.arithmetic.output_stage import OutputStageParams


@dataclass(frozen=True)
class Layer:
    """Weights, scales and geometry of one layer. Activations are uint8; weights are int8 with zero-point 0.

    Attributes:
        weights: int8, (out, in) for a linear layer, (out, in / groups, kernel height, kernel width) for a convolution.
        weight_scale: above 0; one number, or one per output channel, (out,).
        input_scale, input_zero_point, output_scale, output_zero_point: zero-points 0..255.
        bias: (out,) float32, or None.
        relu: whether a ReLU is fused into the layer.
        stride, padding, dilation, groups: of a convolution.
    """

    weights: Tensor
    weight_scale: float | Tensor
    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int
    bias: Tensor | None = None
    relu: bool = False
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

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
            return linear_accumulator(codes, self.weights, self.input_zero_point)
        acc = conv2d_accumulator(
            codes,
            self.weights,
            self.input_zero_point,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return acc.permute(0, 2, 3, 1)
