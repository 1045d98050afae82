"""Compares every engine with its arithmetic, output by output: all kinds of layers, then what is hard on purpose.

    python benchmarks/engines.py [--quick] [--json]

Takes some 10 minutes on two cores. Every layer is drawn from its row's seed. Prints the table, and writes
benchmarks/results.json and the lines of the README that quote it; --quick compares a hundredth and only prints.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby, product
from typing import Any

import record
import torch
from torch import Generator, Tensor

from qlab import engines
from qlab.engines import Comparison, Layer
from qlab.engines.pytorch import first_arrow

Drawn = tuple[Layer, Tensor]
Shape = tuple[tuple[int, ...], dict[str, int]]

OUTPUTS = 1_500_000  # a row of the main table; its 72 rows are 108 million
LAYERS = 12  # a row; three shapes, each with three random sets of scales and one of powers of two
QUICK = 100
CAPS = {"FBGEMM_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}

# Odd sizes and small groups take other kernels, or their remainders; from 101 groups on x86 gives a layer to fbgemm.
KINDS: dict[str, tuple[Shape, ...]] = {
    "linear": (((64, 32), {}), ((96, 64), {}), ((61, 47), {})),
    "conv 1x1": (((64, 32, 1, 1), {}), ((48, 16, 1, 1), {}), ((37, 19, 1, 1), {})),
    "conv 3x3": (((32, 8, 3, 3), {"padding": 1}), ((48, 4, 3, 3), {}), ((29, 7, 3, 3), {"padding": 2})),
    "conv 5x5": (((32, 4, 5, 5), {"padding": 2}), ((48, 3, 5, 5), {}), ((29, 2, 5, 5), {"padding": 1})),
    "strided": (
        ((32, 8, 3, 3), {"stride": 2, "padding": 1}),
        ((48, 16, 1, 1), {"stride": 2}),
        ((29, 3, 5, 5), {"stride": 3, "padding": 2}),
    ),
    "dilated": (
        ((32, 8, 3, 3), {"dilation": 2, "padding": 2}),
        ((48, 4, 3, 3), {"dilation": 3}),
        ((29, 3, 5, 5), {"dilation": 2, "padding": 3}),
    ),
    "grouped": (
        ((32, 4, 3, 3), {"groups": 8, "padding": 1}),
        ((32, 8, 3, 3), {"groups": 4, "padding": 1}),
        ((27, 5, 3, 3), {"groups": 3}),
    ),
    "depthwise": (
        ((32, 1, 3, 3), {"groups": 32, "padding": 1}),
        ((104, 1, 5, 5), {"groups": 104, "padding": 2}),
        ((24, 1, 3, 3), {"groups": 24, "padding": 1, "stride": 2}),
    ),
}


# Layers ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draw:
    """How a layer is drawn.

    Attributes:
        largest: weights lie within plus and minus this.
        per_channel, bias, relu: its form.
        ties: scales are powers of two, weights and inputs multiples of one, so that exact ties are common.
        scales: where the scales of input and weights lie.
        reach: how far the input's codes go from its zero-point.
    """

    largest: int = 127
    per_channel: bool = False
    bias: bool = False
    relu: bool = False
    ties: bool = False
    scales: tuple[float, float] = (1e-4, 1.0)
    reach: int = 255


def draw_layer(shape: Shape, how: Draw, outputs: int, generator: Generator) -> Drawn:
    """A layer and an input for about so many outputs, most of them inside the code range."""
    size, window = shape
    step = (how.largest + 1) // 8 if how.ties else 1
    weights = step * integers(-(how.largest // step), how.largest // step, size, generator).to(torch.int8)
    s_x, s_w = (scale(how, generator) for _ in range(2))
    layer = Layer(weights, s_w, s_x, integer(0, 255, generator), 1.0, 0, relu=how.relu, **window)
    if how.per_channel:
        exponents = integers(-1, 1, size[:1], generator) if how.ties else 2 * uniform(size[:1], generator) - 1
        layer = replace(layer, weight_scale=s_w * torch.exp2(exponents.double()))
    codes = draw_codes(layer, how, outputs, generator)
    return with_output(layer, how, codes, generator), on_input_scale(codes, layer)


def draw_codes(layer: Layer, how: Draw, outputs: int, generator: Generator) -> Tensor:
    """Input codes, uint8, for about so many outputs."""
    out, per_group = layer.weights.shape[:2]
    size: tuple[int, ...] = (max(1, outputs // out), per_group)
    if layer.kind == "conv2d":
        side = min(17, max(9, math.isqrt(outputs * layer.stride**2 // out)))
        reach = layer.dilation * (layer.weights.shape[2] - 1)
        pixels = ((side + 2 * layer.padding - reach - 1) // layer.stride + 1) ** 2
        size = (math.ceil(outputs / (out * pixels)), per_group * layer.groups, side, side)
    z, step = layer.input_zero_point, 4 if how.ties else 1
    low, high = max(-z, -how.reach), min(255 - z, how.reach)
    return (z + step * integers(-(-low // step), high // step, size, generator)).to(torch.uint8)


def with_output(layer: Layer, how: Draw, codes: Tensor, generator: Generator) -> Layer:
    """The layer with an output scale and zero-point, chosen by its accumulators, and a bias of some output steps."""
    sample = layer.accumulator(codes[: 1 + len(codes) // 8]).double().flatten(0, -2)
    zero_point = integer(0, 60 if how.relu else 255, generator)
    # The longer side of the range is the one to fill: each channel gets the sign that takes it there.
    side = 1 if zero_point < 128 else -1
    sign = torch.where(sample.mean(dim=0) * side < 0, -1, 1)
    filled = sample * sign * side * layer.input_scale * torch.as_tensor(layer.weight_scale)
    s_out = torch.quantile(filled, 0.98).item() / max(zero_point, 255 - zero_point)
    steps = 10 * torch.randn(len(sign), generator=generator, dtype=torch.float64)
    if how.ties:
        s_out, steps = 2.0 ** math.ceil(math.log2(s_out)), (2 * steps).round() / 2
    return replace(
        layer,
        weights=layer.weights * sign.reshape(-1, *[1] * (layer.weights.dim() - 1)).to(torch.int8),
        output_scale=s_out,
        output_zero_point=zero_point,
        bias=(steps * s_out).float() if how.bias else None,
    )


def on_input_scale(codes: Tensor, layer: Layer) -> Tensor:
    """The float input that has these codes."""
    return (codes.to(torch.int32) - layer.input_zero_point) * layer.input_scale


def scale(how: Draw, generator: Generator) -> float:
    """A scale whose logarithm is uniform: no float32 number, or a power of two."""
    low, high = (math.log2(end) for end in how.scales)
    exponent = low + (high - low) * uniform((), generator).item()
    return 2.0 ** (round(exponent) if how.ties else exponent)


def integer(low: int, high: int, generator: Generator) -> int:
    """One of low..high."""
    return int(integers(low, high, (), generator))


def integers(low: int, high: int, size: tuple[int, ...], generator: Generator) -> Tensor:
    """Numbers of low..high, int64."""
    return torch.randint(low, high + 1, size, generator=generator)


def uniform(size: tuple[int, ...], generator: Generator) -> Tensor:
    """Numbers of [0, 1), float64."""
    return torch.rand(size, generator=generator, dtype=torch.float64)


# Layers that are hard on purpose --------------------------------------------------------------------------------------


def all_ties(outputs: int, generator: Generator) -> Iterator[Drawn]:
    """Every output is an exact tie: a sum of an odd number of odd products is odd, and M is 1/2 of its last bit."""
    for number in range(LAYERS):
        per_channel, bias, relu = turn(number)
        bits = integers(0, 6 if per_channel else 0, (32,), generator)
        shape = (32, 7) if number % 2 else (32, 3, 3, 3)
        signs = 2 * integers(0, 1, shape, generator) - 1
        s_x, s_w = (2.0 ** integer(-8, 0, generator) for _ in range(2))
        s_out, z = 2 * s_x * s_w, integer(32, 223, generator)
        layer = Layer(
            (signs << bits.reshape(-1, *[1] * (len(shape) - 1))).to(torch.int8),
            s_w * torch.exp2(-bits.double()) if per_channel else s_w,
            s_x,
            z,
            s_out,
            integer(0, 60, generator) if relu else integer(64, 191, generator),
            bias=s_out * integers(-20, 20, (32,), generator).float() if bias else None,
            relu=relu,
        )
        rows = max(1, outputs // LAYERS // 32)
        size = (rows, 7) if number % 2 else (-(-rows // 81), 3, 11, 11)
        yield layer, on_input_scale((z + 2 * integers(-16, 15, size, generator) + 1).to(torch.uint8), layer)


def long_sums(sums: tuple[float, float], inputs: int, outputs: int, generator: Generator) -> Iterator[Drawn]:
    """Sums between two ends, each so near to a tie that float32, which cannot hold it, may round it past.

    A row's inputs are chosen such that 127 times all of them but the last, plus the last, is the sum that is wanted.
    """
    channels = 16
    weights = torch.full((channels, inputs), 127)
    weights[:, -1] = 1
    weights[1::2] *= -1
    for number in range(LAYERS):
        per_channel, bias, power_of_two = turn(number)
        tie = 100.5 + (400 * bias)
        M = tie / (sums[0] + (sums[1] - sums[0]) * uniform((), generator).item())
        M = 2.0 ** math.floor(math.log2(M)) if power_of_two and not bias else M
        s_x, s_w = (scale(Draw(ties=power_of_two), generator) for _ in range(2))
        rows = max(2, outputs // LAYERS // channels)
        yield Layer(weights.to(torch.int8), s_w, s_x, 0, s_x * s_w / M, 128), torch.zeros(rows, inputs)


def input_ties(outputs: int, generator: Generator) -> Iterator[Drawn]:
    """Inputs halfway between two codes, and the floats next to them: the first arrow decides."""
    for number, shape in enumerate(KINDS["linear"] * 4):
        layer, x = draw_layer(shape, Draw(ties=number % 2 == 1), outputs // LAYERS, generator)
        halfway = ((x / layer.input_scale).round() + 0.5) * layer.input_scale
        ends = torch.tensor([-torch.inf, 0.0, torch.inf])[integers(0, 2, x.shape, generator)]
        yield layer, torch.where(ends == 0, halfway, torch.nextafter(halfway, ends))
