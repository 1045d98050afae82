"""Q10c, an open exercise: the way back, from bytes with two 4-bit codes each to weights."""

from collections.abc import Sequence

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, case, given, tensor

from .q10b import packed as in_bytes


def by_group(columns: int, size: int, groups: int) -> Tensor:
    """The group of each column."""
    return torch.arange(columns) // size


def unpacked(
    packed: Tensor,
    scales: Tensor,
    size: int,
    columns: int,
    *,
    low: Step = lambda byte: byte & 15,
    high: Step = lambda byte: byte >> 4,
    row: Step = lambda low, high: torch.stack([low, high], -1).flatten(1),
    signed: Step = lambda q: torch.where(q > 7, q - 16, q),
    cut: Step = lambda q, columns: q[:, :columns],
    group: Step = by_group,
    back: Step = lambda q, scale: q * scale,
    rounding: Step | None = None,
) -> Tensor:
    byte = packed.long()
    q = cut(signed(row(low(byte), high(byte))), columns)
    return back(q, scales.double()[:, group(q.shape[1], size, scales.shape[1])])


USUAL = tuple(n for n in range(1, 16) if n != 8)
LEAST = (8, 1, 8, 15, 7)


def bytes_of(rows: int, columns: int, nibbles: Sequence[int] = USUAL) -> Drawn:
    """Bytes without a 0 in them, but for the padding; the first two of each row are -3, -7 and 7, 2."""

    def draw(generator: Generator) -> Tensor:
        places = torch.randint(len(nibbles), (rows, columns + columns % 2), generator=generator)
        halves = torch.tensor(nibbles)[places]
        halves[:, :4] = torch.tensor([13, 9, 7, 2])
        halves[:, columns:] = 0
        if 8 in nibbles:
            halves[:, 4] = 8
        return (halves[:, 0::2] | halves[:, 1::2] << 4).to(torch.uint8)

    return Drawn(draw)


def scales_of(rows: int, groups: int) -> Drawn:
    """Scales of which none equals another."""

    def draw(generator: Generator) -> Tensor:
        order = torch.arange(rows * groups).reshape(rows, groups)
        return (1 + order + 0.5 * torch.rand(rows, groups, generator=generator)) / 16

    return Drawn(draw)


EXAMPLE = in_bytes(torch.tensor([[0.875, -0.375, 0.125, -0.875, 1.75, -0.25, 0.75]]), 4)

q10c = Question(
    "Q10c",
    answer="unpack_groups",
    returns=(tensor("weights", integer=False),),
    reference=unpacked,
    provided=provided.unpack_groups,
    parts=(
        Part("rows of even length", 2, groups=("even",)),
        Part("rows of odd length", 1, groups=("odd",)),
        Part("the code -8", 1, groups=("least",)),
    ),
    cases=[
        case("two rows of 8, groups of 4", bytes_of(2, 8), scales_of(2, 2), 4, 8, group="even"),
        case("three rows of 22, groups of 8", bytes_of(3, 22), scales_of(3, 3), 8, 22, group="even"),
        case("the worked example", EXAMPLE[0].to(torch.uint8), EXAMPLE[1], 4, 7, group="odd"),
        case("four rows of 15, groups of 6", bytes_of(4, 15), scales_of(4, 3), 6, 15, group="odd"),
        case("with the code -8", bytes_of(2, 12, LEAST), scales_of(2, 3), 4, 12, group="least"),
        case("with the code -8, one row", bytes_of(1, 8, LEAST), scales_of(1, 2), 4, 8, group="least"),
    ],
    mistakes=[
        Mistake(
            "the sign is not extended: codes are 0 to 15",
            given(signed=lambda q: q),
            "1101 is -3, not 13: which four-bit numbers are negative, and what has to be subtracted from them?",
        ),
        Mistake(
            "the sign is lost in unsigned bytes",
            given(signed=lambda q: torch.where(q > 7, q + 240, q)),
            "in uint8, 13 - 16 is 253: convert to a signed dtype before you subtract.",
        ),
        Mistake(
            "8 is subtracted from every code",
            given(signed=lambda q: q - 8),
            "the halves are in two's complement: 0111 is 7 and 1101 is -3. Which numbers change, and by how much?",
        ),
        Mistake(
            "15 is subtracted instead of 16",
            given(signed=lambda q: torch.where(q > 7, q - 15, q)),
            "four bits have 16 values, and 1111 is -1: what is 15 - 16?",
        ),
        Mistake(
            "the highest bit is only a sign",
            given(signed=lambda q: torch.where(q > 7, 8 - q, q)),
            "in two's complement 1111 is -1, not -7: what is 15 - 16?",
        ),
        Mistake(
            "1000 stays 8",
            given(signed=lambda q: torch.where(q > 8, q - 16, q)),
            "the highest bit of 1000 is set, so it is negative: -8. Is your comparison > or >=?",
        ),
        Mistake(
            "7 becomes negative too",
            given(signed=lambda q: torch.where(q >= 7, q - 16, q)),
            "the highest bit of 0111 is not set, so it is positive. Is your comparison > or >=?",
        ),
        Mistake(
            "the high half comes first",
            given(row=lambda low, high: torch.stack([high, low], -1).flatten(1)),
            "the low half has the weight of the even column: what are the first two codes of 0xD7?",
        ),
        Mistake(
            "all low halves come first, then all high ones",
            given(row=lambda low, high: torch.cat([low, high], 1)),
            "the two halves of a byte are neighbours: torch.stack with a new last dimension puts them side by side.",
        ),
        Mistake(
            "the high half is not shifted down",
            given(high=lambda byte: byte & 240),
            "0xD0 is 208: by how many bits does it have to move to become 13?",
        ),
        Mistake(
            "the low half still has the high one above it",
            given(low=lambda byte: byte),
            "0xD7 is 215: which operation keeps its lowest four bits?",
        ),
        Mistake(
            "scales are repeated one after the other, not each for its group",
            given(group=lambda columns, size, groups: torch.arange(columns) % groups),
            "the first size columns have the first scale: print which column gets which. repeat, or repeat_interleave?",
        ),
        Mistake(
            "the size of a group is counted in bytes",
            given(group=lambda columns, size, groups: torch.arange(columns) // (2 * size)),
            "size counts weights, and each byte has two of them.",
        ),
        Mistake(
            "the first scale of each row is used for all of it",
            given(group=lambda columns, size, groups: torch.zeros(columns, dtype=torch.int64)),
            "each group has a scale of its own: which one does column j have?",
        ),
        Mistake(
            "the padding is left in",
            given(cut=lambda q, columns: q),
            "7 weights are in 4 bytes, that is 8 codes: which one is no weight?",
        ),
        Mistake(
            "the padding is cut off in front",
            given(cut=lambda q, columns: q[:, -columns:]),
            "the padding is the last code of a row: cut it off there.",
        ),
        Mistake(
            "divided by the scale",
            given(back=lambda q, scale: q / scale),
            "a scale is the width of one step: how far from 0 is the code 7?",
        ),
        Mistake(
            "the codes are returned, not the weights",
            given(back=lambda q, scale: q),
            "a code is a number of steps: what is each step's width?",
        ),
    ],
    next="print the codes of the worked example: 7, -3, 1, -7, 7, -1, 3; then their scales: 0.125 four times, 0.25 three times",
)
