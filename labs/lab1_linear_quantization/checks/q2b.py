"""Q2b, an open exercise: the fewest bits with which no value of a tensor is off by more than a given error."""

from collections.abc import Callable, Iterable

import provided
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, case, given, integer, normal

from .q1 import q1
from .q2 import linear_quantize as quantized  # by its own name, a check would replace it as it does in answers
from .q2 import q2

BITWIDTHS = range(2, 17)
Enough = Callable[[int], bool]


def first(enough: Enough, bitwidths: Iterable[int] = BITWIDTHS) -> int:
    return next((b for b in bitwidths if enough(b)), BITWIDTHS[-1])


def last_from_above(enough: Enough) -> int:
    """The last bitwidth that is enough before one, from above, is not."""
    return next((b + 1 for b in reversed(BITWIDTHS) if not enough(b)), BITWIDTHS[0])


def bisected(enough: Enough) -> int:
    low, high = BITWIDTHS[0], BITWIDTHS[-1]
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def fewest_bits(
    fp32_tensor: Tensor,
    largest_error: float,
    *,
    bits_passed_on: Step = lambda b: b,
    back: Step = lambda q, s, z: s * (q - z),
    error: Step = lambda x, back, s: (back - x).abs().max(),
    enough: Step = lambda error, limit: error <= limit,
    search: Step = first,
    result: Step = lambda b: b,
    rounding: Step | None = None,
) -> int:
    x = fp32_tensor.double()

    def suffices(bitwidth: int) -> bool:
        q, s, z = quantized(x, bits_passed_on(bitwidth))
        return bool(enough(error(x, back(q, s, z), s), largest_error))

    return int(result(search(suffices)))


def clear(x: Tensor, limit: float) -> bool:
    """Whether no float32 error and no tie decides: at each bitwidth the error is at the limit, or well off it."""
    for bitwidth in BITWIDTHS:
        q, s, z = quantized(x.double(), bitwidth)
        error = (s * (q - z) - x.double()).abs().max()
        if error != limit and abs(error / limit - 1) < 0.02:
            return False
        if abs((-min(x.min().item(), 0.0) / s) % 1 - 0.5) < 0.01:  # the zero-point is at a tie
            return False
    return True


q2b = Question(
    "Q2b",
    answer="fewest_bits",
    returns=(integer("bitwidth"),),
    reference=fewest_bits,
    provided=provided.fewest_bits,
    uses={"get_scale_and_zero_point": q1, "linear_quantize": q2},
    parts=(
        Part("tensors with many values", 6, groups=("usual",)),
        Part("tensors whose values lie on few codes", 4, groups=("on codes",)),
    ),
    cases=[
        case("four values, at most 0.01 off", [-1.2, 0.0, 0.7, 2.1], 0.01, such_that=clear),
        case("the same four values, at most 0.2 off", [-1.2, 0.0, 0.7, 2.1], 0.2, such_that=clear),
        case("random values, at most 0.1 off", normal(200, mean=0.4), 0.1, such_that=clear),
        case("random values, at most 0.0006 off", normal(200, mean=-1.0), 0.0006, such_that=clear),
        case("large values, at most 5 off", normal(100, mean=300.0, std=200.0), 5.0, such_that=clear),
        case("one value far from the others", [0.31, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 40.0], 0.05, such_that=clear),
        case("0 to 3, at most 0.01 off", [0.0, 1.0, 2.0, 3.0], 0.01, group="on codes", such_that=clear),
        case("quarters, at most 0.001 off", [-2.0, -0.25, 0.5, 1.75], 0.001, group="on codes", such_that=clear),
        case("0, 1 and 7, at most 0.01 off", [0.0, 1.0, 7.0], 0.01, group="on codes", such_that=clear),
        case("an error just as large as allowed", [0.0, 0.5, 3.0], 0.5, group="on codes", such_that=clear),
    ],
    mistakes=[
        Mistake(
            "one bit too many",
            given(result=lambda b: b + 1),
            "what does your function give for 0, 1, 2, 3? Two bits hold four codes.",
        ),
        Mistake(
            "one bit too few",
            given(result=lambda b: b - 1),
            "return the last bitwidth whose error was small enough, not the first whose error was not.",
        ),
        Mistake(
            "the mean error is compared",
            given(error=lambda x, back, s: (back - x).abs().mean()),
            "no value may be off by more than largest_error: which function of torch finds the worst of them?",
        ),
        Mistake(
            "the mean squared error is compared",
            given(error=lambda x, back, s: ((back - x) ** 2).mean()),
            "largest_error is a distance between two real numbers, of the worst value: square nothing, average nothing.",
        ),
        Mistake(
            "only values that came back too large are counted",
            given(error=lambda x, back, s: (back - x).max()),
            "a value that comes back too small is off as well: take the absolute value first.",
        ),
        Mistake(
            "only values that came back too small are counted",
            given(error=lambda x, back, s: (x - back).max()),
            "a value that comes back too large is off as well: take the absolute value first.",
        ),
        Mistake(
            "half a scale is taken for the error",
            given(error=lambda x, back, s: s / 2),
            "half a scale is the bound: how far off are 0, 1, 2 and 3 themselves when the scale is 1?",
        ),
        Mistake(
            "a whole scale is taken for the error",
            given(error=lambda x, back, s: s),
            "measure the error of the values themselves; rounding to the nearest is off by half a scale at most.",
        ),
        Mistake(
            "the error is divided by the largest value",
            given(error=lambda x, back, s: (back - x).abs().max() / x.abs().max()),
            "largest_error is in the units of the tensor, not a share of its largest value.",
        ),
        Mistake(
            "the zero-point is not subtracted",
            given(back=lambda q, s, z: s * q),
            "the way back is S (q - Z): what does yours give for q = Z?",
        ),
        Mistake(
            "multiplied by the scale, then the offset subtracted (q * s - Z)",
            given(back=lambda q, s, z: s * q - z),
            "the code Z has to become 0.0: what does yours give for q = Z?",
        ),
        Mistake(
            "the codes are compared with the real numbers",
            given(back=lambda q, s, z: q),
            "a code is a number of steps: which equation turns it back into a real number?",
        ),
        Mistake(
            "an error just as large as allowed is refused",
            given(enough=lambda error, limit: error < limit),
            "at most: which comparison accepts equality?",
        ),
        Mistake(
            "the bitwidth is not passed on",
            given(bits_passed_on=lambda b: 8),
            "print the scale in each round of your loop: does it change?",
        ),
        Mistake(
            "no bitwidth below 8 is tried",
            given(search=lambda enough: first(enough, range(8, 17))),
            "two bits can be enough: where does your search begin?",
        ),
        Mistake(
            "no bitwidth above 8 is tried",
            given(search=lambda enough: first(enough, range(2, 9)) if any(map(enough, range(2, 9))) else 8),
            "8 bits are not always enough: where does your search end?",
        ),
        Mistake(
            "8 bits, whatever tensor and error are given",
            given(result=lambda b: 8),
            "0, 1, 2, 3 are exact with two bits: what in your function depends on the tensor?",
        ),
        Mistake(
            "searched from above, up to the first bitwidth that is not enough",
            given(search=last_from_above),
            "0, 1, 2, 3 are exact with 2 bits and off with 3: an error can rise with a bit more. Begin at 2.",
        ),
        Mistake(
            "searched by halving the interval",
            given(search=bisected),
            "0, 1, 2, 3 are exact with 2 bits and off with 3: where errors rise and fall, halving skips answers.",
        ),
    ],
    next="for 0, 1, 2, 3 print bitwidth, scale and largest error with 2, 3 and 4 bits: which is the first small enough?",
)
