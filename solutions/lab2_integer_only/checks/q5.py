"""Q5: M times an accumulator in 8-bit words, worked out on paper: rounded twice, and rounded once."""

import math

from qlab.check import Mistake, Part, Question, Step, as_is, case, given, integer, nearest


def nearest_up(x: float) -> int:
    return math.floor(x + 0.5)


def words(
    *,
    acc: int = 101,
    mantissa: float = 0.6,
    n: int = 1,
    scale: int = 2**7,
    to_word: Step = nearest_up,
    high: Step = lambda acc, M0_int, scale: nearest_up(acc * M0_int / scale),
    twice: Step = lambda high, n: nearest_up(high / 2**n),
    once: Step = lambda acc, M0_int, n, scale: nearest_up(acc * M0_int / (scale * 2**n)),
    returned: Step = lambda M0_int, high, twice, once: (M0_int, high, twice, once),
    rounding: Step = nearest,
) -> tuple[int, int, int, int]:
    M0_int = to_word(mantissa * scale)
    half = high(acc, M0_int, scale)
    return returned(M0_int, half, twice(half, n), once(acc, M0_int, n, scale))


q5 = Question(
    "Q5",
    answer=("M0_int", "high", "twice", "once"),
    returns=(integer("M0_int"), integer("high"), integer("twice"), integer("once")),
    reference=words,
    parts=(
        Part("M0_int", 1, fields=("M0_int",)),
        Part("the high multiply", 2, fields=("high",)),
        Part("rounded twice", 1, fields=("twice",)),
        Part("rounded once", 1, fields=("once",)),
    ),
    cases=[case("acc = 101, M = 0.3")],
    mistakes=[
        Mistake(
            "M0_int is cut off instead of rounded",
            given(to_word=math.floor),
            "0.6 * 128 is 76.8: which integer is nearest?",
        ),
        Mistake(
            "M0_int is scaled by 2**8", given(scale=2**8), "an 8-bit word has a sign bit: 7 bits are left for M0_int."
        ),
        Mistake("M0_int is scaled by 2**31", given(scale=2**31), "the words have 8 bits here, one of them the sign."),
        Mistake("M0_int is left a real number", given(to_word=as_is), "M0_int is a word: scale 0.6 by 2**7 and round."),
        Mistake(
            "M0_int is the mantissa, not scaled",
            given(scale=1, to_word=as_is),
            "M0_int is a word: scale 0.6 by 2**7 and round.",
        ),
        Mistake(
            "M is not normalized", given(mantissa=0.3, n=0), "0.3 is below 0.5: double it first, and count that in n."
        ),
        Mistake("M is not normalized, n is counted", given(mantissa=0.3), "0.3 is below 0.5: double it first."),
        Mistake("n of the example, M = 0.2", given(n=2), "0.3 is doubled once: n = 1."),
        Mistake("M of the example", given(mantissa=0.8, n=2), "the question's M is 0.3."),
        Mistake(
            "the high multiply is cut off instead of rounded",
            given(high=lambda acc, M0_int, scale: acc * M0_int // scale),
            "101 times M0_int is divided by 128: is the result nearer to the integer below or above?",
        ),
        Mistake(
            "the high multiply is left out",
            given(
                high=lambda acc, M0_int, scale: acc * M0_int,
                twice=lambda high, n: nearest_up(nearest_up(high / 2**7) / 2**n),
            ),
            "high is the high half of the product: shift it by 7 bits, rounding.",
        ),
        Mistake(
            "the product is shifted by 8 bits for the high half",
            given(high=lambda acc, M0_int, scale: nearest_up(acc * M0_int / 2**8)),
            "M0_int has 7 bits behind the point: 7 bits make up for them, n comes after.",
        ),
        Mistake("the shift by n is left out", given(n=0), "0.3 is 0.6 / 2: n = 1."),
        Mistake(
            "the second rounding is left out, or its tie goes down",
            given(twice=lambda high, n: math.ceil(high / 2**n - 0.5)),
            "twice: the high half is shifted by n = 1 again, which ends in a tie, and ties go up here.",
        ),
        Mistake(
            "both results are rounded twice",
            given(once=lambda *_: 31),
            "once: the product is shifted by 7 + 1 bits in one go.",
        ),
        Mistake(
            "twice and once are exchanged",
            given(returned=lambda M0_int, high, twice, once: (M0_int, high, once, twice)),
            "which of the two is rounded to a whole number on its way?",
        ),
        Mistake(
            "nothing is rounded behind M0_int",
            given(
                high=lambda acc, M0_int, scale: acc * M0_int / scale,
                twice=lambda high, n: high / 2**n,
                once=lambda acc, M0_int, n, scale: acc * M0_int / (scale * 2**n),
            ),
            "each step ends in an integer: follow the roundings.",
        ),
    ],
    next="write 101 * M0_int down, divide it by 2**7 and round; divide that by 2 and round. Then once more with 2**8 at once",
)
