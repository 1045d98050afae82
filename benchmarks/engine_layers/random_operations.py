"""Random operations beside layers, with inputs: odd sizes, 1 to 70 channels, all ratios of scales, hard zero-points."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator

from engine_layers.random_numbers import integer, integers, random_scale, uniform
from qlab.arithmetic.operations import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Clamp,
    Concatenate,
    Flatten,
    MaxPool2d,
    Mul,
    Operation,
    ReLU,
)
from qlab.arithmetic.quantized_tensor import QuantizedTensor

# Cases come in turn: powers of two make exact ties common; ratios of scales reach far where they are wide.
TIES, WIDE, TURNS = 0, 1, 3


@dataclass(frozen=True)
class Case:
    """An operation with its inputs, and how images lie in PyTorch's memory."""

    operation: Operation
    inputs: tuple[QuantizedTensor, ...]
    channels_last: bool


@dataclass(frozen=True)
class Draw:
    """Draws the parts of one case.

    Attributes:
        generator: the source of all random numbers.
        turn: the index of the case.
    """

    generator: Generator
    turn: int

    @property
    def ties(self) -> bool:
        """Whether all scales are powers of two."""
        return self.turn % TURNS == TIES

    def scale(self, low: float, high: float) -> float:
        """A scale between two powers of two."""
        return random_scale((2.0**low, 2.0**high), self.ties, self.generator)

    def factor(self, low: float, high: float) -> float:
        """A factor between two scales; often a power of two, which between any scales makes near ties common."""
        return random_scale((2.0**low, 2.0**high), self.ties or self.turn % 4 == 1, self.generator)

    def ratio(self, usual: float, wide: float) -> float:
        """A factor of up to 2**usual either way, up to 2**wide in every third case."""
        most = wide if self.turn % TURNS == WIDE else usual
        return self.factor(-most, most)

    def zero_point(self) -> int:
        """One end of the range, an odd one, or any."""
        odd = 2 * integer(0, 127, self.generator) + 1
        return (0, 255, odd, integer(0, 255, self.generator))[integer(0, 3, self.generator)]

    def shape(self) -> tuple[int, int, int, int]:
        """Of an image: sides of 1 to 13 pixels, and in every eighth case so large that two threads would share it."""
        batch, channels = integer(1, 8, self.generator), integer(1, 70, self.generator)
        height, width = integers(1, 13, (2,), self.generator).tolist()
        return (batch + 30 if self.turn % 8 == 7 else batch), channels, height, width

    def codes(self, shape: tuple[int, ...], scale: float) -> QuantizedTensor:
        """Codes from 0 to 255; in every fifth case close to the zero-point, where sums and products are small."""
        zero_point = self.zero_point()
        low, high = (max(0, zero_point - 8), min(255, zero_point + 8)) if self.turn % 5 == 4 else (0, 255)
        return QuantizedTensor(integers(low, high, shape, self.generator).to(torch.uint8), scale, zero_point)

    def flag(self) -> bool:
        """Yes or no."""
        return integer(0, 1, self.generator) == 1


Drawer = Callable[[Draw], tuple[Operation, tuple[QuantizedTensor, ...]]]


def cases(draw_case: Drawer, seed: int) -> Iterator[Case]:
    """One case after another, without end, every other one with channels last."""
    generator, turn = torch.Generator().manual_seed(seed), 0
    while True:
        operation, inputs = draw_case(Draw(generator, turn))
        yield Case(operation, inputs, turn % 2 == 1)
        turn += 1


def _add(draw: Draw, relu: bool) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    shape, s_a = draw.shape(), draw.scale(-10, 4)
    s_b = s_a * draw.ratio(2, 10)
    s_out = max(s_a, s_b) * (draw.factor(-6, 9) if draw.turn % TURNS == WIDE else draw.factor(-1, 2))
    return Add(s_out, draw.zero_point(), relu), (draw.codes(shape, s_a), draw.codes(shape, s_b))


def _mul(draw: Draw, relu: bool) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    shape, s_a, s_b = draw.shape(), draw.scale(-10, 4), draw.scale(-10, 4)
    s_out = s_a * s_b * (draw.factor(-2, 15) if draw.turn % TURNS == WIDE else draw.factor(6, 9))
    return Mul(s_out, draw.zero_point(), relu), (draw.codes(shape, s_a), draw.codes(shape, s_b))


def _concatenate(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    batch, _, height, width = draw.shape()
    operation = Concatenate(draw.scale(-8, 4), draw.zero_point())
    inputs = []
    for index in range(1 + draw.turn % 4):
        shape = (batch, integer(1, 70, draw.generator), height, width)
        x = draw.codes(shape, operation.output_scale * draw.ratio(1, 8))
        same = index == 1  # the second one is on the output's grid already
        inputs.append(QuantizedTensor(x.codes, operation.output_scale, operation.output_zero_point) if same else x)
    return operation, tuple(inputs)


def _relu(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    return ReLU(), (draw.codes(draw.shape(), draw.scale(-10, 4)),)


def _clamp(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    x = draw.codes(draw.shape(), draw.scale(-8, 4))
    # Halfway between two codes, or anywhere.
    steps = integers(-300, 300, (2,), draw.generator) + (0.5 if draw.ties else uniform((2,), draw.generator))
    low, high = sorted((steps * x.scale).tolist())
    return (Clamp(0, 6), Clamp(-1, 1), Clamp(low, high))[draw.turn // TURNS % 3], (x,)


def _flatten(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    return Flatten(), (draw.codes(draw.shape(), draw.scale(-10, 4)),)


def _window(draw: Draw, sides: tuple[int, ...]) -> dict[str, tuple[int, int]]:
    """Kernel, stride and padding, one for each side: half without padding, a quarter padded to keep the size."""
    kernel = [integer(1, min(5, side), draw.generator) for side in sides]
    kind, stride = integer(0, 3, draw.generator), integers(1, 3, (2,), draw.generator).tolist()
    padding = [integer(0, k // 2, draw.generator) if kind == 0 else 0 for k in kernel]
    if kind == 1:
        kernel, stride = [k - 1 + k % 2 for k in kernel], [1, 1]
        padding = [k // 2 for k in kernel]
    return {name: (v[0], v[1]) for name, v in (("kernel_size", kernel), ("stride", stride), ("padding", padding))}


def _max_pool(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    shape = draw.shape()
    window = _window(draw, shape[2:])
    room = all(2 * (k - 1) < side for k, side in zip(window["kernel_size"], shape[2:], strict=True))
    operation = MaxPool2d(**window, dilation=integer(1, 2 if room else 1, draw.generator), ceil_mode=draw.turn % 4 == 3)
    return operation, (draw.codes(shape, draw.scale(-10, 4)),)


def _average_pool(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    shape, scale = draw.shape(), draw.scale(-10, 4)
    operation = AvgPool2d(
        **_window(draw, shape[2:]),
        ceil_mode=draw.turn % 4 == 3,
        count_include_pad=draw.flag(),
        **_grid(draw, scale),
    )
    return operation, (draw.codes(shape, scale),)


def _global_average_pool(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    (_, channels, *sides), scale = draw.shape(), draw.scale(-10, 4)
    # One output per channel: many small images, or else a million outputs take a hundred million inputs.
    shape = (integer(1, 200, draw.generator), channels, *(math.ceil(side / 2) for side in sides))
    return AdaptiveAvgPool2d(1, **_grid(draw, scale)), (draw.codes(shape, scale),)


def _adaptive_average_pool(draw: Draw) -> tuple[Operation, tuple[QuantizedTensor, ...]]:
    height, width = integers(1, 9, (2,), draw.generator).tolist()
    return AdaptiveAvgPool2d((height, width)), (draw.codes(draw.shape(), draw.scale(-10, 4)),)


def _grid(draw: Draw, scale: float) -> dict[str, float | int]:
    """An output grid of its own in every fourth case; not every engine has one."""
    if draw.turn % 4 != 2:
        return {}
    return {"output_scale": scale * draw.factor(-1, 1), "output_zero_point": draw.zero_point()}


KINDS: dict[str, Drawer] = {
    "add": lambda draw: _add(draw, False),
    "add, ReLU": lambda draw: _add(draw, True),
    "mul": lambda draw: _mul(draw, False),
    "mul, ReLU": lambda draw: _mul(draw, True),
    "concatenate": _concatenate,
    "ReLU": _relu,
    "clamp (ReLU6, hardtanh)": _clamp,
    "flatten": _flatten,
    "max pool": _max_pool,
    "average pool": _average_pool,
    "adaptive average pool": _adaptive_average_pool,
    "global average pool": _global_average_pool,
}
