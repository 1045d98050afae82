"""Q10: the learned step size: the paper's gradient for the step, and the true derivative beside it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import provided
import torch
from torch import Tensor

from qlab.check import Case, Drawn, Mistake, Part, Question, Step, about, case, given, nearest, normal, real, tensor
from qlab.check.equivalents import QUANTIZERS

from .q1 import q1
from .q2 import q2


def papers_slope(v: Tensor, code: Tensor, inside: Tensor, *_: float) -> Tensor:
    return torch.where(inside, code - v, code)


def learned(
    w: Tensor,
    step: float,
    q_min: int,
    q_max: int,
    upstream: Tensor,
    *,
    grid: Step = lambda w, code, s: code * s,
    cut: Step = lambda v, low, high: (v > low) & (v < high),
    for_weights: Step = lambda g, inside: g * inside,
    slope: Step = papers_slope,
    gather: Step = lambda g, slope: (g * slope).sum(),
    factor: Step = lambda n, high, rows: 1 / math.sqrt(n * high),
    true: Step = lambda g, code, v, inside, factor: (g * code).sum(),
    rounding: Step = nearest,
) -> tuple[Tensor, ...]:
    w, g = w.double(), upstream.double()
    v = w / step
    code = torch.round(v.clamp(q_min, q_max))
    inside, scaled = cut(v, q_min, q_max), factor(w.numel(), q_max, len(w))
    for_step = scaled * gather(g, slope(v, code, inside, step, q_max))
    results = grid(w, code, step), for_weights(g, inside), for_step, true(g, code, v, inside, scaled)
    return tuple(about(value, rounding, 1e-4 + 1e-5 * value.abs()) for value in results)


def says(name: str, next_step: str, **steps: Any) -> Mistake:
    return Mistake(name, given(**steps), next_step)


# What shows wherever the weights lie.
ALWAYS = (
    says(
        "the float weights are returned",
        "y holds the values that the codes stand for: round, then multiply by the step.",
        grid=lambda w, code, s: w,
    ),
    says(
        "the codes are returned",
        "a code is worth one step: multiply by it.",
        grid=lambda w, code, s: code,
    ),
    says(
        "round(v) - v has the wrong sign",
        "v = 1.4 has the code 1: is its slope 0.4 or -0.4?",
        slope=lambda v, code, inside, step, high: torch.where(inside, v - code, code),
    ),
    says(
        "the residual is measured in real numbers",
        "round(v) - v counts steps: y - w would be S times that.",
        slope=lambda v, code, inside, step, high: torch.where(inside, (code - v) * step, code),
    ),
    says(
        "the slopes are divided by the step",
        "v is w / S already: y = S q has the slope q - v, without another S.",
        slope=lambda v, code, inside, step, high: papers_slope(v, code, inside) / step,
    ),
    says(
        "inside the range the step gets no gradient",
        "if rounding is the identity, S (w / S) does not depend on S; but round(v) keeps its value here: product rule.",
        slope=lambda v, code, inside, step, high: torch.where(inside, 0.0, code),
    ),
    says(
        "the step gets the true derivative",
        "the code alone is the true derivative: the paper takes rounding for the identity on the way back.",
        slope=lambda v, code, inside, step, high: code,
    ),
    says(
        "autograd through torch.round: its slope is 0",
        "let rounding be the identity on the way back: v + (torch.round(v) - v).detach().",
        for_weights=lambda g, inside: 0 * g,
        slope=lambda v, code, inside, step, high: code,
    ),
    says(
        "the factor is left out",
        "all weights of a layer pull at one step: which factor makes up for their number?",
        factor=lambda n, high, rows: 1.0,
    ),
    says(
        "the factor has no root",
        "1 / sqrt(n q_max): with n = 3 and q_max = 3 it is 1/3.",
        factor=lambda n, high, rows: 1 / (n * high),
    ),
    says(
        "q_max is left out of the factor",
        "1 / sqrt(n q_max): which of its two numbers is missing?",
        factor=lambda n, high, rows: 1 / math.sqrt(n),
    ),
    says(
        "the number of weights is left out of the factor",
        "1 / sqrt(n q_max): n counts all entries of w, whatever its shape.",
        factor=lambda n, high, rows: 1 / math.sqrt(high),
    ),
    says(
        "the upstream gradient is left out",
        "the chain rule: each weight's slope times what comes from above, then the sum.",
        gather=lambda g, slope: slope.sum(),
    ),
    says(
        "the mean over the weights instead of their sum",
        "one step serves all weights: what each of them contributes is added up.",
        gather=lambda g, slope: (g * slope).mean(),
    ),
    says(
        "the paper's gradient is returned as the true derivative",
        "move S a little in y = S q: the code q stays. What is the slope of that line?",
        true=lambda g, code, v, inside, factor: (g * papers_slope(v, code, inside)).sum(),
    ),
    says(
        "the true derivative is taken to be 0",
        "rounding is flat, but the code is multiplied by S afterwards: what is the slope of S q?",
        true=lambda g, code, v, inside, factor: 0 * g.sum(),
    ),
    says(
        "the true derivative is multiplied by the factor",
        "the factor belongs to the paper's gradient: the true derivative is what finite differences show.",
        true=lambda g, code, v, inside, factor: factor * (g * code).sum(),
    ),
)
# What shows only in tables of weights, some of which lie beyond the ends.
BEYOND = (
    says(
        "cut after rounding, as in Q2",
        "the paper clamps before it rounds: compare v itself with q_min and q_max.",
        cut=lambda v, low, high: (torch.round(v) >= low) & (torch.round(v) <= high),
    ),
    says(
        "the factor counts rows, not weights",
        "n is the number of weights, whatever their shape: w.numel().",
        factor=lambda n, high, rows: 1 / math.sqrt(rows * high),
    ),
    says(
        "the gradient for the weights passes beyond the ends",
        "a weight that is clamped does not move y: its gradient is 0.",
        for_weights=lambda g, inside: g,
    ),
    says(
        "beyond the ends the step gets no gradient",
        "a clamped weight has y = q_max S: how does that move with S?",
        slope=lambda v, code, inside, step, high: torch.where(inside, code - v, 0.0),
    ),
    says(
        "beyond the ends the residual goes on",
        "a clamped v does not depend on S: what is left of the product rule?",
        slope=lambda v, code, inside, step, high: code - v,
    ),
    says(
        "below the range the slope is q_max, not q_min",
        "below the range y = q_min S, and q_min is negative.",
        slope=lambda v, code, inside, step, high: torch.where(inside, code - v, high),
    ),
    says(
        "the true derivative is 0 beyond the ends",
        "a clamped weight has y = q_max S: that moves with S, too.",
        true=lambda g, code, v, inside, factor: (g * code * inside).sum(),
    ),
)


def weights(step: float, q_min: int, q_max: int, *shape: int, beyond: bool) -> Drawn:
    """Weights that are clear of ties and of the ends; if asked, two lie just beyond each end and two far beyond it."""

    def draw(generator: torch.Generator) -> Tensor:
        uniform = torch.rand(3, math.prod(shape), generator=generator)
        codes = q_min + (uniform[0] * (q_max - q_min + 1)).floor()
        off = (0.05 + 0.37 * uniform[1]) * torch.where(uniform[2] < 0.5, -1, 1)
        v = codes + torch.where(codes == q_max, -off.abs(), torch.where(codes == q_min, off.abs(), off))
        if beyond:
            out = torch.stack((0.05 + 0.4 * uniform[1, :2], 0.7 + 2 * uniform[1, 2:4])).reshape(-1)
            v[:8] = torch.cat((q_min - out, q_max + out))
        return (v * step).reshape(shape)

    return Drawn(draw)


def tells(mistakes: Sequence[Mistake]) -> Callable[..., bool]:
    """A condition for draws: each of these mistakes shows by a good margin."""

    def condition(*arguments: Any) -> bool:
        right = learned(*arguments)
        return all(differ(right, learned(*arguments, **mistake.steps)) for mistake in mistakes)

    return condition


def differ(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return any(bool(((one - other).abs() > 0.02).any()) for one, other in zip(some, others, strict=True))


def inside(name: str, step: float, q_min: int, q_max: int, *shape: int) -> Case:
    """A case in which no weight is clamped."""
    drawn = weights(step, q_min, q_max, *shape, beyond=False)
    return case(name, drawn, step, q_min, q_max, normal(*shape), such_that=tells(ALWAYS))


def beyond(name: str, step: float, q_min: int, q_max: int, *shape: int) -> Case:
    """A case in which some weights are clamped, among them some that would round to the outermost codes."""
    drawn = weights(step, q_min, q_max, *shape, beyond=True)
    return case(name, drawn, step, q_min, q_max, normal(*shape), group="beyond", such_that=tells(ALWAYS + BEYOND))


q10 = Question(
    "Q10",
    answer="learned_step",
    returns=(
        *(tensor("y", integer=False), tensor("for_weights", integer=False)),
        *(real("for_step"), real("true_slope")),
    ),
    reference=learned,
    provided=provided.learned_step,
    off_limits=QUANTIZERS,
    uses={"fake_quantize": q1, "forward_and_gradient": q2},
    parts=(
        Part("y, and the gradient for the weights", 1, fields=("y", "for_weights")),
        Part("the gradient for the step, all weights inside", 1, fields=("for_step",), groups=("usual",)),
        Part("the gradient for the step, weights beyond the ends", 2, fields=("for_step",), groups=("beyond",)),
        Part("the true derivative", 1, fields=("true_slope",)),
    ),
    cases=[
        case("the worked example", [0.7, -1.6, 1.9], 0.5, -3, 3, [1.0, 0.5, 1.0], group="beyond"),
        inside("all inside, 4 bits", 0.6, -8, 7, 12),
        beyond("far beyond and just beyond, 3 bits", 0.45, -4, 3, 5, 6),
    ],
    mistakes=[*ALWAYS, *BEYOND],
    next="do the worked example on paper: v is 1.4, -3.2 and 3.8, the slopes are -0.4, -3 and 3",
)
