"""Q6: M times an accumulator in 32-bit words, rounded once."""

import torch
from torch import Tensor

import qlab
from qlab.check import Case, Drawn, Mistake, Part, Question, Step, case, given, nearest, tensor, ties_up, wrapped

from ._common import LAB2_STAGES, at_or_clear_of_ties, half_up_cut, int32, shifted
from .q4 import q4


def one_rounding(
    acc: Tensor,
    M0_int: int,
    n: int,
    *,
    product: Step = lambda a, m: a * m,
    bits: Step = lambda n: 31 + n,
    rounding: Step = nearest,
    result: Step | None = None,
) -> Tensor:
    if result is not None:
        return result(acc, M0_int, n)
    return shifted(product(acc.long(), M0_int), bits(n), rounding)


def multiplier_case(name: str, acc: Tensor | Drawn, M: float, group: str = "usual") -> Case:
    """A case that float32 gets right as well, unless it is about what float32 cannot hold."""
    exact = group == "wide"
    arguments = (acc, *qlab.quantize_multiplier(M))
    return case(
        name, *arguments, group=group, such_that=lambda a, M0_int, n: exact or at_or_clear_of_ties(a.long() * M0_int, n)
    )


def below_ties(M0_int: int) -> Tensor:
    """Accumulators whose products with M0_int, shifted by 31 bits, end just below a half; float64 takes them for a half."""
    inverse = pow(M0_int, -1, 2**31)
    found = [(2**30 - rest) * inverse % 2**31 for rest in range(1, 99, 2)]
    return torch.tensor([a for a in found if a > 2**30 and (a * M0_int >> 31) % 2][:6], dtype=torch.int32)


q6 = Question(
    "Q6",
    answer="multiply_once",
    returns=(tensor("product"),),
    reference=one_rounding,
    provided=qlab.multiply_rounding_once,
    off_limits=(
        *LAB2_STAGES,
        "qlab.arithmetic.fixed_point:high_multiply",
    ),
    uses={"rounding_shift": q4},
    parts=(
        Part("M below 1", 5, groups=("usual",)),
        Part("results beyond 2**24", 3, groups=("wide",)),
        Part("M of 1 and more", 2, groups=("large",)),
    ),
    cases=[
        multiplier_case("the worked example, M = 0.3", torch.tensor([101, -101, 1000], dtype=torch.int32), 0.3),
        multiplier_case("random accumulators, M = 0.0072", int32(-40_000, 40_000, 5, 8), 0.0072),
        multiplier_case("random accumulators, M = 0.75", int32(-300, 300, 30), 0.75),
        multiplier_case("large accumulators, M = 0.83", int32(-(2**31), 2**31 - 1, 20), 0.83, group="wide"),
        case("products just below a tie", below_ties(1782586667), 1782586667, 0, group="wide"),
        multiplier_case("M = 5.3", int32(-50, 50, 20), 5.3, group="large"),
    ],
    mistakes=[
        Mistake(
            "the product wraps around in int32",
            given(product=lambda a, m: wrapped(a * m, 32)),
            "32 bits times 32 bits are 64: which integer type of torch holds them?",
        ),
        Mistake(
            "shifted by n alone",
            given(bits=lambda n: n),
            "M0_int is 2**31 times too large: how many bits make up for that, besides n?",
        ),
        Mistake("shifted by 31 alone", given(bits=lambda n: 31), "and 2**-n: what does n = 2 make of the result?"),
        Mistake(
            "shifted by 31 - n",
            given(bits=lambda n: 31 - n),
            "2**-31 and 2**-n are both shifts to the right: do their bits add or subtract?",
        ),
        Mistake("shifted by 32 and n bits", given(bits=lambda n: 32 + n), "M0_int was scaled by 2**31, not by 2**32."),
        Mistake("shifted by 30 and n bits", given(bits=lambda n: 30 + n), "M0_int was scaled by 2**31, not by 2**30."),
        Mistake(
            "shifted to the right also where M is 1 and more",
            given(bits=lambda n: 31 + abs(n)),
            "n is negative there: 31 + n is less than 31, and that is all it takes.",
        ),
        Mistake(
            "a plain shift: rounded down",
            given(rounding=torch.floor),
            "your rounding_shift adds half a step before it shifts: use it.",
        ),
        Mistake(
            "truncated toward zero",
            given(rounding=torch.trunc),
            "your rounding_shift goes to the nearest integer: use it.",
        ),
        Mistake(
            "truncated toward zero after half a step is added",
            given(result=lambda acc, M0_int, n: half_up_cut(acc.long() * M0_int, 31 + n)),
            "below zero truncating goes up: your rounding_shift does it right.",
        ),
        Mistake(
            "computed in float32",
            given(result=lambda acc, M0_int, n: torch.round(acc.float() * (M0_int * 2.0 ** -(31 + n)))),
            "float32 has 24 bits, the product 62: stay with integers.",
        ),
        Mistake(
            "computed in float64",
            given(result=lambda acc, M0_int, n: torch.round(acc.double() * M0_int / 2.0 ** (31 + n))),
            "float64 has 53 bits, the product 62: stay with integers.",
        ),
        Mistake(
            "rounded twice: first the high half, then the shift by n",
            given(
                result=lambda acc, M0_int, n: shifted(
                    shifted(acc.long() * M0_int, 31 + min(n, 0), ties_up), max(n, 0), ties_up
                )
            ),
            "that is gemmlowp's way, which Section 9 looks at: here the product is shifted by 31 + n in one go.",
        ),
        Mistake(
            "rounded twice, and shifted by a negative n where M is 1 and more",
            given(result=lambda acc, M0_int, n: shifted(shifted(acc.long() * M0_int, 31, ties_up), n, ties_up)),
            "shift the product by 31 + n bits in one go: it is rounded once, and 31 + n is never negative.",
        ),
        Mistake(
            "limited to a byte already",
            given(result=lambda acc, M0_int, n: shifted(acc.long() * M0_int, 31 + n, ties_up).clamp(0, 255)),
            "the zero-point comes first, in Q7: here the product stays as large as it is.",
        ),
        Mistake(
            "limited to a signed byte already",
            given(result=lambda acc, M0_int, n: shifted(acc.long() * M0_int, 31 + n, ties_up).clamp(-128, 127)),
            "the zero-point comes first, in Q7: here the product stays as large as it is.",
        ),
        Mistake(
            "an n below 0 is taken as 0",
            given(bits=lambda n: 31 + max(n, 0)),
            "31 + n is less than 31 there, and that is all it takes.",
        ),
        Mistake(
            "the accumulator is shifted, not the product",
            given(product=lambda a, m: a),
            "what you shift has to have M0_int in it.",
        ),
        Mistake(
            "shifted by n before the multiplication, with rounding",
            given(
                result=lambda acc, M0_int, n: shifted(
                    shifted(acc.long(), max(n, 0), ties_up) * M0_int, 31 + min(n, 0), ties_up
                )
            ),
            "what a shift cuts off is lost for the multiplication: multiply first.",
        ),
        Mistake(
            "shifted before it is multiplied",
            given(result=lambda acc, M0_int, n: (acc.long() >> max(n, 0)) * M0_int >> 31),
            "what a shift cuts off is lost for the multiplication: multiply first.",
        ),
        Mistake(
            "divided by M0_int",
            given(result=lambda acc, M0_int, n: acc.double() * 2.0**31 / M0_int / 2.0**n),
            "M = M0_int 2**-31 2**-n: multiply.",
        ),
        Mistake(
            "M0_int is left out",
            given(product=lambda a, m: a, bits=lambda n: n),
            "M = M0_int 2**-31 2**-n has two factors.",
        ),
    ],
    next="take acc = 1000 and M = 0.3: M0_int = 1288490189, n = 1. The product, shifted by how many bits, is 300?",
)
