"""Q10b, an open exercise: one scale per group of weights, and 4-bit codes, two of them in each byte."""

import provided
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, as_is, case, given, tensor, wrapped

from .q1 import EPS, q1

LARGEST = 7


# Which weights share a scale: their ranges (rows, groups), and each weight's own scale (rows, columns) ---------------


def members(w: Tensor, size: int) -> list[Tensor]:
    return list(w.split(size, dim=1))


def largest_of_groups(w: Tensor, size: int) -> Tensor:
    return torch.stack([group.abs().amax(1) for group in members(w, size)], 1)


def each_its_own(scales: Tensor, w: Tensor, size: int) -> Tensor:
    return scales[:, torch.arange(w.shape[1]) // size]


def largest_of_rows(w: Tensor, size: int) -> Tensor:
    return w.abs().amax(1, keepdim=True).expand(-1, len(members(w, size)))


def largest_down_the_rows(w: Tensor, size: int) -> Tensor:
    return torch.stack([group.abs().amax(0) for group in w.split(size, dim=0)])


def each_down_the_rows(scales: Tensor, w: Tensor, size: int) -> Tensor:
    return scales[torch.arange(len(w)) // size]


def largest_of_those_apart(w: Tensor, size: int) -> Tensor:
    groups = len(members(w, size))
    return torch.stack([w[:, group::groups].abs().amax(1) for group in range(groups)], 1)


def in_so_many_groups(w: Tensor, size: int) -> int:
    """The size of a group if there were `size` of them."""
    return -(-w.shape[1] // size)


# Which codes share a byte: the low halves and the high ones ----------------------------------------------------------


def neighbours(q: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of neighbours; an odd row gets a 0 at its end."""
    q = F.pad(q, (0, q.shape[1] % 2))
    return q[:, 0::2], q[:, 1::2]


def halves(q: Tensor) -> tuple[Tensor, Tensor]:
    low, high = F.pad(q, (0, q.shape[1] % 2)).chunk(2, dim=1)
    return low, high


def padded_in_front(q: Tensor) -> tuple[Tensor, Tensor]:
    return neighbours(F.pad(q, (q.shape[1] % 2, 0)))


def without_the_odd_one(q: Tensor) -> tuple[Tensor, Tensor]:
    return neighbours(q[:, : q.shape[1] // 2 * 2])


def across_rows(q: Tensor) -> tuple[Tensor, Tensor]:
    low, high = neighbours(q.reshape(1, -1))
    return low[0], high[0]


def packed(
    weights: Tensor,
    size: int,
    *,
    whole: Step = as_is,
    ranges: Step = largest_of_groups,
    each: Step = each_its_own,
    steps: float = LARGEST,
    least: Step = lambda scale: scale.clamp(min=EPS),
    rounded: Step = torch.round,
    ends: tuple[int, int] = (-LARGEST, LARGEST),
    pairs: Step = neighbours,
    nibble: Step = lambda q: q & 15,
    byte: Step = lambda low, high: low | high << 4,
    told: Step = as_is,
    rounding: Step | None = None,
) -> tuple[Tensor, Tensor]:
    w = whole(weights, size)
    scales = least(ranges(w, size) / steps)
    # 0 / 0 is NaN, and becomes the code 0 in an answer that has no smallest scale.
    q = rounded(w / each(scales, w, size)).nan_to_num(0).clamp(*ends).long()
    low, high = pairs(q)
    return byte(nibble(low), nibble(high)), told(scales)


def in_groups(rows: int, columns: int, size: int) -> Drawn:
    """Weights whose groups differ in size; the largest of a group is negative in every other row.

    None lies near a tie. Each group has the codes -5 and 2, which truncation makes -5 and 1.
    """

    def draw(generator: Generator) -> Tensor:
        codes = torch.randint(-6, 7, (rows, columns), generator=generator)
        w = codes + 0.6 * torch.rand(rows, columns, generator=generator) - 0.3
        largest = torch.where(torch.arange(rows) % 2 == 0, -7.0, 7.0)
        for group in members(w, size):
            group[:, 0], group[:, 1], group[:, 2] = largest, -5.2, 1.8
        return w * (1 + torch.arange(rows)[:, None] % 3 + 2.5 * (torch.arange(columns) // size)) / 64

    return Drawn(draw)


EXAMPLE = torch.tensor([[0.875, -0.375, 0.125, -0.875, 1.75, -0.25, 0.75]])
ZEROS = torch.tensor([[0.0, 0.0, 0.0, 0.0, -0.875, 0.5, 0.375, 0.125], [1.75, -1.25, 0.75, 0.25, 0.0, 0.0, 0.0, 0.0]])

q10b = Question(
    "Q10b",
    answer="pack_groups",
    returns=(tensor("packed"), tensor("scales", integer=False)),
    reference=packed,
    provided=provided.pack_groups,
    uses={"scale_and_zero_point": q1},
    parts=(
        Part("scales", 2, fields=("scales",), groups=("even", "odd")),
        Part("bytes", 2, fields=("packed",), groups=("even",)),
        Part("bytes of rows of odd length", 1, fields=("packed",), groups=("odd",)),
        Part("a group of zeros", 1, groups=("zeros", "even")),
    ),
    cases=[
        case("two rows of 8, groups of 4", in_groups(2, 8, 4), 4, group="even"),
        case("five rows of 32, groups of 8", in_groups(5, 32, 8), 8, group="even"),
        case("the last group is shorter", in_groups(3, 22, 8), 8, group="even"),
        case("the worked example", EXAMPLE, 4, group="odd"),
        case("four rows of 15, groups of 6", in_groups(4, 15, 6), 6, group="odd"),
        case("groups of zeros", ZEROS, 4, group="zeros"),
    ],
    mistakes=[
        Mistake(
            "one scale per row instead of per group",
            given(ranges=largest_of_rows),
            "a group's scale depends on its own weights only: which dimension does your maximum run over?",
        ),
        Mistake(
            "one scale per row, and only one column of scales",
            given(ranges=lambda w, size: w.abs().amax(1, keepdim=True), each=lambda scales, w, size: scales),
            "scales has an entry for each group of each row: how many groups has a row?",
        ),
        Mistake(
            "one scale per row, in one dimension",
            given(ranges=lambda w, size: w.abs().amax(1), each=lambda scales, w, size: scales[:, None]),
            "scales has an entry for each group of each row: how many groups has a row?",
        ),
        Mistake(
            "one scale for the whole tensor",
            given(ranges=lambda w, size: w.abs().amax().expand(len(w), len(members(w, size)))),
            "a group's scale depends on its own weights only: which dimension does your maximum run over?",
        ),
        Mistake(
            "groups run down the columns instead of along the rows",
            given(ranges=largest_down_the_rows, each=each_down_the_rows),
            "a group is made of neighbours in a row: which dimension does your reshape cut?",
        ),
        Mistake(
            "a group's weights lie apart instead of next to each other",
            given(
                ranges=largest_of_those_apart,
                each=lambda scales, w, size: scales[:, torch.arange(w.shape[1]) % scales.shape[1]],
            ),
            "print which columns share a scale: the first group is columns 0 to size - 1. Which order has your reshape?",
        ),
        Mistake(
            "size is taken for the number of groups",
            given(
                ranges=lambda w, size: largest_of_groups(w, in_so_many_groups(w, size)),
                each=lambda scales, w, size: each_its_own(scales, w, in_so_many_groups(w, size)),
            ),
            "size is how many weights share a scale: how many groups has a row of 8 with size = 4?",
        ),
        Mistake(
            "a last group that is shorter is dropped",
            given(whole=lambda w, size: w[:, : w.shape[1] // size * size]),
            "7 weights in groups of 4: the last three share a scale too. What could you append before you reshape?",
        ),
        Mistake(
            "the largest value is taken, not the largest absolute value",
            given(ranges=lambda w, size: torch.stack([group.amax(1) for group in members(w, size)], 1)),
            "a group may have its largest weight below 0: what is its scale?",
        ),
        Mistake(
            "the mean of the absolute values is taken, not the largest",
            given(ranges=lambda w, size: torch.stack([group.abs().mean(1) for group in members(w, size)], 1)),
            "the largest absolute value of a group becomes the code 7 or -7: what does yours become?",
        ),
        Mistake(
            "the scale is affine: the width of the range, divided by 15",
            given(ranges=lambda w, size: torch.stack([g.amax(1) - g.amin(1) for g in members(w, size)], 1), steps=15.0),
            "without a zero-point the range has to be symmetric: which code does the largest absolute value get?",
        ),
        Mistake(
            "divided by 8, codes from -8",
            given(steps=8.0, ends=(-8, LARGEST)),
            "the largest absolute value becomes 7 or -7, and -8 is left out: what is it divided by?",
        ),
        Mistake(
            "divided by 7.5, as for the full range",
            given(steps=7.5, ends=(-8, LARGEST)),
            "these codes are narrow, -7 to 7: what are q_min and q_max in Q1's formula?",
        ),
        Mistake(
            "the scale is upside down",
            given(told=lambda scales: 1 / scales),
            "a scale is the width of one step, so a code times the scale is the weight: what is 7 times yours?",
        ),
        Mistake(
            "there is no smallest scale",
            given(least=as_is),
            "a group of zeros has the scale 0, and then 0 / 0 is computed: which function keeps a minimum, as in Q1?",
        ),
        Mistake(
            "a group of zeros gets the scale 1",
            given(least=lambda scales: torch.where(scales == 0, 1.0, scales)),
            "the smallest scale is eps, as in Q1: which function of torch keeps a minimum?",
        ),
        Mistake(
            "eps is added to every scale",
            given(least=lambda scales: scales + EPS),
            "eps is the smallest scale, not a part of every one: which function of torch keeps a minimum?",
        ),
        Mistake(
            "codes are truncated instead of rounded",
            given(rounded=torch.trunc),
            "1.8 is the code 2: which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "codes are rounded down",
            given(rounded=torch.floor),
            "1.8 is the code 2: which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "the first code is in the high half of the byte",
            given(byte=lambda low, high: high | low << 4),
            "in the worked example 7 and -3 make 0xD7: which half has the 7?",
        ),
        Mistake(
            "the first half of a row shares bytes with the second",
            given(pairs=halves),
            "neighbours share a byte: columns 0 and 1, then 2 and 3. Which slices of the row are these?",
        ),
        Mistake(
            "8 is added to the codes before they are packed",
            given(nibble=lambda q: q + 8),
            "the halves are in two's complement: which four bits does -1 have?",
        ),
        Mistake(
            "a sign bit and an absolute value instead of two's complement",
            given(nibble=lambda q: q.abs() | (q < 0).long() << 3),
            "the halves are in two's complement: -1 is 1111. Which operation keeps the lowest four bits?",
        ),
        Mistake(
            "the sign of the codes is lost",
            given(nibble=lambda q: q.abs()),
            "the halves are in two's complement: -1 is 1111. Which operation keeps the lowest four bits?",
        ),
        Mistake(
            "the mask keeps three bits instead of four",
            given(nibble=lambda q: q & 7),
            "four ones are 1111 in binary: which number is that?",
        ),
        Mistake(
            "negative codes are added as they are",
            given(nibble=as_is, byte=lambda low, high: low + 16 * high),
            "-3 + 16 * 5 is no byte with two halves: which operation keeps the lowest four bits of a code?",
        ),
        Mistake(
            "negative codes are combined as they are",
            given(nibble=as_is),
            "-3 is ...11111101, with ones far beyond four bits: which operation keeps the lowest four?",
        ),
        Mistake(
            "the sign bits of the low code overwrite the high code",
            given(nibble=as_is, byte=lambda low, high: (low | high << 4) & 255),
            "-3 is ...11111101: its ones reach into the high half. Which operation keeps the lowest four bits?",
        ),
        Mistake(
            "a negative low code borrows from the high code",
            given(nibble=as_is, byte=lambda low, high: (low + 16 * high) & 255),
            "16 * 5 - 3 is 77, whose high half is 4, not 5: cut the low code to four bits before you add.",
        ),
        Mistake(
            "bytes are given as signed numbers",
            given(byte=lambda low, high: wrapped(low | high << 4, 8)),
            "packed has values from 0 to 255: which dtype of torch has them?",
        ),
        Mistake(
            "the second code is not shifted",
            given(byte=lambda low, high: low | high),
            "the second code belongs in bits 4 to 7: by how many bits does it move?",
        ),
        Mistake(
            "the codes are not packed",
            given(pairs=lambda q: (q, torch.zeros_like(q))),
            "two codes share a byte, so packed has half as many columns as the weights.",
        ),
        Mistake(
            "an odd row loses its last weight",
            given(pairs=without_the_odd_one),
            "7 codes need 4 bytes: what is in the high half of the last one?",
        ),
        Mistake(
            "an odd row is padded in front",
            given(pairs=padded_in_front),
            "the first byte has the codes of columns 0 and 1: at which end does the 0 go?",
        ),
        Mistake(
            "all rows are packed as one",
            given(pairs=across_rows),
            "packed has one row of bytes per row of weights: which dimension does your reshape lose?",
        ),
    ],
    next="do the worked example on paper: scales 0.125 and 0.25; codes 7, -3, 1, -7 and 7, -1, 3; bytes 215, 145, 247, 3",
)
