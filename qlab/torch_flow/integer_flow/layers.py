"""The integer modules of a converted model: codes in, an integer sum, an engine's output stage, codes out."""

from typing import Any

import torch
from torch import Tensor, fx, nn

from qlab.engines import pytorch
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.registry import reference_for
from qlab.torch_flow.integer_flow import operations
from qlab.torch_flow.integer_flow.tensors import Codes, WeightCodes, quantize_per_tensor, weight_from_codes


class Quantize(nn.Module):
    """The first arrow: floats to codes."""

    scale: Tensor
    zero_point: Tensor

    def __init__(self, scale: float, zero_point: int, dtype: Any = None):
        super().__init__()
        self.register_buffer("scale", torch.tensor([scale], dtype=torch.float32))
        self.register_buffer("zero_point", torch.tensor([zero_point], dtype=torch.int64))

    def forward(self, x: Tensor) -> Codes:
        """The codes of x."""
        return quantize_per_tensor(x, self.scale.item(), int(self.zero_point))

    def extra_repr(self) -> str:
        """The description in a printed model."""
        return f"scale={self.scale}, zero_point={self.zero_point}"


class DeQuantize(nn.Module):
    """The last arrow: codes to floats."""

    def forward(self, x: Codes | Tensor) -> Tensor:
        """The numbers that the codes stand for; floats stay."""
        return x.dequantize() if isinstance(x, Codes) else x


class QuantizedLayer(nn.Module):
    """A layer's weight codes, scales, float bias, and its output's scale and zero-point.

    The engine is the one that was selected when the layer was made, as PyTorch packs a layer for an engine.
    """

    relu = False
    kind = "linear"

    def __init__(self, weight: WeightCodes, bias: Tensor | None, scale: float, zero_point: int):
        super().__init__()
        self.engine = pytorch.current()
        self.scale, self.zero_point = float(scale), int(zero_point)
        self.set_weight_bias(weight, bias)

    def set_weight_bias(self, weight: WeightCodes, bias: Tensor | None) -> None:
        """Replace weight and bias."""
        self._weight, self._bias = weight, None if bias is None else bias.detach().clone().float()

    def weight(self) -> WeightCodes:
        """The weight's codes with their scales."""
        return self._weight

    def bias(self) -> Tensor | None:
        """The bias, float32 and in reals."""
        return self._bias

    def geometry(self) -> dict[str, Any]:
        """Stride, padding, dilation and groups of a convolution."""
        return {}

    def as_layer(self, x: Codes) -> Layer:
        """The layer in the form of qlab's engines, for input codes of this scale and zero-point."""
        weight, scales = self._weight, self._weight.scales
        return Layer(
            weight.codes,
            scales if weight.per_channel else scales.item(),
            x.scale,
            x.zero_point,
            self.scale,
            self.zero_point,
            self._bias,
            self.relu,
            **self.geometry(),
        )

    def forward(self, x: Codes) -> Codes:
        """The output's codes."""
        if not isinstance(x, Codes):
            raise NotImplementedError(f"Could not run 'quantized::{self.kind}' on a float tensor. It has no codes yet")
        layer = self.as_layer(x)
        engine = reference_for(self.engine, layer, Cpu.here())
        codes = engine.output_codes(layer, engine.accumulate(layer, x.codes)).to(torch.uint8)
        return Codes(codes.permute(0, 3, 1, 2) if codes.dim() == 4 else codes, self.scale, self.zero_point)

    def extra_repr(self) -> str:
        """The description in a printed model."""
        words = ", ".join(f"{name}={value}" for name, value in self.geometry().items())
        shape = tuple(self._weight.shape)
        return f"{shape}, scale={self.scale}, zero_point={self.zero_point}" + (f", {words}" if words else "")

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        weight = self._weight
        destination[prefix + "weight"] = weight.codes
        destination[prefix + "weight_scale"] = weight.scales if weight.per_channel else weight.scales.reshape(())
        points = torch.zeros(len(weight.scales), dtype=torch.int64)
        destination[prefix + "weight_zero_point"] = points if weight.per_channel else points.reshape(())
        if self._bias is not None:
            destination[prefix + "bias"] = self._bias
        destination[prefix + "scale"] = torch.tensor(self.scale)
        destination[prefix + "zero_point"] = torch.tensor(self.zero_point)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        *others: Any,
    ) -> None:
        needed = ("weight", "weight_scale", "scale", "zero_point")
        missing = [prefix + name for name in needed if prefix + name not in state_dict]
        if missing:
            missing_keys += missing
            return
        saved = {name: state_dict.pop(prefix + name) for name in (*needed, "weight_zero_point")}
        scale = saved["weight_scale"]
        weight = weight_from_codes(saved["weight"], scale, per_channel=scale.dim() > 0)
        self.set_weight_bias(weight, state_dict.pop(prefix + "bias", None))
        self.scale, self.zero_point = float(saved["scale"]), int(saved["zero_point"])


class QuantizedLinear(QuantizedLayer):
    """A linear layer on codes."""


class QuantizedLinearReLU(QuantizedLinear):
    """A linear layer with ReLU on codes: the clamp's lower end is the zero-point."""

    relu = True


class QuantizedConv2d(QuantizedLayer):
    """A convolution on codes."""

    kind = "conv2d"

    def __init__(self, weight: WeightCodes, bias: Tensor | None, scale: float, zero_point: int, like: nn.Conv2d):
        super().__init__(weight, bias, scale, zero_point)
        if like.padding_mode != "zeros" or isinstance(like.padding, str):
            raise NotImplementedError("only convolutions whose padding is a number of zeros are converted")
        self.in_channels, self.out_channels, self.kernel_size = like.in_channels, like.out_channels, like.kernel_size
        self.stride, self.padding, self.dilation, self.groups = like.stride, like.padding, like.dilation, like.groups

    def geometry(self) -> dict[str, Any]:
        """Stride, padding, dilation and groups."""
        windows = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        alike = {name: size[0] if size[0] == size[1] else size for name, size in windows.items()}
        return {**alike, "groups": self.groups}


class QuantizedConvReLU2d(QuantizedConv2d):
    """A convolution with ReLU on codes: the clamp's lower end is the zero-point."""

    relu = True


# Calls that torch.fx takes down as they stand -------------------------------------------------------------------------


@fx.wrap
def quantized_add(a: Codes, b: Codes, scale: float, zero_point: int) -> Codes:
    """The codes of a + b."""
    return operations.add(_codes(a, "add"), _codes(b, "add"), scale, zero_point)


@fx.wrap
def quantized_add_relu(a: Codes, b: Codes, scale: float, zero_point: int) -> Codes:
    """The codes of relu(a + b)."""
    return operations.add(_codes(a, "add_relu"), _codes(b, "add_relu"), scale, zero_point, relu=True)


@fx.wrap
def quantized_mul(a: Codes, b: Codes, scale: float, zero_point: int) -> Codes:
    """The codes of a * b."""
    return operations.mul(_codes(a, "mul"), _codes(b, "mul"), scale, zero_point)


class QFunctional(nn.Module):
    """Additions and the like on codes, with a scale and a zero-point for the result."""

    def __init__(self, scale: float, zero_point: int):
        super().__init__()
        self.scale, self.zero_point = float(scale), int(zero_point)
        self.activation_post_process = nn.Identity()  # in a traced graph it says whose addition this is

    def _named(self, x: Codes) -> Codes:
        named: Codes = self.activation_post_process(x)
        return named

    def add(self, a: Codes, b: Codes) -> Codes:
        """The codes of a + b."""
        return self._named(quantized_add(a, b, self.scale, self.zero_point))

    def add_relu(self, a: Codes, b: Codes) -> Codes:
        """The codes of relu(a + b)."""
        return self._named(quantized_add_relu(a, b, self.scale, self.zero_point))

    def mul(self, a: Codes, b: Codes) -> Codes:
        """The codes of a * b."""
        return self._named(quantized_mul(a, b, self.scale, self.zero_point))

    def cat(self, tensors: list[Codes], dim: int = 0) -> Codes:
        """The codes of the tensors behind each other."""
        return operations.cat(tensors, dim, scale=self.scale, zero_point=self.zero_point)

    def extra_repr(self) -> str:
        """The description in a printed model."""
        return f"scale={self.scale}, zero_point={self.zero_point}"

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        destination[prefix + "scale"] = torch.tensor(self.scale)
        destination[prefix + "zero_point"] = torch.tensor(self.zero_point)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        self.scale = float(state_dict.pop(prefix + "scale"))
        self.zero_point = int(state_dict.pop(prefix + "zero_point"))


def _codes(x: Any, name: str) -> Codes:
    if isinstance(x, Codes):
        return x
    raise NotImplementedError(f"Could not run 'quantized::{name}' on a float tensor. It has no codes yet")
