"""Q4: add a batch to a histogram of absolute values whose range doubles until the batch fits."""

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, real, tensor

MOST_DOUBLINGS = 40  # a mistake might never stop doubling


def in_bins(x: Tensor, end: float, bins: int) -> Tensor:
    """Counts of values above 0: a bin includes its upper end, 0 goes into the first, what is beyond into the last."""
    places = (x.double() * (bins / end)).ceil().long() - 1
    return torch.bincount(places.clamp(0, bins - 1), minlength=bins)


def in_pairs(counts: Tensor) -> Tensor:
    return torch.cat([counts.reshape(-1, 2).sum(dim=1), torch.zeros_like(counts[::2])])


def add_batch(
    counts: Tensor,
    end: float,
    batch: Tensor,
    *,
    size: Step = lambda x: x.abs(),
    until: Step = lambda largest, end: largest > end,
    merged: Step = in_pairs,
    farther: Step = lambda end, largest: end * 2,
    once: bool = False,
    merges: int = MOST_DOUBLINGS,
    added: Step = lambda old, new: old + new,
    counted: Step = in_bins,
    rounding: Step = nearest,
) -> tuple[Tensor, float]:
    x = size(batch).flatten()
    largest = x.max().item()
    for number in range(1 if once else MOST_DOUBLINGS):
        if not until(largest, end):
            break
        counts, end = merged(counts) if number < merges else counts, farther(end, largest)
    return added(counts, counted(x, end, counts.numel())), end


def values_up_to(count: int, largest: float) -> Drawn:
    """Values of both signs, the largest of this size, all well inside their bins."""

    def draw(generator: Generator) -> Tensor:
        places = torch.randint(0, 8, (count,), generator=generator)
        x = (places + 0.3 + 0.4 * torch.rand(count, generator=generator)) / 8 * largest
        x[0] = largest * 0.96
        return x * (1 - 2 * torch.randint(0, 2, (count,), generator=generator))

    return Drawn(draw)


def counts_of(bins: int) -> Drawn:
    return Drawn(lambda generator: torch.randint(1, 30, (bins,), generator=generator))


q4 = Question(
    "Q4",
    answer="add_batch",
    returns=(tensor("counts"), real("end")),
    reference=add_batch,
    provided=provided.add_batch,
    off_limits=("qlab.calibration.observers:Histogram.observe",),
    parts=(
        Part("a batch that fits", 4, groups=("fits",)),
        Part("a batch that needs the range doubled", 6, groups=("doubles",)),
    ),
    cases=[
        case("the worked example, it fits", torch.tensor([1, 2, 1, 2]), 4.0, [0.5, -1.7, 3.6], group="fits"),
        case("values on the edges", torch.tensor([1, 2, 1, 2]), 4.0, [1.0, -4.0, 2.0, 0.0], group="fits"),
        case("8 bins, it fits", counts_of(8), 2.0, values_up_to(20, 2.0), group="fits"),
        case("the worked example, doubled", torch.tensor([1, 2, 1, 2]), 4.0, [-7.1], group="doubles"),
        case("8 bins, doubled once", counts_of(8), 2.0, values_up_to(20, 4.0), group="doubles"),
        case("16 bins, doubled three times", counts_of(16), 1.0, values_up_to(40, 8.0), group="doubles"),
    ],
    mistakes=[
        Mistake(
            "the range is not doubled: what is beyond goes into the last bin",
            given(until=lambda largest, end: False),
            "in the second example -7.1 does not fit into 4: what has to happen first?",
        ),
        Mistake(
            "the range is doubled although the largest value just fits",
            given(until=lambda largest, end: largest >= end),
            "a bin holds its upper end: a value that equals the end is in the last bin.",
        ),
        Mistake(
            "the range is doubled once only",
            given(once=True),
            "a value may be eight times the range: if, or while?",
        ),
        Mistake(
            "the counts are merged once, however often the range doubles",
            given(merges=1),
            "each doubling makes the bins twice as wide: which lines belong into the loop?",
        ),
        Mistake(
            "the counts are not merged when the range doubles",
            given(merged=as_is),
            "a bin of twice the width holds what two bins held: which two?",
        ),
        Mistake(
            "the counts are forgotten when the range doubles",
            given(merged=torch.zeros_like),
            "the values seen before are still there: two neighbouring bins become one.",
        ),
        Mistake(
            "a bin is merged with the one half the histogram away",
            given(merged=lambda counts: torch.cat([counts.reshape(2, -1).sum(dim=0), torch.zeros_like(counts[::2])])),
            "neighbours are merged: bins 0 and 1, bins 2 and 3. Which reshape puts them into one row?",
        ),
        Mistake(
            "every second bin is dropped",
            given(merged=lambda counts: torch.cat([counts[::2], torch.zeros_like(counts[::2])])),
            "the sum of the counts is the number of values: it must not change when the range doubles.",
        ),
        Mistake(
            "the merged bins stand in the upper half",
            given(merged=lambda counts: in_pairs(counts).roll(counts.numel() // 2)),
            "what was seen before lies in the lower half of the doubled range.",
        ),
        Mistake(
            "the range ends at the batch's largest value",
            given(farther=lambda end, largest: largest),
            "bins can only be merged in pairs if the range doubles: what is the new end?",
        ),
        Mistake(
            "absolute values are not taken",
            given(size=as_is),
            "the histogram is of absolute values: where does -1.7 go?",
        ),
        Mistake(
            "the new counts replace the old",
            given(added=lambda old, new: new),
            "the histogram is of all batches so far.",
        ),
        Mistake(
            "the batch itself is not counted",
            given(added=lambda old, new: old),
            "after the range fits, the batch's values have to be counted and added.",
        ),
        Mistake(
            "a bin holds its lower end",
            given(
                counted=lambda x, end, bins: torch.bincount(
                    (x.double() * (bins / end)).floor().long().clamp(0, bins - 1), minlength=bins
                )
            ),
            "the last given line has it the other way round: leave the counting to it.",
        ),
        Mistake(
            "the batch is counted in the range before doubling",
            given(counted=lambda x, end, bins: in_bins(x, end / 2, bins)),
            "count the batch after the range has its final end.",
        ),
    ],
    next="print counts and end after each line for the second example: [1, 2, 1, 2] up to 4 becomes [3, 3, 0, 0] up to 8",
)
