"""The questions of Lab 2: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. Integers are int64 here, and
roundings of integers are exact: either neighbour is accepted at a tie, and nowhere else.
"""

from functools import partial

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
    if rounding is ties_up and bits > 0:
        return (x + 2 ** (bits - 1)) >> bits
    if rounding is ties_down and bits > 0:
        return -((2 ** (bits - 1) - x) >> bits)
    return rounded(x.double() / 2.0**bits, rounding)


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
    rounding=nearest,
):
    operands = (q_x.long(), q_w.long(), Z_x, Z_w)
    products = operands[0] @ operands[1].T
    return together(products, from_weights(*operands), from_input(*operands), constant(*operands))


def provided_accumulator(q_x, q_w, Z_x, Z_w):
    return qlab.linear_accumulator(q_x, q_w, Z_x, Z_w).long()


def activations(*shape):
    return uniform(0, 255, *shape, dtype=torch.uint8)


def weights(*shape):
    return uniform(-127, 127, *shape)


q1 = Question(
    "Q1",
    answer="accumulator",
    returns=(tensor("acc"),),
    reference=four_terms,
    provided=provided_accumulator,
    parts=(
        Part("symmetric weights, Z_w = 0", 4, groups=("symmetric",)),
        Part("both zero-points", 6, groups=("usual",)),
    ),
    cases=[
        case("the worked example", whole([[10, 4, 7]]), whole([[3, -2, 5], [1, 0, -1]]), 6, 2),
        case("both zero-points, 16 inputs", activations(5, 16), weights(4, 16), 121, -9),
        case("Z_w = 0", activations(6, 20), weights(3, 20), 37, 0, group="symmetric"),
        case("a wide layer", activations(3, 784), weights(7, 784), 200, 5),
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
    bias,
    input_scale,
    weight_scale,
    *,
    scale=lambda s_x, s_w: s_x * s_w,
    divide=lambda b, s: b / s,
    rounding=nearest,
    limits=as_is,
):
    s_w = torch.as_tensor(weight_scale, dtype=torch.float64)
    return limits(rounding(divide(bias.double(), scale(input_scale, s_w))))


def provided_bias(bias, input_scale, weight_scale):
    return bias_codes(bias, input_scale, weight_scale).long()


q2 = Question(
    "Q2",
    answer="quantize_bias",
    returns=(tensor("q_bias"),),
    reference=bias_codes,
    provided=provided_bias,
    parts=(
        Part("one weight scale for all", 3, groups=("usual",)),
        Part("a weight scale for each output channel", 2, groups=("channels",)),
    ),
    cases=[
        case("the worked example", [0.5, -0.13], 0.05, 0.02),
        case("random biases", normal(10), 0.031, 0.0042),
        case("small scales", normal(6, std=0.3), 0.0009, 0.00031),
        case("three channels", [0.5, 0.5, -0.25], 0.05, torch.tensor([0.02, 0.003, 0.07]), group="channels"),
    ],
    mistakes=[
        Mistake(
            "multiplied by the scales instead of divided",
            given(divide=lambda b, s: b * s),
            "one step of the accumulator is worth S_x S_w: how many steps is the bias?",
        ),
        Mistake(
            "divided by the input's scale alone",
            given(scale=lambda s_x, s_w: s_x + 0 * s_w),
            "what is one unit of a product q_x q_w worth? The bias is added to such products.",
        ),
        Mistake(
            "divided by the weights' scale alone",
            given(scale=lambda s_x, s_w: s_w),
            "what is one unit of a product q_x q_w worth? The bias is added to such products.",
        ),
        Mistake(
            "the scales are added instead of multiplied",
            given(scale=lambda s_x, s_w: s_x + s_w),
            "one unit of a product q_x q_w is worth S_x times S_w.",
        ),
        Mistake(
            "limited to 8 bits",
            given(limits=lambda q: q.clamp(-128, 127)),
            "the bias joins a 32-bit accumulator: it has 32 bits too.",
        ),
        Mistake(
            "cast to int8",
            given(limits=lambda q: torch.remainder(q + 128, 256) - 128),
            "the bias joins a 32-bit accumulator: it has 32 bits too, and int8 wraps around.",
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
        Mistake("not rounded", given(rounding=as_is), "an accumulator holds integers: which function rounds?"),
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
    if quotient is not None:
        return rounded(quotient(x.double(), n), rounding)
    return shifted(x.long(), n, rounding)


def floor_of(value):
    """A mistake that ends in a plain shift, whatever is rounded before."""
    return given(quotient=value, rounding=torch.floor)


q4 = Question(
    "Q4",
    answer="rounding_shift",
    returns=(tensor("shifted"),),
    reference=shift_right,
    provided=qlab.rounding_shift,
    parts=(
        Part("small numbers", 5, groups=("usual",)),
        Part("numbers beyond 2**24", 3, groups=("wide",)),
        Part("n = 0", 2, groups=("zero",)),
    ),
    cases=[
        case("the worked example", whole([13, -13, 12, -12]), 2),
        case("-20 to 20 by 3 bits", torch.arange(-20, 21), 3),
        case("by 1 bit", torch.arange(-5, 6), 1),
        case("random by 5 bits", uniform(-2000, 2000, 40, dtype=torch.int64), 5),
        case("beyond what float32 holds", uniform(-(2**40), 2**40, 30, dtype=torch.int64), 4, group="wide"),
        case("products of 62 bits", uniform(-(2**61), 2**61, 30, dtype=torch.int64), 33, group="wide"),
        case("by 0 bits", torch.arange(-4, 5), 0, group="zero"),
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
            "rounded up",
            given(rounding=torch.ceil),
            "13 / 4 is 3.25: which integer is nearest? Adding a whole step less one goes too far.",
        ),
        Mistake(
            "a whole step is added before the shift",
            floor_of(lambda x, n: x / 2.0**n + 1),
            "a step of the result is 2**n: how much is half of it?",
        ),
        Mistake(
            "half a step is subtracted before the shift",
            floor_of(lambda x, n: x / 2.0**n - 0.5),
            "a shift goes down already: which sign makes up for that?",
        ),
        Mistake(
            "1 is added before the shift, however wide it is",
            floor_of(lambda x, n: (x + 1) / 2.0**n),
            "half a step is 1 only for a shift by 1 bit: how much is it for n bits?",
        ),
        Mistake(
            "n is added before the shift",
            floor_of(lambda x, n: (x + n) / 2.0**n),
            "half a step of a shift by n bits is 2**(n - 1): mind the power.",
        ),
        Mistake(
            "a quarter of a step is added before the shift",
            floor_of(lambda x, n: x / 2.0**n + 0.25),
            "a step of the result is 2**n: half of it is 2**(n - 1).",
        ),
        Mistake(
            "half a step is added after the shift",
            given(quotient=lambda x, n: torch.floor(x / 2.0**n) + 2.0 ** (n - 1)),
            "after the shift the fraction is gone: add before.",
        ),
        Mistake(
            "shifted to the left",
            given(quotient=lambda x, n: x * 2.0**n),
            "M is below 1: which way does a number become smaller?",
        ),
        Mistake(
            "shifted by one bit too many",
            given(quotient=lambda x, n: x / 2.0 ** (n + 1)),
            "n bits are n halvings.",
        ),
        Mistake(
            "shifted by one bit too few",
            given(quotient=lambda x, n: x / 2.0 ** (n - 1)),
            "n bits are n halvings; half a step, 2**(n - 1), belongs into the sum, not into the shift.",
        ),
        Mistake(
            "divided by n",
            given(quotient=lambda x, n: x / max(n, 1e-9)),
            "a shift by n bits divides by 2**n.",
        ),
        Mistake(
            "divided by 2 n",
            given(quotient=lambda x, n: x / max(2 * n, 1e-9)),
            "a shift by n bits divides by 2**n.",
        ),
        Mistake(
            "computed in float32",
            given(quotient=lambda x, n: x.float().div(2.0**n).double()),
            "float32 holds integers up to 2**24 only: stay with integers, + and >>.",
        ),
        Mistake(
            "the sign is lost",
            given(quotient=lambda x, n: x.abs() / 2.0**n),
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


q5 = Question(
    "Q5",
    answer=("M0", "high", "twice", "once"),
    returns=(integer("M0"), integer("high"), integer("twice"), integer("once")),
    reference=value((77, 61, 31, 30)),
    parts=(
        Part("M0", 1, fields=("M0",)),
        Part("the high multiply", 2, fields=("high",)),
        Part("rounded twice", 1, fields=("twice",)),
        Part("rounded once", 1, fields=("once",)),
    ),
    cases=[case("acc = 101, M = 0.3")],
    mistakes=[
        wrong("M0 is cut off instead of rounded", (76, 60, 30, 30), "0.6 * 128 is 76.8: which integer is nearest?"),
        wrong("M0 is scaled by 2**8", (154, 61, 31, 30), "an 8-bit word has a sign bit: 7 bits are left for M0."),
        wrong("M0 is left at 0.6 * 100", (60, 61, 31, 30), "the word is binary: scale 0.6 by 2**7."),
        wrong("M is not normalized", (38, 30, 30, 30), "0.3 is below 0.5: double it first, and count that in n."),
        wrong(
            "the high multiply is cut off instead of rounded", (77, 60, 30, 30), "101 * 77 = 7777; 7777 / 128 = 60.76."
        ),
        wrong(
            "the high multiply is left out", (77, 7777, 31, 30), "the high half of 7777: shift it by 7 bits, rounding."
        ),
        wrong("the shift by n is left out", (77, 61, 61, 61), "n = 1: 0.3 is 0.6 / 2."),
        wrong("both results are rounded twice", (77, 61, 31, 31), "once: 7777 is shifted by 7 + 1 bits in one go."),
        wrong("the second rounding is left out", (77, 61, 30, 30), "twice: 61 / 2 is a tie, and ties go up here."),
        wrong("twice and once are exchanged", (77, 61, 30, 31), "which of the two rounds 60.76 to 61 on its way?"),
        wrong(
            "shifted by 8 bits for the high half", (77, 30, 31, 30), "the high half of a product by M0 / 2**7: 7 bits."
        ),
        wrong("the exact product 30.3 is given", (77, 61, 30.3, 30.3), "codes are integers: follow the roundings."),
    ],
    next="write 101 * 77 down, divide it by 2**7 and round; divide that by 2 and round. Then once more with 2**8 at once",
)

# Q6 ------------------------------------------------------------------------------------------------------------------


def wrapped_to_int32(x):
    return torch.remainder(x + 2**31, 2**32) - 2**31


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


q6 = Question(
    "Q6",
    answer="multiply_once",
    returns=(tensor("product"),),
    reference=one_rounding,
    provided=qlab.multiply_rounding_once,
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
        multiplier_case("M = 5.3", int32(-50, 50, 20), 5.3, group="large"),
    ],
    mistakes=[
        Mistake(
            "the product wraps around in int32",
            given(product=lambda a, m: wrapped_to_int32(a * m)),
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
        Mistake("shifted by 32 + n", given(bits=lambda n: 32 + n), "M0 was scaled by 2**31, not by 2**32."),
        Mistake("shifted by 30 + n", given(bits=lambda n: 30 + n), "M0 was scaled by 2**31, not by 2**30."),
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
            "computed in float32",
            given(result=lambda acc, M0, n: torch.round(acc.float() * (M0 * 2.0 ** -(31 + n)))),
            "float32 has 24 bits, the product 63: stay with integers.",
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
    offset=lambda q, z: q - z,
    with_bias=lambda acc, b: acc + b,
    scaled=lambda acc, M0, n, rounding: shifted(acc * M0, 31 + n, rounding),
    with_zero_point=lambda q, z, b: q + z,
    limits=output_limits,
    clamp=torch.clamp,
    before_scaling=as_is,
    rounding=nearest,
):
    acc = before_scaling(with_bias(offset(q_x.long(), Z_x) @ q_w.long().T, q_bias.long()), Z_out, M0, n)
    return clamp(with_zero_point(scaled(acc, M0, n, rounding), Z_out, q_bias), *limits(Z_out, relu))


def provided_linear(q_x, q_w, q_bias, Z_x, M0, n, Z_out, relu=False):
    acc = qlab.linear_accumulator(q_x, q_w, Z_x).long() + q_bias
    return torch.clamp(qlab.multiply_rounding_once(acc, M0, n) + Z_out, *output_limits(Z_out, relu))


def unlimited(q, *_):
    return q


def is_what_it_says(reference, beyond, *arguments):
    """Whether a drawn layer goes below and above its range as it should, and no output hangs on a float's last bit."""
    n, z_out, relu = arguments[5], arguments[6], arguments[-1]
    low, high = output_limits(z_out, relu)
    free = reference(*arguments, limits=lambda *_: (-(2**40), 2**40))
    product = reference(
        *arguments,
        scaled=lambda acc, M0, n, rounding: acc * M0,
        with_zero_point=lambda q, *_: q,
        limits=lambda *_: (-(2**62), 2**62),
    )
    reaches_far = not relu or bool((free > 140).any())  # also beyond 127, where a signed byte ends
    return (bool((free < low).any()), bool((free > high).any())) == beyond and reaches_far and clear_of_ties(product, n)


def layer_case(name, x, w, bias, z_x, M, z_out, *, relu=False, group="usual"):
    arguments = (x, w, bias, z_x, *qlab.quantize_multiplier(M), z_out, relu)
    beyond = (True, True) if group == "saturating" else (relu, False)
    return case(name, *arguments, group=group, such_that=partial(is_what_it_says, integer_layer, beyond))


LAYER_MISTAKES = [
    Mistake("the bias is left out", given(with_bias=lambda acc, b: acc), "which three numbers does a layer add up?"),
    Mistake(
        "the bias is subtracted",
        given(with_bias=lambda acc, b: acc - b),
        "y = x w + b: which sign has the bias?",
    ),
    Mistake(
        "the bias is added to the output code",
        given(with_bias=lambda acc, b: acc, with_zero_point=lambda q, z, b: q + z + b.long()),
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
        given(before_scaling=lambda acc, z, M0, n: acc + z, with_zero_point=lambda q, z, b: q),
        "Z_out is an output code already: add it after the multiplication by M.",
    ),
    Mistake(
        "outputs beyond the range are not clamped",
        given(clamp=unlimited),
        "which function of torch limits a tensor to the codes from 0 to 255?",
    ),
    Mistake(
        "clamped to signed codes",
        given(limits=lambda z, relu: (-128, 127)),
        "activations are unsigned here: which codes has a byte without a sign?",
    ),
    Mistake(
        "clamped to 0..127",
        given(limits=lambda z, relu: (z if relu else 0, 127)),
        "a byte without a sign goes up to 255.",
    ),
    Mistake(
        "ReLU is left out, or clamps at the code 0",
        given(limits=lambda z, relu: (0, 255)),
        "ReLU cuts at the real number 0: which code is that?",
    ),
    Mistake(
        "ReLU is applied whether asked for or not",
        given(limits=lambda z, relu: (z, 255)),
        "relu=False: codes below Z_out are negative outputs, and stay.",
    ),
    Mistake(
        "cast to uint8 before the clamp",
        given(clamp=lambda q, low, high: torch.remainder(q, 256).clamp(low, high)),
        "256 cast to uint8 is 0, and no later clamp can tell: clamp first.",
    ),
    Mistake(
        "the accumulator is clamped to a byte",
        given(before_scaling=lambda acc, z, M0, n: acc.clamp(0, 255)),
        "the accumulator may be as large as int32: it is the output that has to fit.",
    ),
    Mistake(
        "M is left out",
        given(scaled=lambda acc, M0, n, rounding: acc),
        "a step of the accumulator and a step of the output are worth different amounts: multiply by M0 and shift.",
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
    provided=provided_linear,
    uses={"accumulator": q1, "multiply_once": q6},
    parts=(
        Part("outputs inside the range", 6, groups=("usual",)),
        Part("ReLU", 4, groups=("relu",)),
        Part("outputs beyond the range", 5, groups=("saturating",)),
    ),
    cases=[
        layer_case("the worked example", whole([[10, 4]]), whole([[3, -7]]), whole([20]), 2, 0.3, 40),
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
    next="print acc, the product by M and the output for the worked example: 36, 11, 51",
)

# Q8 ------------------------------------------------------------------------------------------------------------------


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
    offset=lambda q, z: q - z,
    kernel=as_is,
    steps=lambda stride: stride,
    with_bias=lambda acc, b: acc + b,
    scaled=lambda acc, M0, n, rounding: shifted(acc * M0, 31 + n, rounding),
    with_zero_point=lambda q, z: q + z,
    limits=output_limits,
    rounding=nearest,
):
    padded = F.pad(q_x.long(), (padding,) * 4, value=border(Z_x, Z_out))
    acc = F.conv2d(offset(padded, Z_x).double(), kernel(q_w).double(), stride=steps(stride)).long()
    acc = with_bias(acc, q_bias.long().reshape(-1, 1, 1))
    return with_zero_point(scaled(acc, M0, n, rounding), Z_out).clamp(*limits(Z_out, relu))


def provided_conv2d(q_x, q_w, q_bias, Z_x, M0, n, Z_out, stride=1, padding=0, relu=False):
    acc = qlab.conv2d_accumulator(q_x, q_w, Z_x, stride=stride, padding=padding).long()
    product = qlab.multiply_rounding_once(acc + q_bias.reshape(-1, 1, 1), M0, n)
    return torch.clamp(product + Z_out, *output_limits(Z_out, relu))


def conv_case(name, x, w, bias, z_x, M, z_out, stride=1, padding=0, relu=False, *, group="usual"):
    arguments = (x, w, bias, z_x, *qlab.quantize_multiplier(M), z_out, stride, padding, relu)
    return case(name, *arguments, group=group, such_that=partial(is_what_it_says, convolution, (relu, False)))


q8 = Question(
    "Q8",
    answer="integer_conv2d",
    returns=(tensor("q_out"),),
    reference=convolution,
    provided=provided_conv2d,
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
            "ReLU", activations(1, 2, 4, 4), weights(3, 2, 3, 3), int32(-2000, 2000, 3), 125, 0.0011, 90, 1, 0, True
        ),
        conv_case("1x1 kernel", activations(1, 4, 3, 3), weights(2, 4, 1, 1), int32(-900, 900, 2), 140, 0.004, 110),
        conv_case(
            "padding 1",
            activations(1, 2, 4, 4),
            weights(3, 2, 3, 3),
            int32(-2000, 2000, 3),
            61,
            0.0012,
            128,
            1,
            1,
            group="padded",
        ),
        conv_case(
            "stride 2",
            activations(1, 2, 7, 7),
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
            "the kernel is flipped",
            given(kernel=lambda w: w.flip(2, 3)),
            "networks compute a correlation: the kernel's first weight meets the patch's first pixel.",
        ),
        Mistake(
            "the kernel's rows and columns are exchanged",
            given(kernel=lambda w: w.transpose(2, 3)),
            "a patch is read row by row: read the kernel in the same order.",
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
            "the stride is left out",
            given(steps=lambda stride: 1),
            "which argument of F.unfold says how far the window moves?",
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
        wrong("1 / (n + 1) instead of a power of two", 1 / 11, "from row to row the share becomes half."),
        wrong("1 / (2 n) instead of a power of two", 1 / 20, "from row to row the share becomes half."),
        wrong("1 / n**2 instead of a power of two", 1 / 100, "from row to row the share becomes half."),
        wrong("the sign of the power is lost", 2.0**11, "a share is at most 1."),
        wrong("no difference is expected", 0.0, "the table gets smaller from row to row, but never 0."),
        wrong("rounded to 0.0005", 0.0005, "give the law's value, a power of two, not a rounded decimal."),
    ],
    next="from row to row the share in the table becomes half: write it as 2**-(n + something), check it at n = 1",
)

lab = Lab("lab2_integer_only", [q1, q2, q3, q4, q5, q6, q7, q8, q9, q10], by_hand=15)
