"""Bias correction: quantized weights shift the mean of each channel; an adjusted bias undoes the shift."""

import copy

import torch
from torch import Tensor, nn

from qlab.ptq.sensitivity import layers_of, record


def corrected_bias(bias: Tensor, output: Tensor, quantized_output: Tensor) -> Tensor:
    """The bias that gives each output channel of a quantized layer the mean of the fp32 layer.

    Args:
        bias: (channels,), of the quantized layer.
        output, quantized_output: (images, channels, ...), before the activation function, bias included.

    Returns:
        bias + mean(output) - mean(quantized_output), float32; the means are taken over all dimensions but channels, in
        float64.

    Raises:
        ValueError: the shapes differ, or there is not one bias per channel.

    Source: Nagel et al. 2019 (arXiv 1906.04721), section 4.2, with means measured on data.
    """
    if output.shape != quantized_output.shape or output.dim() < 2 or bias.shape != output.shape[1:2]:
        raise ValueError(
            f"outputs {tuple(output.shape)} and {tuple(quantized_output.shape)} and a bias {tuple(bias.shape)} "
            "do not fit."
        )
    others = [dim for dim in range(output.dim()) if dim != 1]
    shift = (output.double() - quantized_output.double()).mean(dim=others)
    return (bias.double() + shift).float()


def correct_biases(network: nn.Module, quantized: nn.Module, images: Tensor) -> nn.Module:
    """A copy of a quantized network in which the mean outputs on these images equal the fp32 network's.

    Layers are corrected from the first to the last, so that each correction accounts for the earlier ones.

    Args:
        network, quantized: with layers of the same names, each with a bias, defined in the order in which they run.
        images: calibration images from the training set.
    """
    corrected = copy.deepcopy(quantized)
    targets = record(network, images)
    for name, layer in layers_of(corrected).items():
        if layer.bias is None:
            raise ValueError(f"{name} has no bias to correct: fold batch norm first, or use bias=True.")
        bias = corrected_bias(layer.bias.detach(), targets[name][1], record(corrected, images)[name][1])
        layer.bias = nn.Parameter(bias, requires_grad=False)
    return corrected


def mean_errors(network: nn.Module, quantized: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The mean error of each output channel, quantized minus fp32, by layer name."""
    before, after = record(network, images), record(quantized, images)
    return {
        name: torch.stack([channel.mean() for channel in (after[name][1] - before[name][1]).transpose(0, 1)])
        for name in before
    }
