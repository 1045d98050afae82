"""Q3: what each layer costs: quantized alone, and kept alone in fp32."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, about, case, given, nearest, normal, tensor

from ._common import GRIDS, audible, chain, decibels, fixed, on_grid, random_layers, squares
from .q1 import q1


def mixed(weights: list[Tensor], quantize: set[int], bits: int, grid: Step = on_grid) -> list[Tensor]:
    return [grid(w, bits) if place in quantize else w.double() for place, w in enumerate(weights)]


def only_and_all_but(
    weights: list[Tensor],
    x: Tensor,
    bits: int,
    *,
    grid: Step = on_grid,
    of_only: Step = lambda i, n: {i},
    of_all_but: Step = lambda i, n: set(range(n)) - {i},
    measure: Step = lambda wanted, got, weights, made: decibels(wanted, got),
    told: Step = lambda only, all_but: (only, all_but),
    rounding: Step = nearest,
) -> tuple[Tensor, ...]:
    n, wanted = len(weights), chain(weights, x)
    found = []
    for settings in (of_only, of_all_but):
        made = [mixed(weights, settings(i, n), bits, grid) for i in range(n)]
        found.append(torch.stack([measure(wanted, chain(m, x), weights, m) for m in made]))
    return tuple(about(value, rounding, 2e-3) for value in told(*found))


def of_the_weight(wanted: Tensor, got: Tensor, weights: list[Tensor], made: list[Tensor]) -> Tensor:
    """The noise of the first weight that changed."""
    changed = [i for i, (w, m) in enumerate(zip(weights, made, strict=True)) if not torch.equal(w.double(), m)]
    place = changed[0] if changed else 0
    return decibels(weights[place], made[place])


q3 = Question(
    "Q3",
    answer="one_at_a_time",
    returns=(tensor("only", integer=False), tensor("all_but", integer=False)),
    reference=only_and_all_but,
    provided=provided.one_at_a_time,
    off_limits=("qlab.ptq.sensitivity:one_only", "qlab.ptq.sensitivity:all_but_one", *GRIDS[1:]),
    uses={"sqnr_and_mse": q1},
    parts=(
        Part("one layer only", 5, fields=("only",)),
        Part("all but one", 5, fields=("all_but",)),
    ),
    cases=[
        case("the worked example", fixed([[1.0, 0.6]], [[1.8], [-2.0]]), [[1.0, 2.0]], 3),
        case("three layers, 4 bits", random_layers(6, 8, 8, 5), normal(12, 6), 4, such_that=audible),
        case("four layers, 3 bits", random_layers(5, 9, 7, 7, 4), normal(10, 5), 3, such_that=audible),
    ],
    mistakes=[
        Mistake(
            "the two are exchanged",
            given(told=lambda only, all_but: (all_but, only)),
            "with one layer quantized there is less noise than with all but one: which of yours is larger?",
        ),
        Mistake(
            "one layer only, in both",
            given(of_all_but=lambda i, n: {i}),
            "all but one: which layers are quantized there?",
        ),
        Mistake(
            "all but one, in both",
            given(of_only=lambda i, n: set(range(n)) - {i}),
            "one only: which layer is quantized there?",
        ),
        Mistake(
            "all but one quantizes that one too",
            given(of_all_but=lambda i, n: set(range(n))),
            "the chosen layer stays as it was: your numbers are all alike.",
        ),
        Mistake(
            "layers stay quantized from one round to the next",
            given(of_only=lambda i, n: set(range(i + 1))),
            "each round begins with the fp32 weights: make a new list, or put the layer back.",
        ),
        Mistake(
            "one layer too far in all but one",
            given(of_all_but=lambda i, n: set(range(n)) - {(i + 1) % n}),
            "layers are numbered from 0: which one is left out in the first round?",
        ),
        Mistake(
            "all but one is the first list backwards",
            given(told=lambda only, all_but: (only, only.flip(0))),
            "that is true of two layers only: run the chain with one layer spared.",
        ),
        Mistake(
            "the weights are compared, not the network's output",
            given(measure=of_the_weight),
            "what counts is what comes out at the end: run the whole chain.",
        ),
        Mistake(
            "the quantized network is taken for the signal",
            given(measure=lambda wanted, got, w, m: decibels(got, wanted)),
            "the first argument of sqnr_and_mse is the signal: the fp32 network's output.",
        ),
        Mistake(
            "mean squared errors instead of decibels",
            given(measure=lambda wanted, got, w, m: squares(wanted, got)),
            "sqnr_and_mse returns two numbers: which of them is the first?",
        ),
        Mistake(
            "compared after a ReLU at the end",
            given(measure=lambda wanted, got, w, m: decibels(torch.relu(wanted), torch.relu(got))),
            "the last layer has no ReLU: compare what chain returns.",
        ),
        Mistake(
            "the number of bits is not passed on: always 8",
            given(grid=lambda w, bits: on_grid(w, 8)),
            "on_grid takes the number of bits as its second argument.",
        ),
        Mistake(
            "one bit too few",
            given(grid=lambda w, bits: on_grid(w, bits - 1)),
            "on_grid takes the number of bits and sees to the sign itself.",
        ),
    ],
    next="in the worked example both lists have two numbers: quantizing the first layer only is keeping the second only",
)
