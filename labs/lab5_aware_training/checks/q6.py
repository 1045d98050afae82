"""Q6: a few training steps of one weight, which stays in float while the loss sees its code."""

import provided

from qlab.check import Mistake, Part, Question, Step, about, as_is, case, given, nearest, real

from .q1 import q1
from .q2 import q2


def weight_after(
    w: float,
    x: float,
    target: float,
    scale: float,
    q_min: int,
    q_max: int,
    rate: float,
    steps: int,
    *,
    error: Step = lambda w, w_q, x, target: x * w_q - target,
    slope: Step = lambda error, x, s: error * x,
    passes: Step = lambda w, q, low, high: low <= q <= high,
    update: Step = lambda w, w_q, step, on_grid: w - step,
    seen: Step = lambda w, first: w,
    rounds: Step = as_is,
    returned: Step = lambda w, w_q, before: (w, w_q),
    rounding: Step = nearest,
) -> tuple[float, ...]:
    def on_grid(w: float) -> float:
        return min(max(round(w / scale), q_min), q_max) * scale

    before, first = on_grid(w), w
    for _ in range(rounds(steps)):
        looked_at = seen(w, first)
        before = w_q = on_grid(looked_at)
        step = rate * slope(error(w, w_q, x, target), x, scale) * passes(w, round(looked_at / scale), q_min, q_max)
        w = update(w, w_q, step, on_grid)
    return tuple(about(value, rounding, 1e-5 * abs(value)) for value in returned(w, on_grid(w), before))


def held_inside(w: float, w_q: float, step: float, on_grid: Step) -> float:
    lowest, highest = on_grid(-1e9), on_grid(1e9)
    return min(max(w - step, lowest), highest)


q6 = Question(
    "Q6",
    answer="train_weight",
    returns=(real("w"), real("w_q")),
    reference=weight_after,
    provided=provided.train_weight,
    uses={"forward_and_gradient": q2, "fake_quantize": q1},
    parts=(
        Part("the weight in float", 5, fields=("w",), groups=("usual",)),
        Part("the weight on its grid", 3, fields=("w_q",), groups=("usual",)),
        Part("a weight beyond the range", 2, groups=("beyond",)),
    ),
    cases=[
        case("the worked example", 0.1, 2.0, 1.2, 0.25, -7, 7, 0.05, 2),
        case("five steps", -0.52, 1.5, 0.9, 0.2, -7, 7, 0.11, 5),
        case("seven steps, 3 bits", 0.31, -0.8, 0.77, 0.3, -3, 3, 0.23, 7),
        case("beyond the range", 1.37, 1.1, 0.2, 0.25, -3, 3, 0.1, 4, group="beyond"),
    ],
    mistakes=[
        Mistake(
            "the step starts from the fake-quantized weight",
            given(update=lambda w, w_q, step, on_grid: w_q - step),
            "a step is smaller than a code: the weight that is remembered has to be the one in float.",
        ),
        Mistake(
            "the weight is put on its grid after each step",
            given(update=lambda w, w_q, step, on_grid: on_grid(w - step)),
            "a step is smaller than a code, and rounding would lose it: keep the weight in float.",
        ),
        Mistake(
            "the float weight is held inside the range of the codes",
            given(update=held_inside),
            "the float weight is free; it is its gradient that becomes 0 beyond the codes.",
        ),
        Mistake(
            "the error is that of the float weight: plain fp32 training",
            given(error=lambda w, w_q, x, target: x * w - target),
            "the loss has to see what the codes make of the weight: which of the two weights meets x?",
        ),
        Mistake(
            "the target is compared with the weight alone",
            given(error=lambda w, w_q, x, target: w_q - target),
            "the network's output is x times its weight: that is what the target is compared with.",
        ),
        Mistake(
            "the quantized weight is computed once, before the loop",
            given(seen=lambda w, first: first),
            "the float weight moves, so its code may change: compute w_q and the slope in each step.",
        ),
        Mistake(
            "the loss is subtracted instead of its gradient",
            given(slope=lambda error, x, s: error * error / 2),
            "a step follows the slope of the loss: differentiate (x w - target)**2 / 2 by w.",
        ),
        Mistake(
            "the error is squared in the step",
            given(slope=lambda error, x, s: error * error * x),
            "the slope of a square is linear in the error: differentiate (x w - target)**2 / 2 by w.",
        ),
        Mistake(
            "the target is left out",
            given(error=lambda w, w_q, x, target: x * w_q),
            "the error is the output minus the target: which argument have you not used yet?",
        ),
        Mistake(
            "the slope forgets x",
            given(slope=lambda error, x, s: error),
            "the loss is (x w - target)**2 / 2: differentiate it by w.",
        ),
        Mistake(
            "a factor 2 is left from the square",
            given(slope=lambda error, x, s: 2 * error * x),
            "the loss has the factor 1/2, which cancels the 2.",
        ),
        Mistake(
            "the step goes uphill",
            given(update=lambda w, w_q, step, on_grid: w + step),
            "the gradient points uphill: which sign has the step?",
        ),
        Mistake(
            "a weight beyond the range is moved too",
            given(passes=lambda w, q, low, high: True),
            "multiply by the gradient that your forward_and_gradient returns: it is 0 there.",
        ),
        Mistake(
            "one step too few",
            given(rounds=lambda steps: steps - 1),
            "how often does your loop run?",
        ),
        Mistake(
            "one step too many",
            given(rounds=lambda steps: steps + 1),
            "how often does your loop run?",
        ),
        Mistake(
            "only one step is taken",
            given(rounds=lambda steps: 1),
            "is the return statement inside of the loop?",
        ),
        Mistake(
            "the weight on the grid is the one before the last step",
            given(returned=lambda w, w_q, before: (w, before)),
            "after the loop the weight has moved once more: fake-quantize it again.",
        ),
        Mistake(
            "the float weight is returned twice",
            given(returned=lambda w, w_q, before: (w, w)),
            "the second value is what the codes make of the weight: fake-quantize it.",
        ),
        Mistake(
            "the weight on the grid is returned twice",
            given(returned=lambda w, w_q, before: (w_q, w_q)),
            "the first value is the weight in float, as the optimizer keeps it.",
        ),
        Mistake(
            "the slope is multiplied by the scale",
            given(slope=lambda error, x, s: error * x * s),
            "the straight-through estimator takes rounding for the identity: its slope is 1.",
        ),
    ],
    next="do two steps of the worked example on paper: w is 0.1, then 0.22, then 0.29",
)
