"""Q3: the multiplier M as a 31-bit integer M0_int and a number n of bits to shift by."""

import torch

import qlab
from qlab.check import Mistake, Part, Question, Step, as_is, case, given, integer, nearest

from ._common import rounded


def halved(M0_int: float, n: int) -> tuple[float, int]:
    return (M0_int // 2, n - 1) if M0_int == 2**31 else (M0_int, n)


def fixed_point_multiplier(
    M: float,
    *,
    normalize: Step = qlab.decompose_multiplier,
    word: float = 2.0**31,
    rounding: Step = nearest,
    carry: Step = halved,
    returned: Step = lambda M0_int, n: (M0_int, n),
) -> tuple[float, int]:
    m, n = normalize(M)
    M0_int = rounded(torch.tensor(m * word, dtype=torch.float64), rounding).item()
    return returned(*carry(M0_int, n))


def left_alone_from_1_on(M: float) -> tuple[float, int]:
    return (M, 0) if M >= 1 else qlab.decompose_multiplier(M)


def counted_up_from_1_on(M: float) -> tuple[float, int]:
    m, n = qlab.decompose_multiplier(M)
    return m, abs(n)


q3 = Question(
    "Q3",
    answer="quantize_multiplier",
    returns=(integer("M0_int"), integer("n")),
    reference=fixed_point_multiplier,
    provided=qlab.quantize_multiplier,
    off_limits=("qlab.arithmetic.requantize:decompose_multiplier",),
    parts=(
        Part("M0_int", 3, fields=("M0_int",), groups=("usual",)),
        Part("n", 3, fields=("n",), groups=("usual",)),
        Part("M of 1 and more", 2, groups=("large",)),
        Part("a mantissa that rounds up to 2**31", 2, groups=("carry",)),
    ),
    cases=[
        case("M = 0.3", 0.3),
        case("M = 0.2", 0.2),
        case("M = 0.0072", 0.0072),
        case("M = 0.5", 0.5),
        case("M = 0.9", 0.9),
        case("M = 0.00002", 0.00002),
        case("M = 1.7", 1.7, group="large"),
        case("M = 1", 1.0, group="large"),
        case("M = 1 - 2**-40", 1 - 2.0**-40, group="carry"),
    ],
    mistakes=[
        Mistake(
            "n has the wrong sign",
            given(returned=lambda M0_int, n: (M0_int, -n)),
            "M = M0_int * 2**-31 * 2**-n: a small M needs a large shift to the right.",
        ),
        Mistake(
            "M0 is normalized to [1, 2)",
            given(normalize=lambda M: (2 * qlab.decompose_multiplier(M)[0], qlab.decompose_multiplier(M)[1] + 1)),
            "M0_int has to be from 0.5 up to, not including, 1; then 2**31 M0_int fits into an int32.",
        ),
        Mistake(
            "M0 is normalized to [0.25, 0.5)",
            given(normalize=lambda M: (qlab.decompose_multiplier(M)[0] / 2, qlab.decompose_multiplier(M)[1] - 1)),
            "a bit of precision is given away: double M until it is at least 0.5.",
        ),
        Mistake(
            "M is not normalized",
            given(normalize=lambda M: (M, 0)),
            "double M until it is at least 0.5, and count: small multipliers would keep few of their digits.",
        ),
        Mistake(
            "M0_int is scaled by 2**32", given(word=2.0**32), "int32 has one sign bit: how many are left for M0_int?"
        ),
        Mistake(
            "M0_int is scaled by 2**30", given(word=2.0**30), "int32 has one sign bit: how many are left for M0_int?"
        ),
        Mistake(
            "M0_int is scaled by 2**31 - 1",
            given(word=2.0**31 - 1),
            "the shift undoes a power of two: scale by one, 2**31.",
        ),
        Mistake(
            "the mantissa passes through float32",
            given(normalize=lambda M: qlab.decompose_multiplier(torch.tensor(M, dtype=torch.float32).item())),
            "float32 has 24 bits, M0_int has 31: stay with Python's floats, which have 53.",
        ),
        Mistake(
            "n holds the 31 bits of M0_int too",
            given(returned=lambda M0_int, n: (M0_int, n + 31)),
            "n counts the doublings of M alone; the 31 are added in Q6.",
        ),
        Mistake(
            "n counts down where M is doubled",
            given(normalize=lambda M: (qlab.decompose_multiplier(M)[0], -abs(qlab.decompose_multiplier(M)[1]))),
            "doubling M is made up for by a shift to the right: n grows.",
        ),
        Mistake("M0_int is scaled by 2**15", given(word=2.0**15), "the word here has 32 bits, one of them the sign."),
        Mistake(
            "M0_int is scaled by 2**7",
            given(word=2.0**7),
            "that is the 8-bit word of the paper example: here it has 32.",
        ),
        Mistake(
            "M0_int is left a real number",
            given(word=1.0, rounding=as_is, carry=lambda M0_int, n: (M0_int, n)),
            "without floats M0_int has to be an integer: scale it by 2**31 and round.",
        ),
        Mistake(
            "M0_int is truncated instead of rounded",
            given(rounding=torch.trunc),
            "int() cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "M0_int is rounded up instead of to the nearest",
            given(rounding=torch.ceil),
            "which function goes to the nearest integer?",
        ),
        Mistake(
            "M0_int may become 2**31, which int32 does not hold",
            given(carry=lambda M0_int, n: (M0_int, n)),
            "the largest int32 is 2**31 - 1: halve M0_int then. What does that make of n?",
        ),
        Mistake(
            "M0_int is halved where it reaches 2**31, but n stays",
            given(carry=lambda M0_int, n: (M0_int // 2, n) if M0_int == 2**31 else (M0_int, n)),
            "M has to stay the same: if M0_int becomes half of it, the shift has to be one less.",
        ),
        Mistake(
            "M0_int is halved where it reaches 2**31, but n grows",
            given(carry=lambda M0_int, n: (M0_int // 2, n + 1) if M0_int == 2**31 else (M0_int, n)),
            "M has to stay the same: a shift to the right by one more halves it once more.",
        ),
        Mistake(
            "M0_int is cut to 2**31 - 1 where it reaches 2**31",
            given(carry=lambda M0_int, n: (min(M0_int, 2**31 - 1), n)),
            "2**31 * 2**-n is exactly 2**30 * 2**-(n - 1): nothing has to be lost.",
        ),
        Mistake(
            "an M of 1 and more is not halved",
            given(normalize=left_alone_from_1_on),
            "M0_int has to stay below 1: halve M until it does. Which way does n count then?",
        ),
        Mistake(
            "n counts up where M is 1 and more",
            given(normalize=counted_up_from_1_on),
            "an M of 1 and more is halved: each halving is a shift to the left, so n goes below 0.",
        ),
    ],
    next="multiply back: M0_int * 2**-31 * 2**-n has to be M again; then look at M = 1.7",
)
