"""Accumulators on CPUs without an 8-bit dot product: vpmaddubsw adds two products in 16 bits, and saturates."""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import checked_window, conv2d_accumulator, image_patches
from qlab.engines.layer import Layer

AT_ONCE = 2**18  # sums of pairs that are held at once: they stay in the processor's cache
ROWS = 32  # of codes, at least
PAIRS = 16  # added in float32, which holds the sum of up to 512
LOWEST, HIGHEST = -(2**15), 2**15 - 1


def add_pairs_in_16_bits(codes: Tensor, weights: Tensor, blocks: Sequence[int] | None = None) -> Tensor:
    """Sum over pairs of clamp(q[2i] * w[2i] + q[2i + 1] * w[2i + 1], -2**15, 2**15 - 1), as vpmaddubsw does.

    Two products of 255 * 127 add up to 64,770, which does not fit. With |w| <= 64 every pair fits, and so does every
    pair of 7-bit activations, which is why fbgemm's default settings leave one bit unused (reduce_range).

    Args:
        codes: (rows, in), unsigned bytes as they are stored, before the zero-point is subtracted.
        weights: (out, in), signed bytes.
        blocks: how many inputs each block holds, if pairs are formed in blocks apart; a block of an odd number ends
            with a product alone.

    Returns:
        (rows, out), int32.

    Source: Intel 64 and IA-32 Architectures Software Developer's Manual, PMADDUBSW.
    """
    pairs = _pairs([weights.shape[1]] if blocks is None else blocks)
    return _pair_sums(codes.T.unsqueeze(0), weights.unsqueeze(0), pairs)[0].T


def saturating_accumulator(layer: Layer, codes: Tensor, *, as_onednn: bool = False) -> Tensor:
    """A layer's accumulator with pairs of products added in 16 bits.

    Pairs are formed along the channels first, then along the kernel.

    Args:
        layer: linear or convolution.
        codes: uint8, the layer's input codes.
        as_onednn: as oneDNN does it: the border holds raw zeros and is left out of the correction for Z_x, and an odd
            number of channels is padded, so that no pair spans two pixels; a linear layer's inputs are added in
            `onednn_blocks`. In fbgemm the border holds Z_x.

    Returns:
        As `Layer.accumulator`.
    """
    weights, zero_point = layer.weights, layer.input_zero_point
    if layer.kind == "linear":
        blocks = onednn_blocks(weights.shape[1]) if as_onednn else None
        sums = add_pairs_in_16_bits(codes.reshape(-1, codes.shape[-1]), weights, blocks)
        correction = zero_point * weights.sum(dim=1, dtype=torch.int32)
        return (sums - correction).reshape(*codes.shape[:-1], -1)
    window = checked_window(layer.stride, layer.padding, layer.dilation)
    patches = image_patches(codes, 0 if as_onednn else zero_point, tuple(weights.shape[2:]), *window)
    groups, per_group, pixels = layer.groups, weights.shape[1], patches.shape[3]
    columns = patches.reshape(-1, pixels, groups, per_group).permute(2, 1, 3, 0).flatten(1, 2)
    rows = weights.permute(0, 2, 3, 1).reshape(groups, -1, pixels * per_group)
    sums = _pair_sums(columns, rows, _pairs([per_group] * pixels if as_onednn else [per_group * pixels]))
    with_border = zero_point * rows.flatten(0, 1).sum(1, dtype=torch.int32)
    correction = _correction_in_onednn(layer, codes) if as_onednn else with_border
    return sums.flatten(0, 1).T.reshape(*patches.shape[:3], -1) - correction


def onednn_blocks(inputs: int) -> list[int]:
    """How many inputs of a linear layer oneDNN adds at a time; where the first is odd, other products share a pair.

    Measured with AVX2 for 1 to 1,100 inputs, and for some up to 4,200: it cuts from 257 to 767 into halves. Longer rows
    are cut too, but at even places, which no sum shows.
    """
    half = (inputs + 1) // 2
    return [half, inputs - half] if 256 < inputs < 768 else [inputs]


def _correction_in_onednn(layer: Layer, codes: Tensor) -> Tensor:
    """What Z_x contributes to the sums where the border contributes nothing: (1, height, width, out)."""
    image = torch.full_like(codes[:1], layer.input_zero_point)
    stride, padding, dilation = layer.stride, layer.padding, layer.dilation
    acc = conv2d_accumulator(
        image, layer.weights, stride=stride, padding=padding, dilation=dilation, groups=layer.groups
    )
    return acc.permute(0, 2, 3, 1)


def _pairs(blocks: Sequence[int]) -> Tensor:
    """The two inputs of each pair, (pairs, 2), block by block; -1 stands for none."""
    inputs = []
    for start, size in zip(accumulate(blocks, initial=0), blocks, strict=False):
        inputs += [*range(start, start + size), *([-1] if size % 2 else [])]
    return torch.tensor(inputs, dtype=torch.int64).reshape(-1, 2)


def _pair_sums(columns: Tensor, weights: Tensor, pairs: Tensor) -> Tensor:
    """The sums of all pairs, each clamped to 16 bits.

    Args:
        columns: (groups, in, rows), unsigned bytes.
        weights: (groups, out, in), signed bytes.
        pairs: (pairs, 2), the inputs of each pair; -1 stands for none.

    Returns:
        (groups, out, rows), int32.
    """
    padded = torch.nn.functional.pad(weights.float(), (0, 1))  # what stands at -1 is 0
    w_0, w_1 = (padded[:, :, places].transpose(1, 2).unsqueeze(3).contiguous() for places in pairs.T)
    acc = torch.zeros(len(weights), columns.shape[2], weights.shape[1], dtype=torch.int32).transpose(1, 2)
    step = max(ROWS, AT_ONCE // max(1, acc[:, :, :1].numel() * PAIRS))
    for start in range(0, columns.shape[2], step):
        q = torch.nn.functional.pad(columns[:, :, start : start + step].float(), (0, 0, 0, 1))
        q_0, q_1 = (q[:, places].unsqueeze(2) for places in pairs.T)
        for first in range(0, len(pairs), PAIRS):
            some = slice(first, first + PAIRS)
            sums = (w_0[:, some] * q_0[:, some]).addcmul_(w_1[:, some], q_1[:, some]).clamp_(LOWEST, HIGHEST)
            acc[:, :, start : start + step] += sums.sum(1).to(torch.int32)
    return acc
