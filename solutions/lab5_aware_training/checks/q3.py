"""Q3: a moving average of the batches' ends that can be frozen."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, about, as_is, case, given, nearest, normal, real


def observed_range(
    batches: Tensor,
    averaging_constant: float,
    observed: int,
    *,
    ends_of: Step = lambda batches: torch.stack((batches.amin(dim=1), batches.amax(dim=1)), dim=1),
    first: Step = as_is,
    move: Step = lambda old, new, c: old + c * (new - old),
    until: Step = as_is,
    result: Step | None = None,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    ends = ends_of(batches.double())
    if result is not None:
        low, high = result(ends, averaging_constant, observed)
    else:
        low, high = first(ends[0], averaging_constant)
        for new in ends[1 : until(observed, len(ends))]:
            low, high = move(low, new[0], averaging_constant), move(high, new[1], averaging_constant)
    return about(low, rounding, 1e-5 * abs(low)), about(high, rounding, 1e-5 * abs(high))


def unlike(batches: Tensor, averaging_constant: float, observed: int) -> bool:
    """Whether the batches' ends differ enough for every mistake to show."""
    low, high = batches.amin(dim=1), batches.amax(dim=1)
    apart = min(float((x[1:] - x[:-1]).abs().min()) for x in (low, high)) if len(batches) > 1 else 1.0
    extremes_last = low.argmin() in (0, len(low) - 1) or high.argmax() in (0, len(high) - 1)
    return bool((low < -0.3).all() and (high > 0.3).all() and apart > 0.05 and not extremes_last)


def begun_with_all(ends: Tensor, c: float, observed: int) -> tuple[Tensor, Tensor]:
    low, high = ends[:, 0].min(), ends[:, 1].max()
    for new in ends[1:observed]:
        low, high = low + c * (new[0] - low), high + c * (new[1] - high)
    return low, high


def high_by_low(ends: Tensor, c: float, observed: int) -> tuple[Tensor, Tensor]:
    low, high = ends[0]
    for new in ends[1:observed]:
        low = low + c * (new[0] - low)
        high = high + c * (new[1] - low)
    return low, high


q3 = Question(
    "Q3",
    answer="moving_average",
    returns=(real("low"), real("high")),
    reference=observed_range,
    provided=provided.moving_average,
    off_limits=(
        *(
            "torch.ao.quantization.observer:MovingAverageMinMaxObserver.forward",
            "torch:fused_moving_avg_obs_fake_quant",
        ),
        "qlab.torch_flow.integer_flow.observers:MinMaxObserver.forward",
        "torch:_fused_moving_avg_obs_fq_helper",
        "qlab.arithmetic.fake_quantize:FakeQuantizedActivation.observe",
        *("qlab.calibration.observers:MovingAverage.observe", "qlab.calibration.observers:MovingAverage._with"),
    ),
    parts=(
        Part("the range moves with each batch", 6, groups=("usual",)),
        Part("frozen, it stays", 4, groups=("frozen",)),
    ),
    cases=[
        case("the worked example", torch.tensor([[-1.0, 2.0], [-3.0, 4.0], [-2.0, 9.0]]), 0.1, 3),
        case("five random batches", normal(5, 12), 0.01, 5, such_that=unlike),
        case("a faster average", normal(4, 9, std=3.0), 0.3, 4, such_that=unlike),
        case("frozen after 3 of 6 batches", normal(6, 10, mean=0.2), 0.2, 3, group="frozen", such_that=unlike),
        case("frozen after the first", normal(4, 10), 0.1, 1, group="frozen", such_that=unlike),
    ],
    mistakes=[
        Mistake(
            "each batch overwrites the range",
            given(move=lambda old, new, c: new),
            "what is left of the first batch after the last one? The average keeps most of it.",
        ),
        Mistake(
            "the range of all batches together",
            given(result=lambda ends, c, n: (ends[:n, 0].min(), ends[:n, 1].max())),
            "that is MinMaxObserver: one outlier widens it for good. Move by a share of the difference instead.",
        ),
        Mistake(
            "the average begins at 0 instead of at the first batch",
            given(first=lambda ends, c: c * ends),
            "the first batch sets the range as it is: only from the second on it is moved.",
        ),
        Mistake(
            "old and new are weighted the wrong way round",
            given(move=lambda old, new, c: c * old + (1 - c) * new),
            "averaging_constant is the share of the new batch: with 0.01 the range hardly moves.",
        ),
        Mistake(
            "begins with the range of all batches together",
            given(result=begun_with_all),
            "the first batch sets the range: while the network trains, nobody knows the later ones.",
        ),
        Mistake(
            "high moves by its distance to low",
            given(result=high_by_low),
            "each end moves toward the new batch's own end: which difference does high move by?",
        ),
        Mistake(
            "the columns are taken for batches",
            given(ends_of=lambda batches: torch.stack((batches.amin(dim=0), batches.amax(dim=0)), dim=1)),
            "one batch per row: batches[0] is the first one.",
        ),
        Mistake(
            "the plain mean of the batches",
            given(result=lambda ends, c, n: tuple(ends[:n].mean(dim=0))),
            "where does averaging_constant come in? The range moves by that share of the difference.",
        ),
        Mistake(
            "it is never frozen",
            given(until=lambda observed, batches: batches),
            "after `observed` batches the range stays as it is.",
        ),
        Mistake(
            "frozen one batch too late",
            given(until=lambda observed, batches: observed + 1),
            "the first batch counts too: how many of them have moved the range when you stop?",
        ),
        Mistake(
            "frozen one batch too early",
            given(until=lambda observed, batches: max(observed - 1, 1)),
            "the first batch counts: how many of them have moved the range when you stop?",
        ),
        Mistake(
            "the old value is not subtracted",
            given(move=lambda old, new, c: old + c * new),
            "the range moves by a share of the difference between new and old.",
        ),
        Mistake(
            "it moves away from the new batch",
            given(move=lambda old, new, c: old - c * (new - old)),
            "new minus old, or old minus new? The range has to come nearer to the batch.",
        ),
        Mistake(
            "both shares are the averaging constant",
            given(move=lambda old, new, c: c * old + c * new),
            "the two shares of an average add up to 1.",
        ),
        Mistake(
            "the batches are not told apart: the ends of one row alone",
            given(result=lambda ends, c, n: tuple(ends[0])),
            "the range of the first batch is only the beginning: the following ones move it.",
        ),
    ],
    next="take the worked example: low is -1, then -1.2, then -1.28. At which batch does yours part from that?",
)
