"""Q3: the ends of a range as moving averages: each batch moves them by the share c of the difference."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, as_is, case, given, nearest

from ._common import EXAMPLE, LOW_AND_HIGH, batches_of


def averaged(
    batches: Tensor,
    c: float,
    *,
    begin: Step = lambda low: low[0],
    rest: Step = lambda low: low[1:],
    each: Step = lambda mean, new, c: mean + c * (new - mean),
    ends: Step = lambda x: (x.amin(dim=2), x.amax(dim=2)),
    finish: Step = as_is,
    rounding: Step = nearest,
) -> tuple[Tensor, ...]:
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
