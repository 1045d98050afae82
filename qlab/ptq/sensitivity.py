"""Sensitivity analysis: quantize each layer of a network at its own precision, and find the layers that hurt most."""

import copy
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from qlab.arithmetic.fake_quantize import fake_quantize
from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.ranges import affine_range, symmetric_range
from qlab.ptq.sweep import Results, sweep

Layer = nn.Conv2d | nn.Linear
Ranges = Mapping[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Precision:
    """How a layer is quantized: symmetric weights with narrow codes, affine inputs with unsigned codes.

    Attributes:
        weight_bits: 2..16.
        activation_bits: 2..16; None leaves the layer's input unquantized.
        per_channel: one weight scale per output channel.
    """

    weight_bits: int = 8
    activation_bits: int | None = 8
    per_channel: bool = False


def layers_of(network: nn.Module) -> dict[str, Layer]:
    """The convolutions and linear layers of a network by name, in the order in which they were defined."""
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def record(network: nn.Module, images: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """The input and output of each layer for these images, by layer name."""
    tensors: dict[str, tuple[Tensor, Tensor]] = {}

    def hook(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda layer, inputs, output: tensors.update({name: (inputs[0], output)})

    handles = [layer.register_forward_hook(hook(name)) for name, layer in layers_of(network).items()]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return tensors


def input_ranges(network: nn.Module, images: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """The range of each layer's input over calibration images: minimum and maximum, extended to include 0."""
    return {name: affine_range(inputs) for name, (inputs, _) in record(network, images).items()}


def quantized_weight(weight: Tensor, bits: int, *, per_channel: bool = False) -> Tensor:
    """A fake-quantized weight: symmetric, codes -(2**(bits-1) - 1) to 2**(bits-1) - 1, scale max|w| / largest code.

    Args:
        weight: output channels first, float32.
        bits: 2..16.
        per_channel: one scale per output channel.
    """
    qmin, qmax = code_range(bits, narrow=True)
    dim = 0 if per_channel else None
    scale, zero_point = qparams(*symmetric_range(weight, dim), qmin, qmax, symmetric=True)
    return fake_quantize(weight, scale, zero_point, qmin, qmax, channel_dim=dim)


def quantized(network: nn.Module, plan: Mapping[str, Precision], ranges: Ranges) -> nn.Module:
    """A copy of a network in which the layers of a plan are fake-quantized; the others stay in fp32.

    Args:
        network: in evaluation mode, batch norm folded.
        plan: the precision of each layer to quantize, by layer name.
        ranges: of the layers' inputs, from `input_ranges`.

    Raises:
        KeyError: the plan names a layer that does not exist or has no range.
    """
    copied = copy.deepcopy(network)
    layers = layers_of(copied)
    for name, precision in plan.items():
        layer = layers[name]
        weight = quantized_weight(layer.weight, precision.weight_bits, per_channel=precision.per_channel)
        layer.weight = nn.Parameter(weight, requires_grad=False)
        if precision.activation_bits is not None:
            layer.register_forward_pre_hook(_on_grid(*ranges[name], precision.activation_bits))
    return copied


def _on_grid(low: Tensor, high: Tensor, bits: int) -> Callable[[nn.Module, tuple[Tensor]], tuple[Tensor]]:
    qmin, qmax = code_range(bits, signed=False)
    scale, zero_point = qparams(low, high, qmin, qmax)
    return lambda layer, inputs: (fake_quantize(inputs[0], scale, zero_point, qmin, qmax),)


def one_only(names: Iterable[str]) -> dict[str, list[str]]:
    """The layers to quantize in order to test each layer: the layer itself only."""
    return {name: [name] for name in names}


def all_but_one(names: Iterable[str]) -> dict[str, list[str]]:
    """The layers to quantize in order to test each layer: all the others."""
    names = list(names)
    return {name: [other for other in names if other != name] for name in names}


@dataclass(frozen=True)
class Step:
    """One step of a search: the layers that are kept in higher precision, and the value measured with them."""

    kept: tuple[str, ...]
    value: float


def keep_worst(
    names: Sequence[str],
    measure: Callable[[Sequence[str]], float],
    target: float,
    *,
    results: Results | None = None,
    most: int | None = None,
) -> list[Step]:
    """Keep more and more layers in higher precision, one per step, until the measure reaches a target.

    Each step tries all remaining layers and keeps the one that gives the highest measure, the first one if several do.
    The search is greedy: it does not find two layers that help only together.

    Args:
        names: of the layers.
        measure: maps the names of the quantized layers to a number; higher is better.
        target: stop once the measure is at least this.
        results: earlier measurements by the names of the kept layers; new ones are added (see `qlab.ptq.sweep`).
        most: the largest number of layers to keep; by default all of them.

    Returns:
        The steps, starting with no layer kept, until the target is reached or no more layers may be kept.
    """
    results = {} if results is None else results
    steps = [_best(names, [()], measure, results)]
    while steps[-1].value < target and len(steps[-1].kept) < (len(names) if most is None else most):
        kept = steps[-1].kept
        steps.append(_best(names, [(*kept, name) for name in names if name not in kept], measure, results))
    return steps


def keep_in_order(
    order: Sequence[str], measure: Callable[[Sequence[str]], float], target: float, *, results: Results | None = None
) -> list[Step]:
    """As `keep_worst`, but in a given order, such as by how much each layer hurts alone: one measurement per step."""
    results = {} if results is None else results
    steps = [_best(order, [()], measure, results)]
    while steps[-1].value < target and len(steps[-1].kept) < len(order):
        steps.append(_best(order, [tuple(order[: len(steps)])], measure, results))
    return steps


def _best(
    names: Sequence[str],
    choices: Sequence[tuple[str, ...]],
    measure: Callable[[Sequence[str]], float],
    results: Results,
) -> Step:
    settings = {"keep " + ", ".join(sorted(kept)): [name for name in names if name not in kept] for kept in choices}
    values = list(sweep(settings, measure, results, progress=False).values())
    best = max(range(len(choices)), key=values.__getitem__)
    return Step(choices[best], values[best])


class MixedPrecisionSearch:
    """A network with some layers kept in fp32 and all others quantized; each combination is measured once.

    Args:
        network: in evaluation mode, batch norm folded; it is not changed.
        images: set the ranges of the layers' inputs.
        measure: maps a network to a number; higher is better.

    Attributes:
        names: of the layers.
        fp32: the measure of the unquantized network.

    Raises:
        ValueError: the network has neither a convolution nor a linear layer.
    """

    def __init__(self, network: nn.Module, images: Tensor, measure: Callable[[nn.Module], float]):
        self.names = list(layers_of(network))
        if not self.names:
            raise ValueError("the network has no layer to quantize: it needs an nn.Conv2d or an nn.Linear.")
        self._network, self._measure = network, measure
        self._ranges = input_ranges(network, images)
        self._measured: dict[tuple[frozenset[str], int], tuple[float, float]] = {}
        self.fp32 = measure(network)

    def value(self, kept: Collection[str], bits: int) -> float:
        """The measure with these layers kept in fp32; the others have weights of `bits` bits and 8-bit inputs."""
        return self._choice(kept, bits)[0]

    def only(self, name: str, bits: int) -> float:
        """The measure with only this layer quantized."""
        return self.value([other for other in self.names if other != name], bits)

    def seconds(self, kept: Collection[str], bits: int) -> float:
        """How long measuring this combination took."""
        return self._choice(kept, bits)[1]

    def bytes(self, kept: Collection[str], bits: int) -> float:
        """The bytes of all weights and biases; see `weight_bytes`."""
        return weight_bytes(self._network, {name: bits for name in self.names if name not in kept})

    def _choice(self, kept: Collection[str], bits: int) -> tuple[float, float]:
        choice = frozenset(kept), bits
        if choice not in self._measured:
            started = time.perf_counter()
            plan = {name: Precision(bits) for name in self.names if name not in kept}
            value = self._measure(quantized(self._network, plan, self._ranges))
            self._measured[choice] = value, time.perf_counter() - started
        return self._measured[choice]


@dataclass(frozen=True)
class Counts:
    """The numbers of weights (without biases), output values and multiplications of one layer for one image."""

    weights: int
    activations: int
    products: int


def layer_counts(network: nn.Module, image: Tensor) -> dict[str, Counts]:
    """The counts of each layer for one image (1, channels, height, width), by layer name."""
    tensors = record(network, image)
    return {
        name: Counts(layer.weight.numel(), tensors[name][1].numel(), tensors[name][1].numel() * layer.weight[0].numel())
        for name, layer in layers_of(network).items()
    }


def weight_bytes(network: nn.Module, bits: Mapping[str, int]) -> float:
    """The bytes of all layers: weights at the bits given for the layer (32 if none are given), biases at 32 bits."""
    layers = layers_of(network).items()
    biases = sum(layer.bias.numel() for _, layer in layers if layer.bias is not None)
    return sum(layer.weight.numel() * bits.get(name, 32) for name, layer in layers) / 8 + 4 * biases
