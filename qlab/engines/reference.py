"""A readable reference implementation of an engine: three steps from the float input to the output codes."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from qlab.arithmetic.output_stage import OutputStage
from qlab.engines.layer import Layer


@dataclass(frozen=True)
class Reference:
    """An engine's three steps for one layer.

    Attributes:
        quantize: float input, scale, zero-point -> input codes, uint8.
        accumulate: layer, input codes -> int32 accumulators, output channels last.
        output_stage: accumulators -> output codes.
    """

    quantize: Callable[[Tensor, float, int], Tensor]
    accumulate: Callable[[Layer, Tensor], Tensor]
    output_stage: OutputStage

    def input_codes(self, layer: Layer, x: Tensor) -> Tensor:
        """The first step: quantize the input."""
        return self.quantize(x, layer.input_scale, layer.input_zero_point)

    def output_codes(self, layer: Layer, accumulator: Tensor) -> Tensor:
        """The last step: requantize the accumulators."""
        return self.output_stage(layer.output_params)(accumulator)
