"""Batch-norm folding: a convolution and the batch norm after it become one convolution."""

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn

from qlab.arithmetic.validation import plain_tensor


def fold_batch_norm(
    weight: Tensor, bias: Tensor | None, mean: Tensor, var: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one convolution that equals a convolution followed by batch norm.

    Args:
        weight: (out, in/groups, kH, kW), floating point; a linear layer's (out, in) works too.
        bias: (out,) or None.
        mean, var, gamma, beta: (out,), batch norm's running statistics and affine parameters.
        eps: batch norm's eps, added to the variance.

    Returns:
        The folded weight and bias, shapes as above.

    Raises:
        ValueError: a per-channel tensor is missing or does not have `out` entries.

    Source: Jacob et al. 2018 (arXiv 1712.05877), section 3.2.
    """
    if not plain_tensor(weight, "weight").dim():
        raise ValueError("weight must be (out, in / groups, kernel height, kernel width), not one number.")
    named = {"bias": bias, "mean": mean, "var": var, "gamma": gamma, "beta": beta}
    for name, value in named.items():
        if value is None and name != "bias":
            raise ValueError(f"{name} is None: a batch norm can only be folded if it has statistics and parameters.")
        if value is not None and plain_tensor(value, name).shape != weight.shape[:1]:
            raise ValueError(f"{name} has shape {tuple(value.shape)}, but there are {len(weight)} output channels.")
    scale = gamma * torch.rsqrt(var + eps)
    # Batch norm subtracts its mean after the convolution has added its bias, so the bias is scaled too.
    shift = beta - mean * scale if bias is None else beta + (bias - mean) * scale
    return weight * scale.reshape(-1, *[1] * (weight.dim() - 1)), shift


def folded(network: nn.Module) -> nn.Module:
    """A copy of a network, in evaluation mode, with batch norm folded into the convolution before it.

    Only pairs that are neighbours in an `nn.Sequential` are folded. An `nn.Identity` takes the place of the batch norm,
    so all other modules keep their names.

    Raises:
        ValueError: a batch norm has no running statistics, or no parameters.
    """
    network = copy.deepcopy(network).eval()
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for place, (conv, norm) in enumerate(pairwise(list(sequence))):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[place], sequence[place + 1] = _folded_pair(conv, norm), nn.Identity()
    return network


def _folded_pair(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    if norm.running_mean is None or norm.running_var is None or not norm.affine:
        raise ValueError(
            "a batch norm can only be folded if it has statistics and parameters: create it with "
            "track_running_stats=True and affine=True."
        )
    fused = copy.deepcopy(conv)
    weight, bias = fold_batch_norm(
        conv.weight.detach(),
        None if conv.bias is None else conv.bias.detach(),
        norm.running_mean, norm.running_var, norm.weight.detach(), norm.bias.detach(), norm.eps,
    )  # fmt: skip
    fused.weight, fused.bias = nn.Parameter(weight), nn.Parameter(bias)
    return fused
