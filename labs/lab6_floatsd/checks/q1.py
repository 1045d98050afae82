"""Q1: all values of a format of groups of signed digits, at most one of them nonzero per group, and an exponent."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, as_is, case, given, nearest, tensor


def all_sums(digits: int) -> list[int]:
    sums = {0}
    for k in range(digits):
        sums = {s + d * 2**k for s in sums for d in (-1, 0, 1)}
    return sorted(sums)


def at_most_one(digits: int) -> list[int]:
    return [0] + [sign * 2**k for k in range(digits) for sign in (1, -1)]


def grid_of(
    groups: tuple[int, ...],
    exponent_bits: int,
    *,
    group: Step = at_most_one,
    order: Step = as_is,
    join: Step = lambda m, g, digits: m * 2**digits + g,
    exponents: Step = lambda bits: range(2**bits),
    scaled: Step = lambda m, e: m * 2**e,
    told: Step = lambda values: sorted(set(values)),
    rounding: Step = nearest,
) -> Tensor:
    mantissas = {0}
    for digits in order(groups):
        mantissas = {join(m, g, digits) for m in mantissas for g in group(digits)}
    return torch.tensor(told([scaled(m, e) for m in sorted(mantissas) for e in exponents(exponent_bits)]))


q1 = Question(
    "Q1",
    answer="floatsd_grid",
    returns=(tensor("grid"),),
    reference=grid_of,
    provided=provided.floatsd_grid,
    off_limits=(
        *(
            "qlab.formats.floatsd.grid:floatsd",
            "qlab.formats.floatsd.grid:mantissas",
            "qlab.formats.floatsd.grid:digit_codes",
        ),
        *("qlab.formats.floatsd.grid:group_values", "qlab.formats.floatsd.grid:power_of_two"),
    ),
    parts=(
        Part("one group of digits", 5, groups=("usual",)),
        Part("several groups", 5, groups=("several",)),
    ),
    cases=[
        case("the worked example", (2,), 1),
        case("FloatSD4, 13 values", (3,), 2),
        case("two groups of two digits", (2, 2), 1, group="several"),
        case("FloatSD8, 129 values", (3, 2), 3, group="several"),
    ],
    mistakes=[
        Mistake(
            "all digits of a group may be nonzero",
            given(group=all_sums),
            "at most one digit of a group is nonzero: can a group of two be 3?",
        ),
        Mistake(
            "only positive digits",
            given(group=lambda digits: [0] + [2**k for k in range(digits)]),
            "the digits are signed: which values has a group of two digits?",
        ),
        Mistake(
            "a group cannot be 0",
            given(group=lambda digits: [sign * 2**k for k in range(digits) for sign in (1, -1)]),
            "all digits of a group may be 0 as well.",
        ),
        Mistake(
            "a group has one digit too many",
            given(group=lambda digits: [0] + [sign * 2**k for k in range(digits + 1) for sign in (1, -1)]),
            "the digits of a group of two stand for 1 and 2: where does k end?",
        ),
        Mistake(
            "a group has one digit too few",
            given(group=lambda digits: [0] + [sign * 2**k for k in range(digits - 1) for sign in (1, -1)]),
            "the digits of a group of two stand for 1 and 2: where does k end?",
        ),
        Mistake(
            "the digits count 1, 2, 3 instead of 1, 2, 4",
            given(group=lambda digits: [0] + [sign * k for k in range(1, digits + 1) for sign in (1, -1)]),
            "each digit stands for twice the one below it.",
        ),
        Mistake(
            "as many exponents as the exponent has bits",
            given(exponents=range),
            "how many numbers can be written with two bits?",
        ),
        Mistake(
            "one exponent too many",
            given(exponents=lambda bits: range(2**bits + 1)),
            "two bits hold 0 to 3: where does e end?",
        ),
        Mistake(
            "the largest exponent is left out",
            given(exponents=lambda bits: range(2**bits - 1)),
            "two bits hold 0 to 3: where does e end?",
        ),
        Mistake(
            "everything is twice as large: digits or exponents begin at 1",
            given(exponents=lambda bits: range(1, 2**bits + 1)),
            "the lowest digit stands for 1, and the smallest exponent is 0: where do your counts begin?",
        ),
        Mistake(
            "multiplied by the exponent instead of by its power of two",
            given(scaled=lambda m, e: m * e),
            "the exponent e shifts the mantissa by e places: what is that multiplied by?",
        ),
        Mistake(
            "the exponent is left out",
            given(scaled=lambda m, e: m),
            "the mantissas are not the grid yet: each is multiplied by 2**e for all e.",
        ),
        Mistake(
            "the exponents go below 1",
            given(scaled=lambda m, e: m / 2**e),
            "all values are whole multiples of the unit: does the exponent enlarge or reduce?",
        ),
        Mistake(
            "all groups stand at the same place",
            given(join=lambda m, g, digits: m + g),
            "the groups stand side by side: by how many places does a further group of `digits` digits move the earlier ones?",
        ),
        Mistake(
            "a further group moves the earlier ones by one place",
            given(join=lambda m, g, digits: 2 * m + g),
            "by as many places as the further group has digits.",
        ),
        Mistake(
            "the groups are multiplied",
            given(join=lambda m, g, digits: (m or 1) * g),
            "a number is the sum of its digits, each at its place.",
        ),
        Mistake(
            "the first group is the lowest",
            given(order=lambda groups: groups[::-1]),
            "groups are written like the digits of a number: the highest first.",
        ),
        Mistake(
            "the further group is moved instead of the earlier ones",
            given(join=lambda m, g, digits: m + g * 2**digits),
            "a further group is the lower one: whose places are multiplied by 2**digits?",
        ),
        Mistake(
            "values are there more than once",
            given(told=sorted),
            "several codes give one value: which Python type keeps each only once?",
        ),
        Mistake(
            "sorted from the largest down",
            given(told=lambda values: sorted(set(values), reverse=True)),
            "the text asks for the smallest first.",
        ),
        Mistake(
            "the negative values are left out of the grid",
            given(told=lambda values: sorted({v for v in values if v >= 0})),
            "the grid has both signs: does your last line keep them?",
        ),
    ],
    next="write down the mantissas of the worked example: -2, -1, 0, 1, 2. What does your loop give for groups=(2,)?",
)
