"""Q4: a greedy search for the layers to keep in fp32 until a target in decibels is reached."""

from collections.abc import Collection
from itertools import combinations

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, about, case, given, nearest, normal, real, tensor

from ._common import GRIDS, audible, chain, clear, decibels, fixed, on_grid, random_layers
from .q1 import q1

NO_NOISE = 99.0  # what the given measure says where nothing is quantized


def measured(weights: list[Tensor], x: Tensor, bits: int) -> Step:
    """The chain's output in decibels with some layers kept in fp32; each set of layers is measured once."""
    wanted, known = chain(weights, x), dict[frozenset[int], float]()
    on = [on_grid(w, bits) for w in weights]

    def measure(kept: Collection[int]) -> float:
        key = frozenset(kept)
        if key not in known:
            made = [w if place in key else q for place, (w, q) in enumerate(zip(weights, on, strict=True))]
            known[key] = float(decibels(wanted, chain(made, x))) if len(key) < len(weights) else NO_NOISE
        return known[key]

    return measure


def afresh(measure: Step, n: int) -> list[int]:
    """Greedy: every step tries all layers that are left."""
    kept: list[int] = []
    while len(kept) < n:
        kept.append(max((i for i in range(n) if i not in kept), key=lambda i: measure([*kept, i])))
    return kept


def best_of_each_size(measure: Step, weights: list[Tensor], bits: int) -> list[tuple[int, ...]]:
    """Not greedy: of all sets of k layers the one that helps most, for each k."""
    n = len(weights)
    return [max(combinations(range(n), k), key=measure) for k in range(n + 1)]


def given_up_backwards(measure: Step, weights: list[Tensor], bits: int) -> list[int]:
    """Backward: begins with all kept and gives up the layer that costs least; the one given up last comes first."""
    kept, given_up = set(range(len(weights))), list[int]()
    while kept:
        given_up.append(max(sorted(kept), key=lambda i: measure(kept - {i})))
        kept.remove(given_up[-1])
    return given_up[::-1]


def until_it_stops_helping(found: list[float], target: float) -> int:
    last = as_many_as_it_takes(found, target)
    return next((k for k in range(last) if found[k + 1] <= found[k]), last)


def as_many_as_it_takes(found: list[float], target: float) -> int:
    return next(k for k, value in enumerate(found) if value >= target)


def ones_for(kept: set[int], n: int) -> list[int]:
    return [int(i in kept) for i in range(n)]


def search(
    weights: list[Tensor],
    x: Tensor,
    bits: int,
    target: float,
    *,
    order: Step = lambda measure, weights, bits: afresh(measure, len(weights)),
    kept_of: Step = lambda order, count: set(order[:count]),
    count: Step = as_many_as_it_takes,
    mask: Step = ones_for,
    reached: Step = lambda found, k, target: found[k],
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    measure, n = measured(weights, x, bits), len(weights)
    places = order(measure, weights, bits)
    found = [measure(kept_of(places, k)) for k in range(n + 1)]
    k = count(found, target)
    k = min(max(k, 0), n)
    return torch.tensor(mask(kept_of(places, k), n)), about(torch.tensor(reached(found, k, target)), rounding, 2e-3)


def once_by_only(measure: Step, weights: list[Tensor], bits: int) -> list[int]:
    """The layer that hurts most when it alone is quantized comes first."""
    n = len(weights)
    return sorted(range(n), key=lambda i: measure(set(range(n)) - {i}))


def once_by_all_but(measure: Step, weights: list[Tensor], bits: int) -> list[int]:
    return sorted(range(len(weights)), key=lambda i: -measure({i}))


def by_weight(measure: Step, weights: list[Tensor], bits: int) -> list[int]:
    return sorted(range(len(weights)), key=lambda i: float(decibels(weights[i], on_grid(weights[i], bits))))


def by_size(measure: Step, weights: list[Tensor], bits: int) -> list[int]:
    return sorted(range(len(weights)), key=lambda i: -weights[i].numel())


def least_first(measure: Step, n: int) -> list[int]:
    kept: list[int] = []
    while len(kept) < n:
        kept.append(min((i for i in range(n) if i not in kept), key=lambda i: measure([*kept, i])))
    return kept


def chain_of(seed: int, *sizes: int, spread: float = 6.0, rows: int = 16) -> tuple[Drawn, Tensor]:
    """A chain and its input from a seed of its own, picked because the mistakes show on it."""

    def weights(generator: Generator) -> list[Tensor]:
        return random_layers(*sizes, spread=spread).draw(torch.Generator().manual_seed(seed))

    inputs = torch.randn(rows, sizes[0], generator=torch.Generator().manual_seed(seed + 1))
    return Drawn(weights), inputs


def first_step_is_clear(weights: list[Tensor], x: Tensor, bits: int, target: float) -> bool:
    """Whether keeping one layer is enough, by a margin, and it is clear which one."""
    if not clear(weights, bits) or not audible(weights, x, bits):
        return False
    measure, n = measured(weights, x, bits), len(weights)
    values = sorted((measure({i}) for i in range(n)), reverse=True)
    return measure(()) < target - 0.1 and values[0] > target + 0.1 and values[0] - values[1] > 0.1


# Chains of eighths, so that every sum is exact, in float32 too: the noise is 1 and the signal 10, which is 20 dB.
EQUALLED = (
    fixed(
        [[3.0], [2.0], [2.0], [0.75], [0.75], [0.75], [1.25], [2.0]],
        [[3.0, -0.25, 1.75, 2.0, 2.0, 2.0, -2.0, -2.0]],
    ),
    torch.ones(1, 1),
)
EQUALLED_BY_NONE = fixed([[3.0], [2.0], [0.25]], [[3.0, 0.25, 2.0]]), torch.ones(1, 1)


q4 = Question(
    "Q4",
    answer="keep_worst",
    returns=(tensor("kept"), real("reached")),
    reference=search,
    provided=provided.keep_worst,
    off_limits=("qlab.ptq.sensitivity:keep_worst", "qlab.ptq.sensitivity:_best", *GRIDS[1:]),
    uses={"sqnr_and_mse": q1},
    parts=(
        Part("which layers are kept", 9, fields=("kept",), groups=("usual",)),
        Part("what is reached with them", 4, fields=("reached",), groups=("usual",)),
        Part("nothing is kept where nothing has to be", 2, groups=("none",)),
    ),
    cases=[
        case("the worked example", fixed([[1.0, 0.6]], [[1.8], [-2.0]]), [[1.0, 2.0]], 3, 20.0),
        case("five layers, 3 bits", *chain_of(162, 5, 8, 8, 8, 8, 4), 3, 10.4),
        case("five layers, 4 bits", *chain_of(176, 4, 6, 8, 6, 6, 5), 4, 16.4),
        case("a random chain", random_layers(6, 8, 8, 5), normal(12, 6), 4, 22.0, such_that=first_step_is_clear),
        case("worse before it gets better", *chain_of(222, 5, 8, 8, 8, 8, 4), 3, 14.0),
        case("a little below the target", *chain_of(170, 5, 8, 8, 8, 8, 4), 3, 11.69),
        case("the target is equalled", *EQUALLED, 3, 20.0),
        case("a low target", *chain_of(162, 5, 8, 8, 8, 8, 4), 3, 5.0, group="none"),
        case("equalled with nothing kept", *EQUALLED_BY_NONE, 3, 20.0, group="none"),
    ],
    mistakes=[
        Mistake(
            "ranked once, by one layer only",
            given(order=once_by_only),
            "after the first layer is kept the others weigh differently: measure again in each step.",
        ),
        Mistake(
            "ranked once, by all but one",
            given(order=once_by_all_but),
            "after the first layer is kept the others weigh differently: measure again in each step.",
        ),
        Mistake(
            "ranked by the weights' SQNR",
            given(order=by_weight),
            "what counts is the output of the whole chain, not how well a weight survives.",
        ),
        Mistake(
            "the largest layers are kept",
            given(order=by_size),
            "large is not the same as sensitive: measure.",
        ),
        Mistake(
            "the layer that helps least is kept",
            given(order=lambda measure, weights, bits: least_first(measure, len(weights))),
            "more decibels are better: max or min?",
        ),
        Mistake(
            "the first layers are kept",
            given(order=lambda measure, weights, bits: list(range(len(weights)))),
            "which of the remaining layers helps most? Try each.",
        ),
        Mistake(
            "the last layers are kept",
            given(order=lambda measure, weights, bits: list(range(len(weights)))[::-1]),
            "which of the remaining layers helps most? Try each.",
        ),
        Mistake(
            "only the newest layer is kept: the earlier ones are quantized again",
            given(
                kept_of=lambda order, count: set(order[count - 1 : count]),
                count=lambda found, target: next((k for k, v in enumerate(found) if v >= target), len(found) - 2),
            ),
            "keep what you have and add one.",
        ),
        Mistake(
            "one layer too many",
            given(count=lambda found, target: as_many_as_it_takes(found, target) + 1),
            "look at the target before you keep another layer, not after.",
        ),
        Mistake(
            "one layer too few",
            given(count=lambda found, target: as_many_as_it_takes(found, target) - 1),
            "is the target reached with the layers that you return?",
        ),
        Mistake(
            "a target that is equalled does not count as reached",
            given(count=lambda found, target: next(k for k, value in enumerate(found) if value > target)),
            "the target is reached when it is equalled: < or <=?",
        ),
        Mistake(
            "a little less than the target is enough",
            given(count=lambda found, target: as_many_as_it_takes(found, target - 0.1)),
            "compare with the target itself, without a tolerance.",
        ),
        Mistake(
            "stops at the first layer that does not help",
            given(count=until_it_stops_helping),
            "errors of two layers may cancel, so a step may cost something: go on until the target is reached.",
        ),
        Mistake(
            "the best set of each size instead of a greedy search",
            given(order=best_of_each_size, kept_of=lambda order, count: set(order[count])),
            "greedy never takes back a layer: the next step keeps what is kept and adds one.",
        ),
        Mistake(
            "all layers are kept first, then given up",
            given(order=given_up_backwards),
            "the search begins with nothing kept and adds the layer that helps most.",
        ),
        Mistake(
            "at least one layer is kept",
            given(count=lambda found, target: next(k for k, value in enumerate(found) if value >= target and k)),
            "the target may be reached with all layers quantized: measure before the first step.",
        ),
        Mistake(
            "the mask says which layers are quantized",
            given(mask=lambda kept, n: [int(i not in kept) for i in range(n)]),
            "1 stands for a layer that is kept in fp32.",
        ),
        Mistake(
            "what was reached before the last layer was kept",
            given(reached=lambda found, k, target: found[max(k - 1, 0)]),
            "measure once more after you have kept the layer.",
        ),
        Mistake(
            "the target is returned instead of what is reached",
            given(reached=lambda found, k, target: target),
            "what is measured with the kept layers, which may be more than the target?",
        ),
    ],
    next="measure with nothing kept, then with each layer kept alone: the largest of these numbers is the first step",
)
