"""Q2: fake quantization with a straight-through gradient that is cut off beyond the codes."""

from typing import Any

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, case, clear_of_ties, given, nearest, normal, tensor
from qlab.check.equivalents import QUANTIZERS

from ._common import beyond, inside
from .q1 import q1


def straight_through(
    x: Tensor,
    scale: float,
    zero_point: int,
    q_min: int,
    q_max: int,
    upstream: Tensor,
    *,
    output: Step = lambda x, y: y,
    passes: Step = lambda q, x, s, z, low, high: (q >= low) & (q <= high),
    gradient: Step = lambda g, mask, x, y, s: g * mask,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    q = rounding(x.double() / scale) + zero_point
    y = (q.clamp(q_min, q_max) - zero_point) * scale
    mask = passes(q, x.double(), scale, zero_point, q_min, q_max).double()
    return output(x.double(), y), gradient(upstream.double(), mask, x.double(), y, scale)


def at_the_edges(x: Tensor, scale: float, zero_point: int, q_min: int, q_max: int, *_: Any) -> bool:
    """Whether some values lie less than half a step beyond the outermost codes, at both ends."""
    q = x.double() / scale + zero_point
    below, above = (q < q_min - 0.05) & (q > q_min - 0.45), (q > q_max + 0.05) & (q < q_max + 0.45)
    return bool(below.any() and above.any() and clear_of_ties(q))


def both_ends(x: Tensor, scale: float, zero_point: int, q_min: int, q_max: int, *_: Any) -> bool:
    """Whether some values lie at the outermost codes, some less than half a step beyond them, some farther out."""
    q = torch.round(x.double() / scale) + zero_point
    both = beyond(x, scale, zero_point, q_min, q_max) and at_the_edges(x, scale, zero_point, q_min, q_max)
    return both and bool((q == q_min).any() and (q == q_max).any())


q2 = Question(
    "Q2",
    answer="forward_and_gradient",
    returns=(tensor("y", integer=False), tensor("gradient", integer=False)),
    reference=straight_through,
    provided=provided.forward_and_gradient,
    off_limits=(*QUANTIZERS, "provided:FakeQuantize.forward"),
    uses={"fake_quantize": q1},
    parts=(
        Part("the way forward", 3, fields=("y",)),
        Part("the gradient inside the range", 4, fields=("gradient",), groups=("usual",)),
        Part("the gradient beyond the range", 5, fields=("gradient",), groups=("beyond",)),
        Part("the gradient at the outermost codes", 3, fields=("gradient",), groups=("edge",)),
    ),
    cases=[
        case("the worked example", [0.26, -0.4, 0.9], 0.25, 3, 0, 7, [1.0, -2.0, 0.5]),
        case("random values inside", normal(20), 0.05, 4, -128, 127, normal(20), such_that=inside),
        case(
            "beyond the range, 4 bits",
            normal(60, std=2.0),
            0.21,
            6,
            0,
            15,
            normal(60),
            group="beyond",
            such_that=both_ends,
        ),
        case(
            "less than half a step beyond",
            [-1.6, -1.55, -1.35, 1.6, 1.65, 1.8],
            0.5,
            0,
            -3,
            3,
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            group="edge",
        ),
    ],
    mistakes=[
        Mistake(
            "the true gradient of rounding: 0 everywhere",
            given(gradient=lambda g, mask, x, y, s: 0 * g),
            "with it no weight would ever move: what does the straight-through estimator put in its place?",
        ),
        Mistake(
            "the gradient passes beyond the codes too",
            given(gradient=lambda g, mask, x, y, s: g),
            "compare the code before the clamp, not after it: a value that was clamped gets no gradient.",
        ),
        Mistake(
            "cut at the ends of the real range, half a step early",
            given(passes=lambda q, x, s, z, low, high: (x >= (low - z) * s) & (x <= (high - z) * s)),
            "compare the rounded code with q_min and q_max: 1.6 at scale 0.5 still has the code 3.",
        ),
        Mistake(
            "the cut forgets the zero-point",
            given(passes=lambda q, x, s, z, low, high: (q - z >= low) & (q - z <= high)),
            "q_min and q_max limit the code with the zero-point in it.",
        ),
        Mistake(
            "x itself is compared with the codes",
            given(passes=lambda q, x, s, z, low, high: (x >= low) & (x <= high)),
            "q_min and q_max are codes: which code has x?",
        ),
        Mistake(
            "the real numbers that come back are compared with the codes",
            given(
                passes=lambda q, x, s, z, low, high: (
                    ((q.clamp(low, high) - z) * s >= low) & ((q.clamp(low, high) - z) * s <= high)
                )
            ),
            "q_min and q_max are codes: compare the code, before the clamp and before the way back.",
        ),
        Mistake(
            "the outermost codes get no gradient",
            given(passes=lambda q, x, s, z, low, high: (q > low) & (q < high)),
            "q_min and q_max are codes like the others: < or <=?",
        ),
        Mistake(
            "only the upper end is cut",
            given(passes=lambda q, x, s, z, low, high: q <= high),
            "the clamp has two ends: which values are below the smallest code?",
        ),
        Mistake(
            "only the lower end is cut",
            given(passes=lambda q, x, s, z, low, high: q >= low),
            "the clamp has two ends: which values are above the largest code?",
        ),
        Mistake(
            "the gradient passes where it is cut, and is cut where it passes",
            given(passes=lambda q, x, s, z, low, high: (q < low) | (q > high)),
            "inside the range rounding is taken for the identity: the gradient passes there.",
        ),
        Mistake(
            "the gradient is multiplied by the scale",
            given(gradient=lambda g, mask, x, y, s: g * mask * s),
            "dividing by the scale and multiplying by it cancel out: which slope has the identity?",
        ),
        Mistake(
            "the gradient is divided by the scale",
            given(gradient=lambda g, mask, x, y, s: g * mask / s),
            "dividing by the scale and multiplying by it cancel out: which slope has the identity?",
        ),
        Mistake(
            "the upstream gradient is left out",
            given(gradient=lambda g, mask, x, y, s: mask),
            "the chain rule: the slope of this step times what comes from above.",
        ),
        Mistake(
            "the upstream gradient is multiplied by x",
            given(gradient=lambda g, mask, x, y, s: g * mask * x),
            "the slope of the identity is 1, not x.",
        ),
        Mistake(
            "the upstream gradient is clamped to the codes",
            given(gradient=lambda g, mask, x, y, s: (g * mask).clamp(-0.5, 0.5)),
            "it is x that is clamped on the way forward; the gradient only passes or not.",
        ),
        Mistake(
            "the sign of the gradient is turned around",
            given(gradient=lambda g, mask, x, y, s: -g * mask),
            "the slope of the identity is 1: the optimizer subtracts, not you.",
        ),
        Mistake(
            "the way forward returns x as it was",
            given(output=lambda x, y: x),
            "forward returns the fake-quantized values: call fake_quantize.",
        ),
    ],
    next="take scale 0.5, codes -3 to 3: which of the values 1.4, 1.6 and 1.8 were clamped? Those get the gradient 0",
)
