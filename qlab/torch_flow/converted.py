"""What a converted layer holds, and how large a model's file is."""

import io
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Held:
    """What a converted layer holds.

    Attributes:
        weight: qint8, with its scale or scales.
        bias: (out,), float32, or None.
        scale, zero_point: of its output.
    """

    weight: Tensor
    bias: Tensor | None
    scale: float
    zero_point: int

    @property
    def per_channel(self) -> bool:
        """Whether each output channel of the weight has its own scale."""
        return self.weight.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)

    @property
    def scales(self) -> Tensor:
        """The weight's scales, float64, one an output channel or a single one."""
        if self.per_channel:
            return self.weight.q_per_channel_scales()
        return torch.tensor([self.weight.q_scale()], dtype=torch.float64)


def held(layer: Any) -> Held:
    """What a converted linear layer or convolution holds."""
    bias = layer.bias()
    return Held(layer.weight(), None if bias is None else bias.detach(), float(layer.scale), int(layer.zero_point))


def converted_layers(model: nn.Module) -> dict[str, Any]:
    """The converted convolutions and linear layers of a model, by name."""
    return {
        name: m for name, m in model.named_modules() if callable(getattr(m, "weight", None)) and hasattr(m, "scale")
    }


def folded_weight(layer: Any) -> Tensor:
    """The weight of a layer that is prepared but not yet converted, with the batch norm folded in that trains along.

    Args:
        layer: prepared for training or after it, fused or not.
    """
    inner = layer if hasattr(layer, "weight") else next(layer.children())
    weight: Tensor = inner.weight.detach()
    if isinstance(norm := getattr(layer, "bn", None), nn.BatchNorm2d):
        assert norm.running_var is not None
        weight = weight * (norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)).reshape(-1, 1, 1, 1)
    return weight


def file_bytes(model: nn.Module) -> int:
    """How many bytes `torch.save` writes for the model's state."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.getbuffer().nbytes
