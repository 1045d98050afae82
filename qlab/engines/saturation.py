"""Accumulators on CPUs without an 8-bit dot product: vpmaddubsw adds two products in 16 bits, and saturates."""

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import image_patches, pair
from qlab.engines.layer import Layer

AT_ONCE = 2**23  # sums of pairs that are held in memory at once


def add_pairs_in_16_bits(codes: Tensor, weights: Tensor) -> Tensor:
    """Sum over pairs of clamp(q[2i] * w[2i] + q[2i + 1] * w[2i + 1], -2**15, 2**15 - 1), as vpmaddubsw does.

    Two products of 255 * 127 add up to 64,770, which does not fit. With |w| <= 64 every pair fits, and so does every
    pair of 7-bit activations, which is why fbgemm's default settings leave one bit unused (reduce_range).

    Args:
        codes: (rows, in), unsigned bytes as they are stored, before the zero-point is subtracted.
        weights: (out, in), signed bytes.

    Returns:
        (rows, out), int32.

    Source: Intel 64 and IA-32 Architectures Software Developer's Manual, PMADDUBSW.
    """
    odd = codes.shape[1] % 2
    q = torch.nn.functional.pad(codes.to(torch.int32), (0, odd)).reshape(len(codes), -1, 2)
    w = torch.nn.functional.pad(weights.to(torch.int32), (0, odd)).reshape(len(weights), -1, 2)
    rows = max(1, AT_ONCE // max(1, w.shape[0] * w.shape[1]))
    return torch.cat([_pair_sums(q[i : i + rows], w) for i in range(0, max(1, len(q)), rows)])


def _pair_sums(q: Tensor, w: Tensor) -> Tensor:
    pairs = q[:, None, :, 0] * w[None, :, :, 0] + q[:, None, :, 1] * w[None, :, :, 1]
    return pairs.clamp_(-(2**15), 2**15 - 1).sum(dim=-1, dtype=torch.int32)


def saturating_accumulator(layer: Layer, codes: Tensor, *, as_onednn: bool = False) -> Tensor:
    """A layer's accumulator with pairs of products added in 16 bits.

    Pairs are formed along the channels first, then along the kernel.

    Args:
        layer: linear or convolution.
        codes: uint8, the layer's input codes.
        as_onednn: as oneDNN does it: the border holds raw zeros and is left out of the correction for Z_x, and an odd
            number of channels is padded, so that no pair spans two pixels. In fbgemm the border holds Z_x.

    Returns:
        As `Layer.accumulator`.
    """
    zero_point = layer.input_zero_point
    if layer.kind == "linear":
        rows, weights = codes.reshape(-1, codes.shape[-1]), layer.weights
        acc = add_pairs_in_16_bits(rows, weights) - zero_point * weights.sum(dim=1, dtype=torch.int32)
        return acc.reshape(*codes.shape[:-1], -1)
    shape = (tuple(layer.weights.shape[2:]), pair(layer.stride), pair(layer.padding), pair(layer.dilation))
    border = 0 if as_onednn else zero_point
    patches = image_patches(codes, border, *shape)
    offsets = image_patches(torch.full_like(codes[:1], zero_point), border, *shape)
    per_group, out = layer.weights.shape[1], layer.weights.shape[0] // layer.groups
    rows = layer.weights.permute(0, 2, 3, 1)
    accumulators = []
    for group in range(layer.groups):
        inputs, outputs = slice(group * per_group, (group + 1) * per_group), slice(group * out, (group + 1) * out)
        q, z, w = patches[..., inputs], offsets[..., inputs], rows[outputs]
        if as_onednn and per_group % 2:
            q, z, w = (torch.nn.functional.pad(codes, (0, 1)) for codes in (q, z, w))
        q, z, w = q.flatten(3), z.flatten(3), w.flatten(1)
        sums = add_pairs_in_16_bits(q.reshape(-1, q.shape[-1]), w).reshape(*q.shape[:3], -1)
        correction = (z.double() @ w.double().T).to(torch.int32)
        accumulators.append(sums - correction)
    return torch.cat(accumulators, dim=-1)
