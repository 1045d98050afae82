"""Q5: the range that keeps a percentage of the values and leaves half of the rest out on each side."""

import math

import provided
import torch
from torch import Tensor

from qlab.check import (
    Drawn,
    Mistake,
    Part,
    Question,
    Step,
    as_is,
    case,
    given,
    nearest,
    normal,
    real,
    ties_down,
    ties_up,
)


def at(ordered: Tensor, place: float, rounding: Step) -> Tensor:
    """The value at a place between two; either of the two is as good, and at a value so are its neighbours.

    1 - 90 / 100 is not 0.1 in floating point: an answer that takes a neighbour may take the one before or after.
    """
    places = (math.floor(place - 1e-6), math.ceil(place + 1e-6), int(place), int(place) + 1)
    below, above, exact, after = (ordered[min(max(n, 0), ordered.numel() - 1)] for n in places)
    between = torch.lerp(exact.double(), after.double(), place - int(place))
    return {ties_down: below, ties_up: above}.get(rounding, between)


def kept(
    x: Tensor,
    percentile: float,
    *,
    share: Step = lambda percentile: (1 - percentile / 100) / 2,
    values: Step = as_is,
    low: Step = lambda ordered, share, rounding: at(ordered, share * (ordered.numel() - 1), rounding),
    high: Step = lambda ordered, share, rounding: at(ordered, (1 - share) * (ordered.numel() - 1), rounding),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    ordered, left_out = values(x).flatten().sort().values, share(percentile)
    return low(ordered, left_out, rounding), high(ordered, left_out, rounding)


def tails(count: int) -> Drawn:
    """Values with a long upper tail."""
    return Drawn(lambda generator: torch.randn(count, generator=generator).mul(0.8).exp() - 1)


def of_sizes(ordered: Tensor, share: float, rounding: Step) -> Tensor:
    sizes = ordered.abs().sort().values
    return at(sizes, (1 - 2 * share) * (sizes.numel() - 1), rounding)


q5 = Question(
    "Q5",
    answer="percentile_range",
    returns=(real("low"), real("high")),
    reference=kept,
    provided=provided.percentile_range,
    off_limits=("qlab.calibration.range_search:percentile_range", "qlab.calibration.range_search:_quantile"),
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
            "the high end is at the percentile itself",
            given(high=lambda ordered, share, rounding: at(ordered, (1 - 2 * share) * (ordered.numel() - 1), rounding)),
            "keeping 90 % leaves out 5 % above high: at which share of the values is it?",
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
