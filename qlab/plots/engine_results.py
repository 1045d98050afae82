"""What each engine returns for one layer, beside what its reference implementation predicts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab import engines

REASONS = {
    "fbgemm": "adds the bias as a float",
    "qnnpack": "builds M with a reciprocal",
    "onednn": "float bias, Z3 before rounding",
    "onednn, scales first": "float bias, Z3 before rounding",
    "onednn, without a kernel": "float bias, Z3 before rounding",
    "onnxruntime": "rounds S1 · S2, then M, to float32",
    "XNNPACK": "rounds S1 · S2, then M, to float32",
    "float64": "in float64, ties away from zero",
}
"""How an output stage differs from the float32 one, by its name."""


@dataclass(frozen=True)
class EngineResult:
    """What an engine returns for a batch of inputs, (inputs, out) each.

    Attributes:
        codes: from the engine's own kernel.
        predicted: from its reference implementation.
        other_inputs: where its input codes differ from the simplest rule's, (inputs, 1).
        other_sums: where its accumulator differs from the exact one.
        rule: the name of its output stage.
    """

    codes: Tensor
    predicted: Tensor
    other_inputs: Tensor
    other_sums: Tensor
    rule: str

    @classmethod
    def of(cls, engine: str, layer: engines.Layer, x: Tensor, codes: Tensor, sums: Tensor) -> "EngineResult":
        """Run a layer through an engine and its reference.

        Args:
            engine, layer, x: as for `qlab.engines.run`.
            codes, sums: the input codes and the accumulators to compare with.

        Raises:
            ValueError: the engine refuses the layer.
        """
        outputs = engines.run(engine, layer, x).to(torch.int32)
        reference = engines.reference_for(engine, layer)
        input_codes = reference.input_codes(layer, x)
        accumulators = reference.accumulate(layer, input_codes)
        return cls(
            outputs,
            reference.output_codes(layer, accumulators),
            (input_codes.int() != codes.int()).any(dim=-1, keepdim=True),
            accumulators != sums,
            reference.output_stage.name,
        )

    def why(self, row: int, output: int) -> str:
        """Why the engine may return another code than the float32 rule for this output, in a few words."""
        if self.codes[row, output] != self.predicted[row, output]:
            return "not as its rule predicts"
        if self.other_inputs[row, 0]:
            return "rounds the input differently"
        if self.other_sums[row, output]:
            return "pairs of products saturate"
        return self.how

    @property
    def how(self) -> str:
        """How the engine's output stage differs from the float32 one."""
        return "rounds twice" if "rounded twice" in self.rule else REASONS.get(self.rule, self.rule[:34])
