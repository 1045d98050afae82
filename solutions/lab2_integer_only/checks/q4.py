"""Q4: a right shift by n bits that rounds to the nearest, in integers only."""

import provided
import torch
from torch import Tensor

from qlab.check import (
    Mistake,
    Overrides,
    Part,
    Question,
    Step,
    as_is,
    case,
    given,
    nearest,
    tensor,
    uniform,
    wrapped,
)

from ._common import half_up_cut, rounded, shifted, whole


def shift_right(x: Tensor, n: int, *, quotient: Step | None = None, rounding: Step = nearest) -> Tensor:
    if n == 0:
        return x
    if quotient is not None:
        return rounded(quotient(x.long(), n), rounding)
    return shifted(x.long(), n, rounding)


def plainly(value: Step) -> Overrides:
    """A mistake that ends in a plain shift, whatever was rounded before it."""
    return given(quotient=value, rounding=torch.floor)


def below_a_tie(bits: int) -> Tensor:
    """62-bit numbers one below a tie, which float64, with its 53 bits, takes for the tie and rounds to even."""
    return whole([((2**28 + 2 * k + 1) << bits) + (1 << (bits - 1)) - 1 for k in range(6)])


q4 = Question(
    "Q4",
    answer="rounding_shift",
    returns=(tensor("shifted"),),
    reference=shift_right,
    provided=provided.rounding_shift,
    off_limits=(
        "qlab.arithmetic.fixed_point:rounding_shift_ties_up",
        "qlab.arithmetic.fixed_point:multiply_rounding_once",
        "qlab.arithmetic.fixed_point:multiply_rounding_twice",
        "qlab.arithmetic.fixed_point:high_multiply",
    ),
    parts=(
        Part("small numbers", 6, groups=("usual",)),
        Part("numbers that floats do not hold", 4, groups=("wide", "usual")),
    ),
    cases=[
        case("the worked example", whole([13, -13, 12, -12]), 2),
        case("-20 to 20 by 3 bits", torch.arange(-20, 21), 3),
        case("by 1 bit", torch.arange(-5, 6), 1),
        case("random by 5 bits", uniform(-2000, 2000, 40, dtype=torch.int64), 5),
        case("by 0 bits", torch.arange(-4, 5), 0),
        case("beyond what float32 holds", uniform(-(2**40), 2**40, 30, dtype=torch.int64), 4, group="wide"),
        case("beyond what float64 holds", below_a_tie(33), 33, group="wide"),
    ],
    mistakes=[
        Mistake(
            "a plain shift: rounded down",
            given(rounding=torch.floor),
            "13 >> 2 is 3, and 15 >> 2 is 3 too: what has to be added before the shift so that 15 becomes 4?",
        ),
        Mistake(
            "truncated toward zero",
            given(rounding=torch.trunc),
            "15 / 4 is nearer to 4 than to 3: what has to be added before the shift?",
        ),
        Mistake(
            "truncated toward zero after half a step is added",
            given(quotient=half_up_cut, rounding=as_is),
            "below zero truncating goes up: >> goes down everywhere, and that is what the half is meant for.",
        ),
        Mistake(
            "rounded up",
            given(rounding=torch.ceil),
            "13 / 4 is 3.25: which integer is nearest? Adding a whole step less one goes too far.",
        ),
        Mistake(
            "a whole step is added before the shift",
            plainly(lambda x, n: (x >> n) + 1),
            "a step of the result is 2**n: how much is half of it?",
        ),
        Mistake(
            "two steps are added before the shift",
            plainly(lambda x, n: (x >> n) + 2),
            "half a step of 2**n is 2**(n - 1): is n + 1 the power you want?",
        ),
        Mistake(
            "half a step is subtracted before the shift",
            plainly(lambda x, n: (x - 2 ** (n - 1)) >> n),
            "a shift goes down already: which sign makes up for that?",
        ),
        Mistake(
            "half a step is subtracted below zero",
            plainly(lambda x, n: (x + 2 ** (n - 1) * torch.where(x < 0, -1, 1)) >> n),
            "a shift goes down below zero too: the half is added everywhere.",
        ),
        Mistake(
            "1 is added before the shift, however wide it is",
            plainly(lambda x, n: (x + 1) >> n),
            "half a step is 1 only for a shift by 1 bit: how much is it for n bits?",
        ),
        Mistake(
            "n is added before the shift",
            plainly(lambda x, n: (x + n) >> n),
            "half a step of a shift by n bits is 2**(n - 1): mind the power.",
        ),
        Mistake(
            "n - 1 is added before the shift",
            plainly(lambda x, n: (x + n - 1) >> n),
            "half a step of a shift by n bits is 2**(n - 1): mind the power.",
        ),
        Mistake(
            "2 ^ (n - 1) is added, which is no power in Python",
            plainly(lambda x, n: (x + (2 ^ (n - 1))) >> n),
            "^ is XOR in Python: a power is **, or 1 << k.",
        ),
        Mistake(
            "a quarter of a step is added before the shift",
            plainly(lambda x, n: (x + 2**n // 4) >> n),
            "a step of the result is 2**n: half of it is 2**(n - 1).",
        ),
        Mistake(
            "half a step is added after the shift",
            plainly(lambda x, n: (x >> n) + 2 ** (n - 1)),
            "after the shift the fraction is gone: add before.",
        ),
        Mistake(
            "shifted to the left",
            plainly(lambda x, n: (x + 2 ** (n - 1)) << n),
            "M is below 1: which way does a number become smaller?",
        ),
        Mistake(
            "shifted by one bit too many",
            plainly(lambda x, n: (x + 2 ** (n - 1)) >> (n + 1)),
            "n bits are n halvings.",
        ),
        Mistake(
            "shifted by one bit too few",
            plainly(lambda x, n: (x + 2 ** (n - 1)) >> (n - 1)),
            "n bits are n halvings; half a step, 2**(n - 1), belongs into the sum, not into the shift.",
        ),
        Mistake(
            "shifted by half a step instead of by n bits",
            plainly(lambda x, n: (x + 2 ** (n - 1)) >> min(2 ** (n - 1), 63)),
            "two numbers are in play: half, which is added, and n, which is the width of the shift.",
        ),
        Mistake("divided by n", given(quotient=lambda x, n: x.double() / n), "a shift by n bits divides by 2**n."),
        Mistake(
            "divided by 2 n", given(quotient=lambda x, n: x.double() / (2 * n)), "a shift by n bits divides by 2**n."
        ),
        Mistake(
            "computed in float32",
            given(quotient=lambda x, n: x.float().div(2.0**n).double()),
            "float32 holds integers up to 2**24 only: stay with integers, + and >>.",
        ),
        Mistake(
            "computed in float64",
            given(quotient=lambda x, n: torch.round(x.double() / 2.0**n), rounding=as_is),
            "float64 holds integers up to 2**53 only, and the products of Q6 have 62 bits: + and >> are exact.",
        ),
        Mistake(
            "narrowed to 32 bits",
            plainly(lambda x, n: wrapped(wrapped(x, 32) + 2 ** (n - 1), 32) >> n),
            "x is int64 and stays so: int32 wraps around beyond 2**31.",
        ),
        Mistake(
            "the sign is lost",
            plainly(lambda x, n: (x.abs() + 2 ** (n - 1)) >> n),
            "accumulators may be negative: what should -12 shifted by 2 bits become?",
        ),
    ],
    next="take 13, 14 and 15 shifted by 2 bits: 3, 3 or 4, and 4. What has to be added to each before >> 2?",
)
