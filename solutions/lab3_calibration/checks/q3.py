"""Q3: the ends of a range as moving averages: each batch moves them by the share c of the difference."""

from typing import Any

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, as_is, case, given, nearest

from ._common import EXAMPLE, LOW_AND_HIGH, batches_of
from .q2 import q2


def one_step(mean: Tensor, new: Tensor, c: float) -> Tensor:
    return mean + c * (new - mean)


def both_steps(
    low: Tensor, high: Tensor, new_low: Tensor, new_high: Tensor, c: float, each: Step
) -> tuple[Tensor, ...]:
    return each(low, new_low, c), each(high, new_high, c)


def high_from_low(low: Tensor, high: Tensor, new_low: Tensor, new_high: Tensor, c: float, each: Step) -> Any:
    low = each(low, new_low, c)
    return low, high + c * (new_high - low)


def only_wider(
    low: Tensor, high: Tensor, new_low: Tensor, new_high: Tensor, c: float, each: Step
) -> tuple[Tensor, ...]:
    return torch.minimum(low, each(low, new_low, c)), torch.maximum(high, each(high, new_high, c))


def second_only(ends: Tensor) -> Tensor:
    """The second batch; a single one never comes to the end of the function."""
    if len(ends) == 1:
        raise ValueError("nothing is returned")
    return ends[1:2]


def averaged(
    batches: Tensor,
    c: float,
    *,
    begin: Step = lambda lows, highs: (lows[0], highs[0]),
    rest: Step = lambda ends: ends[1:],
    each: Step = one_step,
    both: Step = both_steps,
    before: Step = lambda first, low_and_high: low_and_high,
    ends: Step = lambda x: (x.amin(dim=2), x.amax(dim=2)),
    finish: Step = lambda mean, ends: mean,
    rounding: Step = nearest,
) -> tuple[Tensor, ...]:
    lows, highs = ends(batches)
    first = low, high = begin(lows, highs)
    for new_low, new_high in zip(rest(lows), rest(highs), strict=True):
        low, high = both(*before(first, (low, high)), new_low, new_high, c, each)
    return finish(low, lows), finish(high, highs)


q3 = Question(
    "Q3",
    answer="moving_average",
    returns=LOW_AND_HIGH,
    reference=averaged,
    provided=provided.moving_average,
    uses={"min_max": q2},
    off_limits=(
        *("qlab.calibration.observers:MovingAverage.observe", "qlab.calibration.observers:MovingAverage._with"),
        "qlab.arithmetic.fake_quantize:FakeQuantizedActivation.observe",
        "torch.ao.quantization.observer:MovingAverageMinMaxObserver.forward",
        "torch.ao.quantization.observer:MovingAveragePerChannelMinMaxObserver.forward",
        "qlab.torch_flow.integer_flow.observers:MinMaxObserver.forward",
        *("torch:fused_moving_avg_obs_fake_quant", "torch:_fused_moving_avg_obs_fq_helper"),
    ),
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
            given(begin=lambda lows, highs: (torch.zeros_like(lows[0]),) * 2, rest=as_is),
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
            "it starts at the extremes of all batches",
            given(begin=lambda lows, highs: (lows.amin(dim=0), highs.amax(dim=0))),
            "an observer sees one batch after another: what does it know after the first?",
        ),
        Mistake(
            "each batch moves the first range instead of the mean so far",
            given(before=lambda first, low_and_high: first),
            "the third batch has to move what the second one left: which variable is on both sides of your line?",
        ),
        Mistake(
            "it returns after the second batch",
            given(rest=second_only),
            "is the return statement inside the loop?",
        ),
        Mistake(
            "low is subtracted where high should be",
            given(both=high_from_low),
            "the high end moves by a share of the difference between the batch's high and its own mean so far.",
        ),
        Mistake(
            "the range only grows",
            given(both=only_wider),
            "a batch with a narrower range moves the ends too, inward: what would minimum and maximum prevent?",
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
