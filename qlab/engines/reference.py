"""An engine's arithmetic, written so that one can read it: three arrows from the float input to the output codes."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from qlab.arithmetic.output_stage import Rule
from qlab.engines.layer import Layer


@dataclass(frozen=True)
class Arithmetic:
    """What an engine computes for one layer.

    Attributes:
        quantize: float input, scale, zero-point -> input codes, uint8.
        accumulate: layer, input codes -> int32 accumulators, output channels last.
        rule: accumulators -> output codes.
    """

    quantize: Callable[[Tensor, float, int], Tensor]
    accumulate: Callable[[Layer, Tensor], Tensor]
    rule: Rule

    def input_codes(self, layer: Layer, x: Tensor) -> Tensor:
        """The first arrow."""
        return self.quantize(x, layer.input_scale, layer.input_zero_point)

    def output_codes(self, layer: Layer, accumulator: Tensor) -> Tensor:
        """The last arrow."""
        return self.rule(layer.stage)(accumulator)
