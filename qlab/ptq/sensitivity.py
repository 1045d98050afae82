"""Which layers hurt: one network, each layer at a precision of its own."""

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
    """How a layer is quantized: symmetric weights, narrow codes; affine inputs, unsigned codes. 2..16 bits each.

    Attributes:
        activation_bits: None leaves the layer's input as it is.
        per_channel: a scale for each output channel.
    """

    weight_bits: int = 8
    activation_bits: int | None = 8
    per_channel: bool = False


def layers_of(network: nn.Module) -> dict[str, Layer]:
    """The convolutions and linear layers of a network by name, in the order in which they were made."""
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def record(network: nn.Module, images: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Each layer's input and output for these images, by name."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda layer, inputs, output: seen.update({name: (inputs[0], output)})

    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers_of(network).items()]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def input_ranges(network: nn.Module, images: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """The range of each layer's input over calibration images: minimum and maximum, extended to hold 0."""
    return {name: affine_range(inputs) for name, (inputs, _) in record(network, images).items()}


def quantized_weight(weight: Tensor, bits: int, *, per_channel: bool = False) -> Tensor:
    """A weight on its grid: symmetric, codes -(2**(bits-1) - 1) to 2**(bits-1) - 1, scale max|w| / the largest code.

    Args:
        weight: output channels first, float32.
        bits: 2..16.
        per_channel: a scale for each output channel.
    """
    qmin, qmax = code_range(bits, narrow=True)
    dim = 0 if per_channel else None
    scale, zero_point = qparams(*symmetric_range(weight, dim), qmin, qmax, symmetric=True)
    return fake_quantize(weight, scale, zero_point, qmin, qmax, channel_dim=dim)


def quantized(network: nn.Module, plan: Mapping[str, Precision], ranges: Ranges) -> nn.Module:
    """A copy of a network in which the layers of the plan are quantized, in floats; the others stay as they are.

    Args:
        network: in evaluation mode, batch norm folded.
        plan: by a layer's name.
        ranges: of the layers' inputs, from `input_ranges`.

    Raises:
        KeyError: the plan names a layer that is not there, or has no range.
    """
    made = copy.deepcopy(network)
    layers = layers_of(made)
    for name, precision in plan.items():
        layer = layers[name]
        weight = quantized_weight(layer.weight, precision.weight_bits, per_channel=precision.per_channel)
        layer.weight = nn.Parameter(weight, requires_grad=False)
        if precision.activation_bits is not None:
            layer.register_forward_pre_hook(_on_grid(*ranges[name], precision.activation_bits))
    return made


def _on_grid(low: Tensor, high: Tensor, bits: int) -> Callable[[nn.Module, tuple[Tensor]], tuple[Tensor]]:
    qmin, qmax = code_range(bits, signed=False)
    scale, zero_point = qparams(low, high, qmin, qmax)
    return lambda layer, inputs: (fake_quantize(inputs[0], scale, zero_point, qmin, qmax),)


def one_only(names: Iterable[str]) -> dict[str, list[str]]:
    """For each layer the layers that are quantized: it alone."""
    return {name: [name] for name in names}


def all_but_one(names: Iterable[str]) -> dict[str, list[str]]:
    """For each layer the layers that are quantized: all the others."""
    names = list(names)
    return {name: [other for other in names if other != name] for name in names}


@dataclass(frozen=True)
class Step:
    """One step of a search: which layers are kept in higher precision, and what was measured."""

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
    """Keep layers in higher precision, one more a step, until the measure reaches a target.

    Each step tries each of the remaining layers and keeps the one with which the measure is highest; of equals the
    first. It is greedy: a pair that only helps together is not looked for.

    Args:
        names: of the layers.
        measure: from the layers that are quantized to a number, more is better.
        target: to be reached.
        results: what was measured already, by the kept layers' names; filled (see `qlab.ptq.sweep`).
        most: layers to keep; by default all of them.

    Returns:
        The steps from nothing kept to the target, or to the end.
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
    """As `keep_worst` in a given order, such as by how much each layer hurts alone: one measurement a step."""
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
    place = max(range(len(choices)), key=values.__getitem__)
    return Step(choices[place], values[place])


class Kept:
    """A network whose layers are all quantized but those that are kept in fp32: each choice is measured once.

    Args:
        network: in evaluation mode, batch norm folded; left as it is.
        images: for the ranges of the layers' inputs.
        measure: from a network to a number, more is better.

    Attributes:
        names: of the layers.
        fp32: the measure of the network as it is.

    Raises:
        ValueError: the network has no convolution and no linear layer.
    """

    def __init__(self, network: nn.Module, images: Tensor, measure: Callable[[nn.Module], float]):
        self.names = list(layers_of(network))
        if not self.names:
            raise ValueError("the network has no layer to quantize: it needs an nn.Conv2d or an nn.Linear.")
        self._network, self._measure = network, measure
        self._ranges = input_ranges(network, images)
        self._found: dict[tuple[frozenset[str], int], tuple[float, float]] = {}
        self.fp32 = measure(network)

    def value(self, kept: Collection[str], bits: int) -> float:
        """The measure with these layers kept and the weights of all others at `bits`, their inputs at 8 bits."""
        return self._choice(kept, bits)[0]

    def only(self, name: str, bits: int) -> float:
        """The measure where this layer alone is quantized."""
        return self.value([other for other in self.names if other != name], bits)

    def seconds(self, kept: Collection[str], bits: int) -> float:
        """What measuring this choice took."""
        return self._choice(kept, bits)[1]

    def bytes(self, kept: Collection[str], bits: int) -> float:
        """What all weights and biases take, see `weight_bytes`."""
        return weight_bytes(self._network, {name: bits for name in self.names if name not in kept})

    def _choice(self, kept: Collection[str], bits: int) -> tuple[float, float]:
        choice = frozenset(kept), bits
        if choice not in self._found:
            started = time.perf_counter()
            plan = {name: Precision(bits) for name in self.names if name not in kept}
            value = self._measure(quantized(self._network, plan, self._ranges))
            self._found[choice] = value, time.perf_counter() - started
        return self._found[choice]


@dataclass(frozen=True)
class Counts:
    """Of one layer for one image: weights (without biases), output values, multiplications."""

    weights: int
    activations: int
    products: int


def layer_counts(network: nn.Module, image: Tensor) -> dict[str, Counts]:
    """What each layer holds, gives and multiplies for one image (1, channels, height, width)."""
    seen = record(network, image)
    return {
        name: Counts(layer.weight.numel(), seen[name][1].numel(), seen[name][1].numel() * layer.weight[0].numel())
        for name, layer in layers_of(network).items()
    }


def weight_bytes(network: nn.Module, bits: Mapping[str, int]) -> float:
    """Bytes of all layers' weights at `bits` each, 32 where none are named, and of their biases at 32."""
    layers = layers_of(network).items()
    biases = sum(layer.bias.numel() for _, layer in layers if layer.bias is not None)
    return sum(layer.weight.numel() * bits.get(name, 32) for name, layer in layers) / 8 + 4 * biases
