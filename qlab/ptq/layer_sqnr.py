"""A network beside its quantized copy, layer by layer, by the signal-to-quantization-noise ratio."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qlab.ptq.metrics import sqnr
from qlab.ptq.sensitivity import layers_of, record


@dataclass(frozen=True)
class Compared:
    """One layer's ratios, in decibels.

    Attributes:
        name: of the layer.
        weight: of its weight.
        output: of its output, where each network has run from the image on: the noise of all layers before is in it.
        alone: of its output, where the fp32 layer gets the quantized network's input: this layer's own noise.
    """

    name: str
    weight: float
    output: float
    alone: float


def compare(network: nn.Module, quantized: nn.Module, images: Tensor) -> list[Compared]:
    """The layers of a network and of its copy by `qlab.ptq.sensitivity.quantized`, compared.

    The noise of a quantized input counts for the layer that it goes into.

    Args:
        network, quantized: with the same layers by name.
        images: (images, ...), for the activations.

    Source: what torch.ao.ns._numeric_suite calls compare_weights, compare_model_outputs and compare_model_stub.
    """
    before, after, compared = record(network, images), record(quantized, images), []
    layers = layers_of(quantized)
    for name, layer in layers_of(network).items():
        with torch.no_grad():
            shadow = layer(_unquantized_input(quantized, name, images))
        compared.append(
            Compared(
                name,
                sqnr(layer.weight, layers[name].weight),
                sqnr(before[name][1], after[name][1]),
                sqnr(shadow, after[name][1]),
            )
        )
    return compared


def _unquantized_input(quantized: nn.Module, name: str, images: Tensor) -> Tensor:
    """What reaches a layer before its own input quantizer."""
    seen: list[Tensor] = []
    handle = layers_of(quantized)[name].register_forward_pre_hook(
        lambda layer, inputs: seen.append(inputs[0]), prepend=True
    )
    try:
        with torch.no_grad():
            quantized(images)
    finally:
        handle.remove()
    return seen[0]
