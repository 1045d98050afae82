"""Q2: put a tensor on a grid, by distance and by the papers' thresholds."""

from typing import Any

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, as_is, case, given, nearest, tensor

from ._common import ELEVEN, FIFTEEN, ROUNDERS, THIRTEEN, by_distance, clear_of_borders, spread


def below(v: Tensor, grid: Tensor, *_: Any) -> Tensor:
    """The largest value of the grid that is not above v."""
    return grid[(torch.searchsorted(grid, v.contiguous(), right=True) - 1).clamp(min=0)]


def toward_zero(v: Tensor, grid: Tensor, *_: Any) -> Tensor:
    return v.sign() * below(v.abs(), grid)


def in_the_exponent(v: Tensor, grid: Tensor, *_: Any) -> Tensor:
    """Rounds the exponent, which puts the border between 1 and 2 at the square root of 2."""
    powers = torch.where(v.abs() < 0.5, torch.zeros_like(v), 2 ** torch.log2(v.abs().clamp(min=0.5)).round())
    return v.sign() * powers.clamp(max=float(grid.max()))


def in_the_clamped_exponent(lowest: Step) -> Step:
    """Rounds the exponent and clamps it, so that no value becomes 0."""

    def pick(v: Tensor, grid: Tensor, *_: Any) -> Tensor:
        exponent = torch.log2(v.abs()).round()
        return v.sign() * 2 ** exponent.clamp(lowest(grid), float(torch.log2(grid.max())))

    return pick


def rounded(
    x: Tensor,
    unit: float | Tensor,
    grid: Tensor,
    *,
    steps_of: Step = lambda x, u: x / u,
    pick: Step = by_distance,
    border: Step = lambda v, x, grid: v.abs() < 0.75 * grid[grid > 0].min(),
    zeroed: Step = lambda near, zero, v: torch.where(zero, torch.zeros_like(near), near),
    back: Step = lambda q, u, x: q * u,
    told: Step = lambda near, thresholds: (near, thresholds),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    x, grid = x.double(), grid.double()
    unit = unit.double() if isinstance(unit, torch.Tensor) else unit
    v = steps_of(x, unit)
    near = pick(v, grid)
    thresholds = zeroed(near, border(v, x, grid), v)
    return told(back(near, unit, x), back(thresholds, unit, x))


def telling(x: Tensor, unit: float | Tensor, grid: Tensor) -> bool:
    """Whether values of both signs lie between half and three quarters of the smallest one, plenty elsewhere."""
    v = x.double() / (unit.double() if isinstance(unit, torch.Tensor) else unit)
    smallest, share = grid[grid > 0].min(), v.abs() / grid[grid > 0].min()
    between = (share > 0.52) & (share < 0.73)
    kept = (share > 0.8) & (v.abs() < grid.max())
    signs = all(bool((s * v[between] > 0).any() and (s * v[kept] > 0).any()) for s in (1, -1))
    roots = ((v.abs() > 1.42 * smallest) & (v.abs() < 1.49 * smallest)).any()
    whole = bool(((v.abs() > 2.6) & (v.abs() < 2.9)).any())
    return bool(
        signs and roots and whole and (share < 0.4).any() and clear_of_borders(x, unit, grid) and inside(v, grid)
    )


def inside(v: Tensor, grid: Tensor) -> bool:
    return bool((v.abs() < 0.97 * grid.max()).all() and (v.abs() > 0.8 * grid.max()).any())


def beyond_the_end(x: Tensor, unit: float, grid: Tensor) -> bool:
    """Whether values lie far beyond both ends, and none is so small that the border to 0 would matter."""
    v = x.double() / unit
    both = bool((v > 1.6 * grid.max()).any() and (v < -1.6 * grid.max()).any())
    return both and bool((v.abs() > 2 * grid[grid > 0].min()).all()) and clear_of_borders(x, unit, grid)


q2 = Question(
    "Q2",
    answer="to_grid",
    returns=(tensor("nearest", integer=False), tensor("by_thresholds", integer=False)),
    reference=rounded,
    provided=provided.to_grid,
    off_limits=ROUNDERS,
    parts=(
        Part("the nearest value of the grid", 4, fields=("nearest",), groups=("usual",)),
        Part("the papers' thresholds", 4, fields=("by_thresholds",), groups=("usual",)),
        Part("values beyond the grid's end", 2, groups=("beyond",)),
    ),
    cases=[
        case("the worked example", [0.3, 0.32, -0.8, 2.9, 0.1], 0.5, THIRTEEN),
        case("FloatSD4", spread(150, low=-4.5, high=2.9), 0.25, THIRTEEN, such_that=telling),
        case("a table, 15 values", spread(20, 8, low=-7.5, high=0.9), 0.03125, FIFTEEN, such_that=telling),
        case("a smallest value of 2", spread(150, low=-2.5, high=3.9), 0.5, ELEVEN, such_that=telling),
        case(
            "beyond the end", spread(80, low=-1.8, high=4.0), 0.125, THIRTEEN, group="beyond", such_that=beyond_the_end
        ),
    ],
    mistakes=[
        Mistake(
            "multiples of the unit are returned",
            given(back=lambda q, u, x: q),
            "the grid counts units: which step makes a real number of a value of the grid?",
        ),
        Mistake(
            "the unit is left out",
            given(steps_of=as_is, back=lambda q, u, x: q),
            "the grid counts units: how many units is x?",
        ),
        Mistake(
            "x is not divided by the unit",
            given(steps_of=as_is),
            "the grid counts units: how many units is x?",
        ),
        Mistake(
            "multiplied by the unit instead of divided",
            given(steps_of=lambda x, u: x * u),
            "how many units of 0.5 is 3? Which operation gives 6?",
        ),
        Mistake(
            "the way back divides by the unit",
            given(back=lambda q, u, x: q / u),
            "one step of the grid is worth one unit: what are q of them worth?",
        ),
        Mistake(
            "always down to the next value of the grid",
            given(pick=below),
            "the nearest one may lie above: compare the distances to all values of the grid.",
        ),
        Mistake(
            "always toward 0",
            given(pick=toward_zero),
            "the nearest one may lie farther from 0: compare the distances to all values of the grid.",
        ),
        Mistake(
            "the exponent is rounded: the border lies at the root of 2",
            given(pick=in_the_exponent),
            "the middle between 1 and 2 is 1.5: rounding log2 puts the border at 1.41.",
        ),
        Mistake(
            "log2 is rounded and clamped to 0 and above: nothing becomes 0",
            given(pick=in_the_clamped_exponent(lambda grid: 0.0)),
            "the borders lie in the middle, not at the root of 2, and 0 is a value of the grid: compare distances.",
        ),
        Mistake(
            "log2 is rounded and clamped to the grid's ends: nothing becomes 0",
            given(pick=in_the_clamped_exponent(lambda grid: float(torch.log2(grid[grid > 0].min())))),
            "the borders lie in the middle, not at the root of 2, and 0 is a value of the grid: compare distances.",
        ),
        Mistake(
            "rounded to whole units, not to the grid",
            given(pick=lambda v, grid: v.round().clamp(float(grid.min()), float(grid.max()))),
            "3 is no value of FloatSD4's grid: which of its values is nearest?",
        ),
        Mistake(
            "nothing becomes 0",
            given(pick=lambda v, grid: by_distance(v, grid[grid != 0])),
            "0 is a value of the grid too: which x is nearest to it?",
        ),
        Mistake(
            "the sign is lost",
            given(pick=lambda v, grid: by_distance(v.abs(), grid)),
            "the grid holds both signs: does your distance compare x itself?",
        ),
        Mistake(
            "the position in the grid is returned",
            given(pick=lambda v, grid: (v.unsqueeze(-1) - grid).abs().argmin(dim=-1).double()),
            "argmin says where the nearest value stands: what is the value there?",
        ),
        Mistake(
            "the distance keeps its sign",
            given(pick=lambda v, grid: grid[(v.unsqueeze(-1) - grid).argmin(dim=-1)]),
            "the smallest difference is the most negative one: a distance has no sign.",
        ),
        Mistake(
            "the distance itself is returned",
            given(pick=lambda v, grid: (v.unsqueeze(-1) - grid).abs().amin(dim=-1)),
            "min gives how far it is, argmin where: what is the value there?",
        ),
        Mistake(
            "by thresholds nothing more becomes 0 than by distance",
            given(border=lambda v, x, grid: torch.zeros_like(v, dtype=torch.bool)),
            "0.6 of the smallest value is nearest to that value: what do the papers make of it? (The smallest above 0, that is.)",
        ),
        Mistake(
            "the border 0.75 is compared with x, not with x / unit",
            given(border=lambda v, x, grid: x.abs() < 0.75 * grid[grid > 0].min()),
            "the smallest value of the grid counts units: compare it with x / unit.",
        ),
        Mistake(
            "the border is 0.75 of the unit, not of the grid's smallest value",
            given(border=lambda v, x, grid: v.abs() < 0.75),
            "the smallest value above 0 need not be 1: look it up in the grid.",
        ),
        Mistake(
            "the border forgets negative values",
            given(border=lambda v, x, grid: v < 0.75 * grid[grid > 0].min()),
            "-8 is below 0.75 as well: which number of v is to be compared?",
        ),
        Mistake(
            "everything below the smallest value becomes 0",
            given(border=lambda v, x, grid: v.abs() < grid[grid > 0].min()),
            "the border lies at three quarters of the smallest value.",
        ),
        Mistake(
            "the border is 1.5 of the smallest value",
            given(border=lambda v, x, grid: v.abs() < 1.5 * grid[grid > 0].min()),
            "1.5 is the border between the smallest value and the next: the one to 0 lies at 0.75.",
        ),
        Mistake(
            "0 where the value is large, the value where it is small",
            given(border=lambda v, x, grid: v.abs() >= 0.75 * grid[grid > 0].min()),
            "torch.where takes the first value where its condition holds: which values are to become 0?",
        ),
        Mistake(
            "the two results are exchanged",
            given(told=lambda near, thresholds: (thresholds, near)),
            "return the nearest value first.",
        ),
    ],
    next="take the worked example: 0.3 is 0.6 units. What is nearest to 0.6 on the grid, and what do the thresholds say?",
)
