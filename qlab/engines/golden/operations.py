"""The operations of the golden vectors: each is drawn from its kind and number alone, with its inputs."""

import math
from collections.abc import Callable

import numpy as np
import torch

from qlab.arithmetic.operations import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Clamp,
    Concatenate,
    MaxPool2d,
    Mul,
    Operation,
)
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.engines.golden.numbers import Numbers

Image = tuple[int, int, int, int]
# No engine that offers an operation refuses any of these: windows have no padding, or keep the size of the image.
IMAGES: tuple[Image, ...] = (
    (1, 8, 3, 2),
    (2, 5, 3, 3),
    (1, 16, 2, 2),
    (1, 33, 1, 2),
    (3, 7, 2, 1),
    (1, 3, 4, 5),
    (1, 32, 2, 1),
    (2, 9, 1, 3),
)
WINDOWS: tuple[tuple[Image, tuple[int, int], tuple[int, int], tuple[int, int]], ...] = (
    ((1, 16, 4, 4), (2, 2), (2, 2), (0, 0)),
    ((1, 5, 4, 3), (3, 3), (1, 1), (1, 1)),
    ((1, 33, 3, 3), (3, 3), (3, 3), (0, 0)),
    ((1, 8, 5, 4), (2, 3), (1, 2), (0, 0)),
    ((2, 7, 3, 3), (2, 2), (1, 1), (0, 0)),
    ((1, 64, 2, 2), (2, 2), (2, 2), (0, 0)),
    ((1, 9, 3, 2), (3, 1), (1, 1), (1, 0)),
    ((3, 4, 5, 5), (3, 3), (2, 2), (0, 0)),
)
GLOBAL: tuple[Image, ...] = (
    (1, 64, 3, 3),
    (2, 33, 4, 3),
    (5, 16, 2, 2),
    (3, 10, 7, 7),
    (1, 48, 5, 1),
    (9, 5, 3, 2),
    (1, 70, 1, 1),
    (4, 17, 2, 3),
)
ADAPTIVE: tuple[tuple[Image, tuple[int, int]], ...] = (
    ((1, 16, 4, 5), (2, 2)),
    ((2, 5, 5, 3), (3, 2)),
    ((1, 9, 3, 3), (2, 3)),
    ((1, 33, 4, 1), (2, 1)),
    ((3, 4, 5, 5), (2, 2)),
    ((1, 8, 7, 6), (3, 2)),
    ((1, 12, 3, 4), (2, 2)),
    ((2, 7, 4, 4), (2, 2)),
)
FIRST = 64  # kinds of layers have the seeds below
Drawn = tuple[Operation, tuple[QuantizedTensor, ...]]


def draw(kind: str, number: int) -> Drawn:
    """The operation of that number and its inputs; in every third, scales are powers of two, so that ties are common.

    Args:
        kind: one of `KINDS`.
        number: 0 or more.
    """
    return KINDS[kind][0](number, Numbers((FIRST + list(KINDS).index(kind) << 32) + number))


def outputs(kind: str, number: int) -> int:
    """How many outputs the operation of that number has."""
    return KINDS[kind][1](number)


def channels_last(number: int) -> bool:
    """How PyTorch's engines get the images of that number."""
    return number % 2 == 1


def _scale(lowest: int, highest: int, number: int, numbers: Numbers) -> float:
    """A float32 from 2**lowest to 2**(highest + 1)."""
    mantissa = 2**23 + (0 if number % 3 == 0 else numbers.integer(0, 2**23 - 1))
    return math.ldexp(mantissa, numbers.integer(lowest, highest) - 23)


def _beside(scale: float, lowest: int, highest: int, number: int, numbers: Numbers) -> float:
    """A scale from 2**lowest times another one to about 2**(highest + 1) times; every third reaches 16 times as far."""
    wide = 4 if number % 3 == 1 else 0
    exponent = math.frexp(scale)[1] - 1
    return _scale(exponent + lowest - wide, exponent + highest + wide, number, numbers)


def _zero_point(numbers: Numbers) -> int:
    """Any of the 256, the two ends more often."""
    return (0, 255, *[numbers.integer(0, 255)] * 6)[numbers.integer(0, 7)]


def _activation(shape: Image, scale: float, number: int, numbers: Numbers) -> QuantizedTensor:
    """Codes from 0 to 255; in every fifth operation close to the zero-point, where sums and products are small."""
    zero_point = _zero_point(numbers)
    near = number % 5 == 4
    low, high = (max(0, zero_point - 8), min(255, zero_point + 8)) if near else (0, 255)
    codes = numbers.integers(low, high, shape).astype(np.uint8)
    return QuantizedTensor(torch.from_numpy(codes), scale, zero_point)


def _image(number: int) -> Image:
    return IMAGES[number // 2 % len(IMAGES)]


def _add(number: int, numbers: Numbers) -> Drawn:
    s_a = _scale(-10, 2, number, numbers)
    s_b = _beside(s_a, -2, 1, number, numbers)
    s_out = _beside(max(s_a, s_b), -1, 1, number, numbers)
    inputs = tuple(_activation(_image(number), scale, number, numbers) for scale in (s_a, s_b))
    zero_point = _zero_point(numbers)
    # With 255 a ReLU leaves one code, which qnnpack refuses.
    return Add(s_out, zero_point, numbers.integer(0, 1) == 1 and zero_point < 255), inputs


def _mul(number: int, numbers: Numbers) -> Drawn:
    s_a, s_b = _scale(-10, 2, number, numbers), _scale(-10, 2, number, numbers)
    s_out = _beside(s_a * s_b, 6, 8, number, numbers)
    inputs = tuple(_activation(_image(number), scale, number, numbers) for scale in (s_a, s_b))
    return Mul(s_out, _zero_point(numbers), numbers.integer(0, 1) == 1), inputs


def _concatenate(number: int, numbers: Numbers) -> Drawn:
    """One to three inputs, of which the second is on the grid of the output already."""
    operation = Concatenate(_scale(-8, 2, number, numbers), _zero_point(numbers))
    scales = [_beside(operation.output_scale, -1, 0, number, numbers) for _ in range(1 + number % 3)]
    inputs = [_activation(_image(number), scale, number, numbers) for scale in scales]
    if len(inputs) > 1:
        inputs[1] = QuantizedTensor(inputs[1].codes, operation.output_scale, operation.output_zero_point)
    return operation, tuple(inputs)


def _clamp(number: int, numbers: Numbers) -> Drawn:
    operation = (Clamp(0, 6), Clamp(-1, 1))[numbers.integer(0, 1)]
    return operation, (_activation(_image(number), _scale(-8, -2, number, numbers), number, numbers),)


def _max_pool(number: int, numbers: Numbers) -> Drawn:
    image, kernel, stride, padding = WINDOWS[number // 2 % len(WINDOWS)]
    x = _activation(image, _scale(-10, 2, number, numbers), number, numbers)
    return MaxPool2d(kernel, stride, padding), (x,)


def _average_pool(number: int, numbers: Numbers) -> Drawn:
    image, kernel, stride, padding = WINDOWS[number // 2 % len(WINDOWS)]
    x = _activation(image, _scale(-10, 2, number, numbers), number, numbers)
    return AvgPool2d(kernel, stride, padding, count_include_pad=False), (x,)


def _global_average_pool(number: int, numbers: Numbers) -> Drawn:
    x = _activation(GLOBAL[number // 2 % len(GLOBAL)], _scale(-10, 2, number, numbers), number, numbers)
    return AdaptiveAvgPool2d(1), (x,)


def _adaptive_average_pool(number: int, numbers: Numbers) -> Drawn:
    image, size = ADAPTIVE[number // 2 % len(ADAPTIVE)]
    return AdaptiveAvgPool2d(size), (_activation(image, _scale(-10, 2, number, numbers), number, numbers),)


def _window_outputs(number: int) -> int:
    (batch, channels, *sides), *window = WINDOWS[number // 2 % len(WINDOWS)]
    pixels = [(side + 2 * more - k) // step + 1 for side, k, step, more in zip(sides, *window, strict=True)]
    return int(batch * channels * pixels[0] * pixels[1])


KINDS: dict[str, tuple[Callable[[int, Numbers], Drawn], Callable[[int], int]]] = {
    "add": (_add, lambda number: math.prod(_image(number))),
    "mul": (_mul, lambda number: math.prod(_image(number))),
    "concatenate": (_concatenate, lambda number: math.prod(_image(number)) * (1 + number % 3)),
    "clamp": (_clamp, lambda number: math.prod(_image(number))),
    "max pool": (_max_pool, _window_outputs),
    "average pool": (_average_pool, _window_outputs),
    "global average pool": (_global_average_pool, lambda number: math.prod(GLOBAL[number // 2 % len(GLOBAL)][:2])),
    "adaptive average pool": (
        _adaptive_average_pool,
        lambda number: math.prod([*ADAPTIVE[number // 2 % 8][0][:2], *ADAPTIVE[number // 2 % 8][1]]),
    ),
}
