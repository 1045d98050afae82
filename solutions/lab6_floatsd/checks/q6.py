"""Q6: fake quantization on a grid, with a gradient that passes up to the grid's ends."""

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, normal, tensor

from ._common import ROUNDERS, THIRTEEN, by_distance, clear_of_borders, some_units, spread, symmetric
from .q2 import q2


def straight_through(
    x: Tensor,
    unit: Tensor,
    grid: Tensor,
    upstream: Tensor,
    *,
    on_grid: Step = lambda v, grid: by_distance(v, grid),
    output: Step = lambda y, x, u, top: y,
    unit_in_use: Step = as_is,
    passes: Step = lambda v, x, top, q: v.abs() <= top,
    gradient: Step = lambda g, mask, x, u: g * mask,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    x, unit, grid, upstream = x.double(), unit_in_use(unit.double()), grid.double(), upstream.double()
    v, top = x / unit, grid.max()
    q = on_grid(v, grid)
    return output(q * unit, x, unit, top), gradient(upstream, passes(v, x, top, q).double(), x, unit)


def by_papers(v: Tensor, grid: Tensor) -> Tensor:
    near = by_distance(v, grid)
    return torch.where(v.abs() < 0.75 * grid[grid > 0].min(), torch.zeros_like(near), near)


JUST_BEYOND = (0.2, 0.4)  # units past the end
FAR_BEYOND = (1.1, 1.2, 1.3, 1.45, 1.7)  # times the end


def beyond_by_little_and_much(drawn: Drawn, units: Tensor, grid: Tensor) -> Drawn:
    """The first columns lie past both ends: each way of going on a little further lets some of them pass."""
    top = float(grid.max())
    places = torch.tensor([top + more for more in JUST_BEYOND] + [top * times for times in FAR_BEYOND])

    def draw(generator: Generator) -> Tensor:
        x = drawn.draw(generator)
        x[:, : 2 * len(places)] = torch.cat((places, -places)) * units
        return x

    return Drawn(draw)


def gradient_tells(x: Tensor, unit: Tensor, grid: Tensor, upstream: Tensor) -> bool:
    """Whether there are values of every kind: inside, becoming 0, between the borders to 0, just and far beyond."""
    v, top = x.double() / unit.double(), float(grid.max())
    a = v.abs()
    sides = all(
        bool(
            (s * v > 1.05 * top).any()
            and (s * v > 1.6 * top).any()
            and ((s * v > 1.05 * top) & (s * v < 1.4 * top)).any()
        )
        for s in (1, -1)
    )
    far = bool((x.abs() > 1.05 * top).any())
    small = (
        far
        and bool(((a > 0.8 * top) & (a < 0.99 * top)).any())
        and bool((a < 0.45).any() and ((a > 0.55) & (a < 0.7)).any() and ((a > 1) & (x.abs() < 1)).any())
    )
    clear = bool(((a - top).abs() > 0.002 * top).all()) and clear_of_borders(x, unit, grid)
    return sides and small and clear and bool((upstream.abs() > 0.01).all())


def inside_only(x: Tensor, unit: Tensor, grid: Tensor, upstream: Tensor) -> bool:
    v, top = x.double() / unit.double(), float(grid.max())
    a = v.abs()
    few = bool((a < 0.45).any() and ((a > 0.55) & (a < 0.7)).any() and (a < 0.74 * top).all() and (a > 0.4 * top).any())
    return few and clear_of_borders(x, unit, grid) and bool((upstream.abs() > 0.01).all())


q6 = Question(
    "Q6",
    answer="forward_and_gradient",
    returns=(tensor("y", integer=False), tensor("gradient", integer=False)),
    reference=straight_through,
    provided=provided.forward_and_gradient,
    off_limits=(*ROUNDERS, "provided:fake_quantize"),
    uses={"to_grid": q2},
    parts=(
        Part("the way forward", 3, fields=("y",)),
        Part("the gradient inside the grid", 3, fields=("gradient",), groups=("usual",)),
        Part("the gradient beyond its end", 4, fields=("gradient",), groups=("beyond",)),
    ),
    cases=[
        case(
            "the worked example",
            torch.tensor([[0.3, 1.3, -0.05]]),
            torch.tensor([[0.25]]),
            symmetric(1.0, 2.0, 4.0),
            torch.tensor([[2.0, 3.0, -1.0]]),
            group="beyond",
        ),
        case(
            "inside the grid",
            normal(3, 30, std=0.05),
            some_units(0.0078125, 0.0078125, 0.015625),
            THIRTEEN,
            normal(3, 30),
            such_that=inside_only,
        ),
        case(
            "beyond its end",
            beyond_by_little_and_much(spread(3, 90, low=-4.5, high=6.5), some_units(0.5, 0.25, 0.125), THIRTEEN),
            some_units(0.5, 0.25, 0.125),
            THIRTEEN,
            normal(3, 90),
            group="beyond",
            such_that=gradient_tells,
        ),
    ],
    mistakes=[
        Mistake(
            "the gradient is 0 everywhere",
            given(gradient=lambda g, mask, x, u: 0 * g),
            "rounding has no slope: which tensor keeps its gradient, and of which is only the value taken?",
        ),
        Mistake(
            "the gradient passes beyond the grid's end too",
            given(passes=lambda v, x, top, q: torch.ones_like(v)),
            "clamp x to the grid's ends first: a value that was moved there has no slope any more.",
        ),
        Mistake(
            "the gradient passes half a step beyond the end",
            given(passes=lambda v, x, top, q: v.abs() <= 1.5 * top),
            "here the cut is at the grid's end itself.",
        ),
        Mistake(
            "the gradient passes half a unit beyond the end",
            given(passes=lambda v, x, top, q: v.abs() <= top + 0.5),
            "here the cut is at the grid's end itself.",
        ),
        Mistake(
            "the gradient passes half of the last gap beyond the end",
            given(passes=lambda v, x, top, q: v.abs() <= 1.25 * top),
            "here the cut is at the grid's end itself.",
        ),
        Mistake(
            "cut at top, without the unit",
            given(passes=lambda v, x, top, q: x.abs() <= top),
            "top counts units: which real number is the grid's end?",
        ),
        Mistake(
            "cut at one unit",
            given(passes=lambda v, x, top, q: v.abs() <= 1),
            "how many units has the grid to its end?",
        ),
        Mistake(
            "only the upper end is cut",
            given(passes=lambda v, x, top, q: v <= top),
            "the grid has two ends.",
        ),
        Mistake(
            "only the lower end is cut",
            given(passes=lambda v, x, top, q: v >= -top),
            "the grid has two ends.",
        ),
        Mistake(
            "the gradient passes only beyond the end",
            given(passes=lambda v, x, top, q: v.abs() > top),
            "inside the grid rounding is taken for the identity.",
        ),
        Mistake(
            "values that become 0 get no gradient",
            given(passes=lambda v, x, top, q: (v.abs() <= top) & (q != 0)),
            "a weight that is 0 has to be able to leave it: which values are clamped?",
        ),
        Mistake(
            "the outermost values get no gradient",
            given(passes=lambda v, x, top, q: q.abs() < top),
            "a value that is rounded to the end without lying beyond it passes.",
        ),
        Mistake(
            "the gradient is multiplied by the unit",
            given(gradient=lambda g, mask, x, u: g * mask * u),
            "dividing by the unit and multiplying by it cancel out.",
        ),
        Mistake(
            "the gradient is divided by the unit",
            given(gradient=lambda g, mask, x, u: g * mask / u),
            "dividing by the unit and multiplying by it cancel out.",
        ),
        Mistake(
            "the gradient counts twice",
            given(gradient=lambda g, mask, x, u: 2 * g * mask),
            "x goes into y at one place only: is something not detached that should be?",
        ),
        Mistake(
            "the sign of the gradient is turned around",
            given(gradient=lambda g, mask, x, u: -g * mask),
            "the slope of the identity is 1: which of the two tensors has to stay attached?",
        ),
        Mistake(
            "the way forward returns x as it was",
            given(output=lambda y, x, u, top: x),
            "the value has to be the one on the grid: does something cancel out in your line?",
        ),
        Mistake(
            "the way forward returns x, clamped to the grid's ends",
            given(output=lambda y, x, u, top: torch.maximum(torch.minimum(x, top * u), -top * u)),
            "the value has to be the one on the grid: does something cancel out in your line?",
        ),
        Mistake(
            "limited is added, but the difference is taken to x",
            given(output=lambda y, x, u, top: torch.maximum(torch.minimum(x, top * u), -top * u) + y - x),
            "a + (q - a): both a have to be the same tensor.",
        ),
        Mistake(
            "x is added, but the difference is taken to limited",
            given(
                output=lambda y, x, u, top: x + y - torch.maximum(torch.minimum(x, top * u), -top * u),
                passes=lambda v, x, top, q: torch.ones_like(v),
            ),
            "a + (q - a): both a have to be the same tensor.",
        ),
        Mistake(
            "the way forward takes the papers' thresholds",
            given(on_grid=by_papers),
            "to_grid returns two results: the question asks for the nearest.",
        ),
        Mistake(
            "the first channel's unit is used for all",
            given(unit_in_use=lambda u: u[:1].expand_as(u)),
            "unit has one entry per channel: it meets x as it is.",
        ),
    ],
    next="scale 0.25, grid to 4: which of 0.3, 1.3 and -0.05 lies beyond the end of 1.0? It gets the gradient 0, the others pass",
)
