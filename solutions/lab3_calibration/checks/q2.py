"""Q2: each channel's smallest and largest value over all batches."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, case, given, nearest

from ._common import EXAMPLE, LOW_AND_HIGH, batches_of


def running(
    batches: Tensor,
    *,
    of_values: Step = lambda x: (x.amin(dim=2), x.amax(dim=2)),
    of_batches: Step = lambda low, high: (low.amin(dim=0), high.amax(dim=0)),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    return of_batches(*of_values(batches))


q2 = Question(
    "Q2",
    answer="min_max",
    returns=LOW_AND_HIGH,
    reference=running,
    provided=provided.min_max,
    off_limits=(
        *("qlab.arithmetic.ranges:min_max", "qlab.calibration.observers:MinMax.observe"),
        "torch.ao.quantization.observer:MinMaxObserver.forward",
        "torch.ao.quantization.observer:PerChannelMinMaxObserver._forward",
        "qlab.torch_flow.integer_flow.observers:MinMaxObserver.forward",
    ),
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
            "a reshape mixes the channels",
            given(
                of_values=lambda x: (x.reshape(x.shape[1], -1),) * 2,
                of_batches=lambda low, high: (low.amin(dim=1), high.amax(dim=1)),
            ),
            "reshape keeps the order in memory, batch after batch: move the channels to the front first (transpose).",
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
            "the places of the extremes are returned",
            given(
                of_values=lambda x: (x.transpose(0, 1).flatten(1),) * 2,
                of_batches=lambda low, high: (low.argmin(dim=1), high.argmax(dim=1)),
            ),
            "min with a dim returns values and places: .values are the first, or use amin.",
        ),
        Mistake(
            "absolute values are taken",
            given(of_values=lambda x: (x.abs().amin(dim=2), x.abs().amax(dim=2))),
            "low may be negative: nothing takes absolute values here.",
        ),
    ],
    next="print low and high after each batch of the worked example: which of the six numbers change at the second?",
)
