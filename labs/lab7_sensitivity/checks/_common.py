"""Shared by the questions of Lab 7: chains of layers, their noise in decibels, cases where it shows."""

import math
from itertools import pairwise
from typing import Any

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, clear_of_ties


def decibels(x: Tensor, y: Tensor) -> Tensor:
    """The signal-to-quantization-noise ratio, in float64."""
    signal, noise = x.double().square().sum(), (x.double() - y.double()).square().sum()
    return 10 * torch.log10(signal / noise)


def squares(x: Tensor, y: Tensor) -> Tensor:
    return (x.double() - y.double()).square().mean()


def on_grid(weight: Tensor, bits: int) -> Tensor:
    """The provided one in float64: cases keep away from ties."""
    return provided.on_grid(weight.double(), bits)


def chain(weights: list[Tensor], x: Tensor) -> Tensor:
    return provided.chain([weight.double() for weight in weights], x.double())


def clear(weights: list[Tensor], bits: int, margin: float = 1e-3) -> bool:
    """Whether no weight lies near the middle between two codes, where a float's last bit would decide."""
    largest = 2 ** (bits - 1) - 1
    codes = torch.cat([(w.double() / w.double().abs().max() * largest).flatten() for w in weights])
    return clear_of_ties(codes, margin)


def fixed(*weights: list[list[float]]) -> Drawn:
    """Weights written out, a fresh copy for each answer."""
    return Drawn(lambda generator: [torch.tensor(weight) for weight in weights])


def random_layers(*sizes: int, spread: float = 1.0) -> Drawn:
    """Weights of a chain that takes sizes[0] numbers; with a spread above 1, some rows are larger than others."""

    def draw(generator: Generator) -> list[Tensor]:
        made = []
        for inputs, outputs in pairwise(sizes):
            weight = torch.randn(outputs, inputs, generator=generator) / math.sqrt(inputs)
            made.append(weight * spread ** torch.rand(outputs, 1, generator=generator))
        return made

    return Drawn(draw)


def audible(weights: list[Tensor], x: Tensor, bits: int, *_: Any) -> bool:
    """Whether nothing is near a tie, and every layer has enough outputs of both signs, and enough noise, for mistakes to show."""
    if not clear(weights, bits):
        return False
    a = a_q = x.double()
    for number, weight in enumerate(weights):
        out, out_q = a @ weight.double().T, a_q @ on_grid(weight, bits).T
        if not (0.2 < float((out > 0).double().mean()) < 0.8) or not 3 < float(decibels(out, out_q)) < 45:
            return False
        if number and abs(float(decibels(a_q @ weight.double().T, out_q) - decibels(out, out_q))) < 0.1:
            return False
        a, a_q = torch.relu(out), torch.relu(out_q)
    return bool(a.norm() > 0.1)


GRIDS = ("qlab.ptq.layer_sqnr:compare", "qlab.ptq.sensitivity:quantized_weight", "qlab.ptq.metrics:sqnr")
