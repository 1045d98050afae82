"""Q7: move a factor from each channel of a layer into the next layer, so that both have the same range."""

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, about, case, given, nearest, normal, tensor


def largest(weight: Tensor, dim: int) -> Tensor:
    return weight.abs().movedim(dim, 0).flatten(1).amax(dim=1)


def equal_ranges(
    first: Tensor,
    bias: Tensor,
    second: Tensor,
    depthwise: bool,
    *,
    range_of: Step = largest,
    dim_of: Step = lambda depthwise: 0 if depthwise else 1,
    factor: Step = lambda r1, r2: torch.sqrt(r1 / r2),
    dead: Step = lambda s, r1, r2: torch.where((r1 > 0) & (r2 > 0), s, 1.0),
    first_of: Step = lambda w, s: w / s,
    bias_of: Step = lambda b, s: b / s,
    second_of: Step = lambda w, s: w * s,
    rounding: Step = nearest,
) -> tuple[Tensor, ...]:
    first, bias, second = first.double(), bias.double(), second.double()
    dim = dim_of(depthwise)
    r1, r2 = range_of(first, 0), range_of(second, dim)
    s = dead(factor(r1, r2), r1, r2)
    column = s.reshape(-1, 1, 1, 1)
    into = column if dim == 0 else s.reshape(1, -1, 1, 1)
    made = first_of(first, column), bias_of(bias, s), second_of(second, into)
    return tuple(about(value, rounding, 2e-6 * value.abs()) for value in made)


def uneven(*shape: int) -> Drawn:
    """A weight whose output channels differ in range, the largest value of each negative or positive."""

    def draw(generator: Generator) -> Tensor:
        weight = torch.randn(*shape, generator=generator)
        return weight * 10 ** (2 * torch.rand(shape[0], 1, 1, 1, generator=generator) - 1)

    return Drawn(draw)


def with_dead_channels(drawn: Drawn, *places: int, dim: int = 0) -> Drawn:
    def draw(generator: Generator) -> Tensor:
        weight = drawn.draw(generator)
        weight.movedim(dim, 0)[list(places)] = 0
        return weight

    return Drawn(draw)


def ranges_differ(first: Tensor, bias: Tensor, second: Tensor, depthwise: bool) -> bool:
    """Whether the two ranges differ in every channel, some either way, and so do the ways to measure a range."""
    dim = 0 if depthwise else 1
    alive = (largest(first, 0) > 0) & (largest(second, dim) > 0)
    r1, r2 = largest(first, 0)[alive], largest(second, dim)[alive]
    signed = first.flatten(1).amax(dim=1)[alive] / r1
    apart = (torch.log(r1 / r2).abs() > 0.2).all()
    return bool(apart and (signed < 0.9).any() and (r1 < r2).any() and (r1 > r2).any() and (bias.abs() > 0.05).all())


def by_norm(weight: Tensor, dim: int) -> Tensor:
    return weight.movedim(dim, 0).flatten(1).norm(dim=1)


q7 = Question(
    "Q7",
    answer="equalize",
    returns=(
        tensor("new_first", integer=False),
        tensor("new_bias", integer=False),
        tensor("new_second", integer=False),
    ),
    reference=equal_ranges,
    provided=provided.equalize,
    off_limits=(
        *("qlab.ptq.equalization:equalize_pair", "qlab.ptq.equalization:equalizing_factors"),
        "torch.ao.quantization._equalize:cross_layer_equalization",
    ),
    parts=(
        Part("a dense second layer", 9, groups=("usual",)),
        Part("a depthwise second layer", 3, groups=("depthwise",)),
        Part("dead channels", 3, groups=("dead",)),
    ),
    cases=[
        case("the worked example", [[[[8.0]]], [[[-0.5]]]], [4.0, 1.0], [[[[0.5]], [[2.0]]]], False),
        case("a dense 3 x 3", uneven(4, 3, 1, 1), normal(4), uneven(5, 4, 3, 3), False, such_that=ranges_differ),
        case(
            "as many channels out as in",
            uneven(4, 2, 3, 3),
            normal(4),
            uneven(4, 4, 1, 1),
            False,
            such_that=ranges_differ,
        ),
        case(
            "a depthwise 3 x 3",
            uneven(5, 4, 1, 1),
            normal(5),
            uneven(5, 1, 3, 3),
            True,
            group="depthwise",
            such_that=ranges_differ,
        ),
        case(
            "two dead channels",
            with_dead_channels(uneven(5, 3, 1, 1), 1),
            normal(5),
            with_dead_channels(uneven(4, 5, 3, 3), 3, dim=1),
            False,
            group="dead",
            such_that=ranges_differ,
        ),
    ],
    mistakes=[
        Mistake(
            "the factor is upside down",
            given(factor=lambda r1, r2: torch.sqrt(r2 / r1)),
            "after it both ranges should be sqrt(r1 r2): what do yours become?",
        ),
        Mistake(
            "no square root",
            given(factor=lambda r1, r2: r1 / r2),
            "with s = r1 / r2 the two ranges are exchanged, not made equal.",
        ),
        Mistake(
            "the factor is the product of the ranges",
            given(factor=lambda r1, r2: torch.sqrt(r1 * r2)),
            "sqrt(r1 r2) is the range that both should have: by what is the first one divided to get there?",
        ),
        Mistake(
            "the factor is the first range alone",
            given(factor=lambda r1, r2: r1),
            "then all of the first layer's ranges are 1, and the second pays for it: both ranges count.",
        ),
        Mistake(
            "the bias is left as it was",
            given(bias_of=lambda b, s: b),
            "the whole output of the channel is divided: weight and bias.",
        ),
        Mistake(
            "the bias is multiplied",
            given(bias_of=lambda b, s: b * s),
            "the whole output of the channel is divided: weight and bias.",
        ),
        Mistake(
            "the second layer is left as it was",
            given(second_of=lambda w, s: w),
            "what the first layer is divided by, the second has to make good.",
        ),
        Mistake(
            "the second layer is divided too",
            given(second_of=lambda w, s: w / s),
            "its inputs became smaller by s: what must its weights become for the same output?",
        ),
        Mistake(
            "the first layer is left as it was",
            given(first_of=lambda w, s: w, bias_of=lambda b, s: b),
            "the factor moves from one layer into the other: both change.",
        ),
        Mistake(
            "the largest value instead of the largest absolute value",
            given(range_of=lambda w, dim: w.movedim(dim, 0).flatten(1).amax(dim=1)),
            "a weight of -8 needs as much range as one of 8.",
        ),
        Mistake(
            "largest minus smallest value",
            given(
                range_of=lambda w, dim: (
                    w.movedim(dim, 0).flatten(1).amax(dim=1) - w.movedim(dim, 0).flatten(1).amin(dim=1)
                )
            ),
            "the range is symmetric: the largest absolute value.",
        ),
        Mistake(
            "the norm of a channel instead of its largest absolute value",
            given(range_of=by_norm),
            "what decides the scale is the largest of the absolute values.",
        ),
        Mistake(
            "the mean of the absolute values",
            given(range_of=lambda w, dim: w.abs().movedim(dim, 0).flatten(1).mean(dim=1)),
            "what decides the scale is the largest of the absolute values.",
        ),
        Mistake(
            "one range for the whole layer",
            given(range_of=lambda w, dim: w.abs().max().expand(w.shape[dim])),
            "every channel has a range and a factor of its own.",
        ),
        Mistake(
            "a depthwise layer is taken for a dense one",
            given(dim_of=lambda depthwise: 1),
            "a depthwise weight is (channels, 1, k, k): which dimension numbers the channels there?",
        ),
        Mistake(
            "dead channels get a tiny range instead of the factor 1",
            given(
                dead=lambda s, r1, r2: torch.where(
                    (r1 > 0) & (r2 > 0), s, torch.sqrt(r1.clamp(min=1e-8) / r2.clamp(min=1e-8))
                )
            ),
            "a channel without a range has no factor: leave it as it is, with 1.",
        ),
    ],
    next="in the worked example the factors are 4 and 0.5; the new weights of the first layer are 2 and -1",
)
