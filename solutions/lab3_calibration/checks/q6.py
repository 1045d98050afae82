"""Q6: of several thresholds, the one with the smallest mean squared error."""

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, normal, real

from .q1 import q1


def best_threshold(
    x: Tensor,
    thresholds: Tensor,
    q_max: int,
    *,
    scale: Step = lambda a, q_max: a / q_max,
    back: Step = lambda q, scale: q * scale,
    clip: Step = lambda q, q_max: q.clamp(-q_max, q_max),
    codes: Step = lambda x, scale: torch.round(x / scale),
    error: Step = lambda x, y: (x - y).square().mean(),
    measured: Step = lambda error, x, y, step: error(x, y),
    order: Step = as_is,
    choose: Step = torch.argmin,
    returned: Step = lambda thresholds, errors, place: thresholds[place],
    rounding: Step = nearest,
) -> Tensor:
    found = []
    for a in order(thresholds):
        step = scale(a, q_max)
        y = back(clip(codes(x, step), q_max), step)
        found.append(measured(error, x, y, step))
    errors = torch.stack(found)
    return returned(thresholds, errors, choose(errors))


def clear(x: Tensor, thresholds: Tensor, q_max: int) -> bool:
    """Whether one threshold is clearly better than all the others."""
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
    uses={"scale_and_zero_point": q1},
    off_limits=("qlab.calibration.range_search:mse_range", "qlab.calibration.range_search:mean_squared_error"),
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
            Drawn(
                lambda generator: torch.randn(3000, generator=generator) * (torch.rand(3000, generator=generator) * 2)
            ),
            THRESHOLDS,
            7,
            such_that=clear,
        ),
        case(
            "only negative values, codes -1 to 1",
            Drawn(lambda generator: -torch.randn(3000, generator=generator).abs()),
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
            "the full range: one more code below",
            given(clip=lambda q, q_max: q.clamp(-q_max - 1, q_max)),
            "the codes are narrow, -q_max to q_max: what is the smallest one?",
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
            "the error is measured in steps, not in real numbers",
            given(measured=lambda error, x, y, step: error(x / step, y / step)),
            "a step is larger with a larger threshold, so errors in steps cannot be compared: go back to real numbers.",
        ),
        Mistake(
            "the errors are in another order than the thresholds",
            given(order=lambda thresholds: thresholds.sort().values),
            "argmin gives a place in the list of errors: which threshold was tried there?",
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
