"""A whole network in integers: named steps from the float input to the logits, and a runner that one can follow.

Between the first step and the last one there are only codes. What each step does with them is an operation, a function
from quantized tensors to a quantized tensor; an engine's rules come in with the operations.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.arithmetic.validation import checked_scale, real_tensor

INPUT = "input"  # the name of the network's float input
SHOWN = 6  # codes of a step that are shown

Function = Callable[..., QuantizedTensor]


@dataclass(frozen=True)
class Quantize:
    """The first step: real numbers become codes.

    Attributes:
        scale, zero_point: of the codes.
        rule: float input, scale, zero-point -> codes, as the engine rounds them.
    """

    scale: float
    zero_point: int
    rule: Callable[[Tensor, float, int], Tensor]

    def __post_init__(self) -> None:
        checked_scale(self.scale)

    def __call__(self, x: Tensor) -> QuantizedTensor:
        """The codes of the input."""
        return QuantizedTensor(self.rule(real_tensor(x, "input"), self.scale, self.zero_point), *self.meaning)

    @property
    def meaning(self) -> tuple[float, int]:
        """Scale and zero-point of the codes."""
        return self.scale, self.zero_point


@dataclass(frozen=True)
class IntegerLayer:
    """A linear layer or convolution: an exact integer accumulator, then an output stage.

    Attributes:
        input_scale, input_zero_point: that the layer's input must have; they are built into the two functions.
        scale, zero_point: of the output.
        accumulate: input codes -> int32 accumulators, output channels last.
        requantize: accumulators -> output codes, output channels last.
    """

    input_scale: float
    input_zero_point: int
    scale: float
    zero_point: int
    accumulate: Callable[[Tensor], Tensor]
    requantize: Callable[[Tensor], Tensor]

    def __call__(self, x: QuantizedTensor) -> QuantizedTensor:
        """The output; of a convolution (batch, channels, height, width)."""
        return self.output(self.accumulator(x))

    def accumulator(self, x: QuantizedTensor) -> Tensor:
        """The int32 accumulators of an input, output channels last.

        Raises:
            ValueError: the input has another scale or zero-point than the layer was built for.
        """
        if (x.scale, x.zero_point) != (self.input_scale, self.input_zero_point):
            raise ValueError(
                f"this layer takes codes of scale {self.input_scale:.9g} and zero-point {self.input_zero_point}, but "
                f"its input has {x.scale:.9g} and {x.zero_point}: build the layer for the step before it."
            )
        return self.accumulate(x.codes)

    def output(self, accumulator: Tensor) -> QuantizedTensor:
        """The output codes of accumulators."""
        # Channels last, in memory too: that is how accumulators come, and how engines leave images.
        codes = self.requantize(accumulator).to(torch.uint8).contiguous()
        return QuantizedTensor(codes.permute(0, 3, 1, 2) if codes.dim() == 4 else codes, self.scale, self.zero_point)


@dataclass(frozen=True)
class Step:
    """One step of a network.

    Attributes:
        name: by which other steps refer to its output.
        inputs: the names of the steps, or `INPUT`, whose outputs it takes.
        operation: what it computes.
        title: what it does, in a few words.
    """

    name: str
    inputs: tuple[str, ...]
    operation: Callable[..., QuantizedTensor | Tensor]
    title: str


@dataclass(frozen=True)
class Network:
    """Steps in the order in which they run: the first quantizes the input, the last dequantizes.

    Raises:
        ValueError: two steps have one name, or a step takes what no step before it gives.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        known = {INPUT}
        for step in self.steps:
            if unknown := [name for name in step.inputs if name not in known]:
                raise ValueError(f"step {step.name!r} takes {unknown[0]!r}, which no step before it gives.")
            if step.name in known:
                raise ValueError(f"two steps are called {step.name!r}: give each a name of its own.")
            known.add(step.name)
        if not self.steps:
            raise ValueError("a network needs at least one step.")

    def __len__(self) -> int:
        return len(self.steps)

    def run(self, x: Tensor) -> Tensor:
        """What the last step gives for a float input (batch, ...): the logits, (batch, classes)."""
        output = self.outputs(x)[self.steps[-1].name]
        return output.dequantize() if isinstance(output, QuantizedTensor) else output

    def outputs(self, x: Tensor) -> dict[str, QuantizedTensor | Tensor]:
        """What each step gives for a float input (batch, ...), by name."""
        outputs: dict[str, QuantizedTensor | Tensor] = {INPUT: x}
        for step in self.steps:
            outputs[step.name] = step.operation(*(outputs[name] for name in step.inputs))
        return outputs

    def with_operations(self, operations: Mapping[str, Function]) -> "Network":
        """The same network with other operations in place of the named steps' own.

        Raises:
            ValueError: there is no step of such a name.
        """
        if unknown := operations.keys() - {step.name for step in self.steps}:
            raise ValueError(f"there is no step {min(unknown)!r} in this network.")
        return Network(tuple(replace(step, operation=operations.get(step.name, step.operation)) for step in self.steps))


@dataclass(frozen=True)
class Visit:
    """What a step made of one input.

    Attributes:
        name, title: of the step.
        shape: of its output.
        scale, zero_point: of its codes; None where the output is real.
        smallest, largest: of its output.
        first: the first few entries of its output.
        accumulator: the smallest and the largest accumulator of a layer; None elsewhere.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int | None
    smallest: float
    largest: float
    first: tuple[float, ...]
    accumulator: tuple[int, int] | None


def way(network: Network, x: Tensor) -> list[Visit]:
    """The way of an input through a network, step by step.

    Args:
        network: to go through.
        x: (batch, ...), float32; usually one image.
    """
    outputs = network.outputs(x)
    return [_visit(step, [outputs[name] for name in step.inputs], outputs[step.name]) for step in network.steps]


def _visit(step: Step, inputs: list[QuantizedTensor | Tensor], output: QuantizedTensor | Tensor) -> Visit:
    codes = output if isinstance(output, QuantizedTensor) else None
    values = output.codes if isinstance(output, QuantizedTensor) else output
    sums = None
    if isinstance(step.operation, IntegerLayer) and isinstance(inputs[0], QuantizedTensor):
        sums = step.operation.accumulator(inputs[0])
    return Visit(
        step.name,
        step.title,
        tuple(values.shape),
        None if codes is None else codes.scale,
        None if codes is None else codes.zero_point,
        values.min().item(),
        values.max().item(),
        tuple(values.flatten()[:SHOWN].tolist()),
        None if sums is None else (int(sums.min()), int(sums.max())),
    )


def way_table(visits: Iterable[Visit]) -> str:
    """The way of an input as a table in plain text, one line per step."""
    rows = [("step", "operation", "shape", "scale", "zero", "from..to", "first codes", "accumulators")]
    for visit in visits:
        rows.append(
            (
                visit.name,
                visit.title,
                " x ".join(map(str, visit.shape)),
                "" if visit.scale is None else f"{visit.scale:.6f}",
                "" if visit.zero_point is None else str(visit.zero_point),
                f"{_number(visit.smallest)}..{_number(visit.largest)}",
                " ".join(map(_number, visit.first)),
                "" if visit.accumulator is None else "{:,}..{:,}".format(*visit.accumulator),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
