"""Bias correction: quantized weights shift each channel's mean; the bias takes the shift back."""

import copy

import torch
from torch import Tensor, nn

from qlab.ptq.sensitivity import layers_of, record


def corrected_bias(bias: Tensor, output: Tensor, quantized_output: Tensor) -> Tensor:
    """The bias with which a quantized layer's outputs have the fp32 layer's mean, channel by channel.

    Args:
        bias: (channels,), the quantized layer's.
        output, quantized_output: (images, channels, ...), before the activation function, each with its bias in it.

    Returns:
        bias + mean(output) - mean(quantized_output), float32; the means over everything but channels, in float64.

    Raises:
        ValueError: shapes differ, or there is not one bias a channel.

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
    """A copy of a quantized network whose layers' outputs have the fp32 network's means on these images.

    From the first layer to the last: a later layer is corrected for what reaches it after the earlier corrections.

    Args:
        network, quantized: with the same layers by name, each with a bias, made in the order in which they run.
        images: calibration images; from the training set.
    """
    made = copy.deepcopy(quantized)
    wanted = record(network, images)
    for name, layer in layers_of(made).items():
        if layer.bias is None:
            raise ValueError(f"{name} has no bias that could be corrected.")
        bias = corrected_bias(layer.bias.detach(), wanted[name][1], record(made, images)[name][1])
        layer.bias = nn.Parameter(bias, requires_grad=False)
    return made


def mean_errors(network: nn.Module, quantized: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """For each layer the mean error of each output channel, quantized minus fp32."""
    before, after = record(network, images), record(quantized, images)
    return {
        name: torch.stack([channel.mean() for channel in (after[name][1] - before[name][1]).transpose(0, 1)])
        for name in before
    }
