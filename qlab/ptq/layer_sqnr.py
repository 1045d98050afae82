"""The signal-to-quantization-noise ratio (SQNR) of a quantized network, layer by layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qlab.ptq.metrics import sqnr
from qlab.ptq.sensitivity import layers_of, record


@dataclass(frozen=True)
class LayerSqnr:
    """The SQNR of one layer, in decibels.

    Attributes:
        name: of the layer.
        weight: of its weight.
        output: of its output, when both networks start from the image: includes the noise of all earlier layers.
        alone: of its output, when the fp32 layer gets the quantized network's input: this layer's own noise.
    """

    name: str
    weight: float
    output: float
    alone: float


def layer_sqnr(network: nn.Module, quantized: nn.Module, images: Tensor) -> list[LayerSqnr]:
    """Compare the layers of a network with those of its copy from `qlab.ptq.sensitivity.quantized`.

    The noise of quantizing an input is attributed to the layer that reads this input.

    Args:
        network, quantized: with layers of the same names.
        images: (images, ...), for the activations.

    Source: what torch.ao.ns._numeric_suite calls compare_weights, compare_model_outputs and compare_model_stub.
    """
    before, after, ratios = record(network, images), record(quantized, images), []
    layers = layers_of(quantized)
    for name, layer in layers_of(network).items():
        with torch.no_grad():
            shadow = layer(_unquantized_input(quantized, name, images))
        ratios.append(
            LayerSqnr(
                name,
                sqnr(layer.weight, layers[name].weight),
                sqnr(before[name][1], after[name][1]),
                sqnr(shadow, after[name][1]),
            )
        )
    return ratios


compare = layer_sqnr  # its name in labs released before 0.2


def _unquantized_input(quantized: nn.Module, name: str, images: Tensor) -> Tensor:
    """The input of a layer before its own input quantizer."""
    inputs_seen: list[Tensor] = []
    handle = layers_of(quantized)[name].register_forward_pre_hook(
        lambda layer, inputs: inputs_seen.append(inputs[0]), prepend=True
    )
    try:
        with torch.no_grad():
            quantized(images)
    finally:
        handle.remove()
    return inputs_seen[0]
