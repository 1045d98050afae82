"""The layers of the golden vectors: each is drawn from its kind and number alone, with its input."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qlab.engines.golden.numbers import Numbers
from qlab.engines.layer import Layer

# Of a convolution: (out, in / groups, kernel height, kernel width), window, (batch, height, width). Of a linear layer:
# (out,), rows. No engine refuses any of them on any CPU, and every kernel of fbgemm has its turn.
Shape = tuple[tuple[int, ...], dict[str, int], tuple[int, ...]]
SHAPES: dict[str, tuple[Shape, ...]] = {
    "linear": (
        ((24,), {}, (2,)),
        ((13,), {}, (3,)),
        ((32,), {}, (1,)),
        ((1,), {}, (16,)),
        ((17,), {}, (2,)),
        ((10,), {}, (4,)),
        ((20,), {}, (1,)),
        ((9,), {}, (5,)),
    ),
    "conv2d": (
        ((32, 3, 3, 3), {"padding": 1}, (1, 2, 1)),
        ((24, 8, 1, 1), {}, (1, 2, 1)),
        ((18, 5, 3, 3), {"stride": 2, "padding": 1}, (1, 3, 2)),
        ((32, 4, 5, 5), {"padding": 2}, (1, 1, 1)),
        ((11, 7, 2, 3), {}, (1, 3, 4)),
        ((1, 6, 3, 3), {"padding": 1}, (1, 3, 3)),
        ((16, 4, 3, 3), {"dilation": 2, "padding": 2}, (1, 2, 2)),
        ((9, 13, 1, 1), {"stride": 2}, (2, 3, 1)),
        ((1, 1, 3, 3), {"padding": 1}, (1, 3, 3)),
    ),
    "grouped": (
        ((16, 4, 3, 3), {"groups": 2, "padding": 1}, (1, 2, 1)),
        ((16, 2, 3, 3), {"groups": 8, "padding": 1}, (1, 1, 1)),
        ((16, 4, 3, 3), {"groups": 4, "padding": 1, "stride": 2}, (1, 2, 2)),
        ((18, 3, 3, 3), {"groups": 6, "padding": 1}, (1, 1, 3)),
        ((16, 8, 3, 3), {"groups": 2, "padding": 1}, (1, 1, 2)),
        ((12, 5, 1, 1), {"groups": 4}, (1, 2, 2)),
        ((16, 4, 2, 3), {"groups": 4}, (1, 3, 3)),
        ((18, 4, 3, 3), {"groups": 3, "dilation": 2, "padding": 2}, (1, 2, 1)),
    ),
    "depthwise": (
        ((16, 1, 3, 3), {"groups": 16, "padding": 1}, (1, 2, 1)),
        ((16, 1, 3, 3), {"groups": 8, "padding": 1}, (1, 1, 2)),
        ((16, 1, 5, 5), {"groups": 16, "padding": 2}, (1, 1, 2)),
        ((24, 1, 3, 3), {"groups": 24, "padding": 1, "stride": 2}, (1, 2, 1)),
        ((16, 1, 7, 7), {"groups": 16, "padding": 3}, (1, 1, 2)),
        ((13, 1, 3, 3), {"groups": 13, "padding": 1}, (1, 1, 3)),
        ((16, 1, 3, 3), {"groups": 16, "dilation": 2, "padding": 2}, (1, 1, 2)),
        ((12, 1, 2, 2), {"groups": 4}, (1, 2, 3)),
    ),
}
MANTISSA = 2**23  # float32 stores 24 bits, of which the first is 1
SHORT, LONGEST = 80, 1100  # inputs of linear layers


@dataclass(frozen=True)
class Flavor:
    """What is hard about a layer.

    Attributes:
        smallest, largest: the magnitudes of the weights.
        reach: the largest distance of an input code from the zero-point.
        powers_of_two: all scales are; with weights this small, ties are common.
        half: M is next to 1/2, or to 1/2 of some power of two per channel.
        highest_codes: the input codes lie in the upper fifth, so that pairs of products leave 16 bits.
        input_ties: half of the inputs lie halfway between two codes.
    """

    smallest: int = 0
    largest: int = 127
    reach: int = 255
    powers_of_two: bool = False
    half: bool = False
    highest_codes: bool = False
    input_ties: bool = False


FLAVORS = {
    "any": Flavor(),
    "ties": Flavor(largest=2, reach=15, powers_of_two=True, half=True),
    "near ties": Flavor(largest=2, reach=40, half=True),
    "saturating": Flavor(smallest=112, largest=128, highest_codes=True),
    "input ties": Flavor(largest=100, powers_of_two=True, input_ties=True),
}
FORMS = 8  # per tensor or per channel, with and without bias, with and without ReLU


def draw(kind: str, number: int) -> tuple[Layer, Tensor]:
    """The layer of that number and a float input for it.

    Every scale and every input is built from integers, or rounded once from numbers that are: IEEE 754 says what the
    result is, so that it is the same everywhere.

    Args:
        kind: one of `SHAPES`.
        number: 0 or more. Forms, flavors and shapes take turns.
    """
    numbers = Numbers((list(SHAPES).index(kind) << 32) + number)
    per_channel, bias, relu = bool(number & 1), bool(number & 2), bool(number & 4)
    flavor = list(FLAVORS.values())[number // FORMS % len(FLAVORS)]
    size, window, images = shape(kind, number)
    if kind == "linear":
        size = (*size, numbers.integer(1, LONGEST if numbers.integer(0, 4) == 0 else SHORT))
    weights = _weights(size, flavor, numbers)
    z_x, s_x, s_w = _zero_point(numbers), _scale(-12, -2, flavor, numbers), _scale(-12, -4, flavor, numbers)
    s_out = _output_scale(s_x, s_w, _magnitude(flavor, z_x, math.prod(size[1:])), flavor, numbers)
    steps = numbers.integers(0, 3, size[:1])
    layer = Layer(
        torch.from_numpy(weights.astype(np.int8)),
        torch.from_numpy(_per_channel(s_w, steps, flavor, numbers)) if per_channel else s_w,
        s_x,
        z_x,
        s_out,
        _output_zero_point(relu, numbers),
        torch.from_numpy(_bias(size[0], s_out, flavor, numbers)) if bias else None,
        relu,
        **window,
    )
    channels = size[1] * layer.groups
    inputs = (*images, channels) if kind == "linear" else (images[0], channels, *images[1:])
    return layer, torch.from_numpy(_input(inputs, s_x, z_x, flavor, numbers))


def shape(kind: str, number: int) -> Shape:
    """The shape of the layer of that number."""
    shapes = SHAPES[kind]
    return shapes[number // (FORMS * len(FLAVORS)) % len(shapes)]


def outputs(kind: str, number: int) -> int:
    """How many outputs the layer of that number has."""
    size, window, (batch, *image) = shape(kind, number)
    stride, padding, dilation = window.get("stride", 1), window.get("padding", 0), window.get("dilation", 1)
    spans = zip(image, size[2:], strict=True)
    pixels = [(side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 for side, kernel in spans]
    return size[0] * batch * math.prod(pixels)


def _weights(size: tuple[int, ...], flavor: Flavor, numbers: Numbers) -> NDArray[np.int64]:
    magnitudes, signs = numbers.integers(flavor.smallest, flavor.largest, size), numbers.integers(0, 1, size)
    weights: NDArray[np.int64] = np.minimum((2 * signs - 1) * magnitudes, 127)
    return weights


def _zero_point(numbers: Numbers) -> int:
    """Any of the 256, the two ends more often."""
    return (0, 255, *[numbers.integer(0, 255)] * 6)[numbers.integer(0, 7)]


def _output_zero_point(relu: bool, numbers: Numbers) -> int:
    return (0, 255 - 128 * relu, *[numbers.integer(0, 127) + 64 * (not relu)] * 6)[numbers.integer(0, 7)]


def _scale(lowest: int, highest: int, flavor: Flavor, numbers: Numbers) -> float:
    """A float32 from 2**lowest to 2**(highest + 1)."""
    mantissa = MANTISSA + (0 if flavor.powers_of_two else numbers.integer(0, MANTISSA - 1))
    return math.ldexp(mantissa, numbers.integer(lowest, highest) - 23)


def _per_channel(s_w: float, steps: NDArray[np.int64], flavor: Flavor, numbers: Numbers) -> NDArray[np.float64]:
    """A float32 for each channel: a power of two of the one per tensor, or any from a fourth of it to itself."""
    if flavor.half or flavor.powers_of_two:
        return np.asarray(s_w * 0.5**steps, dtype=np.float64)
    fractions = numbers.integers(2**22, 2**24, steps.shape) / 2**24
    return (s_w * fractions).astype(np.float32).astype(np.float64)


def _magnitude(flavor: Flavor, z_x: int, terms: int) -> int:
    """About how large the sums are: the square root of the sum of the squares of typical products."""
    distance = max(20, abs(230 - z_x)) if flavor.highest_codes else min(flavor.reach, max(z_x, 255 - z_x)) // 2
    weight = (flavor.smallest + flavor.largest) // 2
    return math.isqrt(terms * (weight * distance) ** 2)


def _output_scale(s_x: float, s_w: float, magnitude: int, flavor: Flavor, numbers: Numbers) -> float:
    """A float32 next to 2 * s_x * s_w, or one with which most outputs lie inside the code range and some outside."""
    if flavor.half:
        return float(np.float32(2 * s_x * s_w))
    _, exponent = math.frexp(s_x * s_w)
    room = max(magnitude.bit_length(), 5) - numbers.integer(5, 7)
    return _scale(exponent + room, exponent + room, flavor, numbers)


def _bias(channels: int, s_out: float, flavor: Flavor, numbers: Numbers) -> NDArray[np.float32]:
    """Up to 32 output steps, in sixteenths; in halves where ties are wanted."""
    sixteenths = numbers.integers(-512, 512, (channels,))
    if flavor.powers_of_two:
        sixteenths = sixteenths // 8 * 8
    return np.asarray(sixteenths * (s_out / 16), dtype=np.float32)


def _input(size: tuple[int, ...], s_x: float, z_x: int, flavor: Flavor, numbers: Numbers) -> NDArray[np.float32]:
    """Codes minus the zero-point, a little beside them, times the scale."""
    low, high = max(0, z_x - flavor.reach), min(255, z_x + flavor.reach)
    codes = numbers.integers(205 if flavor.highest_codes else low, 255 if flavor.highest_codes else high, size)
    beside: Any = numbers.integers(-6, 6, size)
    if flavor.input_ties:
        beside = np.where(numbers.integers(0, 1, size) == 1, 8, beside)
    return np.asarray((16 * (codes - z_x) + beside) * (s_x / 16), dtype=np.float32)
