"""Batch-norm folding: a convolution and the batch norm behind it become one convolution."""

import torch
from torch import Tensor


def fold_batch_norm(
    weight: Tensor, bias: Tensor | None, mean: Tensor, var: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one convolution that equals convolution, then batch norm.

    Args:
        weight: (out, in/groups, kH, kW), floating point; a linear layer's (out, in) works too.
        bias: (out,) or None.
        mean, var, gamma, beta: (out,), batch norm's running statistics and affine parameters.
        eps: batch norm's, added to the variance.

    Returns:
        The folded weight and bias, shapes as above.

    Raises:
        ValueError: a per-channel tensor has not `out` entries.

    Source: Jacob et al. 2018 (arXiv 1712.05877), section 3.2.
    """
    named = {"bias": bias, "mean": mean, "var": var, "gamma": gamma, "beta": beta}
    for name, value in named.items():
        if value is not None and value.shape != weight.shape[:1]:
            raise ValueError(f"{name} has shape {tuple(value.shape)}, but there are {len(weight)} output channels.")
    scale = gamma * torch.rsqrt(var + eps)
    # Batch norm subtracts its mean after the convolution has added its bias, so the bias is scaled too.
    shift = beta - mean * scale if bias is None else beta + (bias - mean) * scale
    return weight * scale.reshape(-1, *[1] * (weight.dim() - 1)), shift
