"""Codes together with what they mean."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.quantize import dequantize
from qlab.arithmetic.validation import checked_scale, integer_codes


@dataclass(frozen=True)
class Grid:
    """The real numbers that uint8 codes can stand for: scale * (code - zero_point).

    Attributes:
        scale: above 0 in float32.
        zero_point: 0..255.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        checked_scale(self.scale)
        if not 0 <= self.zero_point <= 255 or self.zero_point != int(self.zero_point):
            raise ValueError(f"zero_point must be an integer from 0 to 255, not {self.zero_point!r}.")

    def tensor(self, codes: Tensor) -> "QuantizedTensor":
        """Codes on this grid."""
        return QuantizedTensor(codes, self.scale, self.zero_point)


@dataclass(frozen=True)
class QuantizedTensor:
    """Codes with the scale and the zero-point that give them their meaning: real = scale * (codes - zero_point).

    The methods have the names that PyTorch's quantized tensors give them, so that code which reads one reads the other.

    Attributes:
        codes: integers, uint8 for activations.
        scale: above 0.
        zero_point: the code of the real number 0.
    """

    codes: Tensor
    scale: float
    zero_point: int

    def int_repr(self) -> Tensor:
        """The codes."""
        return self.codes

    def q_scale(self) -> float:
        """The scale."""
        return self.scale

    def q_zero_point(self) -> int:
        """The zero-point."""
        return self.zero_point

    def dequantize(self) -> Tensor:
        """The real numbers, float32."""
        return dequantize(self.codes, self.scale, self.zero_point)

    @property
    def grid(self) -> Grid:
        """The scale and the zero-point, checked."""
        return Grid(self.scale, self.zero_point)


def checked_activation(x: object, name: str) -> QuantizedTensor:
    """The `QuantizedTensor` itself: its codes must be integers from 0 to 255, and its grid valid.

    Raises:
        TypeError, ValueError: they are not.
    """
    if not isinstance(x, QuantizedTensor):
        raise TypeError(f"{name} must be a QuantizedTensor(codes, scale, zero_point), not {type(x).__name__}.")
    codes = integer_codes(x.codes, f"{name}.codes")
    if codes.numel() == 0:
        raise ValueError(f"{name} is empty (shape {tuple(codes.shape)}): pass at least one image.")
    if codes.dtype != torch.uint8 and (int(codes.min()) < 0 or int(codes.max()) > 255):
        raise ValueError(f"{name}.codes must lie in 0..255: add 128 to signed codes, and to their zero-point.")
    return x.grid.tensor(codes.to(torch.uint8))
