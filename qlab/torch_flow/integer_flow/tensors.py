"""Codes as the modules of a converted model hand them on, and a weight's codes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from qlab.arithmetic.quantize import dequantize
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.engines import pytorch
from qlab.torch_flow.integer_flow import names, operations


class Codes(QuantizedTensor):
    """Activations: what moves codes about moves them here too, and torch's functions apply the engine's rules.

    What would need a scale of its own, such as +, raises NotImplementedError, as it does for PyTorch's own tensors.
    """

    dtype = names.quint8
    is_quantized = True

    @property
    def shape(self) -> torch.Size:
        """The shape of the codes."""
        return self.codes.shape

    def dim(self) -> int:
        """The number of dimensions."""
        return self.codes.dim()

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one entry of it."""
        return self.codes.shape if dim is None else self.codes.shape[dim]

    def numel(self) -> int:
        """How many codes there are."""
        return self.codes.numel()

    def qscheme(self) -> Any:
        """Always per tensor and affine."""
        return names.per_tensor_affine

    def with_codes(self, codes: Tensor) -> "Codes":
        """Other codes that mean the same."""
        return Codes(codes, self.scale, self.zero_point)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: Any) -> "Codes":
        return self.with_codes(self.codes[index])

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in MOVES:
            return lambda *args, **how: self.with_codes(getattr(self.codes, name)(*args, **how))
        if name in RULES:
            return lambda *args, **how: RULES[name](self, *args, **how)
        if hasattr(Tensor, name) and not name.startswith("__"):
            raise NotImplementedError(_no_kernel(name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __add__(self, other: object) -> "Codes":
        raise NotImplementedError(_no_kernel("add"))

    def __sub__(self, other: object) -> "Codes":
        raise NotImplementedError(_no_kernel("sub"))

    def __mul__(self, other: object) -> "Codes":
        raise NotImplementedError(_no_kernel("mul"))

    __radd__, __rsub__, __rmul__, __iadd__ = __add__, __sub__, __mul__, __add__

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """torch.relu(codes) and the like."""
        name = getattr(func, "__name__", str(func)).strip("_")
        if name == "cat":
            return operations.cat(*args, **kwargs or {})
        if not isinstance(args[0], Codes) or name not in MOVES | RULES.keys() | {"dequantize"}:
            raise NotImplementedError(_no_kernel(name))
        return getattr(args[0], name)(*args[1:], **kwargs or {})


MOVES = {
    *("flatten", "reshape", "view", "permute", "transpose", "squeeze", "unsqueeze", "contiguous", "clone", "detach"),
    *("cpu", "expand"),
}


def _dropout(x: Codes, p: float = 0.5, training: bool = False, inplace: bool = False) -> Codes:
    return x


RULES: dict[str, Callable[..., Any]] = {
    "relu": operations.relu,
    "hardtanh": operations.hardtanh,
    "relu6": lambda x, inplace=False: operations.hardtanh(x, 0.0, 6.0),
    "max_pool2d": operations.max_pool2d,
    "avg_pool2d": operations.avg_pool2d,
    "adaptive_avg_pool2d": operations.adaptive_avg_pool2d,
    "mean": operations.mean,
    "dropout": _dropout,
}


def _no_kernel(name: str) -> str:
    return f"Could not run 'aten::{name}' on codes. The result has no scale: dequantize first, or use a module"


@dataclass(frozen=True)
class WeightCodes:
    """A weight's codes, int8, with one scale, or one for each output channel; every zero-point is 0.

    Attributes:
        codes: int8, output channels first.
        scales: float64, one entry, or (out,).
        per_channel: whether each output channel has its own.
    """

    codes: Tensor
    scales: Tensor
    per_channel: bool

    dtype = names.qint8
    is_quantized = True

    @property
    def shape(self) -> torch.Size:
        """The shape of the codes."""
        return self.codes.shape

    def dim(self) -> int:
        """The number of dimensions."""
        return self.codes.dim()

    def numel(self) -> int:
        """How many codes there are."""
        return self.codes.numel()

    def __len__(self) -> int:
        return len(self.codes)

    def int_repr(self) -> Tensor:
        """The codes."""
        return self.codes

    def qscheme(self) -> Any:
        """Affine, per channel or per tensor."""
        return names.per_channel_affine if self.per_channel else names.per_tensor_affine

    def q_scale(self) -> float:
        """The one scale."""
        return self.scales.item()

    def q_zero_point(self) -> int:
        """The one zero-point, 0."""
        return 0

    def q_per_channel_scales(self) -> Tensor:
        """The scales of the output channels, float64."""
        return self.scales

    def q_per_channel_zero_points(self) -> Tensor:
        """The zero-points of the output channels, int64: all 0."""
        return torch.zeros(len(self.scales), dtype=torch.int64)

    def q_per_channel_axis(self) -> int:
        """The dimension of the output channels."""
        return 0

    def dequantize(self) -> Tensor:
        """The real weights, float32."""
        if self.per_channel:
            return dequantize(self.codes, self.scales.float(), torch.zeros(len(self.scales)).int(), channel_dim=0)
        return dequantize(self.codes, self.q_scale(), 0)

    def flatten(self, start_dim: int = 1) -> "WeightCodes":
        """The weights of each output channel in one row."""
        return WeightCodes(self.codes.flatten(start_dim), self.scales, self.per_channel)

    def detach(self) -> "WeightCodes":
        """Itself: codes have no gradient."""
        return self


def quantized_weight(weight: Tensor, scale: Tensor, *, per_channel: bool) -> WeightCodes:
    """A float weight's codes: clamp(round_half_even(w * (1 / scale)), -128, 127), in float32.

    Args:
        weight: float32, output channels first.
        scale: float32; one entry, or one for each output channel.
        per_channel: whether each output channel has its own.

    Source: pytorch/FBGEMM, src/QuantUtils.cc, `Quantize`; pytorch, aten/src/ATen/native/quantized/AffineQuantizer.cpp.
    """
    inverse = (1 / scale.float()).reshape(-1, *[1] * (weight.dim() - 1))
    codes = torch.round(weight.detach() * inverse).clamp(-128, 127).to(torch.int8)
    return WeightCodes(codes, scale.double().reshape(-1), per_channel)


def tensor_from_codes(codes: Tensor, scale: float, zero_point: int) -> Codes:
    """Codes that are known already, uint8, with their meaning."""
    return Codes(codes, scale, zero_point)


def weight_from_codes(codes: Tensor, scale: Tensor, *, per_channel: bool) -> WeightCodes:
    """Codes and scales that are known already, as a weight."""
    return WeightCodes(codes.to(torch.int8), scale.double().reshape(-1), per_channel)


def quantize_per_tensor(x: Tensor, scale: float, zero_point: int, dtype: Any = names.quint8) -> Codes:
    """The first arrow: a float tensor's codes by the engines' rule."""
    if not isinstance(x, Tensor):
        raise NotImplementedError("Could not run 'aten::quantize_per_tensor' on codes: they are codes already")
    return Codes(
        pytorch.quantize_input(x.detach().float(), float(scale), int(zero_point)), float(scale), int(zero_point)
    )
