"""Whether the rules of today give what engines gave when they were recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qlab.engines.cpu import Cpu
from qlab.engines.golden.cases import Case, draw
from qlab.engines.golden.recording import Recording, offsets
from qlab.engines.pytorch_rounding import as_in_release

Rules = Callable[[str, Case, Cpu], Any]
NAMED = 3  # cases that differ are named, up to so many


def own_rule(engine: str, case: Case, cpu: Cpu) -> Any:
    """The rule by which qlab has an engine compute a layer or an operation."""
    return case.rule(engine, cpu)


@dataclass(frozen=True)
class Agreement:
    """How well a rule and recorded outputs agree.

    Attributes:
        kind: of the layers or operations.
        engine: whose outputs were recorded.
        cases: output channels of layers, each with its own weights and bias; outputs of operations.
        outputs: how many were compared.
        differ: how many differ.
        numbers: of the first few layers or operations with differences.
    """

    kind: str
    engine: str
    cases: int = 0
    outputs: int = 0
    differ: int = 0
    numbers: tuple[int, ...] = ()

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.kind,
            self.engine,
            self.cases + other.cases,
            self.outputs + other.outputs,
            self.differ + other.differ,
            (self.numbers + other.numbers)[:NAMED],
        )

    def __str__(self) -> str:
        where = f"; look at number {', '.join(map(str, self.numbers))}" if self.differ else ""
        return f"{self.engine}, {self.kind}: {self.differ:,} of {self.outputs:,} recorded outputs differ{where}"


def agreements(
    recording: Recording, kind: str, numbers: Iterable[int] | None = None, *, rules: Rules = own_rule
) -> dict[str, Agreement]:
    """Each engine's recorded outputs of one kind compared with its rule, for the CPUs that the recording names.

    Neither the engines nor such a CPU are needed.

    Args:
        recording: of any CPU.
        kind: of layers or operations.
        numbers: of those to compare; by default all.
        rules: from engine, layer or operation, and CPU to the rule.

    Returns:
        engine -> agreement; engines that do not offer the operation are left out.
    """
    found = {engine: Agreement(kind, engine) for engine in recording.offering(kind)}
    places = offsets(kind, recording.counts[kind])
    with as_in_release(recording.versions["torch"]):
        for number in range(recording.counts[kind]) if numbers is None else numbers:
            case, here = draw(kind, number), slice(places[number], places[number + 1])
            for engine in found:
                theirs = recording.codes[kind, engine][here]
                ours = [case.compute(rules(engine, case, cpu)) for cpu in recording.cpus(engine)]
                differ = int(np.any([codes.flatten().numpy() != theirs for codes in ours], axis=0).sum())
                found[engine] += Agreement(kind, engine, case.cases, len(theirs), differ, (number,) if differ else ())
    return found
