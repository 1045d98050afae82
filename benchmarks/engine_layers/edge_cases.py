"""Layers that are hard on purpose: ties, near ties, products beyond int32, and sums that float32 cannot hold."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Generator, Tensor

from engine_layers.random_layers import LAYERS, SHAPES, LayerAndInput, LayerSettings, dequantize_input, draw_layer, form
from engine_layers.random_numbers import SCALE_RANGE, integer, integers, random_scale, uniform
from qlab.engines import Layer

LENGTHS = 100


def all_ties(exact: bool, outputs: int, generator: Generator) -> Iterator[LayerAndInput]:
    """Layers with M = 1/2 and odd accumulators, so that every output is a tie.

    A sum of an odd number of odd products is odd. Per channel, weights are shifted left by some bits, and M is halved
    as often.

    Args:
        exact: scales are powers of two. If they are not, ties are inexact and the last bits of M decide.
        outputs: about how many all layers have together.
        generator: the source of all random numbers.
    """
    for index in range(LAYERS):
        per_channel, bias, relu = form(index)
        bits = integers(0, 6 if per_channel else 0, (32,), generator)
        shape = (32, 7) if index % 2 else (32, 3, 3, 3)
        signs = 2 * integers(0, 1, shape, generator) - 1
        s_x, s_w = (random_scale(SCALE_RANGE, exact, generator) for _ in range(2))
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
        batch = max(1, outputs // LAYERS // 32)
        size = (batch, 7) if index % 2 else (-(-batch // 81), 3, 11, 11)
        codes = (z + 2 * integers(-16, 15, size, generator) + 1).to(torch.uint8)
        yield layer, dequantize_input(codes, layer)


def every_length(outputs: int, generator: Generator) -> Iterator[LayerAndInput]:
    """Linear layers whose numbers of inputs are drawn from 1 to 1,100: engines cut long rows into blocks."""
    for index, inputs in enumerate(integers(1, 1100, (LENGTHS,), generator).tolist()):
        per_channel, bias, relu = form(index)
        yield draw_layer(((64, inputs), {}), LayerSettings(127, per_channel, bias, relu), outputs // LENGTHS, generator)


def beyond_int32(outputs: int, generator: Generator) -> Iterator[LayerAndInput]:
    """Layers with so large an M that products leave int32.

    Every output is an end of the code range. The engine decides which one.
    """
    for index, shape in enumerate(SHAPES["linear"] * 4):
        per_channel, bias, relu = form(index)
        layer, x = draw_layer(shape, LayerSettings(127, per_channel, bias, relu), outputs // LAYERS, generator)
        yield replace(layer, output_scale=layer.output_scale * 1e-8), x


def input_ties(outputs: int, generator: Generator) -> Iterator[LayerAndInput]:
    """Layers with inputs halfway between two codes, and the floats next to them: input quantization decides."""
    for index, shape in enumerate(SHAPES["linear"] * 4):
        layer, x = draw_layer(shape, LayerSettings(ties=index % 2 == 1), outputs // LAYERS, generator)
        halfway = ((x / layer.input_scale).round() + 0.5) * layer.input_scale
        direction = torch.tensor([-torch.inf, 0.0, torch.inf])[integers(0, 2, x.shape, generator)]
        yield layer, torch.where(direction == 0, halfway, torch.nextafter(halfway, direction))


def long_sums(
    inputs: int, sum_range: tuple[float, float], exponent: int, outputs: int, generator: Generator
) -> Iterator[LayerAndInput]:
    """Layers with accumulators that float32 cannot hold, each next to a tie: rounding may move one onto it or past it.

    Args:
        inputs: of each neuron; the largest accumulator is 255 * 127 times as large.
        sum_range: the accumulators lie in it.
        exponent: every other layer has M = 2**exponent.
        outputs: about how many all layers have together.
        generator: the source of all random numbers.
    """
    weights = torch.full((16, inputs), 127, dtype=torch.int8)
    weights[:, -1] = 1
    sign = 1 - 2 * (torch.arange(16) % 2)
    weights *= sign.reshape(-1, 1).to(torch.int8)
    smallest, largest = sum_range
    for index in range(LAYERS):
        per_channel, bias, exact = form(index)
        M = (100.5 - per_channel * torch.arange(16)) / (smallest + (largest - smallest) * uniform((16,), generator))
        M = torch.full_like(M, 2.0**exponent) if exact else M if per_channel else M[:1].expand(16)
        s_x, s_out = (random_scale(SCALE_RANGE, exact, generator) for _ in range(2))
        s_w = M * s_out / s_x
        bias_steps = sign * (20 - (M * smallest).floor())
        layer = Layer(weights, s_w if per_channel else s_w[0].item(), s_x, 0, s_out, 128)
        if bias or float(M.max()) * largest > 127:
            layer = replace(layer, bias=(bias_steps * s_out).float())
        sums = _sums_near_ties(M[torch.arange(max(2, outputs // LAYERS // 16)) % 16], sum_range, generator)
        yield layer, dequantize_input(_codes_with_sums(sums, inputs), layer)


def _sums_near_ties(M: Tensor, sum_range: tuple[float, float], generator: Generator) -> Tensor:
    """A sum for each M, such that M * sum is at most a few float32 steps from some integer plus 1/2."""
    first, last = (M * sum_range[0] - 0.5).ceil(), (M * sum_range[1] - 0.5).floor()
    tie = (first + (uniform(M.shape, generator) * (last - first + 1)).floor() + 0.5) / M
    offset = (2 * uniform(M.shape, generator) - 1) * tie / 2**22
    return (tie + offset).round().clamp(*sum_range).to(torch.int64)


def _codes_with_sums(sums: Tensor, inputs: int) -> Tensor:
    """Rows of codes, uint8: 127 times all codes but the last, plus the last one, is the row's sum."""
    quotient, remainder = (sums // 127).reshape(-1, 1), sums.reshape(-1, 1) % 127
    places = torch.arange(inputs - 1)
    codes = quotient // (inputs - 1) + (places < quotient % (inputs - 1))
    return torch.cat([codes, remainder], dim=1).to(torch.uint8)
