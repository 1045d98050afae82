"""Cross-layer equalization: moving a factor from one layer into the next keeps the output but changes both ranges."""

import copy
from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn

from qlab.ptq.sensitivity import Layer, layers_of


def equalizing_factors(first: Tensor, second: Tensor, *, depthwise: bool = False) -> Tensor:
    """The divisors of the first layer's channels that give both layers the same range per channel, sqrt(r1 * r2).

    Args:
        first: (channels, ...), the first layer's weight.
        second: (out, channels, ...), or (channels, 1, ...) if it is depthwise.
        depthwise: channel i of the second layer reads channel i of the first layer only.

    Returns:
        (channels,), float32: sqrt(r1 / r2), where r1 and r2 are the largest absolute values of a channel in the two
        layers; 1 where either is 0.

    Source: Nagel et al. 2019 (arXiv 1906.04721), section 4.1, equation 11.
    """
    r1 = _largest(first, 0)
    r2 = _largest(second, 0 if depthwise else 1)
    if r1.shape != r2.shape:
        raise ValueError(f"the first layer has {len(r1)} channels, the second takes {len(r2)}.")
    alive = (r1 > 0) & (r2 > 0)
    return torch.where(alive, torch.sqrt(r1 / torch.where(alive, r2, 1.0)), 1.0).float()


def _largest(weight: Tensor, dim: int) -> Tensor:
    return weight.detach().double().abs().movedim(dim, 0).flatten(1).amax(dim=1)


def equalize_pair(
    first: Tensor, bias: Tensor, second: Tensor, *, depthwise: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Equalize the ranges of a layer and the next one, with a ReLU between them; their joint function stays the same.

    That works because ReLU commutes with positive factors: relu(s * x) = s * relu(x).

    Args:
        first: (channels, ...); bias: (channels,).
        second, depthwise: see `equalizing_factors`.

    Returns:
        first / s, bias / s, second * s, in the shapes of the arguments.
    """
    s = equalizing_factors(first, second, depthwise=depthwise)
    places = [1] * (second.dim() - 1)
    into = s.reshape(-1, *places) if depthwise else s.reshape(1, -1, *places[1:])
    return first / s.reshape(-1, *[1] * (first.dim() - 1)), bias / s, second * into


def equalize(network: nn.Module, pairs: Iterable[tuple[str, str]], *, rounds: int = 20) -> nn.Module:
    """A copy of a network with equalized pairs of layers. It computes the same function with other ranges.

    A layer in the middle belongs to two pairs, which is why several rounds are needed.

    Args:
        network: batch norm folded; the first layer of each pair has a bias.
        pairs: of layer names, from the input to the output; between the two there may only be a ReLU or an average
            over positions.
        rounds: how often to go through all pairs.

    Raises:
        ValueError: the first layer of a pair has no bias (a batch norm was not folded).
    """
    equalized, pairs = copy.deepcopy(network), list(pairs)
    layers = layers_of(equalized)
    with torch.no_grad():
        for _ in range(rounds):
            for first, second in pairs:
                _equalize_layers(layers[first], layers[second])
    return equalized


def _equalize_layers(first: Layer, second: Layer) -> None:
    if first.bias is None:
        raise ValueError("a layer without a bias is followed by batch norm: fold that first.")
    groups = getattr(second, "groups", 1)
    depthwise = groups > 1 and groups == len(first.weight)
    parameters = equalize_pair(first.weight, first.bias, second.weight, depthwise=depthwise)
    for parameter, value in zip((first.weight, first.bias, second.weight), parameters, strict=True):
        parameter.copy_(value)


def consecutive(network: nn.Module) -> list[tuple[str, str]]:
    """Each layer with the next one: the pairs of a network whose layers form a chain."""
    names = list(layers_of(network))
    return list(pairwise(names))
