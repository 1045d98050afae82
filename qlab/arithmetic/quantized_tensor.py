"""Codes together with what they mean."""

from dataclasses import dataclass

from torch import Tensor

from qlab.arithmetic.quantize import dequantize


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
