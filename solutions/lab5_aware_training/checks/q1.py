"""Q1: fake quantization: to the nearest code, and back to a real number."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, about, case, given, nearest, normal, tensor
from qlab.check.equivalents import QUANTIZERS

from ._common import beyond, inside


def codes_and_back(
    x: Tensor,
    scale: float,
    zero_point: int,
    q_min: int,
    q_max: int,
    *,
    steps_of: Step = lambda x, s: x / s,
    whole: Step = lambda x, rounding: rounding(x),
    with_zero_point: Step = lambda q, z, low, high: (q + z).clamp(low, high),
    back: Step = lambda q, s, z, low, high: (q - z) * s,
    rounding: Step = nearest,
) -> Tensor:
    q = with_zero_point(whole(steps_of(x.double(), scale), rounding), zero_point, q_min, q_max)
    return back(q, scale, zero_point, q_min, q_max)


q1 = Question(
    "Q1",
    answer="fake_quantize",
    returns=(tensor("y", integer=False),),
    reference=codes_and_back,
    provided=provided.fake_quantize,
    off_limits=(*QUANTIZERS, "qlab.arithmetic.quantize:linear_quantize"),
    parts=(
        Part("values inside the range", 6, groups=("usual",)),
        Part("values beyond the range", 4, groups=("beyond",)),
    ),
    cases=[
        case("the worked example", [0.26, -0.4, 1.1], 0.25, 3, 0, 7),
        case("random values, 8 bits", normal(30), 0.06, -7, -128, 127, such_that=inside),
        case("bytes, in a table", normal(3, 5), 0.03, 120, 0, 255, such_that=inside),
        case("zero-point 0", normal(20, std=0.3), 0.013, 0, -128, 127, such_that=inside),
        case("beyond the range, 4 bits", normal(40, std=2.0), 0.21, 6, 0, 15, group="beyond", such_that=beyond),
    ],
    mistakes=[
        Mistake(
            "the codes are returned",
            given(back=lambda q, s, z, low, high: q),
            "fake quantization ends with real numbers: which step leads from a code back to the real number?",
        ),
        Mistake(
            "the zero-point is not subtracted on the way back",
            given(back=lambda q, s, z, low, high: q * s),
            "which code stands for 0.0? Your way back has to make 0.0 of it.",
        ),
        Mistake(
            "the zero-point is subtracted after the scale",
            given(back=lambda q, s, z, low, high: q * s - z),
            "the zero-point is a code: subtract it from codes, before you multiply.",
        ),
        Mistake(
            "the zero-point is added on the way back",
            given(back=lambda q, s, z, low, high: (q + z) * s),
            "what was added on the way there has to be undone on the way back.",
        ),
        Mistake(
            "the way back divides by the scale",
            given(back=lambda q, s, z, low, high: (q - z) / s),
            "one code is worth one scale: how much are q - Z of them worth?",
        ),
        Mistake(
            "the zero-point is not added",
            given(with_zero_point=lambda q, z, low, high: q.clamp(low, high)),
            "which code does 0.0 become in your first line? It has to be the zero-point.",
        ),
        Mistake(
            "the zero-point is subtracted on the way there",
            given(with_zero_point=lambda q, z, low, high: (q - z).clamp(low, high)),
            "which code does 0.0 become in your first line? It has to be the zero-point.",
        ),
        Mistake(
            "the clamp is left out",
            given(with_zero_point=lambda q, z, low, high: q + z),
            "which function of torch limits a tensor to the codes from q_min to q_max?",
        ),
        Mistake(
            "the clamp does not see the zero-point",
            given(with_zero_point=lambda q, z, low, high: q.clamp(low, high) + z),
            "it is the code, zero-point and all, that has to lie from q_min to q_max.",
        ),
        Mistake(
            "the result is clamped, not the code",
            given(
                with_zero_point=lambda q, z, low, high: q + z,
                back=lambda q, s, z, low, high: ((q - z) * s).clamp(low, high),
            ),
            "q_min and q_max are codes: which of your values is one?",
        ),
        Mistake(
            "the largest code is left out",
            given(with_zero_point=lambda q, z, low, high: (q + z).clamp(low, high - 1)),
            "q_max is a code that may come out: torch.clamp includes both of its ends.",
        ),
        Mistake(
            "only the upper end is clamped",
            given(with_zero_point=lambda q, z, low, high: (q + z).clamp(max=high)),
            "the codes have two ends: which values lie below the smallest one?",
        ),
        Mistake(
            "the codes wrap around in int8",
            given(with_zero_point=lambda q, z, low, high: torch.remainder((q + z).clamp(low, high) + 128, 256) - 128),
            "int8 ends at 127, and codes here go on to 255: which dtype holds all codes from q_min to q_max?",
        ),
        Mistake(
            "nothing is rounded",
            given(whole=lambda x, rounding: about(x, rounding, 1e-5)),
            "without rounding every value comes back as it was: which step makes a code of x / s?",
        ),
        Mistake(
            "rounded down instead of to the nearest",
            given(whole=lambda x, rounding: torch.floor(x)),
            "floor always goes down: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "truncated instead of rounded",
            given(whole=lambda x, rounding: torch.trunc(x)),
            "a cast to an integer cuts the fraction off: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "multiplied by the scale instead of divided",
            given(steps_of=lambda x, s: x * s),
            "how many steps of 0.25 is 0.5? Which operation gives 2?",
        ),
    ],
    next="take x = 0.26, scale 0.25, zero-point 3: the code is 4. Which line of yours gives another number?",
)
