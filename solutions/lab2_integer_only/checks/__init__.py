"""The questions of Lab 2: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. Integers are int64 here, and
roundings of integers are exact: either neighbour is accepted at a tie, and nowhere else.
"""

import math
from functools import partial

import provided
import torch
import torch.nn.functional as F

import qlab
from qlab.check import (
    Lab,
    Mistake,
    Part,
    Question,
    case,
    given,
    integer,
    nearest,
    normal,
    real,
    tensor,
    ties_down,
    ties_up,
    uniform,
)  # fmt: skip


def as_is(x, *_):
    return x


def whole(values):
    return torch.tensor(values, dtype=torch.int64)


def int32(low, high, *shape):
    return uniform(low, high, *shape, dtype=torch.int32)


def rounded(x, rounding):
    """x rounded: at an exact tie to either side, whatever the size of x."""
    exact = {ties_down: lambda x: torch.ceil(x - 0.5), ties_up: lambda x: torch.floor(x + 0.5)}
    return exact.get(rounding, rounding)(x)


def shifted(x, bits, rounding):
    """x / 2**bits rounded; x may have 63 bits, which no float holds."""
    if bits < 0:
        raise ValueError("negative shift count")
    if rounding in (nearest, ties_up) and bits > 0:
        return (x + 2 ** (bits - 1)) >> bits
    if rounding is ties_down and bits > 0:
        return -((2 ** (bits - 1) - x) >> bits)
    return rounded(x.double() / 2.0**bits, rounding)


def half_up_cut(x, bits):
    """Half a step is added, and the division then truncates: wrong below zero."""
    return torch.div(x + 2**bits // 2, 2**bits, rounding_mode="trunc")


def wrapped(x, bits):
    """What an integer type of so many bits makes of x."""
    return torch.remainder(x + 2 ** (bits - 1), 2**bits) - 2 ** (bits - 1)


def clear_of_ties(product, n):
    """Whether all of product / 2**(31 + n) lie at a tie or well away from one: no float's last bit decides there."""
    distance = (product.double() / 2.0 ** (31 + n) % 1 - 0.5).abs()
    return bool(((distance == 0) | (distance > 1e-3)).all())


# Q1 ------------------------------------------------------------------------------------------------------------------


def four_terms(
    q_x,
    q_w,
    Z_x,
    Z_w,
    *,
    from_weights=lambda x, w, z_x, z_w: z_x * w.sum(dim=1),
    from_input=lambda x, w, z_x, z_w: z_w * x.sum(dim=1, keepdim=True),
    constant=lambda x, w, z_x, z_w: x.shape[1] * z_x * z_w,
    together=lambda products, b, c, d: products - b - c + d,
    products=lambda x, w: x @ w.T,
    result=None,
    rounding=nearest,
):
    if result is not None:
        return result(q_x, q_w, Z_x, Z_w)
    operands = (q_x.long(), q_w.long(), Z_x, Z_w)
    return together(products(*operands[:2]), from_weights(*operands), from_input(*operands), constant(*operands))


def activations(*shape):
    return uniform(0, 255, *shape, dtype=torch.uint8)


def weights(*shape):
    return uniform(-127, 127, *shape)


q1 = Question(
    "Q1",
    answer="accumulator",
    returns=(tensor("acc"),),
    reference=four_terms,
    provided=provided.accumulator,
    off_limits=(
        *("qlab.accumulate:linear_accumulator", "qlab.accumulate:conv2d_accumulator"),
        *("qlab.accumulate:_product", "qlab.accumulate:_four_terms"),
    ),
    parts=(
        Part("symmetric weights, Z_w = 0", 4, groups=("symmetric",)),
        Part("both zero-points", 6, groups=("usual",)),
    ),
    cases=[
        case("the worked example", whole([[10, 4, 7]]), whole([[3, -2, 5], [1, 0, -1]]), 6, 2),
        case("both zero-points, 16 inputs", activations(5, 16), weights(4, 16), 121, -9),
        case("Z_w = 0", activations(6, 20), weights(3, 20), 37, 0, group="symmetric"),
        case("a wide layer", activations(3, 784), weights(7, 784), 200, 5),
        case("large sums", uniform(250, 255, 3, 785, dtype=torch.uint8), uniform(121, 127, 5, 785), 7, -3),
    ],
    mistakes=[
        Mistake(
            "the constant term is left out",
            given(constant=lambda *_: 0),
            "multiply (q_x - Z_x)(q_w - Z_w) out on paper: which term holds neither q_x nor q_w?",
        ),
        Mistake(
            "the constant term is subtracted",
            given(together=lambda products, b, c, d: products - b - c - d),
            "minus times minus: which sign has Z_x Z_w?",
        ),
        Mistake(
            "the constant term is counted once, not once an input",
            given(constant=lambda x, w, z_x, z_w: z_x * z_w),
            "Z_x Z_w stands inside of the sum over k: how many terms has it?",
        ),
        Mistake(
            "K is the number of rows of the input",
            given(constant=lambda x, w, z_x, z_w: x.shape[0] * z_x * z_w),
            "K is how many products one accumulator adds: which dimension of q_x is that?",
        ),
        Mistake(
            "K is the number of neurons",
            given(constant=lambda x, w, z_x, z_w: w.shape[0] * z_x * z_w),
            "K is how many products one accumulator adds: which dimension of q_w is that?",
        ),
        Mistake(
            "each sum is multiplied by its own zero-point",
            given(
                from_weights=lambda x, w, z_x, z_w: z_w * w.sum(dim=1),
                from_input=lambda x, w, z_x, z_w: z_x * x.sum(dim=1, keepdim=True),
            ),
            "multiply (q_x - Z_x)(q_w - Z_w) out: which zero-point meets q_w?",
        ),
        Mistake(
            "the term of the weights is added",
            given(together=lambda products, b, c, d: products + b - c + d),
            "Z_x is subtracted from q_x: which sign has Z_x q_w?",
        ),
        Mistake(
            "the term of the input is added",
            given(together=lambda products, b, c, d: products - b + c + d),
            "Z_w is subtracted from q_w: which sign has Z_w q_x?",
        ),
        Mistake(
            "both middle terms are added",
            given(together=lambda products, b, c, d: products + b + c + d),
            "multiply (q_x - Z_x)(q_w - Z_w) out: which two of the four terms carry a minus?",
        ),
        Mistake(
            "the term of the weights is left out",
            given(from_weights=lambda *_: 0),
            "multiply (q_x - Z_x)(q_w - Z_w) out: there are four terms, one of them with q_w alone.",
        ),
        Mistake(
            "the term of the input is left out",
            given(from_input=lambda *_: 0),
            "multiply (q_x - Z_x)(q_w - Z_w) out: there are four terms, one of them with q_x alone.",
        ),
        Mistake(
            "the sum of the weights is taken over all neurons",
            given(from_weights=lambda x, w, z_x, z_w: z_x * w.sum()),
            "each neuron has a sum of its own: along which dimension of q_w do its weights lie?",
        ),
        Mistake(
            "both sums are taken over everything",
            given(
                from_weights=lambda x, w, z_x, z_w: z_x * w.sum(),
                from_input=lambda x, w, z_x, z_w: z_w * x.sum(),
            ),
            "each neuron and each row has a sum of its own: along which dimension do its K numbers lie?",
        ),
        Mistake(
            "subtracted in the codes' own type, where bytes wrap around",
            given(result=lambda q_x, q_w, z_x, z_w: (q_x - z_x).long() @ (q_w - z_w).long().T),
            "3 - 97 is negative, which uint8 does not hold: subtract after the given line has widened.",
        ),
        Mistake(
            "the sum is taken in int16",
            given(products=lambda x, w: wrapped(x @ w.T, 16)),
            "one product needs 16 bits already: the given line widens to int64, stay there.",
        ),
        Mistake(
            "multiplied in float32",
            given(result=lambda q_x, q_w, z_x, z_w: (q_x.float() - z_x) @ (q_w.float() - z_w).T),
            "float32 holds integers up to 2**24 only: sums of 785 products go beyond.",
        ),
        Mistake(
            "only the products of the codes are added",
            given(together=lambda products, b, c, d: products),
            "a code minus its zero-point is what counts: multiply (q_x - Z_x)(q_w - Z_w) out.",
        ),
        Mistake(
            "the middle terms are multiplied by K",
            given(
                from_weights=lambda x, w, z_x, z_w: x.shape[1] * z_x * w.sum(dim=1),
                from_input=lambda x, w, z_x, z_w: x.shape[1] * z_w * x.sum(dim=1, keepdim=True),
            ),
            "a sum over k has its K terms in it already: only the constant one is counted K times.",
        ),
    ],
    next="multiply (q_x - Z_x)(q_w - Z_w) out on paper, with the worked example's numbers, and print your four terms",
)

# Q2 ------------------------------------------------------------------------------------------------------------------


def bias_codes(
    bias, input_scale, weight_scale, *, steps=lambda b, s_x, s_w: b / (s_x * s_w), rounding=nearest, limits=as_is
):
    s_w = torch.as_tensor(weight_scale, dtype=torch.float64)
    return limits(rounding(steps(bias.double(), input_scale, s_w))).to(torch.int64)  # as the given line does


q2 = Question(
    "Q2",
    answer="quantize_bias",
    returns=(tensor("q_bias"),),
    reference=bias_codes,
    provided=provided.quantize_bias,
    off_limits=(
        *("qlab.quantize:quantize", "qlab.rules:integer_bias"),
        *("torch:quantize_per_tensor", "torch:quantize_per_channel"),
    ),
    parts=(
        Part("one weight scale for all", 3, groups=("usual",)),
        Part("a weight scale for each output channel", 2, groups=("channels",)),
    ),
    cases=[
        case("the worked example", [0.5, -0.13], 1 / 64, 1 / 16),
        case("scales above 1", [25.0, -7.0, 90.0], 2.5, 1.5),
        case("random biases", normal(10), 0.031, 0.0042),
        case("small scales", normal(6, std=0.3), 0.0031, 0.00091),
        case("three channels", [0.5, 0.5, -0.25], 0.0517, torch.tensor([0.0211, 0.0033, 0.0717]), group="channels"),
    ],
    mistakes=[
        Mistake(
            "multiplied by the scales instead of divided",
            given(steps=lambda b, s_x, s_w: b * (s_x * s_w)),
            "one step of the accumulator is worth S_x S_w: how many steps is the bias?",
        ),
        Mistake(
            "divided by one scale, multiplied by the other",
            given(steps=lambda b, s_x, s_w: b / s_x * s_w),
            "b / S_x * S_w is (b / S_x) * S_w in Python: put the product in parentheses.",
        ),
        Mistake(
            "upside down: the scales are divided by the bias",
            given(steps=lambda b, s_x, s_w: s_x * s_w / b),
            "how many steps of S_x S_w is the bias? Which one is divided by which?",
        ),
        Mistake(
            "divided by the input's scale alone",
            given(steps=lambda b, s_x, s_w: b / (s_x + 0 * s_w)),
            "what is one unit of a product q_x q_w worth? The bias is added to such products.",
        ),
        Mistake(
            "divided by the weights' scale alone",
            given(steps=lambda b, s_x, s_w: b / s_w),
            "what is one unit of a product q_x q_w worth? The bias is added to such products.",
        ),
        Mistake(
            "the scales are added instead of multiplied",
            given(steps=lambda b, s_x, s_w: b / (s_x + s_w)),
            "one unit of a product q_x q_w is worth S_x times S_w.",
        ),
        Mistake(
            "one scale is taken for all channels",
            given(steps=lambda b, s_x, s_w: b / (s_x * s_w.max())),
            "weight_scale may have one entry a neuron: torch divides entry by entry by itself.",
        ),
        Mistake(
            "limited to 8 bits",
            given(limits=lambda q: q.clamp(-128, 127)),
            "the bias joins a 32-bit accumulator: it has 32 bits too.",
        ),
        Mistake(
            "cast to int8",
            given(limits=lambda q: wrapped(q, 8)),
            "the bias joins a 32-bit accumulator: it has 32 bits too, and int8 wraps around.",
        ),
        Mistake(
            "rounded up instead of to the nearest",
            given(rounding=torch.ceil),
            "ceil always goes up: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "truncated instead of rounded",
            given(rounding=torch.trunc),
            "casting to an integer cuts the fraction off: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "rounded down instead of to the nearest",
            given(rounding=torch.floor),
            "floor always goes down: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "cast to int16",
            given(limits=lambda q: wrapped(q, 16)),
            "the bias joins a 32-bit accumulator: it has 32 bits too, and int16 wraps around.",
        ),
    ],
    next="how many steps of the accumulator, each worth S_x S_w, is a bias of 0.5? Compute it for the worked example",
)

# Q3 ------------------------------------------------------------------------------------------------------------------


def halved(M0, n):
    return (M0 // 2, n - 1) if M0 == 2**31 else (M0, n)


def fixed_point_multiplier(
    M,
    *,
    normalize=qlab.decompose_multiplier,
    word=2.0**31,
    rounding=nearest,
    carry=halved,
    returned=lambda M0, n: (M0, n),
):
    m, n = normalize(M)
    M0 = rounded(torch.tensor(m * word, dtype=torch.float64), rounding).item()
    return returned(*carry(M0, n))


def left_alone_from_1_on(M):
    return (M, 0) if M >= 1 else qlab.decompose_multiplier(M)


def counted_up_from_1_on(M):
    m, n = qlab.decompose_multiplier(M)
    return m, abs(n)


q3 = Question(
    "Q3",
    answer="quantize_multiplier",
    returns=(integer("M0"), integer("n")),
    reference=fixed_point_multiplier,
    provided=qlab.quantize_multiplier,
    off_limits=("qlab.requantize:decompose_multiplier",),
    parts=(
        Part("M0", 3, fields=("M0",), groups=("usual",)),
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
            given(returned=lambda M0, n: (M0, -n)),
            "M = M0 * 2**-31 * 2**-n: a small M needs a large shift to the right.",
        ),
        Mistake(
            "M0 is normalized to [1, 2)",
            given(normalize=lambda M: (2 * qlab.decompose_multiplier(M)[0], qlab.decompose_multiplier(M)[1] + 1)),
            "M0 has to be from 0.5 up to, not including, 1; then 2**31 M0 fits into an int32.",
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
        Mistake("M0 is scaled by 2**32", given(word=2.0**32), "int32 has one sign bit: how many are left for M0?"),
        Mistake("M0 is scaled by 2**30", given(word=2.0**30), "int32 has one sign bit: how many are left for M0?"),
        Mistake(
            "M0 is scaled by 2**31 - 1",
            given(word=2.0**31 - 1),
            "the shift undoes a power of two: scale by one, 2**31.",
        ),
        Mistake(
            "the mantissa passes through float32",
            given(normalize=lambda M: qlab.decompose_multiplier(torch.tensor(M, dtype=torch.float32).item())),
            "float32 has 24 bits, M0 has 31: stay with Python's floats, which have 53.",
        ),
        Mistake(
            "n holds the 31 bits of M0 too",
            given(returned=lambda M0, n: (M0, n + 31)),
            "n counts the doublings of M alone; the 31 are added in Q6.",
        ),
        Mistake(
            "n counts down where M is doubled",
            given(normalize=lambda M: (qlab.decompose_multiplier(M)[0], -abs(qlab.decompose_multiplier(M)[1]))),
            "doubling M is made up for by a shift to the right: n grows.",
        ),
        Mistake("M0 is scaled by 2**15", given(word=2.0**15), "the word here has 32 bits, one of them the sign."),
        Mistake(
            "M0 is scaled by 2**7", given(word=2.0**7), "that is the 8-bit word of the paper example: here it has 32."
        ),
        Mistake(
            "M0 is left a real number",
            given(word=1.0, rounding=as_is, carry=lambda M0, n: (M0, n)),
            "without floats M0 has to be an integer: scale it by 2**31 and round.",
        ),
        Mistake(
            "M0 is truncated instead of rounded",
            given(rounding=torch.trunc),
            "int() cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "M0 is rounded up instead of to the nearest",
            given(rounding=torch.ceil),
            "which function goes to the nearest integer?",
        ),
        Mistake(
            "M0 may become 2**31, which int32 does not hold",
            given(carry=lambda M0, n: (M0, n)),
            "the largest int32 is 2**31 - 1: halve M0 then. What does that make of n?",
        ),
        Mistake(
            "M0 is halved where it reaches 2**31, but n stays",
            given(carry=lambda M0, n: (M0 // 2, n) if M0 == 2**31 else (M0, n)),
            "M has to stay the same: if M0 becomes half of it, the shift has to be one less.",
        ),
        Mistake(
            "M0 is halved where it reaches 2**31, but n grows",
            given(carry=lambda M0, n: (M0 // 2, n + 1) if M0 == 2**31 else (M0, n)),
            "M has to stay the same: a shift to the right by one more halves it once more.",
        ),
        Mistake(
            "M0 is cut to 2**31 - 1 where it reaches 2**31",
            given(carry=lambda M0, n: (min(M0, 2**31 - 1), n)),
            "2**31 * 2**-n is exactly 2**30 * 2**-(n - 1): nothing has to be lost.",
        ),
        Mistake(
            "an M of 1 and more is not halved",
            given(normalize=left_alone_from_1_on),
            "M0 has to stay below 1: halve M until it does. Which way does n count then?",
        ),
        Mistake(
            "n counts up where M is 1 and more",
            given(normalize=counted_up_from_1_on),
            "an M of 1 and more is halved: each halving is a shift to the left, so n goes below 0.",
        ),
    ],
    next="multiply back: M0 * 2**-31 * 2**-n has to be M again; then look at M = 1.7",
)

# Q4 ------------------------------------------------------------------------------------------------------------------


def shift_right(x, n, *, quotient=None, rounding=nearest):
    if n == 0:
        return x
    if quotient is not None:
        return rounded(quotient(x.long(), n), rounding)
    return shifted(x.long(), n, rounding)


def plainly(value):
    """A mistake that ends in a plain shift, whatever is rounded before."""
    return given(quotient=value, rounding=torch.floor)


def below_a_tie(bits):
    """62-bit numbers one below a tie: float64, with its 53 bits, takes them for the tie and goes to the even side."""
    return whole([((2**28 + 2 * k + 1) << bits) + (1 << (bits - 1)) - 1 for k in range(6)])


q4 = Question(
    "Q4",
    answer="rounding_shift",
    returns=(tensor("shifted"),),
    reference=shift_right,
    provided=qlab.fixed_point.rounding_shift_ties_up,
    off_limits=("qlab.fixed_point:multiply_rounding_once", "qlab.fixed_point:multiply_rounding_twice"),
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

# Q5 ------------------------------------------------------------------------------------------------------------------


def value(default):
    """A reference that only returns; a mistake gives another value."""
    return lambda *, rounding=nearest, value=default: value


def wrong(name, value, next_step):
    return Mistake(name, given(value=value), next_step)


def nearest_up(x):
    return math.floor(x + 0.5)


def words(
    *,
    acc=101,
    mantissa=0.6,
    n=1,
    scale=2**7,
    to_word=nearest_up,
    high=lambda acc, M0, scale: nearest_up(acc * M0 / scale),
    twice=lambda high, n: nearest_up(high / 2**n),
    once=lambda acc, M0, n, scale: nearest_up(acc * M0 / (scale * 2**n)),
    returned=lambda M0, high, twice, once: (M0, high, twice, once),
    rounding=nearest,
):
    M0 = to_word(mantissa * scale)
    half = high(acc, M0, scale)
    return returned(M0, half, twice(half, n), once(acc, M0, n, scale))


q5 = Question(
    "Q5",
    answer=("M0", "high", "twice", "once"),
    returns=(integer("M0"), integer("high"), integer("twice"), integer("once")),
    reference=words,
    parts=(
        Part("M0", 1, fields=("M0",)),
        Part("the high multiply", 2, fields=("high",)),
        Part("rounded twice", 1, fields=("twice",)),
        Part("rounded once", 1, fields=("once",)),
    ),
    cases=[case("acc = 101, M = 0.3")],
    mistakes=[
        Mistake(
            "M0 is cut off instead of rounded",
            given(to_word=math.floor),
            "0.6 * 128 is 76.8: which integer is nearest?",
        ),
        Mistake("M0 is scaled by 2**8", given(scale=2**8), "an 8-bit word has a sign bit: 7 bits are left for M0."),
        Mistake("M0 is scaled by 2**31", given(scale=2**31), "the words have 8 bits here, one of them the sign."),
        Mistake("M0 is left a real number", given(to_word=as_is), "M0 is a word: scale 0.6 by 2**7 and round."),
        Mistake(
            "M0 is the mantissa, not scaled",
            given(scale=1, to_word=as_is),
            "M0 is a word: scale 0.6 by 2**7 and round.",
        ),
        Mistake(
            "M is not normalized", given(mantissa=0.3, n=0), "0.3 is below 0.5: double it first, and count that in n."
        ),
        Mistake("M is not normalized, n is counted", given(mantissa=0.3), "0.3 is below 0.5: double it first."),
        Mistake("n of the example, M = 0.2", given(n=2), "0.3 is doubled once: n = 1."),
        Mistake("M of the example", given(mantissa=0.8, n=2), "the question's M is 0.3."),
        Mistake(
            "the high multiply is cut off instead of rounded",
            given(high=lambda acc, M0, scale: acc * M0 // scale),
            "101 times M0 is divided by 128: is the result nearer to the integer below or above?",
        ),
        Mistake(
            "the high multiply is left out",
            given(
                high=lambda acc, M0, scale: acc * M0, twice=lambda high, n: nearest_up(nearest_up(high / 2**7) / 2**n)
            ),
            "high is the high half of the product: shift it by 7 bits, rounding.",
        ),
        Mistake(
            "the product is shifted by 8 bits for the high half",
            given(high=lambda acc, M0, scale: nearest_up(acc * M0 / 2**8)),
            "M0 has 7 bits behind the point: 7 bits make up for them, n comes after.",
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
            given(returned=lambda M0, high, twice, once: (M0, high, once, twice)),
            "which of the two is rounded to a whole number on its way?",
        ),
        Mistake(
            "nothing is rounded behind M0",
            given(
                high=lambda acc, M0, scale: acc * M0 / scale,
                twice=lambda high, n: high / 2**n,
                once=lambda acc, M0, n, scale: acc * M0 / (scale * 2**n),
            ),
            "each step ends in an integer: follow the roundings.",
        ),
    ],
    next="write 101 * M0 down, divide it by 2**7 and round; divide that by 2 and round. Then once more with 2**8 at once",
)

# Q6 ------------------------------------------------------------------------------------------------------------------


def one_rounding(
    acc,
    M0,
    n,
    *,
    product=lambda a, m: a * m,
    bits=lambda n: 31 + n,
    rounding=nearest,
    result=None,
):
    if result is not None:
        return result(acc, M0, n)
    return shifted(product(acc.long(), M0), bits(n), rounding)


def multiplier_case(name, acc, M, group="usual"):
    """A case that float32 gets right too, unless it is about what float32 cannot hold."""
    exact = group == "wide"
    arguments = (acc, *qlab.quantize_multiplier(M))
    return case(name, *arguments, group=group, such_that=lambda a, M0, n: exact or clear_of_ties(a.long() * M0, n))


def below_ties(M0):
    """Accumulators whose products with M0, shifted by 31 bits, end just below a half; float64 takes them for one."""
    inverse = pow(M0, -1, 2**31)
    found = [(2**30 - rest) * inverse % 2**31 for rest in range(1, 99, 2)]
    return torch.tensor([a for a in found if a > 2**30 and (a * M0 >> 31) % 2][:6], dtype=torch.int32)


q6 = Question(
    "Q6",
    answer="multiply_once",
    returns=(tensor("product"),),
    reference=one_rounding,
    provided=qlab.multiply_rounding_once,
    off_limits=(
        *("qlab.fixed_point:multiply_rounding_twice", "qlab.fixed_point:high_multiply"),
        *("qlab.requantize:requantize", "qlab.rules:Rule.__call__"),
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
            "M0 is 2**31 times too large: how many bits make up for that, besides n?",
        ),
        Mistake("shifted by 31 alone", given(bits=lambda n: 31), "and 2**-n: what does n = 2 make of the result?"),
        Mistake(
            "shifted by 31 - n",
            given(bits=lambda n: 31 - n),
            "2**-31 and 2**-n are both shifts to the right: do their bits add or subtract?",
        ),
        Mistake("shifted by 32 and n bits", given(bits=lambda n: 32 + n), "M0 was scaled by 2**31, not by 2**32."),
        Mistake("shifted by 30 and n bits", given(bits=lambda n: 30 + n), "M0 was scaled by 2**31, not by 2**30."),
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
            given(result=lambda acc, M0, n: half_up_cut(acc.long() * M0, 31 + n)),
            "below zero truncating goes up: your rounding_shift does it right.",
        ),
        Mistake(
            "computed in float32",
            given(result=lambda acc, M0, n: torch.round(acc.float() * (M0 * 2.0 ** -(31 + n)))),
            "float32 has 24 bits, the product 62: stay with integers.",
        ),
        Mistake(
            "computed in float64",
            given(result=lambda acc, M0, n: torch.round(acc.double() * M0 / 2.0 ** (31 + n))),
            "float64 has 53 bits, the product 62: stay with integers.",
        ),
        Mistake(
            "rounded twice: first the high half, then the shift by n",
            given(
                result=lambda acc, M0, n: shifted(shifted(acc.long() * M0, 31 + min(n, 0), ties_up), max(n, 0), ties_up)
            ),
            "that is gemmlowp's way, which Section 9 looks at: here the product is shifted by 31 + n in one go.",
        ),
        Mistake(
            "limited to a byte already",
            given(result=lambda acc, M0, n: shifted(acc.long() * M0, 31 + n, ties_up).clamp(0, 255)),
            "the zero-point comes first, in Q7: here the product stays as large as it is.",
        ),
        Mistake(
            "limited to a signed byte already",
            given(result=lambda acc, M0, n: shifted(acc.long() * M0, 31 + n, ties_up).clamp(-128, 127)),
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
            "what you shift has to have M0 in it.",
        ),
        Mistake(
            "shifted by n before the multiplication, with rounding",
            given(
                result=lambda acc, M0, n: shifted(shifted(acc.long(), max(n, 0), ties_up) * M0, 31 + min(n, 0), ties_up)
            ),
            "what a shift cuts off is lost for the multiplication: multiply first.",
        ),
        Mistake(
            "shifted before it is multiplied",
            given(result=lambda acc, M0, n: (acc.long() >> max(n, 0)) * M0 >> 31),
            "what a shift cuts off is lost for the multiplication: multiply first.",
        ),
        Mistake(
            "divided by M0",
            given(result=lambda acc, M0, n: acc.double() * 2.0**31 / M0 / 2.0**n),
            "M = M0 2**-31 2**-n: multiply.",
        ),
        Mistake(
            "M0 is left out", given(product=lambda a, m: a, bits=lambda n: n), "M = M0 2**-31 2**-n has two factors."
        ),
    ],
    next="take acc = 1000 and M = 0.3: M0 = 1288490189, n = 1. The product, shifted by how many bits, is 300?",
)

# Q7 ------------------------------------------------------------------------------------------------------------------


def output_limits(Z_out, relu):
    return (Z_out if relu else 0), 255


def integer_layer(
    q_x,
    q_w,
    q_bias,
    Z_x,
    M0,
    n,
    Z_out,
    relu=False,
    *,
    zero_points=lambda Z_x, Z_out: (Z_x, 0, Z_out),
    offset=lambda q, z: q - z,
    with_bias=lambda acc, b, relu: acc + b,
    scaled=lambda acc, b, M0, n, rounding: shifted(acc * M0, 31 + n, rounding),
    with_zero_point=lambda q, z, b: q + z,
    limits=lambda Z_x, Z_out, relu: output_limits(Z_out, relu),
    clamp=lambda q, low, high, z: q.clamp(low, high),
    before_scaling=as_is,
    rounding=nearest,
):
    z_x, z_w, z_out = zero_points(Z_x, Z_out)
    sums = offset(q_x.long(), z_x) @ (q_w.long() - z_w).T
    acc = before_scaling(with_bias(sums, q_bias.long(), relu), z_out)
    q_out = with_zero_point(scaled(acc, q_bias.long(), M0, n, rounding), z_out, q_bias.long())
    return clamp(q_out, *limits(z_x, z_out, relu), z_out)


def is_what_it_says(reference, beyond, *arguments):
    """Whether a drawn layer goes below and above its range as it should, and no output hangs on a float's last bit."""
    n, z_out, relu = arguments[5], arguments[6], arguments[-1]
    low, high = output_limits(z_out, relu)
    free = reference(*arguments, limits=lambda *_: (-(2**40), 2**40))
    product = reference(
        *arguments,
        scaled=lambda acc, b, M0, n, rounding: acc * M0,
        with_zero_point=lambda q, *_: q,
        limits=lambda *_: (-(2**62), 2**62),
    )
    reaches_far = not relu or bool((free > 140).any())  # also beyond 127, where a signed byte ends
    return (bool((free < low).any()), bool((free > high).any())) == beyond and reaches_far and clear_of_ties(product, n)


def layer_case(name, x, w, bias, z_x, M, z_out, *, relu=False, group="usual"):
    arguments = (x, w, bias, z_x, *qlab.quantize_multiplier(M), z_out, relu)
    beyond = (True, True) if group == "saturating" else (relu, False)
    return case(name, *arguments, group=group, such_that=partial(is_what_it_says, integer_layer, beyond))


# Not what stands in for Q1, Q6 and Q7, which these answers call.
WHOLE_LAYERS = (
    *("qlab.layers:quantized_linear", "qlab.layers:quantized_conv2d"),
    *("qlab.requantize:requantize", "qlab.rules:Rule.__call__"),
    *("torch:ops.quantized.linear", "torch:ops.quantized.linear_relu"),
    *("torch:ops.quantized.conv2d", "torch:ops.quantized.conv2d_relu"),
)

LAYER_MISTAKES = [
    Mistake(
        "the bias is left out",
        given(with_bias=lambda acc, b, relu: acc),
        "which argument of the function have you not used yet?",
    ),
    Mistake(
        "the bias is subtracted", given(with_bias=lambda acc, b, relu: acc - b), "y = x w + b: which sign has the bias?"
    ),
    Mistake(
        "the bias is added to the output code",
        given(with_bias=lambda acc, b, relu: acc, with_zero_point=lambda q, z, b: q + z + b),
        "q_bias counts steps of S_x S_w: is that a step of the accumulator or of the output?",
    ),
    Mistake(
        "the input's zero-point is not subtracted",
        given(offset=lambda q, z: q),
        "which real number does the code Z_x stand for? What does it add to your sum?",
    ),
    Mistake(
        "the input's zero-point is added",
        given(offset=lambda q, z: q + z),
        "x = S_x (q_x - Z_x): the code q_x = Z_x has to give 0.",
    ),
    Mistake(
        "input minus zero-point wraps around in a byte",
        given(offset=lambda q, z: torch.remainder(q - z, 256)),
        "3 - 97 is negative, which uint8 does not hold: widen before you subtract.",
    ),
    Mistake(
        "the zero-points of input and weights are exchanged",
        given(zero_points=lambda Z_x, Z_out: (0, Z_x, Z_out)),
        "accumulator(q_x, q_w, Z_x, Z_w): which of the two is 0 here?",
    ),
    Mistake(
        "the weights are given the input's zero-point",
        given(zero_points=lambda Z_x, Z_out: (Z_x, Z_x, Z_out)),
        "the weights' zero-point is 0: accumulator takes it as its last argument.",
    ),
    Mistake(
        "the weights are given the output's zero-point",
        given(zero_points=lambda Z_x, Z_out: (Z_x, Z_out, Z_out)),
        "the weights' zero-point is 0: accumulator takes it as its last argument.",
    ),
    Mistake(
        "the input is given the output's zero-point",
        given(zero_points=lambda Z_x, Z_out: (Z_out, 0, Z_out)),
        "which zero-point was the input quantized with?",
    ),
    Mistake(
        "the output is given the input's zero-point",
        given(zero_points=lambda Z_x, Z_out: (Z_x, 0, Z_x)),
        "which code should the real output 0.0 become?",
    ),
    Mistake(
        "the zero-points of input and output are exchanged",
        given(zero_points=lambda Z_x, Z_out: (Z_out, 0, Z_x)),
        "Z_x belongs to the sum, Z_out to the result.",
    ),
    Mistake(
        "the output's zero-point is not added",
        given(with_zero_point=lambda q, z, b: q),
        "which code should the real output 0.0 become?",
    ),
    Mistake(
        "the output's zero-point is subtracted",
        given(with_zero_point=lambda q, z, b: q - z),
        "which code should the real output 0.0 become? What does your formula give for acc = 0?",
    ),
    Mistake(
        "the output's zero-point is added before the multiplication",
        given(before_scaling=lambda acc, z: acc + z, with_zero_point=lambda q, z, b: q),
        "Z_out is an output code already: add it after the multiplication by M.",
    ),
    Mistake(
        "outputs beyond the range are not clamped",
        given(clamp=lambda q, *_: q),
        "which function of torch limits a tensor to the codes from 0 to 255?",
    ),
    Mistake(
        "clamped from below only",
        given(limits=lambda Z_x, Z_out, relu: (Z_out if relu else 0, 2**40)),
        "a byte ends at 255: give torch.clamp its upper limit too.",
    ),
    Mistake(
        "clamped to 256",
        given(limits=lambda Z_x, Z_out, relu: (Z_out if relu else 0, 256)),
        "a byte has 256 values, from 0 on: which is the last?",
    ),
    Mistake(
        "clamped to signed codes",
        given(limits=lambda Z_x, Z_out, relu: (Z_out if relu else -128, 127)),
        "activations are unsigned here: which codes has a byte without a sign?",
    ),
    Mistake(
        "the lowest code is that of a signed byte",
        given(limits=lambda Z_x, Z_out, relu: (Z_out if relu else -128, 255)),
        "activations are unsigned here: which is the smallest code of a byte without a sign?",
    ),
    Mistake(
        "clamped to 0..127",
        given(limits=lambda Z_x, Z_out, relu: (Z_out if relu else 0, 127)),
        "a byte without a sign goes up to 255.",
    ),
    Mistake(
        "the limits of the clamp are exchanged",
        given(clamp=lambda q, low, high, z: torch.full_like(q, low)),
        "torch.clamp takes the lower limit first.",
    ),
    Mistake(
        "ReLU is left out, or clamps at the code 0",
        given(limits=lambda Z_x, Z_out, relu: (0, 255)),
        "ReLU cuts at the real number 0: which code is that?",
    ),
    Mistake(
        "ReLU clamps at the input's zero-point",
        given(limits=lambda Z_x, Z_out, relu: (Z_x if relu else 0, 255)),
        "ReLU cuts at the real number 0 of the output: which code is that?",
    ),
    Mistake(
        "ReLU is applied whether asked for or not",
        given(limits=lambda Z_x, Z_out, relu: (Z_out, 255)),
        "relu=False: codes below Z_out are negative outputs, and stay.",
    ),
    Mistake(
        "the lowest code is the wrong way round",
        given(limits=lambda Z_x, Z_out, relu: (0 if relu else Z_out, 255)),
        "with relu=True, which real numbers disappear? What is the lowest code then?",
    ),
    Mistake(
        "ReLU comes before the bias",
        given(
            with_bias=lambda acc, b, relu: (acc.clamp(min=0) if relu else acc) + b,
            limits=lambda Z_x, Z_out, relu: (0, 255),
        ),
        "y = relu(x w + b): the bias comes first.",
    ),
    Mistake(
        "clamped before the zero-point is added",
        given(
            with_zero_point=lambda q, z, b: q.clamp(0, 255) + z,
            clamp=lambda q, *_: q,
        ),
        "it is the code, with its zero-point, that has to lie from 0 to 255.",
    ),
    Mistake(
        "cast to uint8 instead of clamped",
        given(
            limits=lambda Z_x, Z_out, relu: (Z_out if relu else -(2**40), 2**40),
            clamp=lambda q, low, high, z: torch.remainder(q.clamp(low, high), 256),
        ),
        "256 cast to uint8 is 0: clamp first.",
    ),
    Mistake(
        "cast to uint8 before the clamp",
        given(clamp=lambda q, low, high, z: torch.remainder(q, 256).clamp(low, high)),
        "256 cast to uint8 is 0, and no later clamp can tell: clamp first.",
    ),
    Mistake(
        "the accumulator is cast to int16",
        given(before_scaling=lambda acc, z: wrapped(acc, 16)),
        "784 products of 16 bits need 26: the accumulator has 32.",
    ),
    Mistake(
        "the accumulator is clamped to a byte",
        given(before_scaling=lambda acc, z: acc.clamp(0, 255)),
        "the accumulator may be as large as int32: it is the output that has to fit.",
    ),
    Mistake(
        "M is left out",
        given(scaled=lambda acc, b, M0, n, rounding: acc),
        "a step of the accumulator and a step of the output are worth different amounts: multiply by M0 and shift.",
    ),
    Mistake(
        "M is applied in float32",
        given(scaled=lambda acc, b, M0, n, rounding: torch.round(acc.float() * (M0 / 2 ** (31 + n))).long()),
        "that is an engine's way; yours has integers only: call multiply_once.",
    ),
    Mistake(
        "a plain shift: rounded down",
        given(rounding=torch.floor),
        "your multiply_once rounds to the nearest: use it.",
    ),
]


q7 = Question(
    "Q7",
    answer="integer_linear",
    returns=(tensor("q_out"),),
    reference=integer_layer,
    provided=provided.integer_linear,
    off_limits=(*WHOLE_LAYERS, "provided:integer_conv2d"),
    uses={"accumulator": q1, "multiply_once": q6},
    parts=(
        Part("outputs inside the range", 6, groups=("usual",)),
        Part("ReLU", 4, groups=("relu",)),
        Part("outputs beyond the range", 5, groups=("saturating",)),
    ),
    cases=[
        layer_case("the worked example", whole([[10, 4]]), whole([[3, -7]]), whole([20]), 2, 0.3, 40),
        case("next to a half: 184.500003", whole([[0]]), whole([[0]]), whole([116033]), 0, 1748294867, 9, 0, False),
        layer_case("random codes", activations(5, 16), weights(4, 16), int32(-3000, 3000, 4), 97, 0.0021, 120),
        layer_case("784 inputs wide", activations(3, 784), weights(6, 784), int32(-9000, 9000, 6), 130, 0.00031, 131),
        layer_case(
            "ReLU", activations(6, 16), weights(5, 16), int32(-3000, 3000, 5), 97, 0.002, 60, relu=True, group="relu"
        ),
        layer_case(
            "beyond the range",
            activations(5, 24),
            weights(6, 24),
            int32(-3000, 3000, 6),
            100,
            0.02,
            90,
            group="saturating",
        ),
    ],
    mistakes=LAYER_MISTAKES,
    next="print acc, the product by M and the output for the worked example: 30, 9, 49",
)

# Q8 ------------------------------------------------------------------------------------------------------------------


def pixels_then_numbers(patches, length):
    return patches.transpose(1, 2).reshape(-1, length)


def channels_before_pixels(q, images, height, out):
    return q.reshape(images, height, -1, out).permute(0, 3, 1, 2)


def convolution(
    q_x,
    q_w,
    q_bias,
    Z_x,
    M0,
    n,
    Z_out,
    stride=1,
    padding=0,
    relu=False,
    *,
    border=lambda z_x, z_out: z_x,
    zero_points=lambda z_x, z_out: (z_x, z_out),
    offset=lambda q, z: q - z,
    rows=pixels_then_numbers,
    kernels=lambda w: w.reshape(len(w), -1),
    put_back=channels_before_pixels,
    with_bias=lambda acc, b: acc + b,
    scaled=lambda acc, b, M0, n, rounding: shifted(acc * M0, 31 + n, rounding),
    with_zero_point=lambda q, z: q + z,
    limits=output_limits,
    rounding=nearest,
):
    padded = F.pad(q_x.double(), (padding,) * 4, value=border(Z_x, Z_out))
    z_x, z_out = zero_points(Z_x, Z_out)
    patches = F.unfold(padded, q_w.shape[2:], stride=stride).long()
    height = (padded.shape[2] - q_w.shape[2]) // stride + 1
    acc = offset(rows(patches, q_w[0].numel()), z_x) @ kernels(q_w.long()).T
    q = with_zero_point(scaled(with_bias(acc, q_bias.long()), q_bias, M0, n, rounding), z_out)
    return put_back(q.clamp(*limits(z_out, relu)), len(q_x), height, len(q_w))


def conv_case(name, x, w, bias, z_x, M, z_out, stride=1, padding=0, relu=False, *, group="usual"):
    arguments = (x, w, bias, z_x, *qlab.quantize_multiplier(M), z_out, stride, padding, relu)
    return case(name, *arguments, group=group, such_that=partial(is_what_it_says, convolution, (relu, False)))


q8 = Question(
    "Q8",
    answer="integer_conv2d",
    returns=(tensor("q_out"),),
    reference=convolution,
    provided=provided.integer_conv2d,
    off_limits=(*WHOLE_LAYERS, "qlab.accumulate:conv2d_accumulator"),
    uses={"integer_linear": q7},
    parts=(
        Part("without padding", 4, groups=("usual",)),
        Part("with padding", 4, groups=("padded",)),
        Part("with a stride", 2, groups=("stride",)),
    ),
    cases=[
        conv_case(
            "the worked example",
            whole([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]),
            whole([[[[1, 2], [3, -4]]]]),
            whole([0]),
            1,
            0.5,
            20,
        ),
        conv_case(
            "2 channels in, 3 out", activations(2, 2, 5, 5), weights(3, 2, 3, 3), int32(-2000, 2000, 3), 88, 0.0015, 125
        ),
        conv_case(
            "ReLU", activations(2, 2, 4, 4), weights(3, 2, 3, 3), int32(-2000, 2000, 3), 125, 0.0011, 90, 1, 0, True
        ),
        conv_case("1x1 kernel", activations(1, 4, 3, 3), weights(2, 4, 1, 1), int32(-900, 900, 2), 140, 0.004, 110),
        conv_case(
            "padding 1",
            activations(2, 2, 4, 4),
            weights(3, 2, 3, 3),
            int32(-2000, 2000, 3),
            61,
            0.0012,
            119,
            1,
            1,
            group="padded",
        ),
        conv_case(
            "stride 2",
            activations(2, 2, 7, 7),
            weights(2, 2, 3, 3),
            int32(-2000, 2000, 2),
            101,
            0.0014,
            122,
            2,
            group="stride",
        ),
    ],
    mistakes=[
        Mistake(
            "the border is padded with the code 0",
            given(border=lambda z_x, z_out: 0),
            "the border stands for the real number 0: which code is that?",
        ),
        Mistake(
            "the border is padded with the output's zero-point",
            given(border=lambda z_x, z_out: z_out),
            "the border belongs to the input: which of its codes is the real number 0?",
        ),
        Mistake(
            "the border is padded with minus Z_x",
            given(border=lambda z_x, z_out: -z_x),
            "q - Z_x has to be 0 there: which q is that?",
        ),
        Mistake(
            "the border is padded with 128",
            given(border=lambda z_x, z_out: 128),
            "128 is the middle of the codes: which of them is the real number 0?",
        ),
        Mistake(
            "the patches are not transposed",
            given(rows=lambda patches, length: patches.reshape(-1, length)),
            "F.unfold gives (images, numbers, pixels): a row has to hold the numbers of one pixel.",
        ),
        Mistake(
            "images and pixels are exchanged in the transpose",
            given(rows=lambda patches, length: patches.permute(2, 0, 1).reshape(-1, length)),
            "the rows have to come image by image: which two dimensions change places?",
        ),
        Mistake(
            "images and pixels change places, and the numbers stay between",
            given(rows=lambda patches, length: patches.transpose(0, 2).reshape(-1, length)),
            "F.unfold gives (images, numbers, pixels): which two dimensions change places?",
        ),
        Mistake(
            "images and numbers change places",
            given(rows=lambda patches, length: patches.transpose(0, 1).reshape(-1, length)),
            "F.unfold gives (images, numbers, pixels): which two dimensions change places?",
        ),
        Mistake(
            "the kernel is flipped",
            given(kernels=lambda w: w.flip(2, 3).reshape(len(w), -1)),
            "networks compute a correlation: the kernel's first weight meets the patch's first pixel.",
        ),
        Mistake(
            "the kernel's rows and columns are exchanged",
            given(kernels=lambda w: w.transpose(2, 3).reshape(len(w), -1)),
            "a patch is read row by row: read the kernel in the same order.",
        ),
        Mistake(
            "the kernel's channels come last",
            given(kernels=lambda w: w.permute(0, 2, 3, 1).reshape(len(w), -1)),
            "a patch has its channels first: lay the kernel out in the same order.",
        ),
        Mistake(
            "the kernels are not laid out one a row",
            given(kernels=lambda w: w.reshape(-1, len(w)).T),
            "reshape(out, -1) makes a row of each kernel: (-1, out) mixes them.",
        ),
        Mistake(
            "pixels and channels are put back in the wrong order",
            given(put_back=lambda q, images, height, out: q.reshape(images, out, height, -1)),
            "the last dimension of integer_linear's result is the channel: the given line puts it in its place.",
        ),
        Mistake(
            "the zero-points of input and output are exchanged",
            given(zero_points=lambda z_x, z_out: (z_out, z_x)),
            "integer_linear(q_x, q_w, q_bias, Z_x, M0, n, Z_out, relu): in this order.",
        ),
        Mistake(
            "the input's zero-point is subtracted twice",
            given(offset=lambda q, z: q - 2 * z),
            "integer_linear subtracts Z_x: hand the codes over as they are.",
        ),
        Mistake(
            "the input's zero-point is not subtracted",
            given(offset=lambda q, z: q),
            "integer_linear subtracts Z_x: which one did you give it?",
        ),
        Mistake(
            "the bias is left out", given(with_bias=lambda acc, b: acc), "which argument of integer_linear is q_bias?"
        ),
        Mistake(
            "the output's zero-point is not added",
            given(with_zero_point=lambda q, z: q),
            "which argument of integer_linear is Z_out?",
        ),
        Mistake(
            "ReLU is left out",
            given(limits=lambda z, relu: (0, 255)),
            "hand relu on to integer_linear.",
        ),
        Mistake(
            "ReLU is applied whether asked for or not",
            given(limits=lambda z, relu: (z, 255)),
            "hand relu on to integer_linear as it is.",
        ),
        Mistake(
            "a plain shift: rounded down",
            given(rounding=torch.floor),
            "your multiply_once rounds to the nearest: use it.",
        ),
    ],
    next="for the worked example print the four patches, one a row: the first is 1, 2, 4, 5",
)

# Q9 and Q10: values --------------------------------------------------------------------------------------------------

q9 = Question(
    "Q9",
    answer=("int8_sum", "pair_sum", "largest_weight"),
    returns=(integer("int8_sum"), integer("pair_sum"), integer("largest_weight")),
    reference=value((-56, 32767, 64)),
    parts=(
        Part("100 + 100 in int8", 1, fields=("int8_sum",)),
        Part("the pair of products", 2, fields=("pair_sum",)),
        Part("the largest weight", 2, fields=("largest_weight",)),
    ),
    cases=[case("the three numbers")],
    mistakes=[
        wrong("int8 is taken to hold 200", (200, 32767, 64), "int8 goes from -128 to 127: what is 200 - 256?"),
        wrong("int8 is taken to saturate", (127, 32767, 64), "torch's integers wrap around: what is 200 - 256?"),
        wrong("wrapped at 128 instead of at 256", (72, 32767, 64), "a byte has 256 values: what is 200 - 256?"),
        wrong("int8 is taken to wrap to -55", (-55, 32767, 64), "127 + 1 is -128, so 200 is 200 - 256."),
        wrong(
            "the pair is taken not to saturate",
            (-56, 52385, 64),
            "the two products are added in 16 bits: what is the largest?",
        ),
        wrong(
            "the pair is taken to wrap around", (-56, 52385 - 65536, 64), "vpmaddubsw saturates: it stops at the end."
        ),
        wrong("the pair saturates at the end of uint16", (-56, 65535, 64), "the sum of the pair is signed."),
        wrong("the pair saturates at 2**15", (-56, 32768, 64), "the largest int16 is one less than 2**15."),
        wrong("only the first product is given", (-56, 32385, 64), "two products are added."),
        wrong("the weight's limit is for one product", (-56, 32767, 128), "two products are added before the limit."),
        wrong("the weight's limit is one too large", (-56, 32767, 65), "2 * 255 * 65 is 33,150: does it fit?"),
        wrong("the weight's limit is one too small", (-56, 32767, 63), "2 * 255 * 64 is 32,640: does it fit?"),
        wrong("the weight's limit is all of int8", (-56, 32767, 127), "2 * 255 * 127 is 64,770: does it fit?"),
        wrong(
            "the weight's limit is given as a fraction",
            (-56, 32767, 32767 / 510),
            "a weight is an integer: round down.",
        ),
    ],
    next="work each of the three out on paper: 200 - 256; 255 * 127 + 200 * 100 against 32767; 32767 / (2 * 255)",
)

q10 = Question(
    "Q10",
    answer=("share",),
    returns=(real("share"),),
    reference=value(2.0**-11),
    parts=(Part("the share for n = 10", 5),),
    cases=[case("n = 10")],
    mistakes=[
        wrong("the power is one too small: 2**-n", 2.0**-10, "look at the row n = 1 of the table: is it 1/2 or 1/4?"),
        wrong("the power is one too large: 2**-(n + 2)", 2.0**-12, "look at the row n = 1 of the table: 1/4 or 1/8?"),
        wrong("the share of the last row of the table", 2.0**-9, "the table ends at n = 8: two rows further on."),
        wrong("given in percent", 100 * 2.0**-11, "give the share itself: 1 percent is 0.01."),
        wrong("1 over (n+1) instead of a power of two", 1 / 11, "from row to row the share becomes half."),
        wrong("1 / (2 n) instead of a power of two", 1 / 20, "from row to row the share becomes half."),
        wrong("1 / n**2 instead of a power of two", 1 / 100, "from row to row the share becomes half."),
        wrong("the sign of the power is lost", 2.0**11, "a share is at most 1."),
        wrong("no difference is expected", 0.0, "the table gets smaller from row to row, but never 0."),
        wrong("rounded to 0.0005", 0.0005, "give the law's value, a power of two, not a rounded decimal."),
    ],
    next="from row to row the share in the table becomes half: write it as 2**-(n + something), check it at n = 1",
)

lab = Lab("lab2_integer_only", [q1, q2, q3, q4, q5, q6, q7, q8, q9, q10], by_hand=15)
