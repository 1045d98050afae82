"""Converted layers: their parameters, and the size of a model's file."""

import io
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from qlab.torch_flow import api as tq


@dataclass(frozen=True)
class ConvertedLayer:
    """The parameters of a converted layer.

    Attributes:
        weight: codes with their scale or scales, as the flow has them.
        bias: (out,), float32, or None.
        scale, zero_point: of the layer's output.
    """

    weight: Tensor
    bias: Tensor | None
    scale: float
    zero_point: int

    @property
    def per_channel(self) -> bool:
        """Whether each output channel of the weight has its own scale."""
        return self.weight.qscheme() in (tq.per_channel_affine, tq.per_channel_symmetric)

    @property
    def scales(self) -> Tensor:
        """The weight's scales, float64: one per output channel, or a single one."""
        if self.per_channel:
            return self.weight.q_per_channel_scales()
        return torch.tensor([self.weight.q_scale()], dtype=torch.float64)


def converted_layer(layer: Any) -> ConvertedLayer:
    """The parameters of a converted linear layer or convolution."""
    bias = layer.bias()
    return ConvertedLayer(
        layer.weight(), None if bias is None else bias.detach(), float(layer.scale), int(layer.zero_point)
    )


held = converted_layer  # its name in labs released before 0.2


def converted_layers(model: nn.Module) -> dict[str, Any]:
    """The converted convolutions and linear layers of a model, by name."""
    return {
        name: m for name, m in model.named_modules() if callable(getattr(m, "weight", None)) and hasattr(m, "scale")
    }


def packed(layer: Any) -> str:
    """What a converted linear layer holds its weight in: the engine's packed form, or the codes as they are."""
    params = getattr(layer, "_packed_params", None)
    return type(params._packed_params).__name__ if params is not None else "the codes as they are"


def folded_weight(layer: Any) -> Tensor:
    """The weight of a layer that is prepared but not yet converted, with its batch norm folded in.

    Args:
        layer: prepared for training or for post-training quantization, fused or not.
    """
    inner = layer if hasattr(layer, "weight") else next(layer.children())
    weight: Tensor = inner.weight.detach()
    if isinstance(norm := getattr(layer, "bn", None), nn.BatchNorm2d):
        assert norm.running_var is not None
        weight = weight * (norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)).reshape(-1, 1, 1, 1)
    return weight


def file_bytes(model: nn.Module) -> int:
    """The number of bytes that `torch.save` writes for the model's state dict."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.getbuffer().nbytes
