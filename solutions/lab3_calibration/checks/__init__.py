"""The questions of Lab 3: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step.
"""

import math

import provided
import torch

from qlab.check import (
    Lab,
    Mistake,
    Part,
    Question,
    case,
    given,
    integer,
    nearest,
    normal,
    real,
    tensor,
    ties_down,
    ties_up,
)
from qlab.check.cases import Drawn

EPS = torch.finfo(torch.float32).eps


def as_is(x, *_):
    return x


def value(default):
    """A reference that only returns; a mistake gives another value."""
    return lambda *, rounding=nearest, value=default: value


def drawn(draw):
    """An argument made by a function of a generator."""
    return Drawn(draw)


# Q1 ------------------------------------------------------------------------------------------------------------------


def scale_and_zero_point(
    low,
    high,
    q_min,
    q_max,
    symmetric,
    *,
    ends=lambda low, high: (low.clamp(max=0), high.clamp(min=0)),
    largest=lambda low, high: torch.maximum(-low, high),
    half=lambda q_min, q_max: (q_max - q_min) / 2,
    middle=lambda q_min, q_max: (q_min + q_max + 1) // 2,
    width=lambda low, high: high - low,
    steps=lambda q_min, q_max: q_max - q_min,
    zero=lambda low, high, scale, q_min, q_max: q_min - low / scale,
    least=lambda scale: scale.clamp(min=EPS),
    rounding=nearest,
):
    low, high = ends(low, high)
    if symmetric:
        scale = least(largest(low, high) / half(q_min, q_max))
        return scale, torch.full_like(scale, middle(q_min, q_max))
    scale = least(width(low, high) / steps(q_min, q_max))
    return scale, rounding(zero(low, high, scale, q_min, q_max)).clamp(q_min, q_max)


def single(number):
    """A tensor of no dimension."""
    return torch.tensor(number)


def ends(*shape, centre=0.0):
    """Low ends below, or high ends above, a centre: of that many channels."""
    return normal(*shape, mean=centre, std=0.3)


q1 = Question(
    "Q1",
    answer="scale_and_zero_point",
    returns=(tensor("scale", integer=False), tensor("zero_point")),
    reference=scale_and_zero_point,
    provided=provided.scale_and_zero_point,
    off_limits=("qlab.qparams:qparams", "qlab.observers:observed_qparams"),
    parts=(
        Part("affine", 4, groups=("affine",)),
        Part("symmetric, full and narrow", 4, groups=("symmetric",)),
        Part("a range without width", 2, groups=("dead",)),
    ),
    cases=[
        case("the worked example", torch.tensor(-1.3974), torch.tensor(1.4707), 0, 255, False, group="affine"),
        case("three channels", ends(3, centre=-2.0), ends(3, centre=3.0), -128, 127, False, group="affine"),
        case("a range above 0", torch.tensor(1.0), torch.tensor(6.0), -128, 127, False, group="affine"),
        case("4 bits", ends(5, centre=-1.0), ends(5, centre=5.0), 0, 15, False, group="affine"),
        case("symmetric, -128 to 127", ends(4, centre=-3.0), ends(4, centre=2.0), -128, 127, True, group="symmetric"),
        case("narrow, -127 to 127", ends(4, centre=-1.0), ends(4, centre=2.0), -127, 127, True, group="symmetric"),
        case(
            "unsigned symmetric", torch.tensor([-1.0, -0.5]), torch.tensor([0.5, 2.0]), 0, 255, True, group="symmetric"
        ),
        case("a dead channel", torch.tensor([0.0, -1.0]), torch.tensor([0.0, 1.0]), 0, 255, False, group="dead"),
        case(
            "a dead channel, symmetric",
            torch.tensor([0.0, -1.0]),
            torch.tensor([0.0, 1.0]),
            -128,
            127,
            True,
            group="dead",
        ),
    ],
    mistakes=[
        Mistake(
            "the range is not extended to hold 0",
            given(ends=lambda low, high: (low, high)),
            "padding and ReLU give exact zeros: what happens to 0 if the range is 1 to 6?",
        ),
        Mistake(
            "divided by the number of codes, not of steps",
            given(
                steps=lambda q_min, q_max: q_max - q_min + 1,
                half=lambda q_min, q_max: (q_max - q_min + 1) / 2,
            ),
            "256 codes have how many steps between them?",
        ),
        Mistake(
            "affine: divided by the number of codes, not of steps",
            given(steps=lambda q_min, q_max: q_max - q_min + 1),
            "256 codes have how many steps between them?",
        ),
        Mistake(
            "symmetric: divided by the largest code",
            given(half=lambda q_min, q_max: q_max),
            "from -128 to 127 there are 255 steps: how many are on each side of the middle? torch divides by 127.5.",
        ),
        Mistake(
            "symmetric: divided by all steps",
            given(half=lambda q_min, q_max: q_max - q_min),
            "from -a to a the range is 2a wide.",
        ),
        Mistake(
            "symmetric: divided by 128",
            given(half=lambda q_min, q_max: (q_max - q_min + 1) / 2),
            "from -128 to 127 there are 255 steps: how many are on each side of the middle?",
        ),
        Mistake(
            "symmetric: the high end alone counts",
            given(largest=lambda low, high: high),
            "the range has to hold -3 to 2 as well: which end is farther from 0?",
        ),
        Mistake(
            "symmetric: the zero-point is computed as in the affine case",
            given(middle=lambda q_min, q_max: q_min),
            "in a symmetric range 0 is in the middle: which code is that?",
        ),
        Mistake(
            "symmetric: the zero-point is 0, whatever the codes",
            given(middle=lambda q_min, q_max: 0),
            "for the codes 0 to 255 the middle is not 0: what is (q_min + q_max + 1) // 2?",
        ),
        Mistake(
            "symmetric: the middle code is one too small",
            given(middle=lambda q_min, q_max: (q_min + q_max) // 2),
            "for -128 to 127 torch takes 0: what is (q_min + q_max + 1) // 2?",
        ),
        Mistake(
            "the zero-point forgets q_min",
            given(zero=lambda low, high, scale, q_min, q_max: -low / scale),
            "the low end of the range has to meet q_min: which code is that for int8?",
        ),
        Mistake(
            "the sign of low is lost in the zero-point",
            given(zero=lambda low, high, scale, q_min, q_max: q_min + low / scale),
            "put low into q = low / scale + zero_point: q has to be q_min.",
        ),
        Mistake(
            "the quotient is truncated instead of rounded",
            given(zero=lambda low, high, scale, q_min, q_max: q_min - torch.trunc(low / scale)),
            "which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "the zero-point is truncated instead of rounded",
            given(rounding=torch.trunc),
            "which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "the zero-point is not rounded",
            given(rounding=as_is),
            "a zero-point is a code: which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "one scale for all channels",
            given(
                ends=lambda low, high: (
                    low.clamp(max=0).min().expand_as(low),
                    high.clamp(min=0).max().expand_as(high),
                )
            ),
            "low and high have an entry a channel: torch computes all of them at once if nothing takes their minimum.",
        ),
        Mistake(
            "there is no smallest scale",
            given(least=as_is),
            "a channel of zeros has no width: what is 0 / 0? torch takes no scale below eps.",
        ),
        Mistake(
            "eps is added to every scale",
            given(least=lambda scale: scale + EPS),
            "eps is the smallest scale, not a part of every one: which function of torch keeps a minimum?",
        ),
    ],
    next="take low = -1, high = 1 and the codes 0 to 255: the scale is 2 / 255, and low has to become the code 0",
)

# Q2 ------------------------------------------------------------------------------------------------------------------


def running(
    batches,
    *,
    of_values=lambda x: (x.amin(dim=2), x.amax(dim=2)),
    of_batches=lambda low, high: (low.amin(dim=0), high.amax(dim=0)),
    rounding=nearest,
):
    return of_batches(*of_values(batches))


def batches_of(count, channels, values, spread=1.0, centre=0.0):
    """Batches (count, channels, values) whose channels differ, with a value below and above 0 in each."""

    def draw(generator):
        x = torch.randn(count, channels, values, generator=generator) * spread + centre
        x = x * torch.linspace(1, 3, channels).reshape(-1, 1)
        x[..., 0], x[..., 1] = -0.5 - x[..., 0].abs(), 0.5 + x[..., 1].abs()
        return x

    return drawn(draw)


EXAMPLE = torch.tensor(
    [
        [[-0.0590, 1.1674, 0.7119, -1.1270], [-1.3974, 0.5077, -0.5601, 0.0683], [-0.0929, 0.9473, 0.7159, -0.4574]],
        [[-0.0236, -0.7599, 1.0290, 0.8914], [-1.1727, -1.2556, -0.2271, 0.9568], [-0.2500, 1.4579, 1.4707, 0.4043]],
    ]
)
LOW_AND_HIGH = (tensor("low", integer=False), tensor("high", integer=False))

q2 = Question(
    "Q2",
    answer="min_max",
    returns=LOW_AND_HIGH,
    reference=running,
    provided=provided.min_max,
    off_limits=("qlab.ranges:min_max", "qlab.observers:MinMax.observe"),
    parts=(Part("low", 2.5, fields=("low",)), Part("high", 2.5, fields=("high",))),
    cases=[
        case("the worked example", EXAMPLE),
        case("five batches of four channels", batches_of(5, 4, 12)),
        case("one batch", batches_of(1, 3, 8)),
        case("the extremes in the first batch", EXAMPLE.flip(0) * torch.tensor([3.0, 1.0]).reshape(2, 1, 1)),
        case("one channel", batches_of(4, 1, 6)),
    ],
    mistakes=[
        Mistake(
            "the last batch overwrites those before",
            given(of_batches=lambda low, high: (low[-1], high[-1])),
            "what is left of the first batch after the second? Keep the smaller of both lows.",
        ),
        Mistake(
            "only the first batch counts",
            given(of_batches=lambda low, high: (low[0], high[0])),
            "a later batch may hold a smaller value: which line looks at it?",
        ),
        Mistake(
            "the batches are averaged",
            given(of_batches=lambda low, high: (low.mean(dim=0), high.mean(dim=0))),
            "MinMax keeps the smallest of all batches; averaging is the next question.",
        ),
        Mistake(
            "one range for all channels",
            given(of_batches=lambda low, high: (low.amin(), high.amax())),
            "each channel has a range of its own: along which dimensions do its values lie?",
        ),
        Mistake(
            "one range for all channels, written to each",
            given(of_batches=lambda low, high: (low.amin().expand(low.shape[1]), high.amax().expand(high.shape[1]))),
            "each channel has a range of its own: along which dimensions do its values lie?",
        ),
        Mistake(
            "a range for each batch instead of each channel",
            given(of_batches=lambda low, high: (low.amin(dim=1), high.amax(dim=1))),
            "batches is (batches, channels, values): which dimension should be left?",
        ),
        Mistake(
            "a range for each place instead of each channel",
            given(of_values=lambda x: (x.amin(dim=1), x.amax(dim=1))),
            "batches is (batches, channels, values): which dimension should be left?",
        ),
        Mistake(
            "low and high are exchanged",
            given(of_batches=lambda low, high: (high.amax(dim=0), low.amin(dim=0))),
            "low comes first.",
        ),
        Mistake(
            "it starts at 0, so that a range above 0 reaches down to it",
            given(of_batches=lambda low, high: (low.amin(dim=0).clamp(max=0), high.amax(dim=0).clamp(min=0))),
            "the extension to 0 comes later, in Q1: what are low and high after the first batch?",
        ),
        Mistake(
            "the smallest high end is taken",
            given(of_batches=lambda low, high: (low.amin(dim=0), high.amin(dim=0))),
            "the range has to hold every batch: which of the high ends does that?",
        ),
        Mistake(
            "the low end is the high one with a minus",
            given(of_batches=lambda low, high: (-high.amax(dim=0), high.amax(dim=0))),
            "the smallest value has its own size: amin gives it.",
        ),
        Mistake(
            "absolute values are taken",
            given(of_values=lambda x: (x.abs().amin(dim=2), x.abs().amax(dim=2))),
            "low may be negative: nothing takes absolute values here.",
        ),
    ],
    next="print low and high after each batch of the worked example: which of the six numbers change at the second?",
)

# Q3 ------------------------------------------------------------------------------------------------------------------


def averaged(
    batches,
    c,
    *,
    begin=lambda low: low[0],
    rest=lambda low: low[1:],
    each=lambda mean, new, c: mean + c * (new - mean),
    ends=lambda x: (x.amin(dim=2), x.amax(dim=2)),
    finish=as_is,
    rounding=nearest,
):
    found = []
    for ends_of_batches in ends(batches):
        mean = begin(ends_of_batches)
        for new in rest(ends_of_batches):
            mean = each(mean, new, c)
        found.append(finish(mean, ends_of_batches))
    return tuple(found)


q3 = Question(
    "Q3",
    answer="moving_average",
    returns=LOW_AND_HIGH,
    reference=averaged,
    provided=provided.moving_average,
    off_limits=("qlab.observers:MovingAverage.observe", "qlab.observers:MovingAverage._with"),
    parts=(Part("low", 5, fields=("low",)), Part("high", 5, fields=("high",))),
    cases=[
        case("the worked example", EXAMPLE, 0.01),
        case("six batches, c = 0.01", batches_of(6, 3, 10), 0.01),
        case("four batches, c = 0.25", batches_of(4, 2, 10), 0.25),
        case("one batch", batches_of(1, 3, 8), 0.01),
        case("c = 1", batches_of(3, 2, 8), 1.0),
    ],
    mistakes=[
        Mistake(
            "it starts at 0 instead of at the first batch",
            given(begin=lambda low: torch.zeros_like(low[0]), rest=as_is),
            "with c = 0.01 a start at 0 is felt for hundreds of batches: what does the first batch set?",
        ),
        Mistake(
            "c and 1 - c are exchanged",
            given(each=lambda mean, new, c: new + c * (mean - new)),
            "c = 0.01 is the share of the new batch: which of the two moves by how much?",
        ),
        Mistake(
            "the new batch is not compared with the mean so far",
            given(each=lambda mean, new, c: mean + c * new),
            "with the same batch over and over the mean has to stay where it is.",
        ),
        Mistake(
            "the mean moves away from the new batch",
            given(each=lambda mean, new, c: mean - c * (new - mean)),
            "if the new low is smaller, should the mean go down or up?",
        ),
        Mistake(
            "a plain mean of all batches",
            given(finish=lambda mean, low: low.mean(dim=0)),
            "each batch moves the mean by the share c, whatever their number.",
        ),
        Mistake(
            "smallest and largest of all batches",
            given(ends=lambda x: (x.amin(dim=2).amin(dim=0)[None], x.amax(dim=2).amax(dim=0)[None])),
            "that is MinMax: here each batch moves the ends by the share c only.",
        ),
        Mistake(
            "only the first batch counts",
            given(rest=lambda low: low[:0]),
            "batches after the first have to move the ends: which loop goes over them?",
        ),
        Mistake(
            "the second batch is skipped",
            given(rest=lambda low: low[2:]),
            "the first batch sets the ends: which is the next one? Python counts from 0.",
        ),
        Mistake(
            "only the last batch counts",
            given(finish=lambda mean, low: low[-1]),
            "the mean so far has to take part in each step.",
        ),
        Mistake(
            "c is always 0.01",
            given(each=lambda mean, new, c: mean + 0.01 * (new - mean)),
            "c is an argument: 0.01 is only what torch takes by default.",
        ),
        Mistake(
            "the ends are averages of values",
            given(ends=lambda x: (x.mean(dim=2), x.mean(dim=2))),
            "what is averaged are the batches' smallest and largest values.",
        ),
        Mistake(
            "one range for all channels",
            given(ends=lambda x: (x.amin(dim=(1, 2)), x.amax(dim=(1, 2)))),
            "each channel has a range of its own: along which dimension do its values lie?",
        ),
        Mistake(
            "low and high are exchanged",
            given(ends=lambda x: (x.amax(dim=2), x.amin(dim=2))),
            "low comes first.",
        ),
    ],
    next="take two batches with the lows -1 and -2, and c = 0.25: after the second the mean is -1.25",
)

# Q4 ------------------------------------------------------------------------------------------------------------------


MOST_DOUBLINGS = 40  # a mistake may never come to an end


def in_bins(x, end, bins):
    """Counts of values above 0 in bins that hold their upper ends; 0 is in the first, what is beyond in the last."""
    places = (x.double() * (bins / end)).ceil().long() - 1
    return torch.bincount(places.clamp(0, bins - 1), minlength=bins)


def in_pairs(counts):
    return torch.cat([counts.reshape(-1, 2).sum(dim=1), torch.zeros_like(counts[::2])])


def add_batch(
    counts,
    end,
    batch,
    *,
    size=lambda x: x.abs(),
    until=lambda largest, end: largest > end,
    merged=in_pairs,
    farther=lambda end, largest: end * 2,
    once=False,
    added=lambda old, new: old + new,
    counted=in_bins,
    rounding=nearest,
):
    x = size(batch).flatten()
    largest = x.max().item()
    for _ in range(1 if once else MOST_DOUBLINGS):
        if not until(largest, end):
            break
        counts, end = merged(counts), farther(end, largest)
    return added(counts, counted(x, end, counts.numel())), end


def values_up_to(count, largest):
    """Values of both signs, the largest of them so large, all well inside of their bins."""

    def draw(generator):
        places = torch.randint(0, 8, (count,), generator=generator)
        x = (places + 0.3 + 0.4 * torch.rand(count, generator=generator)) / 8 * largest
        x[0] = largest * 0.96
        return x * (1 - 2 * torch.randint(0, 2, (count,), generator=generator))

    return drawn(draw)


def counts_of(bins):
    return drawn(lambda generator: torch.randint(1, 30, (bins,), generator=generator))


q4 = Question(
    "Q4",
    answer="add_batch",
    returns=(tensor("counts"), real("end")),
    reference=add_batch,
    provided=provided.add_batch,
    off_limits=("qlab.observers:Histogram.observe",),
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

# Q5 ------------------------------------------------------------------------------------------------------------------


def at(ordered, place, rounding):
    """The value at a place between two; either is as good as what is in between, at a value the next ones too.

    1 - 90 / 100 is not 0.1 in floating point: who takes a neighbour takes the one before as well as the one after.
    """
    below, above = math.floor(place - 1e-6), math.ceil(place + 1e-6)
    below, above = (ordered[min(max(n, 0), ordered.numel() - 1)] for n in (below, above))
    exact = ordered.double()[min(max(int(place), 0), ordered.numel() - 1)]
    after = ordered.double()[min(max(int(place) + 1, 0), ordered.numel() - 1)]
    return {ties_down: below, ties_up: above}.get(rounding, torch.lerp(exact, after, place - int(place)))


def kept(
    x,
    percentile,
    *,
    share=lambda percentile: (1 - percentile / 100) / 2,
    values=as_is,
    low=lambda ordered, share, rounding: at(ordered, share * (ordered.numel() - 1), rounding),
    high=lambda ordered, share, rounding: at(ordered, (1 - share) * (ordered.numel() - 1), rounding),
    rounding=nearest,
):
    ordered, left_out = values(x).flatten().sort().values, share(percentile)
    return low(ordered, left_out, rounding), high(ordered, left_out, rounding)


def tails(count):
    """Values with a long tail above."""
    return drawn(lambda generator: torch.randn(count, generator=generator).mul(0.8).exp() - 1)


def of_sizes(ordered, share, rounding):
    sizes = ordered.abs().sort().values
    return at(sizes, (1 - 2 * share) * (sizes.numel() - 1), rounding)


q5 = Question(
    "Q5",
    answer="percentile_range",
    returns=(real("low"), real("high")),
    reference=kept,
    provided=provided.percentile_range,
    off_limits=("qlab.clipping:percentile_range",),
    parts=(Part("low", 2.5, fields=("low",)), Part("high", 2.5, fields=("high",))),
    cases=[
        case("the worked example", torch.arange(0.0, 101.0) - 20, 90),
        case("a long tail, 99 %", tails(2001), 99),
        case("a matrix, 80 %", normal(30, 20), 80),
        case("all of it", normal(200), 100),
        case("99.9 %", tails(5000), 99.9),
    ],
    mistakes=[
        Mistake(
            "the whole share is left out on each side",
            given(share=lambda percentile: 1 - percentile / 100),
            "keeping 90 % leaves 10 % out in all: how much on each side?",
        ),
        Mistake(
            "only large values are left out",
            given(
                low=lambda ordered, share, rounding: ordered[0],
                high=lambda ordered, share, rounding: at(ordered, (1 - 2 * share) * (ordered.numel() - 1), rounding),
            ),
            "outliers may be negative: half of what is left out is on each side.",
        ),
        Mistake(
            "only the high end is cut",
            given(low=lambda ordered, share, rounding: ordered[0]),
            "outliers may be negative: half of what is left out is on each side.",
        ),
        Mistake(
            "the percentile of absolute values, for a symmetric range",
            given(
                low=lambda ordered, share, rounding: -of_sizes(ordered, share, rounding),
                high=of_sizes,
            ),
            "here each end is found by itself: nothing takes absolute values.",
        ),
        Mistake(
            "half of what is kept is taken for what is left out",
            given(share=lambda percentile: percentile / 200),
            "keeping 90 % leaves 10 % out: how much on each side?",
        ),
        Mistake(
            "the high end is the low one with a minus",
            given(high=lambda ordered, share, rounding: -at(ordered, share * (ordered.numel() - 1), rounding)),
            "the two ends are found each for itself.",
        ),
        Mistake(
            "a share of the range instead of a share of the values",
            given(
                low=lambda ordered, share, rounding: ordered[0] + share * (ordered[-1] - ordered[0]),
                high=lambda ordered, share, rounding: ordered[-1] - share * (ordered[-1] - ordered[0]),
            ),
            "one outlier moves the end of the range, but it is one value only: count values.",
        ),
        Mistake(
            "nothing is left out",
            given(share=lambda percentile: 0.0),
            "that is MinMax: which share of the values lies below the new low end?",
        ),
        Mistake(
            "low and high are exchanged",
            given(share=lambda percentile: 1 - (1 - percentile / 100) / 2),
            "low comes first.",
        ),
    ],
    next="take the numbers 0 to 100 and 90 %: 5 % are left out on each side, so low is 5 and high is 95",
)

# Q6 ------------------------------------------------------------------------------------------------------------------


def best_threshold(
    x,
    thresholds,
    q_max,
    *,
    scale=lambda a, q_max: a / q_max,
    back=lambda q, scale: q * scale,
    clip=lambda q, q_max: q.clamp(-q_max, q_max),
    codes=lambda x, scale: torch.round(x / scale),
    error=lambda x, y: (x - y).square().mean(),
    choose=torch.argmin,
    returned=lambda thresholds, errors, place: thresholds[place],
    rounding=nearest,
):
    errors = []
    for a in thresholds:
        step = scale(a, q_max)
        errors.append(error(x, back(clip(codes(x, step), q_max), step)))
    errors = torch.stack(errors)
    return returned(thresholds, errors, choose(errors))


def clear(x, thresholds, q_max):
    """Whether one threshold is clearly better than all others."""
    errors = []
    for a in thresholds:
        errors.append((x - torch.round(x / (a / q_max)).clamp(-q_max, q_max) * (a / q_max)).square().mean())
    first, second = torch.stack(errors).sort().values[:2]
    return bool(second > 1.003 * first)


THRESHOLDS = torch.tensor([0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 4.0, 5.0, 6.0, 8.0, 12.0])
SHUFFLED = THRESHOLDS[[12, 2, 7, 0, 9, 4, 13, 1, 5, 10, 3, 8, 6, 11]]

q6 = Question(
    "Q6",
    answer="best_threshold",
    returns=(real("threshold"),),
    reference=best_threshold,
    provided=provided.best_threshold,
    off_limits=("qlab.clipping:mse_range", "qlab.clipping:mean_squared_error"),
    parts=(Part("the threshold", 10),),
    cases=[
        case(
            "the worked example",
            [0.2, -0.6, 1.0, -0.9, 0.5, 0.4, -0.3, 2.9],
            torch.tensor([1.0, 2.0, 3.0]),
            3,
        ),
        case("a bell, 3 bits", normal(3000), THRESHOLDS, 3, such_that=clear),
        case("a bell, 4 bits", normal(3000), THRESHOLDS, 7, such_that=clear),
        case("a bell, 5 bits", normal(3000), THRESHOLDS, 15, such_that=clear),
        case(
            "long tails, 4 bits",
            drawn(
                lambda generator: torch.randn(3000, generator=generator) * (torch.rand(3000, generator=generator) * 2)
            ),
            THRESHOLDS,
            7,
            such_that=clear,
        ),
        case(
            "only negative values, codes -1 to 1",
            drawn(lambda generator: -torch.randn(3000, generator=generator).abs()),
            THRESHOLDS,
            1,
            such_that=clear,
        ),
        case("thresholds in another order", normal(2000, std=2.0), SHUFFLED, 7, such_that=clear),
    ],
    mistakes=[
        Mistake(
            "what is clipped costs nothing",
            given(clip=as_is),
            "beyond the threshold every value becomes the threshold: which function limits the codes?",
        ),
        Mistake(
            "negative values are cut to 0",
            given(clip=lambda q, q_max: q.clamp(0, q_max)),
            "the codes are -q_max to q_max: x has both signs.",
        ),
        Mistake(
            "what is rounded costs nothing",
            given(codes=lambda x, scale: x / scale),
            "codes are integers: which line rounds?",
        ),
        Mistake(
            "the threshold with the largest error is chosen",
            given(choose=torch.argmax),
            "which error do you want, the smallest or the largest?",
        ),
        Mistake(
            "the mean absolute error is taken",
            given(error=lambda x, y: (x - y).abs().mean()),
            "the error is squared: a large clipping error counts for more than many small ones.",
        ),
        Mistake(
            "the largest single error is taken",
            given(error=lambda x, y: (x - y).abs().max()),
            "the mean over all values decides, not the worst of them.",
        ),
        Mistake(
            "the error is not squared",
            given(error=lambda x, y: (x - y).mean()),
            "errors of both signs cancel: square them before the mean.",
        ),
        Mistake(
            "the codes are compared, not the values they stand for",
            given(back=lambda q, scale: q),
            "a code times the scale is what comes back.",
        ),
        Mistake(
            "the scale is half of what it should be",
            given(scale=lambda a, q_max: a / (2 * q_max)),
            "the threshold has to meet the code q_max: a / scale = q_max.",
        ),
        Mistake(
            "the scale is twice as large",
            given(scale=lambda a, q_max: 2 * a / q_max),
            "the threshold has to meet the code q_max: a / scale = q_max.",
        ),
        Mistake(
            "the scale is upside down",
            given(scale=lambda a, q_max: q_max / a),
            "the threshold has to meet the code q_max: a / scale = q_max.",
        ),
        Mistake(
            "the search ends where the error grows for the first time",
            given(choose=lambda errors: ([*(errors[1:] > errors[:-1]).tolist(), True]).index(True)),
            "the thresholds come in any order: look at all of them.",
        ),
        Mistake(
            "the place of the threshold is returned",
            given(returned=lambda thresholds, errors, place: place),
            "argmin gives a place: thresholds[place] is the threshold.",
        ),
        Mistake(
            "the error is returned instead of the threshold",
            given(returned=lambda thresholds, errors, place: errors[place]),
            "which threshold has this error?",
        ),
    ],
    next="print a table of threshold and error for the worked example: 1, 2 and 3 with the codes -3 to 3",
)

# Q7 ------------------------------------------------------------------------------------------------------------------


def relative_entropy(
    counts,
    kept,
    levels,
    *,
    p_of=lambda inside, beyond: torch.cat([inside[:-1], inside[-1:] + beyond.sum()]),
    merged_from=lambda inside, beyond: inside,
    filled=lambda inside: (inside > 0).double(),
    spread=lambda merged, bins: merged / bins.clamp(min=1),
    normal=lambda x: x / x.sum(),
    log=torch.log,
    total=lambda p, q, log: (p * log(p / q)).sum(),
    rounding=nearest,
):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    group = ((torch.arange(kept) + 1) * levels - 1).div(kept, rounding_mode="floor")
    p, there = p_of(inside, beyond), filled(inside)
    merged = torch.zeros(levels, dtype=torch.float64).index_add_(0, group, merged_from(inside, beyond))
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, group, there)
    p, q = normal(p), normal(there * spread(merged, bins)[group])
    both = (p > 0) & (q > 0)
    # Large logarithms of both signs cancel: float32 leaves five digits of what remains.
    return total(p[both], q[both], log) * {ties_down: 1 - 3e-5, ties_up: 1 + 3e-5}.get(rounding, 1)


def histogram_of(bins, kept):
    """Counts with empty bins among them, the last kept one not empty."""

    def draw(generator):
        counts = torch.randint(1, 60, (bins,), generator=generator)
        counts[torch.randperm(kept - 1, generator=generator)[: kept // 4]] = 0
        counts[kept - 1] = 5 + counts[kept - 1]
        return counts

    return drawn(draw)


q7 = Question(
    "Q7",
    answer="relative_entropy",
    returns=(real("loss"),),
    reference=relative_entropy,
    provided=provided.relative_entropy,
    off_limits=("qlab.clipping:relative_entropy",),
    parts=(
        Part("nothing lies beyond", 5, groups=("all",)),
        Part("with values beyond the threshold", 5, groups=("beyond", "all")),
    ),
    cases=[
        case("the worked example, all bins kept", torch.tensor([4, 2, 0, 3, 1, 1]), 6, 3, group="all"),
        case("24 bins into 8 levels", histogram_of(24, 24), 24, 8, group="all"),
        case("the worked example, 4 bins kept", torch.tensor([4, 2, 0, 3, 1, 1]), 4, 2, group="beyond"),
        case("20 of 40 bins, 8 levels", histogram_of(40, 20), 20, 8, group="beyond"),
        case("30 of 64 bins, 16 levels", histogram_of(64, 30), 30, 16, group="beyond"),
    ],
    mistakes=[
        Mistake(
            "what lies beyond is left out of P",
            given(p_of=lambda inside, beyond: inside),
            "clipping moves what lies beyond into the last kept bin: P has to hold it.",
        ),
        Mistake(
            "what lies beyond is added to Q too",
            given(merged_from=lambda inside, beyond: torch.cat([inside[:-1], inside[-1:] + beyond.sum()])),
            "Q is made from the kept bins alone: if both had what lies beyond, clipping would cost nothing.",
        ),
        Mistake(
            "a level is spread over its empty bins too",
            given(filled=torch.ones_like),
            "a bin that is empty in P is to stay empty in Q: over how many bins is the level spread?",
        ),
        Mistake(
            "a level is not spread: each of its bins gets the sum",
            given(spread=lambda merged, bins: merged),
            "a level's count is shared by its bins: what is it divided by?",
        ),
        Mistake(
            "P and Q are not normalized",
            given(normal=as_is),
            "a distribution adds up to 1: divide each by its sum.",
        ),
        Mistake(
            "P and Q are exchanged",
            given(total=lambda p, q, log: (q * log(q / p)).sum()),
            "which of the two is the truth? It stands in front of the logarithm and above the fraction line.",
        ),
        Mistake(
            "the sign is wrong",
            given(total=lambda p, q, log: -(p * log(p / q)).sum()),
            "a relative entropy is never negative: is it P / Q or Q / P inside of the logarithm?",
        ),
        Mistake(
            "what lies beyond is added to the first bin",
            given(p_of=lambda inside, beyond: torch.cat([inside[:1] + beyond.sum(), inside[1:]])),
            "clipping moves a value to the threshold, so into which bin?",
        ),
        Mistake(
            "the number of bins beyond is added, not their counts",
            given(p_of=lambda inside, beyond: torch.cat([inside[:-1], inside[-1:] + beyond.numel()])),
            "how many values lie beyond?",
        ),
        Mistake(
            "a level's bins are divided by its count",
            given(spread=lambda merged, bins: bins / merged.clamp(min=1)),
            "a level's count is shared by its bins: what is divided by what?",
        ),
        Mistake(
            "the logarithms are not weighted by P",
            given(total=lambda p, q, log: log(p / q).sum()),
            "a bin with many values counts for more: what stands in front of the logarithm?",
        ),
        Mistake(
            "the mean is taken instead of the sum",
            given(total=lambda p, q, log: (p * log(p / q)).mean()),
            "P adds up to 1, so the sum is a mean already.",
        ),
        Mistake(
            "in bits, not in nats",
            given(log=torch.log2),
            "which logarithm is torch.log?",
        ),
        Mistake(
            "logarithms to the base 10",
            given(log=torch.log10),
            "which logarithm is torch.log?",
        ),
        Mistake(
            "what lies beyond is spread over all kept bins",
            given(p_of=lambda inside, beyond: inside + beyond.sum() / inside.numel()),
            "clipping moves a value to the threshold, so into which bin?",
        ),
    ],
    next="work the second example out on paper: P = (4, 2, 0, 5) / 11, Q = (3, 3, 0, 3) / 9",
)

# Q8 ------------------------------------------------------------------------------------------------------------------


def seen(batches, *, mean=True, c=0.01):
    """Low and high of the activations: a moving average, or the extremes, over whole batches."""
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:]:
        if mean:
            low, high = low + c * (batch.min() - low), high + c * (batch.max() - high)
        else:
            low, high = torch.minimum(low, batch.min()), torch.maximum(high, batch.max())
    return low, high


def by_observers(
    batches,
    weights,
    *,
    activations=seen,
    codes=(0, 255),
    symmetric=False,
    per_channel=True,
    weight_codes=(-128, 127),
    weights_symmetric=True,
    rounding=nearest,
):
    low, high = activations(batches)
    a_scale, a_zero = scale_and_zero_point(low, high, *codes, symmetric, rounding=rounding)
    rows = weights.flatten(1) if per_channel else weights.reshape(1, -1)
    ends_of_rows = rows.amin(dim=1), rows.amax(dim=1)
    w_scale, w_zero = scale_and_zero_point(*ends_of_rows, *weight_codes, weights_symmetric, rounding=rounding)
    return a_scale, a_zero, w_scale, w_zero


def activations_of(count, *shape):
    """Batches of activations behind a ReLU that did not cut everything: each larger than the one before."""

    def draw(generator):
        x = torch.randn(count, *shape, generator=generator) + 0.5
        return x * torch.linspace(1, 2, count).reshape(-1, *[1] * len(shape))

    return drawn(draw)


q8 = Question(
    "Q8",
    answer="observe_with_torch",
    returns=(
        real("activation scale"),
        integer("activation zero-point"),
        tensor("weight scales", integer=False),
        tensor("weight zero-points"),
    ),
    reference=by_observers,
    provided=provided.observe_with_torch,
    off_limits=("qlab.observers:observed_qparams",),
    parts=(
        Part("the activations", 5, fields=("activation scale", "activation zero-point")),
        Part("the weights", 5, fields=("weight scales", "weight zero-points")),
    ),
    cases=[
        case("the worked example as activations", EXAMPLE, torch.tensor([[0.5, -1.0], [0.25, 0.125], [-2.0, 2.5]])),
        case("eight batches, a convolution", activations_of(8, 6, 10), normal(5, 3, 3, 3)),
        case("twenty batches, a linear layer", activations_of(20, 4, 16), normal(10, 16, mean=0.3)),
    ],
    mistakes=[
        Mistake(
            "the extremes of all batches are taken",
            given(activations=lambda batches: seen(batches, mean=False)),
            "extremes never shrink again: which observer averages, and does it see the batches one after the other?",
        ),
        Mistake(
            "the activations are symmetric",
            given(symmetric=True),
            "activations behind a ReLU are one-sided: which scheme has a zero-point of its own?",
        ),
        Mistake(
            "the activations have signed codes",
            given(codes=(-128, 127)),
            "the engines take activations as quint8: which codes are those?",
        ),
        Mistake(
            "the activations have 7 bits",
            given(codes=(0, 127)),
            "reduce_range is not asked for here.",
        ),
        Mistake(
            "one scale for all weights",
            given(per_channel=False),
            "each output channel is to have its own scale: which of torch's observers looks at channels?",
        ),
        Mistake(
            "the weights are affine",
            given(weights_symmetric=False),
            "a zero-point of the weights costs a term in every sum (Lab 2): which scheme has none?",
        ),
        Mistake(
            "the weights have unsigned codes",
            given(weight_codes=(0, 255)),
            "weights are qint8, with 0 in the middle.",
        ),
        Mistake(
            "only the first batch is observed",
            given(activations=lambda batches: seen(batches[:1])),
            "which loop shows the observer every batch?",
        ),
        Mistake(
            "only the last batch is observed",
            given(activations=lambda batches: seen(batches[-1:])),
            "which loop shows the observer every batch?",
        ),
    ],
    next="print the two observers: their dtype, qscheme and range of codes are in their text",
)

# Q9 ------------------------------------------------------------------------------------------------------------------


def four(fbgemm_codes=128, qnnpack_codes=256, fbgemm_scales=32, qnnpack_scales=1):
    return fbgemm_codes, qnnpack_codes, fbgemm_scales, qnnpack_scales


def wrong(name, value, next_step):
    return Mistake(name, given(value=value), next_step)


q9 = Question(
    "Q9",
    answer=("fbgemm_codes", "qnnpack_codes", "fbgemm_scales", "qnnpack_scales"),
    returns=tuple(integer(name) for name in ("fbgemm_codes", "qnnpack_codes", "fbgemm_scales", "qnnpack_scales")),
    reference=value(four()),
    parts=(
        Part("codes of an activation", 3, fields=("fbgemm_codes", "qnnpack_codes")),
        Part("scales of the weights", 2, fields=("fbgemm_scales", "qnnpack_scales")),
    ),
    cases=[case("a convolution with 32 output channels")],
    mistakes=[
        wrong("reduce_range is overlooked", four(256), "look at the row fbgemm: 0 to which code?"),
        wrong(
            "the largest code is given, not how many there are",
            four(127, 255),
            "from 0 to 127 there are how many codes?",
        ),
        wrong("bits are given instead of codes", four(7, 8), "7 bits make how many codes?"),
        wrong("fbgemm and qnnpack are exchanged", four(256, 128, 1, 32), "which row of the table is which engine?"),
        wrong(
            "both are taken to be per channel",
            four(qnnpack_scales=32),
            "look at the weight scheme in the row qnnpack: tensor or channel?",
        ),
        wrong(
            "both are taken to be per tensor",
            four(fbgemm_scales=1),
            "look at the weight scheme in the row fbgemm: tensor or channel?",
        ),
        wrong(
            "both have reduced ranges",
            four(qnnpack_codes=128),
            "look at the row qnnpack: 0 to which code?",
        ),
    ],
    next="the table prints the range of codes and the scheme of each observer: read off the rows fbgemm and qnnpack",
)

# Q10 -----------------------------------------------------------------------------------------------------------------


def calibrated(
    train,
    test,
    count,
    *,
    chosen=lambda train, test, count: train[:count],
    ends=running,
    rounding=nearest,
):
    return ends(chosen(train, test, count))


q10 = Question(
    "Q10",
    answer="calibration_range",
    returns=LOW_AND_HIGH,
    reference=calibrated,
    provided=provided.calibration_range,
    uses={"min_max": q2},
    parts=(Part("the right batches", 5),),
    cases=[
        case("3 of 8 batches", batches_of(8, 3, 10), batches_of(4, 3, 10, spread=2.0), 3),
        case("1 batch", batches_of(5, 2, 10), batches_of(5, 2, 10, spread=2.0), 1),
        case("5 of 9 batches", batches_of(9, 4, 10), batches_of(9, 4, 10, spread=0.5), 5),
    ],
    mistakes=[
        Mistake(
            "calibrated on the test set",
            given(chosen=lambda train, test, count: test[:count]),
            "the test set stands for images that nobody has seen yet: which batches may be looked at?",
        ),
        Mistake(
            "calibrated on all of the test set",
            given(chosen=lambda train, test, count: test),
            "the test set stands for images that nobody has seen yet: which batches may be looked at?",
        ),
        Mistake(
            "calibrated on training and test images",
            given(chosen=lambda train, test, count: torch.cat([train[:count], test[:count]])),
            "one look at the test set is enough to make its accuracy worthless as a forecast.",
        ),
        Mistake(
            "all training batches are used",
            given(chosen=lambda train, test, count: train),
            "count says how many batches: the experiment below asks how many are enough.",
        ),
        Mistake(
            "a single batch is used",
            given(chosen=lambda train, test, count: train[:1]),
            "count says how many batches.",
        ),
        Mistake(
            "one batch too few is used",
            given(chosen=lambda train, test, count: train[: max(count - 1, 1)]),
            "train[:count] holds count batches.",
        ),
        Mistake(
            "one batch too many is used",
            given(chosen=lambda train, test, count: train[: count + 1]),
            "train[:count] holds count batches.",
        ),
        Mistake(
            "the batch with the number count alone is used",
            given(chosen=lambda train, test, count: train[count : count + 1]),
            "train[count] is one batch, train[:count] are the first ones.",
        ),
        Mistake(
            "all batches but the first ones are used",
            given(chosen=lambda train, test, count: train[count:]),
            "train[count:] begins where train[:count] ends: which of the two is asked for?",
        ),
        Mistake(
            "every count-th batch is used",
            given(chosen=lambda train, test, count: train[::count]),
            "train[::count] goes in steps, train[:count] are the first ones.",
        ),
        Mistake(
            "the last batches are used, not the first",
            given(chosen=lambda train, test, count: train[-count:]),
            "the question asks for the first count batches.",
        ),
    ],
    next="print which batches go into min_max: their set, and their number",
)

lab = Lab("lab3_calibration", [q1, q2, q3, q4, q5, q6, q7, q8, q9, q10], by_hand=20)
