"""Random layers of every kind, with inputs that keep most outputs inside the code range."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from engine_layers.random_numbers import SCALE_RANGE, integer, integers, random_scale, uniform
from qlab.engines import Layer

LayerAndInput = tuple[Layer, Tensor]
Shape = tuple[tuple[int, ...], dict[str, Any]]  # the shape of the weights, and a convolution's other arguments

LAYERS = 12  # in a layer set: each shape several times with different scales, the last time with powers of two

# Odd sizes and small groups take other kernels or their remainder loops. From 101 groups on, x86 uses fbgemm.
SHAPES: dict[str, tuple[Shape, ...]] = {
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
        ((32, 2, 3, 3), {"groups": 16, "padding": 1}),
        ((27, 5, 3, 3), {"groups": 3}),
    ),
    "depthwise": (
        ((32, 1, 3, 3), {"groups": 32, "padding": 1}),
        ((104, 1, 5, 5), {"groups": 104, "padding": 2}),
        ((24, 1, 3, 3), {"groups": 24, "padding": 1, "stride": 2}),
        ((48, 1, 3, 3), {"groups": 24, "padding": 1}),
        ((16, 1, 7, 7), {"groups": 16, "padding": 3}),
        ((20, 1, 3, 3), {"groups": 20, "padding": 1}),
    ),
}


@dataclass(frozen=True)
class LayerSettings:
    """What a random layer looks like.

    Attributes:
        largest_weight: weights lie between its negative and itself.
        per_channel, bias, relu: the layer's form.
        ties: scales are powers of two, and weights and inputs are multiples of one, so that exact ties are common.
        scale_range: the scales of input and weights lie in it.
        largest_input: the largest distance of an input code from the zero-point.
    """

    largest_weight: int = 127
    per_channel: bool = False
    bias: bool = False
    relu: bool = False
    ties: bool = False
    scale_range: tuple[float, float] = SCALE_RANGE
    largest_input: int = 255


def form(index: int) -> tuple[bool, bool, bool]:
    """Per channel, bias, ReLU: the index-th combination, for sets that contain all of them."""
    return index // 4 % 2 == 1, index // 2 % 2 == 1, index % 2 == 1


def draw_layers(
    shapes: tuple[Shape, ...], settings: LayerSettings, all_forms: bool, outputs: int, generator: Generator
) -> Iterator[LayerAndInput]:
    """Layers of each shape in turn; in the last round, scales are powers of two.

    Args:
        shapes: of the layers.
        settings: for all layers.
        all_forms: take every form in turn, not the one in the settings.
        outputs: about how many all layers have together.
        generator: the source of all random numbers.
    """
    for index in range(LAYERS):
        layer_settings = replace(settings, ties=index >= LAYERS - len(shapes))
        if all_forms:
            per_channel, bias, relu = form(index)
            layer_settings = replace(layer_settings, per_channel=per_channel, bias=bias, relu=relu)
        yield draw_layer(shapes[index % len(shapes)], layer_settings, outputs // LAYERS, generator)


def draw_layer(shape: Shape, settings: LayerSettings, outputs: int, generator: Generator) -> LayerAndInput:
    """A layer and an input for about that many outputs, most of them inside the code range."""
    size, arguments = shape
    step = max(1, (settings.largest_weight + 1) // 8) if settings.ties else 1
    largest = settings.largest_weight // step
    weights = step * integers(-largest, largest, size, generator).to(torch.int8)
    s_x, s_w = (random_scale(settings.scale_range, settings.ties, generator) for _ in range(2))
    layer = Layer(weights, s_w, s_x, integer(0, 255, generator), 1.0, 0, relu=settings.relu, **arguments)
    if settings.per_channel:
        exponents = integers(-1, 1, size[:1], generator) if settings.ties else 2 * uniform(size[:1], generator) - 1
        layer = replace(layer, weight_scale=s_w * torch.exp2(exponents.double()))
    codes = _draw_codes(layer, settings, outputs, generator)
    return _with_output_params(layer, settings, codes, generator), dequantize_input(codes, layer)


def dequantize_input(codes: Tensor, layer: Layer) -> Tensor:
    """The float input that has these codes."""
    return (codes.to(torch.int32) - layer.input_zero_point) * layer.input_scale


def _draw_codes(layer: Layer, settings: LayerSettings, outputs: int, generator: Generator) -> Tensor:
    """Input codes, uint8, for about that many outputs."""
    channels, inputs_per_group = layer.weights.shape[:2]
    size: tuple[int, ...] = (max(1, outputs // channels), inputs_per_group)
    if layer.kind == "conv2d":
        side = min(17, max(9, math.isqrt(outputs * layer.stride**2 // channels)))
        span = layer.dilation * (layer.weights.shape[2] - 1)
        pixels = ((side + 2 * layer.padding - span - 1) // layer.stride + 1) ** 2
        size = (math.ceil(outputs / (channels * pixels)), inputs_per_group * layer.groups, side, side)
    z, step = layer.input_zero_point, 4 if settings.ties else 1
    low, high = max(-z, -settings.largest_input), min(255 - z, settings.largest_input)
    return (z + step * integers(-(-low // step), high // step, size, generator)).to(torch.uint8)


def _with_output_params(layer: Layer, settings: LayerSettings, codes: Tensor, generator: Generator) -> Layer:
    """The layer with an output scale and zero-point that suit its accumulators, and a bias of a few output steps."""
    sample = layer.accumulator(codes[: 1 + len(codes) // 8]).double().flatten(0, -2)
    zero_point = integer(0, 60 if settings.relu else 255, generator)
    # Outputs are to fill the longer side of the range: the sign of each channel takes most of them there.
    side = 1 if zero_point < 128 else -1
    sign = torch.where(sample.mean(dim=0) * side < 0, -1, 1)
    lengths = sample * sign * side * layer.input_scale * torch.as_tensor(layer.weight_scale)
    s_out = torch.quantile(lengths, 0.98).item() / max(zero_point, 255 - zero_point)
    bias_steps = 10 * torch.randn(len(sign), generator=generator, dtype=torch.float64)
    if settings.ties:
        s_out, bias_steps = 2.0 ** math.ceil(math.log2(s_out)), (2 * bias_steps).round() / 2
    return replace(
        layer,
        weights=layer.weights * sign.reshape(-1, *[1] * (layer.weights.dim() - 1)).to(torch.int8),
        output_scale=s_out,
        output_zero_point=zero_point,
        bias=(bias_steps * s_out).float() if settings.bias else None,
    )
