"""Layers to try engines on: every kind of kernel, drawn so that most outputs lie inside the code range."""

from typing import Any

import torch
from torch import Generator, Tensor

from qlab.engines import Layer

KINDS: dict[str, tuple[tuple[int, ...], dict[str, int]]] = {
    "linear": ((32, 48), {}),
    "1x1": ((16, 24, 1, 1), {}),
    "3x3": ((16, 8, 3, 3), {"padding": 1}),
    "5x5": ((16, 4, 5, 5), {"padding": 2}),
    "strided": ((16, 8, 3, 3), {"stride": 2, "padding": 1}),
    "dilated": ((16, 8, 3, 3), {"dilation": 2, "padding": 2}),
    "grouped": ((16, 4, 3, 3), {"groups": 4, "padding": 1}),
    "odd groups": ((6, 3, 3, 3), {"groups": 2, "padding": 1}),
    "depthwise": ((16, 1, 3, 3), {"groups": 16, "padding": 1}),
    "depthwise 5x5": ((16, 1, 5, 5), {"groups": 16, "padding": 2}),
    "depthwise, two outputs an input": ((32, 1, 3, 3), {"groups": 16, "padding": 1}),
}


def drawn(
    kind: str,
    generator: Generator,
    *,
    outputs: int,
    per_channel: bool = False,
    bias: bool = False,
    relu: bool = False,
    ties: bool = False,
) -> tuple[Layer, Tensor]:
    """A layer and a float input for it with about as many outputs; with ties, all scales are powers of two."""
    shape, window = KINDS[kind]
    # M is about one over the spread of the sums: only with small ones is a half of M * acc common.
    largest = 3 if ties else 127
    weights = torch.randint(-largest, largest + 1, shape, generator=generator).to(torch.int8)
    input_zero_point = int(torch.randint(0, 256, (), generator=generator))
    input_scale = 2.0**-5 if ties else 0.01 + 0.05 * _unit(generator)
    spread = 2.0 ** -torch.randint(6, 9, (shape[0],), generator=generator).double()
    if not ties:
        spread = 0.002 + 0.008 * torch.rand(shape[0], generator=generator, dtype=torch.float64)
    scale: Any = spread if per_channel else spread[0].item()
    layer = Layer(weights, scale, input_scale, input_zero_point, 1.0, 0, None, relu, **window)
    x = _input(layer, outputs, generator)
    codes = torch.round(x / input_scale) + input_zero_point
    real = layer.accumulator(codes.to(torch.uint8)).double() * input_scale * torch.as_tensor(scale)
    width = 5 * real.std().item()  # 2.5 standard deviations on both sides, or more on one
    output_scale = 2.0 ** torch.tensor(width / 255).log2().round().item() if ties else width / 255
    zero_point = int(torch.round(-real.mean() / output_scale)) + (20 if relu else 128)
    offsets = torch.randn(shape[0], generator=generator) * width / 20 if bias else None
    settings = {**vars(layer), "output_scale": output_scale, "output_zero_point": min(max(zero_point, 0), 255)}
    return Layer(**{**settings, "bias": offsets}), x


def _unit(generator: Generator) -> float:
    return torch.rand((), generator=generator, dtype=torch.float64).item()


def _input(layer: Layer, outputs: int, generator: Generator) -> Tensor:
    out, per_group = layer.weights.shape[:2]
    if layer.kind == "linear":
        size: tuple[int, ...] = (outputs // out, per_group)
    else:
        pixels = outputs * layer.stride**2 / out / 4
        side = max(5, int(pixels**0.5))
        size = (4, per_group * layer.groups, side, side)
    codes = torch.randint(0, 256, size, generator=generator)
    return (codes - layer.input_zero_point) * layer.input_scale
