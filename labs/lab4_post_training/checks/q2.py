"""Q2: for each layer of a network, the first layer of the group that it is fused into."""

from itertools import product

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, case, given, nearest, tensor


def groups_of(
    kinds: tuple[str, ...],
    *,
    table: tuple[tuple[str, ...], ...] = provided.GROUPS,
    chosen: Step = lambda lengths: max(lengths, default=1),
    fits: Step = lambda part, group: part == group,
    extended: Step = lambda kinds, place, length: length,
    numbered: Step = lambda place, number, length: [place] * length,
    rounding: Step = nearest,
) -> Tensor:
    heads: list[int] = []
    place = number = 0
    while place < len(kinds):
        lengths = [len(group) for group in table if fits(tuple(kinds[place : place + len(group)]), group)]
        length = extended(kinds, place, chosen(lengths))
        heads += numbered(place, number, length)
        place, number = place + length, number + 1
    return torch.tensor(heads)


KINDS = ("conv", "bn", "relu", "linear", "pool", "add", "relu6")


def neighbours(begins: str, starts: tuple[str, ...] = KINDS) -> tuple[str, ...]:
    """Every three layers in a row whose first group begins so, a pool behind each three; "" if none of them fuses.

    Those that start with one of `starts` only.

    A group that the table does not have shows in one of them, unless it is longer than three.
    """
    chosen: list[str] = []
    for three in product(starts, KINDS, KINDS):
        heads = groups_of(three).tolist()
        fused = [place for place in heads if heads.count(place) > 1]
        if begins == (three[fused[0]] if fused else ""):
            chosen += [*three, "pool"]
    return tuple(chosen)


def relu6_as_relu(part: tuple[str, ...], group: tuple[str, ...]) -> bool:
    return tuple("relu" if kind == "relu6" else kind for kind in part) == group


def without(*groups: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(group for group in provided.GROUPS if group not in groups)


def with_every_relu(kinds: tuple[str, ...], place: int, length: int) -> int:
    while kinds[place + length : place + length + 1] == ("relu",):
        length += 1
    return length


def batch_norm_to_relu(part: tuple[str, ...], group: tuple[str, ...]) -> bool:
    return part == group and group[:2] != ("conv", "bn")


q2 = Question(
    "Q2",
    answer="fused_into",
    returns=(tensor("heads", integer=False),),  # positions: next to the right one is as wrong as any
    reference=groups_of,
    provided=provided.fused_into,
    parts=(
        Part("groups that begin with a convolution", 5, groups=("usual",)),
        Part("groups that begin with another layer", 3, groups=("others",)),
        Part("layers that stay alone", 2, groups=("alone",)),
    ),
    cases=[
        case("the worked example", ("conv", "bn", "relu", "pool", "conv", "bn")),
        case("conv, relu, twice", ("conv", "relu", "conv", "relu")),
        case("a block", ("pool", "conv", "bn", "relu", "conv", "bn", "add")),
        case("a block with ReLU6", ("conv", "bn", "relu6", "conv", "relu", "bn")),
        case("a head", ("pool", "linear", "relu", "linear"), group="others"),
        case("linear, bn, relu", ("linear", "bn", "relu", "linear", "add", "relu"), group="others"),
        case("batch norm first", ("bn", "relu", "pool", "linear", "relu"), group="others"),
        case("nothing to fuse", ("pool", "relu", "conv", "add", "relu", "bn"), group="alone"),
        case("a layer between", ("conv", "pool", "bn", "linear", "bn"), group="alone"),
        case("another ReLU", ("linear", "relu6", "bn", "relu6"), group="alone"),
        case("a convolution with another ReLU", ("conv", "relu6", "conv", "add", "relu"), group="alone"),
    ],
    mistakes=[
        Mistake(
            "a pair is taken where three fit",
            given(chosen=lambda lengths: min(lengths, default=1)),
            "conv, bn, relu begins with conv, bn: which of the two groups do you try first?",
        ),
        Mistake(
            "conv with relu is missing",
            given(table=without(("conv", "relu"))),
            "compare your groups with the five of the table: one begins with conv and has no bn.",
        ),
        Mistake(
            "conv with bn is missing",
            given(table=without(("conv", "bn"))),
            "a convolution with batch norm, but without ReLU, ends a residual branch: is it in the table?",
        ),
        Mistake(
            "linear with relu is missing",
            given(table=without(("linear", "relu"))),
            "compare your groups with the five of the table: one begins with linear.",
        ),
        Mistake(
            "bn with relu is missing",
            given(table=without(("bn", "relu"))),
            "compare your groups with the five of the table: one begins with bn.",
        ),
        Mistake(
            "only groups that begin with a convolution are known",
            given(table=without(("linear", "relu"), ("bn", "relu"))),
            "compare your groups with the five of the table: two do not begin with a convolution.",
        ),
        Mistake(
            "linear with bn is fused",
            given(table=(*provided.GROUPS, ("linear", "bn"))),
            "which layers stand behind linear in the table?",
        ),
        Mistake(
            "linear with bn and relu is fused",
            given(table=(("linear", "bn", "relu"), *provided.GROUPS)),
            "of linear, bn, relu the table has only a pair: which one?",
        ),
        Mistake(
            "linear is fused with bn, and with bn and relu",
            given(table=(*provided.GROUPS, ("linear", "bn"), ("linear", "bn", "relu"))),
            "which layers stand behind linear in the table?",
        ),
        Mistake(
            "relu6 is taken for a relu",
            given(fits=relu6_as_relu),
            "relu6 is another name than relu: does the table have it?",
        ),
        Mistake(
            "conv with relu6 is fused",
            given(table=(*provided.GROUPS, ("conv", "relu6"))),
            "compare your groups with the five of the table: relu6 is in none of them.",
        ),
        Mistake(
            "conv with bn and relu6 is fused",
            given(table=(*provided.GROUPS, ("conv", "bn", "relu6"))),
            "compare your groups with the five of the table: relu6 is in none of them.",
        ),
        Mistake(
            "conv is fused with relu6, and with bn and relu6",
            given(table=(*provided.GROUPS, ("conv", "relu6"), ("conv", "bn", "relu6"))),
            "compare your groups with the five of the table: relu6 is in none of them.",
        ),
        Mistake(
            "add with relu is fused",
            given(table=(*provided.GROUPS, ("add", "relu"))),
            "an addition with ReLU exists as add_relu, but not among the five groups of the table.",
        ),
        Mistake(
            "conv, relu, bn is fused too",
            given(table=(*provided.GROUPS, ("conv", "relu", "bn"))),
            "batch norm behind a ReLU cannot be folded into the convolution before it: is the order in the table?",
        ),
        Mistake(
            "relu is fused with whatever stands before it",
            given(extended=with_every_relu),
            "which layers stand before relu in the table?",
        ),
        Mistake(
            "batch norm goes to the relu behind it, not to the convolution",
            given(fits=batch_norm_to_relu),
            "folding saves a layer only if batch norm goes into the convolution: which group is tried first?",
        ),
        Mistake(
            "the groups are counted instead of their first places",
            given(numbered=lambda place, number, length: [number] * length),
            "give the position of a group's first layer: for the second group of the worked example that is 3.",
        ),
        Mistake(
            "positions count from 1",
            given(numbered=lambda place, number, length: [place + 1] * length),
            "Python's positions begin with 0.",
        ),
        Mistake(
            "the position of a group's last layer is given",
            given(numbered=lambda place, number, length: [place + length - 1] * length),
            "fuse_modules puts the fused layer in the place of the first one of the group.",
        ),
        Mistake(
            "each layer gets its own position",
            given(numbered=lambda place, number, length: [place + step for step in range(length)]),
            "all layers of a group get the same number: the position of its first layer.",
        ),
        Mistake(
            "one number per group, not one per layer",
            given(numbered=lambda place, number, length: [place]),
            "the result has as many numbers as there are layers.",
        ),
    ],
    next="go through the worked example by hand: at each place, which of the five groups fits, the longest one first?",
)
