"""Layers for quantization-aware training: their weights are fake-quantized in each call, batch norm folded in."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from qlab.torch_flow.integer_flow import modules


def _take(trained: Any, layer: Any, qconfig: Any) -> None:
    """Take over a float layer's attributes, parameters included, and make the fake quantizer for its weight."""
    trained.__dict__.update({name: value for name, value in vars(layer).items() if not name.startswith("_")})
    trained.weight, trained.bias, trained.qconfig = layer.weight, layer.bias, qconfig
    trained.weight_fake_quant = qconfig.weight()


class Linear(nn.Linear):
    """A linear layer."""

    relu = False
    weight_fake_quant: nn.Module

    def __init__(self, layer: nn.Linear, qconfig: Any):
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        _take(self, layer, qconfig)

    def forward(self, x: Tensor) -> Tensor:
        """The layer with the weight's fake-quantized values."""
        y = functional.linear(x, self.weight_fake_quant(self.weight), self.bias)
        return functional.relu(y) if self.relu else y


class LinearReLU(Linear):
    """A linear layer and ReLU."""

    relu = True


class Conv2d(nn.Conv2d):
    """A convolution."""

    relu = False
    weight_fake_quant: nn.Module

    def __init__(self, layer: nn.Conv2d, qconfig: Any):
        super().__init__(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,  # type: ignore[arg-type]  # nn.Conv2d keeps tuples
            layer.stride,  # type: ignore[arg-type]
            layer.padding,  # type: ignore[arg-type]
            layer.dilation,  # type: ignore[arg-type]
            layer.groups,
            layer.bias is not None,
            layer.padding_mode,
            device="meta",
        )
        _take(self, layer, qconfig)

    def forward(self, x: Tensor) -> Tensor:
        """The layer with the weight's fake-quantized values."""
        y = self._conv_forward(x, self.weight_fake_quant(self.weight), self.bias)
        return functional.relu(y) if self.relu else y


class ConvReLU2d(Conv2d):
    """A convolution and ReLU."""

    relu = True


class ConvBn2d(Conv2d):
    """A convolution and batch norm: the weight is folded with the running variance before it is fake-quantized.

    The convolution's output is divided by the same factor again, so that batch norm sees what it would see without
    folding, and its batch statistics train it.

    Source: Krishnamoorthi 2018 (arXiv 1806.08342), section 3.2.2; torch.ao.nn.intrinsic.qat, `ConvBn2d`.
    """

    def __init__(self, layer: nn.Conv2d, norm: nn.BatchNorm2d, qconfig: Any):
        super().__init__(layer, qconfig)
        self.bn = norm
        self.freeze_bn = False

    def forward(self, x: Tensor) -> Tensor:
        """The two layers with the folded weight's fake-quantized values."""
        assert self.bn.running_var is not None
        factor = self.bn.weight / torch.sqrt(self.bn.running_var + self.bn.eps)
        weight = self.weight_fake_quant(self.weight * factor.reshape(-1, 1, 1, 1))
        y = self._conv_forward(x, weight, torch.zeros(self.out_channels, dtype=x.dtype)) / factor.reshape(1, -1, 1, 1)
        if self.bias is not None:
            y = y + self.bias.reshape(1, -1, 1, 1)
        y = self.bn(y)
        return functional.relu(y) if self.relu else y

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias with batch norm's running statistics folded in."""
        assert self.bn.running_mean is not None and self.bn.running_var is not None
        return fuse_conv_bn_weights(
            self.weight, self.bias, self.bn.running_mean, self.bn.running_var, self.bn.eps, self.bn.weight, self.bn.bias
        )

    def freeze_bn_stats(self) -> "ConvBn2d":
        """Batch norm uses its running statistics from now on, and no longer changes them."""
        self.freeze_bn = True
        self.bn.training = False
        return self

    def update_bn_stats(self) -> "ConvBn2d":
        """Batch norm uses and follows the batches' statistics again."""
        self.freeze_bn = False
        self.bn.training = True
        return self

    def train(self, mode: bool = True) -> "ConvBn2d":
        """The mode of the layer; frozen statistics stay frozen."""
        self.training = mode
        if not self.freeze_bn:
            for module in self.children():
                module.train(mode)
        return self


class ConvBnReLU2d(ConvBn2d):
    """A convolution, batch norm and ReLU."""

    relu = True


def freeze_bn_stats(module: nn.Module) -> None:
    """Stop the statistics of a fused batch norm; for `model.apply`."""
    if isinstance(module, ConvBn2d):
        module.freeze_bn_stats()


def for_training(module: nn.Module) -> nn.Module | None:
    """The module's form for quantization-aware training; None if it has none."""
    qconfig = module.qconfig
    if type(module) in (nn.Linear, nn.Conv2d):
        return (Linear if isinstance(module, nn.Linear) else Conv2d)(module, qconfig)  # type: ignore[arg-type]
    layers: list[Any] = list(module.children()) if isinstance(module, modules.Fused) else []
    if isinstance(module, modules.LinearReLU):
        return LinearReLU(layers[0], qconfig)
    if isinstance(module, modules.ConvReLU2d):
        return ConvReLU2d(layers[0], qconfig)
    if isinstance(module, modules.ConvBn2d):
        return ConvBn2d(layers[0], layers[1], qconfig)
    return ConvBnReLU2d(layers[0], layers[1], qconfig) if isinstance(module, modules.ConvBnReLU2d) else None
