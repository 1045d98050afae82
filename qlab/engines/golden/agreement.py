"""Whether the rules of today give what engines gave when they were recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from qlab.engines.cpu import Cpu
from qlab.engines.golden.layers import draw
from qlab.engines.golden.recording import Recording, offsets
from qlab.engines.layer import Layer
from qlab.engines.reference import Reference
from qlab.engines.registry import reference_for

Rules = Callable[[str, Layer, Cpu], Reference]
NAMED = 3  # layers that differ are named, up to so many


@dataclass(frozen=True)
class Agreement:
    """How well a rule and recorded outputs agree.

    Attributes:
        kind: of the layers.
        engine: whose outputs were recorded.
        cases: output channels, each with its own weights and bias, and per channel with its own scale.
        outputs: how many were compared.
        differ: how many differ.
        layers: the numbers of the first few layers with differences.
    """

    kind: str
    engine: str
    cases: int = 0
    outputs: int = 0
    differ: int = 0
    layers: tuple[int, ...] = ()

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.kind,
            self.engine,
            self.cases + other.cases,
            self.outputs + other.outputs,
            self.differ + other.differ,
            (self.layers + other.layers)[:NAMED],
        )

    def __str__(self) -> str:
        where = f"; look at layer {', '.join(map(str, self.layers))}" if self.differ else ""
        return f"{self.engine}, {self.kind}: {self.differ:,} of {self.outputs:,} recorded outputs differ{where}"


def agreements(
    recording: Recording, kind: str, numbers: Iterable[int] | None = None, *, rules: Rules = reference_for
) -> dict[str, Agreement]:
    """Each engine's recorded outputs of one kind compared with its rule, for the CPUs that the recording names.

    Neither the engines nor such a CPU are needed.

    Args:
        recording: of any CPU.
        kind: of layers.
        numbers: of the layers to compare; by default all.
        rules: from engine, layer and CPU to the reference.

    Returns:
        engine -> agreement.
    """
    found = {engine: Agreement(kind, engine) for engine in recording.engines}
    places = offsets(kind, recording.layers)
    for number in range(recording.layers) if numbers is None else numbers:
        layer, x = draw(kind, number)
        steps, here = _Steps(layer, x), slice(places[number], places[number + 1])
        for engine in found:
            theirs = recording.codes[kind, engine][here]
            ours = [steps.codes(rules(engine, layer, cpu)) for cpu in recording.cpus(engine)]
            differ = int(np.any([codes.flatten().numpy() != theirs for codes in ours], axis=0).sum())
            found[engine] += Agreement(
                kind, engine, len(layer.weights), len(theirs), differ, (number,) if differ else ()
            )
    return found


class _Steps:
    """The steps of references for one layer, each taken once: engines share many of them."""

    def __init__(self, layer: Layer, x: Tensor) -> None:
        self._layer, self._x, self._taken = layer, x, dict[Any, Tensor]()

    def codes(self, reference: Reference) -> Tensor:
        """The output codes."""
        q_x = self._take((_key(reference.quantize),), lambda: reference.input_codes(self._layer, self._x))
        summed = (_key(reference.accumulate), q_x.numpy().tobytes())
        acc = self._take(summed, lambda: reference.accumulate(self._layer, q_x))
        return self._take((reference.output_stage, *summed), lambda: reference.output_codes(self._layer, acc))

    def _take(self, key: Any, step: Callable[[], Tensor]) -> Tensor:
        if key not in self._taken:
            self._taken[key] = step()
        return self._taken[key]


def _key(function: Callable[..., Tensor]) -> Any:
    """What tells a step from others: two partial functions of the same arguments are not equal, but do the same."""
    if isinstance(function, partial):
        return function.func, function.args, tuple(sorted(function.keywords.items()))
    return function
