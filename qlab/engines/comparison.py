"""An engine compared with its reference: how many outputs differ, and the first few of them in full."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.registry import reference_for, run


@dataclass(frozen=True)
class Difference:
    """One output where the engine and its reference differ.

    Attributes:
        index: of the output, output channels last.
        accumulator: the exact int32 sum.
        multiplier: M of its channel, as a Python float.
        exact: M * accumulator + bias / S3 + Z_out, before rounding and clamping, in float64.
        engine, reference: the two codes.
    """

    index: tuple[int, ...]
    accumulator: int
    multiplier: float
    exact: float
    engine: int
    reference: int

    def __str__(self) -> str:
        return (
            f"at {self.index}: accumulator {self.accumulator}, M {self.multiplier:.9g}, exactly {self.exact:.6f}; "
            f"the engine gives {self.engine}, the reference {self.reference}"
        )


@dataclass(frozen=True)
class Comparison:
    """How well an engine and its reference agree.

    Attributes:
        engine: its name.
        rule: the name of the reference's output stage.
        outputs: how many were compared.
        inside: how many of the engine's outputs lie strictly between the smallest and the largest code.
        mismatches: how many differ.
        largest: the largest difference, in codes.
        first: the first few differences.
    """

    engine: str
    rule: str
    outputs: int
    inside: int
    mismatches: int
    largest: int
    first: tuple[Difference, ...] = ()

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(
            self.engine,
            "; ".join(dict.fromkeys([*self.rule.split("; "), *other.rule.split("; ")])),
            self.outputs + other.outputs,
            self.inside + other.inside,
            self.mismatches + other.mismatches,
            max(self.largest, other.largest),
            (self.first + other.first)[: max(len(self.first), len(other.first))],
        )

    def __str__(self) -> str:
        head = f"{self.engine} and the rule “{self.rule}”: {self.mismatches:,} of {self.outputs:,} outputs differ"
        if not self.mismatches:
            return head
        return "\n  ".join([f"{head}, by {self.largest} at most", *map(str, self.first)])


def compare(engine: str, layer: Layer, x: Tensor, *, cpu: Cpu | None = None, first: int = 3) -> Comparison:
    """Run a layer through an engine and through its reference, and compare the outputs.

    Args:
        engine, layer, x: as for `run`.
        cpu: the CPU whose rule to apply; by default this one.
        first: how many differences to report in full.

    Raises:
        ValueError: the engine does not run here.
    """
    reference = reference_for(engine, layer, cpu)
    x = layer.checked_input(x)
    accumulator = reference.accumulate(layer, reference.input_codes(layer, x))
    theirs, ours = run(engine, layer, x).to(torch.int32), reference.output_codes(layer, accumulator)
    different = (theirs != ours).nonzero()
    return Comparison(
        engine,
        reference.output_stage.name,
        theirs.numel(),
        int(((theirs > layer.output_params.qmin) & (theirs < layer.output_params.qmax)).sum()),
        len(different),
        int((theirs - ours).abs().max()) if theirs.numel() else 0,
        tuple(_difference(layer, accumulator, theirs, ours, tuple(index)) for index in different[:first].tolist()),
    )


def _difference(layer: Layer, accumulator: Tensor, theirs: Tensor, ours: Tensor, index: tuple[int, ...]) -> Difference:
    channel = index[-1]
    scale = torch.as_tensor(layer.weight_scale, dtype=torch.float64)
    M = layer.input_scale * float(scale[channel] if scale.dim() else scale) / layer.output_scale
    bias = 0.0 if layer.bias is None else float(layer.bias[channel]) / layer.output_scale
    acc = int(accumulator[index])
    exact = M * acc + bias + layer.output_zero_point
    return Difference(index, acc, M, exact, int(theirs[index]), int(ours[index]))
