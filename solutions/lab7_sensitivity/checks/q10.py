"""Q10: bits for each layer within a budget of bytes, so that a second-order measure of the loss is least."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, about, case, given, nearest, real, tensor

from ._common import GRIDS, on_grid, random_layers

Plan = tuple[int, ...]


def squared(weight: Tensor, bits: int) -> float:
    return float((weight.double() - on_grid(weight, bits)).square().sum())


def least_of_all(plans: Sequence[Plan], measure: Step, size: Step, budget: float, holds: Step) -> Plan:
    affordable = [plan for plan in plans if holds(size(plan), budget)]
    return min(affordable or [min(plans, key=size)], key=measure)


def the_same_for_all(plans: Sequence[Plan], measure: Step, size: Step, budget: float, holds: Step) -> Plan:
    return least_of_all([plan for plan in plans if len(set(plan)) == 1], measure, size, budget, holds)


def step_by_step(plans: Sequence[Plan], measure: Step, size: Step, budget: float, holds: Step) -> Plan:
    """Greedy: begins with the fewest bits and gives the next ones where they help most, as long as the budget lasts."""
    choices = sorted({bits for plan in plans for bits in plan})
    plan = (choices[0],) * len(plans[0])
    while True:
        raised = [
            (*plan[:i], choices[choices.index(bits) + 1], *plan[i + 1 :])
            for i, bits in enumerate(plan)
            if bits != choices[-1]
        ]
        affordable = [other for other in raised if holds(size(other), budget)]
        if not affordable:
            return plan
        plan = min(affordable, key=measure)


def spent(
    weights: list[Tensor],
    curvatures: Tensor,
    choices: tuple[int, ...],
    budget: float,
    *,
    error: Step = squared,
    weigh: Step = lambda curvature, error, count: 0.5 * curvature * error,
    per_byte: float = 8,
    count: Step = lambda weight: weight.numel(),
    holds: Step = lambda size, budget: size <= budget,
    search: Step = least_of_all,
    told: Step = lambda measure, plan: measure(plan),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    sizes = [count(weight) for weight in weights]
    known = {
        (i, bits): weigh(float(curvatures[i]), error(weight, bits), weight.numel())
        for i, weight in enumerate(weights)
        for bits in choices
    }

    def measure(plan: Plan) -> float:
        return sum(known[key] for key in enumerate(plan))

    def size(plan: Plan) -> float:
        return sum(n * bits for n, bits in zip(sizes, plan, strict=True)) / per_byte

    plan = search(list(product(choices, repeat=len(weights))), measure, size, budget, holds)
    value = torch.tensor(float(told(measure, plan)), dtype=torch.float64)
    return torch.tensor(plan), about(value, rounding, 1e-4 * value.abs())


def picked(seed: int, *sizes: int) -> tuple[Drawn, Tensor]:
    """A chain and its curvatures from a seed of its own, picked because the mistakes find other plans on it."""
    generator = torch.Generator().manual_seed(seed)
    weights = random_layers(*sizes, spread=4.0).draw(generator)
    curvatures = 10 ** (2 * torch.rand(len(weights), generator=generator) - 1)
    return Drawn(lambda _: [weight.clone() for weight in weights]), curvatures


EXACT: tuple[Any, ...] = (
    Drawn(lambda g: [torch.tensor([[1.0, 0.6]]), torch.tensor([[1.8], [-2.0]])]),
    torch.tensor([1.0, 4.0]),
    (3, 4),
    1.75,
)

q10 = Question(
    "Q10",
    answer="spend_bytes",
    returns=(tensor("bits"), real("measure")),
    reference=spent,
    provided=provided.spend_bytes,
    off_limits=GRIDS[1:],
    parts=(
        Part("bits per layer", 3, fields=("bits",)),
        Part("the measure of this plan", 1, fields=("measure",)),
    ),
    cases=[
        case("the worked example", *EXACT),
        case("four layers", *picked(1, 4, 8, 6, 8, 3), (3, 4, 6), 93.0),
        case("four layers, fewer bytes", *picked(14, 4, 8, 6, 8, 3), (3, 4, 6), 82.0),
    ],
    mistakes=[
        Mistake(
            "the curvatures are left out",
            given(weigh=lambda curvature, error, count: 0.5 * error),
            "an error of the same size costs more where the loss curves more: what is each error multiplied by?",
        ),
        Mistake(
            "absolute errors instead of squares",
            given(error=lambda w, bits: float((w.double() - on_grid(w, bits)).abs().sum())),
            "second order: the error of each weight is squared.",
        ),
        Mistake(
            "the mean of a layer's squared errors instead of their sum",
            given(weigh=lambda curvature, error, count: 0.5 * curvature * error / count),
            "every weight adds its own error to the loss: sum over the layer.",
        ),
        Mistake(
            "the half is left out",
            given(told=lambda measure, plan: 2 * measure(plan)),
            "the second-order term of a Taylor series has a factor: which?",
        ),
        Mistake(
            "the budget is taken for bits",
            given(per_byte=1),
            "the budget is in bytes: how many bits are 80 bytes?",
        ),
        Mistake(
            "all layers count alike, whatever their size",
            given(count=lambda weight: 1),
            "a layer's bytes are its number of weights times its bits over 8.",
        ),
        Mistake(
            "a plan that takes exactly the budget is refused",
            given(holds=lambda size, budget: size < budget),
            "the budget may be spent to the last byte: < or <=?",
        ),
        Mistake(
            "all layers get the same bits",
            given(search=the_same_for_all),
            "each layer may have bits of its own: that is what the measure is for.",
        ),
        Mistake(
            "greedy: the next bits go where they help most",
            given(search=step_by_step),
            "an early step may use up what two other layers would have needed: is there a better plan of all?",
        ),
    ],
    next="do the worked example on paper: four plans, their bytes 1.5, 1.75, 1.75 and 2; which of the affordable ones has the least measure?",
)
