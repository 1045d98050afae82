"""An engine and its reference side by side: how many outputs, how many differ, and the first few in full."""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.registry import arithmetic, run


@dataclass(frozen=True)
class Difference:
    """One output on which the two disagree.

    Attributes:
        place: its index, output channels last.
        accumulator: the exact int32 sum.
        multiplier: M of its channel, as a Python float.
        exact: M * accumulator + bias / S3 + Z_out, before rounding and clamping, in float64.
        engine, reference: the two codes.
    """

    place: tuple[int, ...]
    accumulator: int
    multiplier: float
    exact: float
    engine: int
    reference: int

    def __str__(self) -> str:
        return (
            f"at {self.place}: accumulator {self.accumulator}, M {self.multiplier:.9g}, exactly {self.exact:.6f}; "
            f"the engine gives {self.engine}, the reference {self.reference}"
        )


@dataclass(frozen=True)
class Comparison:
    """How two agree.

    Attributes:
        engine, rule: whose outputs, by which rule.
        outputs: how many were compared.
        inside: how many of them the engine has strictly between the smallest and the largest code.
        mismatches: how many differ.
        largest: the largest difference, in codes.
        first: the first few that differ.
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
    """Run a layer by an engine and by its reference.

    Args:
        engine, layer, x: as `run` takes them.
        cpu: whose rule to take; by default this one's.
        first: how many differences to give in full.

    Raises:
        ValueError: no such engine here.
    """
    steps = arithmetic(engine, layer, cpu)
    accumulator = steps.accumulate(layer, steps.input_codes(layer, x))
    theirs, ours = run(engine, layer, x).to(torch.int32), steps.output_codes(layer, accumulator)
    different = (theirs != ours).nonzero()
    return Comparison(
        engine,
        steps.rule.name,
        theirs.numel(),
        int(((theirs > layer.stage.qmin) & (theirs < layer.stage.qmax)).sum()),
        len(different),
        int((theirs - ours).abs().max()) if theirs.numel() else 0,
        tuple(_difference(layer, accumulator, theirs, ours, tuple(place)) for place in different[:first].tolist()),
    )


def _difference(layer: Layer, accumulator: Tensor, theirs: Tensor, ours: Tensor, place: tuple[int, ...]) -> Difference:
    channel = place[-1]
    scale = torch.as_tensor(layer.weight_scale, dtype=torch.float64)
    M = layer.input_scale * float(scale[channel] if scale.dim() else scale) / layer.output_scale
    bias = 0.0 if layer.bias is None else float(layer.bias[channel]) / layer.output_scale
    acc = int(accumulator[place])
    exact = M * acc + bias + layer.output_zero_point
    return Difference(place, acc, M, exact, int(theirs[place]), int(ours[place]))
