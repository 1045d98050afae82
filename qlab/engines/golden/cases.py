"""One golden layer or operation: run by an engine, or computed by a rule."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from qlab.arithmetic.operations import Operation, Rule
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.engines.cpu import Cpu
from qlab.engines.golden import layers, operations
from qlab.engines.layer import Layer
from qlab.engines.operations import operation_rule, run_operation
from qlab.engines.reference import Reference
from qlab.engines.registry import reference_for, run

# How many of each kind there are, so that each has 10,000 cases: a layer's are its output channels, each with its own
# weights and bias; an operation's are its outputs, each with its own input codes.
LAYERS, OPERATIONS = 640, 240
KINDS: dict[str, int] = {**dict.fromkeys(layers.SHAPES, LAYERS), **dict.fromkeys(operations.KINDS, OPERATIONS)}


@dataclass(frozen=True)
class LayerCase:
    """A layer and its float input."""

    layer: Layer
    x: Tensor
    _taken: dict[Any, Tensor] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many output channels it has."""
        return len(self.layer.weights)

    def run(self, engine: str) -> Tensor:
        """The engine's output codes."""
        return run(engine, self.layer, self.x)

    def rule(self, engine: str, cpu: Cpu) -> Reference:
        """The engine's rule on a CPU."""
        return reference_for(engine, self.layer, cpu)

    def compute(self, rule: Reference) -> Tensor:
        """The output codes by a rule. Engines share many steps; each is taken once."""
        q_x = self._take((_key(rule.quantize),), lambda: rule.input_codes(self.layer, self.x))
        summed = (_key(rule.accumulate), q_x.numpy().tobytes())
        acc = self._take(summed, lambda: rule.accumulate(self.layer, q_x))
        return self._take((rule.output_stage, *summed), lambda: rule.output_codes(self.layer, acc))

    def _take(self, key: Any, step: Callable[[], Tensor]) -> Tensor:
        if key not in self._taken:
            self._taken[key] = step()
        return self._taken[key]


@dataclass(frozen=True)
class OperationCase:
    """An operation and its inputs."""

    operation: Operation
    inputs: tuple[QuantizedTensor, ...]
    channels_last: bool
    cases: int

    def run(self, engine: str) -> Tensor:
        """The engine's output codes."""
        return run_operation(engine, self.operation, *self.inputs, channels_last=self.channels_last).codes

    def rule(self, engine: str, cpu: Cpu) -> Rule | None:
        """The engine's rule on a CPU. These tensors are too small for a second thread."""
        return operation_rule(engine, self.operation, channels_last=self.channels_last, threads=1, cpu=cpu)

    def compute(self, rule: Rule | None) -> Tensor:
        """The output codes by a rule."""
        compute: Callable[..., QuantizedTensor] = self.operation
        return (compute(*self.inputs) if rule is None else compute(*self.inputs, rule=rule)).codes


Case = LayerCase | OperationCase


def draw(kind: str, number: int) -> Case:
    """The layer or operation of that kind and number."""
    if kind in layers.SHAPES:
        return LayerCase(*layers.draw(kind, number))
    operation, inputs = operations.draw(kind, number)
    return OperationCase(operation, inputs, operations.channels_last(number), operations.outputs(kind, number))


def outputs(kind: str, number: int) -> int:
    """How many outputs it has."""
    return layers.outputs(kind, number) if kind in layers.SHAPES else operations.outputs(kind, number)


def _key(function: Callable[..., Tensor]) -> Any:
    """What tells a step from others: two partial functions of the same arguments are not equal, but do the same."""
    if isinstance(function, partial):
        return function.func, function.args, tuple(sorted(function.keywords.items()))
    return function
