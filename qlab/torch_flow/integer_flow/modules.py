"""The modules that a model is written with, and those that fusing makes: floats until the model is converted."""

from typing import Any

import torch
from torch import Tensor, nn


class QuantStub(nn.Module):
    """Where codes begin. Until the model is converted it changes nothing."""

    def __init__(self, qconfig: Any = None):
        super().__init__()
        if qconfig:
            self.qconfig = qconfig

    def forward(self, x: Tensor) -> Tensor:
        """The input, as it is."""
        return x


class DeQuantStub(QuantStub):
    """Where codes end. Until the model is converted it changes nothing."""


class QuantWrapper(nn.Module):
    """A module between the two stubs."""

    def __init__(self, module: nn.Module):
        super().__init__()
        if (qconfig := getattr(module, "qconfig", None)) is not None:
            self.qconfig = qconfig
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.module = module
        self.train(module.training)

    def forward(self, x: Tensor) -> Tensor:
        """The module's output."""
        result: Tensor = self.dequant(self.module(self.quant(x)))
        return result


class FloatFunctional(nn.Module):
    """Additions and the like as a module, so that they get an observer and, converted, a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.activation_post_process: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Not for calling: use its methods."""
        raise RuntimeError("FloatFunctional is not for calling: use its methods add, mul, add_relu or cat")

    def _observed(self, x: Tensor) -> Tensor:
        result: Tensor = self.activation_post_process(x)
        return result

    def add(self, a: Tensor, b: Tensor | float) -> Tensor:
        """a + b."""
        return self._observed(torch.add(a, b))

    def add_scalar(self, a: Tensor, b: float) -> Tensor:
        """a + b, not observed: only the zero-point would change."""
        return torch.add(a, b)

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        """a * b."""
        return self._observed(torch.mul(a, b))

    def mul_scalar(self, a: Tensor, b: float) -> Tensor:
        """a * b, not observed: only the scale would change."""
        return torch.mul(a, b)

    def add_relu(self, a: Tensor, b: Tensor) -> Tensor:
        """relu(a + b)."""
        return self._observed(torch.relu(torch.add(a, b)))

    def cat(self, tensors: list[Tensor], dim: int = 0) -> Tensor:
        """The tensors behind each other."""
        return self._observed(torch.cat(tensors, dim=dim))


# What fusing makes ----------------------------------------------------------------------------------------------------


class Fused(nn.Sequential):
    """Layers that one kernel computes; they are observed as one."""


class ConvReLU2d(Fused):
    """A convolution and ReLU."""


class LinearReLU(Fused):
    """A linear layer and ReLU."""


class BNReLU2d(Fused):
    """A batch norm and ReLU."""


class ConvBn2d(Fused):
    """A convolution and batch norm, for training."""


class ConvBnReLU2d(Fused):
    """A convolution, batch norm and ReLU, for training."""


def is_fused(module: nn.Module) -> bool:
    """Whether the module holds float layers that were fused."""
    return isinstance(module, Fused)
