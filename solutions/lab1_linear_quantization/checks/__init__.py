"""The questions of Lab 1: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. The references compute in
float64, so that what is near a tie is known; the answers may use any precision.
"""

import torch

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


def signed(bitwidth):
    return -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1


def unsigned(bitwidth):
    return 0, 2**bitwidth - 1


def as_is(x):
    return x


def wrapped_to_int8(x):
    return torch.remainder(x + 128, 256) - 128


# Q1 ------------------------------------------------------------------------------------------------------------------


def with_zero(low, high):
    return min(low, 0.0), max(high, 0.0)


def raw(low, high):
    return low, high


# An all-zero tensor leaves the scale open: every finite one above 0, with any zero-point among the codes, will do.
ANY = {ties_down: lambda q_min, q_max: (1e-300, q_min), ties_up: lambda q_min, q_max: (1e300, q_max)}


def scale_and_zero_point(
    fp32_tensor,
    bitwidth=8,
    *,
    codes=signed,
    extend=with_zero,
    scale=lambda r_min, r_max, q_min, q_max: (r_max - r_min) / (q_max - q_min),
    zero=lambda r_min, r_max, q_min, q_max, s: q_min - r_min / s,
    rounding=nearest,
    returned=as_is,
):
    q_min, q_max = codes(bitwidth)
    r_min, r_max = extend(fp32_tensor.min().item(), fp32_tensor.max().item())
    if r_min == r_max:
        return ANY[rounding](q_min, q_max) if r_min == 0 and rounding in ANY else (1.0, 0)
    s = scale(r_min, r_max, q_min, q_max)
    z = torch.tensor(zero(r_min, r_max, q_min, q_max, s), dtype=torch.float64)
    # On the way to Z stands r_min / S, up to q_max - q_min: its float32 error counts, not that of Z.
    z = rounding(z, q_max - q_min) if rounding in ANY else rounding(z)
    return s, returned(z.clamp(q_min, q_max) + 0.0)  # + 0.0 makes a plain zero of -0.0


q1 = Question(
    "Q1",
    answer="get_scale_and_zero_point",
    returns=(real("scale"), integer("zero_point")),
    reference=scale_and_zero_point,
    provided=qlab.get_scale_and_zero_point,
    off_limits=(
        *("qlab.qparams:qparams", "qlab.quantize:linear_quantize"),
        "torch.ao.quantization.utils:determine_qparams",
        "torch.ao.quantization.observer:UniformQuantizationObserverBase._calculate_qparams",
        *("torch:_choose_qparams_per_tensor", "torch:choose_qparams_optimized"),
        *("torch:quantize_per_tensor_dynamic", "torch:fused_moving_avg_obs_fake_quant"),
    ),
    parts=(
        Part("the scale", 6, fields=("scale",), groups=("usual",)),
        Part("the zero-point", 6, fields=("zero_point",), groups=("usual",)),
        Part("one-sided, constant and all-zero tensors", 3, groups=("edge",)),
    ),
    cases=[
        case("the worked example, -0.5 to 1.1", [-0.5, 0.2, 1.1], 4),
        case("mostly positive values", [-0.3, 2.0, 5.1]),
        case("mostly negative values", [-7.0, -2.5, 0.9]),
        case("random values", normal(64, mean=0.4)),
        case("random values at 3 bits", normal(64, mean=-0.2), 3),
        case("random values at 12 bits", normal(8, 8, mean=1.0), 12),
        case("only positive values, 1 to 6", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], group="edge"),
        case("only negative values, -6 to -1", [-6.0, -5.0, -4.0, -3.0, -2.0, -1.0], group="edge"),
        case("all zeros", [0.0, 0.0, 0.0], group="edge"),
    ],
    mistakes=[
        Mistake(
            "the scale is upside down",
            given(scale=lambda r_min, r_max, q_min, q_max: (q_max - q_min) / (r_max - r_min)),
            "the scale is the width of one step in real units: is yours large when the range is small?",
        ),
        Mistake(
            "the ends of the real range are swapped",
            given(scale=lambda r_min, r_max, q_min, q_max: (r_min - r_max) / (q_max - q_min)),
            "a scale is positive: which end of the range is the larger one?",
        ),
        Mistake(
            "the codes are counted instead of the steps between them",
            given(scale=lambda r_min, r_max, q_min, q_max: (r_max - r_min) / (q_max - q_min + 1)),
            "how many steps lie between 4 fence posts?",
        ),
        Mistake(
            "the scale is divided by q_max alone",
            given(scale=lambda r_min, r_max, q_min, q_max: (r_max - r_min) / q_max),
            "how many steps lie between q_min and q_max?",
        ),
        Mistake(
            "the scale uses r_max alone",
            given(scale=lambda r_min, r_max, q_min, q_max: r_max / q_max),
            "what about the values below 0? Take the whole width of the range.",
        ),
        Mistake(
            "the ends of the range are added instead of subtracted",
            given(scale=lambda r_min, r_max, q_min, q_max: (r_max + r_min) / (q_max - q_min)),
            "how wide is the range from -1 to 1?",
        ),
        Mistake(
            "q_max and q_min are added instead of subtracted",
            given(scale=lambda r_min, r_max, q_min, q_max: (r_max - r_min) / (q_max + q_min)),
            "how many steps lie between -128 and 127?",
        ),
        Mistake(
            "parentheses are missing in the scale",
            given(scale=lambda r_min, r_max, q_min, q_max: r_max - r_min / q_max - q_min),
            "a division binds tighter than a subtraction: put both differences into parentheses.",
        ),
        Mistake(
            "the number of steps is written as 255",
            given(scale=lambda r_min, r_max, q_min, q_max: (r_max - r_min) / 255),
            "which of your numbers should change when bitwidth does? Use q_min and q_max.",
        ),
        Mistake(
            "the quantization is symmetric, with zero-point 0",
            given(
                scale=lambda r_min, r_max, q_min, q_max: max(-r_min, r_max) / q_max,
                zero=lambda r_min, r_max, q_min, q_max, s: 0.0,
            ),
            "here r_min goes to q_min and r_max to q_max: what is the slope of that line, and which code does 0.0 get?",
        ),
        Mistake(
            "the range is not extended to 0",
            given(extend=raw),
            "what does your function give for 1..6, and which code then stands for 0.0? Use r_min and r_max as given.",
        ),
        Mistake(
            "only the upper end of the range is extended to 0",
            given(extend=lambda low, high: (low, max(high, 0.0))),
            "try the values 1..6: which code then stands for 0.0?",
        ),
        Mistake(
            "only the lower end of the range is extended to 0",
            given(extend=lambda low, high: (min(low, 0.0), high)),
            "try the values -6..-1: which code then stands for 0.0?",
        ),
        Mistake(
            "the range never goes below 0",
            given(extend=lambda low, high: (max(low, 0.0), max(high, 0.0))),
            "which of min and max keeps a negative r_min?",
        ),
        Mistake(
            "the codes have one bit too many",
            given(codes=lambda bitwidth: signed(bitwidth + 1)),
            "b bits give 2**b codes, half of them negative: what is q_min for b = 8?",
        ),
        Mistake(
            "q_max is one too large",
            given(codes=lambda bitwidth: (-(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1))),
            "0 is a code too: what is the largest of 256 codes that begin at -128?",
        ),
        Mistake(
            "the bitwidth is taken as 8",
            given(codes=lambda bitwidth: signed(8)),
            "which of your numbers should change when bitwidth does? Use q_min and q_max.",
        ),
        Mistake(
            "the codes are taken as unsigned",
            given(codes=unsigned),
            "the codes here run from q_min, which is negative, to q_max: where does the real r_min have to land?",
        ),
        Mistake(
            "the zero-point has the wrong sign, or r_max stands where r_min belongs",
            given(zero=lambda r_min, r_max, q_min, q_max, s: q_min + r_min / s),
            "yours falls below q_min and is clipped. r_min has to land on q_min: solve q_min = r_min / S + Z for Z.",
        ),
        Mistake(
            "the zero-point is the negative of the right one",
            given(zero=lambda r_min, r_max, q_min, q_max, s: r_min / s - q_min),
            "r_min has to land on q_min: solve q_min = r_min / S + Z for Z, and mind which side each term is on.",
        ),
        Mistake(
            "the zero-point is returned with the other sign",
            given(returned=lambda z: -z),
            "r = S (q - Z), with a minus: for which q is r equal to 0?",
        ),
        Mistake(
            "the zero-point is computed from r_min and q_max",
            given(zero=lambda r_min, r_max, q_min, q_max, s: q_max - r_min / s),
            "the pairs are (r_min, q_min) and (r_max, q_max): which two belong into one equation?",
        ),
        Mistake(
            "q_min and r_min are exchanged in the zero-point",
            given(zero=lambda r_min, r_max, q_min, q_max, s: r_min - q_min / s),
            "the scale turns real units into codes: which of the two is a real number?",
        ),
        Mistake(
            "the zero-point is always 0",
            given(zero=lambda r_min, r_max, q_min, q_max, s: 0.0),
            "r_min has to land on q_min: which code does 0.0 get then?",
        ),
        Mistake(
            "r_min is multiplied by the scale instead of divided",
            given(zero=lambda r_min, r_max, q_min, q_max, s: q_min - r_min * s),
            "the zero-point is a code: how do you get from real units to codes?",
        ),
        Mistake(
            "q_min is left out of the zero-point",
            given(zero=lambda r_min, r_max, q_min, q_max, s: -r_min / s),
            "which code should r_min land on? With yours it lands on 0.",
        ),
        Mistake(
            "the zero-point is truncated instead of rounded",
            given(rounding=torch.trunc),
            "int() cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "the zero-point is rounded down",
            given(rounding=torch.floor),
            "floor always goes down: which function goes to the nearest integer?",
        ),
        Mistake(
            "the zero-point is rounded up",
            given(rounding=torch.ceil),
            "ceil always goes up: which function goes to the nearest integer?",
        ),
        Mistake(
            "the zero-point is not rounded",
            given(rounding=as_is),
            "the zero-point is a code, so that 0.0 is exact: which function goes to the nearest integer?",
        ),
    ],
    next="take the worked example, -0.5 to 1.1 at 4 bits: compute S and Z on paper and compare with what yours returns",
)

# Q2 ------------------------------------------------------------------------------------------------------------------


def linear_quantize(
    fp32_tensor,
    bitwidth=8,
    *,
    bits_passed_on=as_is,
    codes=signed,
    code=lambda x, s, z, rounding, q_min, q_max: rounding(x / s) + z,
    rounding=nearest,
    clamp=torch.clamp,
):
    # The parameters have their own rounding: a mistake in rounding the codes leaves the zero-point alone.
    both_readings = rounding if rounding in ANY else nearest
    s, z = scale_and_zero_point(fp32_tensor, bits_passed_on(bitwidth), rounding=both_readings)
    q_min, q_max = codes(bitwidth)
    return clamp(code(fp32_tensor.double(), s, z, rounding, q_min, q_max), q_min, q_max), s, z


q2 = Question(
    "Q2",
    answer="linear_quantize",
    returns=(tensor("q_tensor"), real("scale"), integer("zero_point")),
    reference=linear_quantize,
    provided=qlab.linear_quantize,
    off_limits=(
        "qlab.quantize:quantize",
        *("torch:quantize_per_tensor", "torch:quantize_per_tensor_dynamic", "torch:quantize_per_channel"),
        *("torch:fake_quantize_per_tensor_affine", "torch:fused_moving_avg_obs_fake_quant"),
    ),
    uses={"get_scale_and_zero_point": q1},
    parts=(
        Part("the codes at 8 bits", 10, fields=("q_tensor",), groups=("usual",)),
        Part("scale and zero-point handed back", 2, fields=("scale", "zero_point"), groups=("usual",)),
        Part("other bitwidths", 3, groups=("bits",)),
    ),
    cases=[
        case("four values, -1.2 to 2.1", [-1.2, 0.0, 0.7, 2.1]),
        case("only positive values, 1 to 6", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        case("a symmetric range, -1 to 1", [-1.0, 0.3, 1.0]),
        case("random values", normal(6, 8, mean=0.4)),
        case("random values at 4 bits", normal(6, 8, mean=-1.2), 4, group="bits"),
        case("random values at 10 bits", normal(6, 8, mean=0.9), 10, group="bits"),
        case("a symmetric range at 2 bits", [-1.0, 0.2, 1.0], 2, group="bits"),
        case("random values at 2 bits", normal(40, mean=1.5), 2, group="bits"),
    ],
    mistakes=[
        Mistake(
            "the bitwidth is not passed on",
            given(bits_passed_on=lambda bitwidth: 8),
            "which two things does get_scale_and_zero_point need to know?",
        ),
        Mistake(
            "the codes have one bit too many",
            given(bits_passed_on=lambda bitwidth: bitwidth + 1, codes=lambda bitwidth: signed(bitwidth + 1)),
            "b bits give 2**b codes, half of them negative: the sign is among the b bits.",
        ),
        Mistake(
            "multiplied by the scale instead of divided",
            given(code=lambda x, s, z, rounding, *_: rounding(x * s) + z),
            "one code is worth `scale` real units: how many of them fit into x?",
        ),
        Mistake(
            "the zero-point is subtracted",
            given(code=lambda x, s, z, rounding, *_: rounding(x / s) - z),
            "the real 0.0 has to become the code Z: what does your formula give for x = 0?",
        ),
        Mistake(
            "the zero-point is left out",
            given(code=lambda x, s, z, rounding, *_: rounding(x / s)),
            "the real 0.0 has to become the code Z: what does your formula give for x = 0?",
        ),
        Mistake(
            "the zero-point is added before dividing by the scale",
            given(code=lambda x, s, z, rounding, *_: rounding((x + z) / s)),
            "the zero-point is a code, x a real number: divide x first, then shift.",
        ),
        Mistake(
            "the scale is subtracted instead of divided by",
            given(code=lambda x, s, z, rounding, *_: rounding(x - s) + z),
            "how many steps of width `scale` fit into x?",
        ),
        Mistake(
            "scale and zero-point are exchanged",
            given(code=lambda x, s, z, rounding, *_: rounding(x / z) + s),
            "which of the two is a width in real units, and which one is a code?",
        ),
        Mistake(
            "the scale is divided by the tensor",
            given(code=lambda x, s, z, rounding, *_: rounding(s / x) + z),
            "how many steps of width `scale` fit into x?",
        ),
        Mistake(
            "q_min is added instead of the zero-point",
            given(code=lambda x, s, z, rounding, q_min, q_max: rounding(x / s) + q_min),
            "the real 0.0 has to become the code Z: what does your formula give for x = 0?",
        ),
        Mistake(
            "clamped before the zero-point is added",
            given(
                code=lambda x, s, z, rounding, q_min, q_max: rounding(x / s).clamp(q_min, q_max) + z,
                clamp=lambda q, q_min, q_max: q,
            ),
            "it is the code, with its zero-point, that has to be from q_min to q_max.",
        ),
        Mistake(
            "codes beyond the range are not clamped",
            given(clamp=lambda q, q_min, q_max: q),
            "rounding can overshoot by one: [-1, 1] gives 128 for 1. Which function of torch limits a tensor?",
        ),
        Mistake(
            "the limits of the clamp are exchanged",
            given(clamp=lambda q, q_min, q_max: torch.clamp(q, q_max, q_min)),
            "torch.clamp takes the lower limit first.",
        ),
        Mistake(
            "clamped to unsigned codes",
            given(clamp=lambda q, q_min, q_max: q.clamp(0, q_max - q_min)),
            "the codes run from q_min, which is negative, to q_max.",
        ),
        Mistake(
            "the lowest code is left out",
            given(clamp=lambda q, q_min, q_max: q.clamp(-q_max, q_max)),
            "r_min has to land on q_min; -128 is a code too.",
        ),
        Mistake(
            "cast to int8 before the clamp",
            given(clamp=lambda q, q_min, q_max: wrapped_to_int8(q).clamp(q_min, q_max)),
            "codes of more than 8 bits do not fit into int8, and no later clamp can tell: clamp first.",
        ),
        Mistake(
            "negative codes wrap around in uint8",
            given(clamp=lambda q, q_min, q_max: torch.remainder(q.clamp(q_min, q_max), 256)),
            "uint8 has no negative numbers: which dtype has?",
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
            "rounded up instead of to the nearest",
            given(rounding=torch.ceil),
            "ceil always goes up: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "the codes are not rounded",
            given(rounding=as_is),
            "codes are integers: which function of torch goes to the nearest one?",
        ),
    ],
    next="quantize the four values of the first case on paper, then print each intermediate result of yours",
)

# Q3 ------------------------------------------------------------------------------------------------------------------


def minus(q, z):
    return q - z


def plus(q, z):
    return q + z


def limited(q, q_min, q_max, z):
    return q.clamp(q_min, q_max)


def unlimited(q, q_min, q_max, z):
    return q


def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
    *,
    zero_points=lambda z_in, z_w, z_out, s_in, s_w: (z_in, z_w, z_out),
    input_offset=minus,
    weight_offset=minus,
    accumulate=lambda x, w: x @ w.T,
    multiplier=lambda s_in, s_w, s_out: s_in * s_w / s_out,
    rounding=nearest,
    output=lambda acc, M, z, rounding, q_min, q_max: rounding(M * acc) + z,
    clamp=limited,
    output_bits=lambda bitwidth, activation_bitwidth: activation_bitwidth,
):
    z_in, z_w, z_out = zero_points(input_zero_point, weight_zero_point, output_zero_point, input_scale, weight_scale)
    q_min, q_max = signed(output_bits(bitwidth, activation_bitwidth))
    acc = accumulate(input_offset(input.double(), z_in), weight_offset(weights.double(), z_w))
    M = multiplier(input_scale, weight_scale, output_scale)
    return clamp(output(acc, M, z_out, rounding, q_min, q_max), q_min, q_max, z_out)


def needs_the_clamp(*arguments):
    output, (q_min, q_max) = quantized_linear(*arguments, clamp=unlimited), signed(arguments[-1])
    return bool(((output < q_min) | (output > q_max)).any())


def layer_case(name, x, w, s_out, *, z=(-20, 0, 5), s=(0.03, 0.02), bits=(8, 8), group="usual", beyond=False):
    """A case whose outputs go beyond the range, or all stay inside: at every seed, or marks would depend on it."""
    (z_in, z_w, z_out), (s_in, s_w) = z, s
    arguments = (x, w, s_in, s_w, s_out, z_in, z_w, z_out, "cpu", *bits)
    return case(name, *arguments, group=group, such_that=lambda *drawn: needs_the_clamp(*drawn) == beyond)


def int8(rows):
    return torch.tensor(rows, dtype=torch.int8)


q3 = Question(
    "Q3",
    answer="quantized_linear",
    returns=(tensor("output"),),
    reference=quantized_linear,
    provided=qlab.quantized_linear,
    off_limits=(
        *("qlab.layers:quantized_conv2d", "qlab.accumulate:linear_accumulator", "qlab.accumulate:conv2d_accumulator"),
        *("qlab.requantize:requantize", "qlab.rules:Rule.__call__"),
        *("torch:ops.quantized.linear", "torch:ops.quantized.linear_dynamic", "torch:ops.quantized.conv2d"),
    ),
    parts=(
        Part("outputs inside the range", 12, groups=("usual",)),
        Part("outputs beyond the range", 4, groups=("saturating",)),
        Part("weights and outputs of other bitwidths", 4, groups=("bits",)),
    ),
    cases=[
        layer_case("the worked example", int8([[10, -4]]), int8([[3, -7]]), 0.1, z=(2, 1, -3), s=(0.5, 0.1)),
        layer_case("one row, three outputs", uniform(-90, 90, 1, 4), uniform(-90, 90, 3, 4), 0.15, z=(-7, 12, 9)),
        layer_case(
            "asymmetric input and weights", uniform(-128, 127, 6, 16), uniform(-128, 127, 5, 16), 1.4, z=(-128, 23, -40)
        ),
        layer_case("784 inputs wide", uniform(-128, 127, 4, 784), uniform(-100, 100, 6, 784), 4.0, z=(-30, 8, 11)),
        layer_case(
            "outputs beyond the range",
            uniform(-128, 127, 12, 24),
            uniform(-128, 127, 10, 24),
            0.3,
            z=(60, -70, 14),
            group="saturating",
            beyond=True,
        ),
        layer_case(
            "4-bit outputs",
            uniform(-128, 127, 12, 16),
            uniform(-128, 127, 10, 16),
            3.0,
            z=(70, -60, 2),
            bits=(8, 4),
            group="bits",
            beyond=True,
        ),
        layer_case(
            "4-bit weights, 10-bit outputs",
            uniform(-128, 127, 6, 16),
            uniform(-8, 7, 6, 16),
            0.006,
            z=(-20, 2, 60),
            bits=(4, 10),
            group="bits",
        ),
    ],
    mistakes=[
        Mistake(
            "the input's zero-point is not subtracted",
            given(input_offset=lambda q, z: q),
            "which real number does the code Z_in stand for? What does it add to your sum?",
        ),
        Mistake(
            "the weights' zero-point is not subtracted",
            given(weight_offset=lambda q, z: q),
            "weights have a zero-point too: which real number does the code Z_w stand for?",
        ),
        Mistake(
            "the input's zero-point is added",
            given(input_offset=plus),
            "x = S (q - Z): the code q = Z has to give 0.",
        ),
        Mistake(
            "the weights' zero-point is added",
            given(weight_offset=plus),
            "w = S (q - Z): the code q = Z has to give 0.",
        ),
        Mistake(
            "code and zero-point are subtracted the wrong way round",
            given(input_offset=lambda q, z: z - q),
            "x = S (q - Z), in the input and in the weights: which sign has a code above the zero-point?",
        ),
        Mistake(
            "the zero-points of input and weights are exchanged",
            given(zero_points=lambda z_in, z_w, z_out, *_: (z_w, z_in, z_out)),
            "each code belongs to its own zero-point: which one was the input quantized with?",
        ),
        Mistake(
            "the output's zero-point is subtracted from the input",
            given(zero_points=lambda z_in, z_w, z_out, *_: (z_out, z_w, z_out)),
            "which zero-point was the input quantized with?",
        ),
        Mistake(
            "the input's zero-point is added to the output",
            given(zero_points=lambda z_in, z_w, z_out, *_: (z_in, z_w, z_in)),
            "which code should the real output 0.0 become?",
        ),
        Mistake(
            "input minus zero-point wraps around in int8",
            given(input_offset=lambda q, z: wrapped_to_int8(q - z)),
            "100 - (-100) is 200, which int8 does not hold: widen before you subtract.",
        ),
        Mistake(
            "weights minus zero-point wraps around in int8",
            given(weight_offset=lambda q, z: wrapped_to_int8(q - z)),
            "100 - (-100) is 200, which int8 does not hold: widen before you subtract.",
        ),
        Mistake(
            "M is upside down",
            given(multiplier=lambda s_in, s_w, s_out: s_out / (s_in * s_w)),
            "one step of the accumulator is worth S_in * S_w: how many steps of S_out is that?",
        ),
        Mistake(
            "the output's scale is multiplied instead of divided",
            given(multiplier=lambda s_in, s_w, s_out: s_in * s_w * s_out),
            "M * acc has to be a number of output steps: what do you divide real units by?",
        ),
        Mistake(
            "the output's scale is left out of M",
            given(multiplier=lambda s_in, s_w, s_out: s_in * s_w),
            "S_in * S_w * acc is a real number; what makes a code of it?",
        ),
        Mistake(
            "the weights' scale is left out of M",
            given(multiplier=lambda s_in, s_w, s_out: s_in / s_out),
            "an accumulator is a sum of products: what is one unit of a product worth?",
        ),
        Mistake(
            "the input's scale is left out of M",
            given(multiplier=lambda s_in, s_w, s_out: s_w / s_out),
            "an accumulator is a sum of products: what is one unit of a product worth?",
        ),
        Mistake(
            "the scales are subtracted instead of the zero-points",
            given(zero_points=lambda z_in, z_w, z_out, s_in, s_w: (s_in, s_w, z_out)),
            "q and Z are codes, S a real number: which two can be subtracted?",
        ),
        Mistake(
            "the sum is taken in int8",
            given(accumulate=lambda x, w: wrapped_to_int8(x @ w.T)),
            "use x and w, which the given line has widened: input and weights are int8, and so is their product.",
        ),
        Mistake(
            "the sum is taken in int16",
            given(accumulate=lambda x, w: torch.remainder(x @ w.T + 2**15, 2**16) - 2**15),
            "one product of two codes can need 16 bits already: how many does a sum of 784 need?",
        ),
        Mistake(
            "the scales of output and weights are exchanged",
            given(multiplier=lambda s_in, s_w, s_out: s_in * s_out / s_w),
            "one step of the accumulator is worth S_in * S_w: how many steps of S_out is that?",
        ),
        Mistake(
            "the scales of output and input are exchanged",
            given(multiplier=lambda s_in, s_w, s_out: s_w * s_out / s_in),
            "one step of the accumulator is worth S_in * S_w: how many steps of S_out is that?",
        ),
        Mistake(
            "M is left out",
            given(multiplier=lambda s_in, s_w, s_out: 1.0),
            "a step of the accumulator and a step of the output are worth different real amounts.",
        ),
        Mistake(
            "M is made an integer",
            given(multiplier=lambda s_in, s_w, s_out: float(round(s_in * s_w / s_out))),
            "M is mostly below 1: divide with /, and round the product M * acc instead.",
        ),
        Mistake(
            "the accumulator is clamped and returned",
            given(output=lambda acc, M, z, rounding, *_: acc),
            "one step of the accumulator is worth S_in * S_w: what makes output codes of it?",
        ),
        Mistake(
            "the accumulator is returned",
            given(output=lambda acc, M, z, rounding, *_: acc, clamp=unlimited),
            "an accumulator has 32 bits: M, Z_out and a clamp make 8-bit codes of it.",
        ),
        Mistake(
            "the accumulator is clamped instead of the output",
            given(
                output=lambda acc, M, z, rounding, q_min, q_max: rounding(M * acc.clamp(q_min, q_max)) + z,
                clamp=unlimited,
            ),
            "the accumulator may be as large as int32: it is the output that has to fit.",
        ),
        Mistake(
            "clamped before the zero-point is added",
            given(
                output=lambda acc, M, z, rounding, q_min, q_max: rounding(M * acc).clamp(q_min, q_max) + z,
                clamp=unlimited,
            ),
            "it is the code, with its zero-point, that has to be from q_min to q_max.",
        ),
        Mistake(
            "the output's zero-point is not added",
            given(output=lambda acc, M, z, rounding, *_: rounding(M * acc)),
            "which code should the real output 0.0 become?",
        ),
        Mistake(
            "the output's zero-point is subtracted",
            given(output=lambda acc, M, z, rounding, *_: rounding(M * acc) - z),
            "which code should the real output 0.0 become? What does your formula give for acc = 0?",
        ),
        Mistake(
            "the output's zero-point is scaled by M",
            given(output=lambda acc, M, z, rounding, *_: rounding(M * (acc + z))),
            "Z_out is an output code already: add it after the multiplication.",
        ),
        Mistake(
            "outputs beyond the range are not clamped",
            given(clamp=unlimited),
            "which function of torch limits a tensor to [q_min, q_max]?",
        ),
        Mistake(
            "cast to int8 before the clamp",
            given(clamp=lambda q, q_min, q_max, z: wrapped_to_int8(q).clamp(q_min, q_max)),
            "128 cast to int8 is -128, and no later clamp can tell: clamp first, then cast.",
        ),
        Mistake(
            "negative codes are clamped to 0",
            given(clamp=lambda q, q_min, q_max, z: q.clamp(0, q_max)),
            "negative codes are in range here; the real 0 is the code Z_out.",
        ),
        Mistake(
            "clamped at the zero-point, as ReLU would",
            given(clamp=lambda q, q_min, q_max, z: q.clamp(q_min, q_max).clamp(min=z)),
            "no ReLU was asked for: codes below Z_out are negative outputs.",
        ),
        Mistake(
            "clamped to unsigned codes",
            given(clamp=lambda q, q_min, q_max, z: q.clamp(0, q_max - q_min)),
            "the codes run from q_min, which is negative, to q_max.",
        ),
        Mistake(
            "the limits of the clamp are exchanged",
            given(clamp=lambda q, q_min, q_max, z: torch.clamp(q, q_max, q_min)),
            "torch.clamp takes the lower limit first.",
        ),
        Mistake(
            "clamped to the weights' bitwidth",
            given(output_bits=lambda bitwidth, activation_bitwidth: bitwidth),
            "two bitwidths are given: which one do the outputs have?",
        ),
        Mistake(
            "clamped to 8 bits whatever activation_bitwidth says",
            given(output_bits=lambda bitwidth, activation_bitwidth: 8),
            "use q_min and q_max, which follow activation_bitwidth.",
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
            "rounded up instead of to the nearest",
            given(rounding=torch.ceil),
            "ceil always goes up: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "the output is not rounded",
            given(rounding=as_is),
            "codes are integers: which function of torch goes to the nearest one?",
        ),
    ],
    next="compute the worked example on paper: accumulator, M, output; then print the three in your function",
)

# Q3b, without points -------------------------------------------------------------------------------------------------


def real_logits(q_logits, scale, zero_point, *, rounding=nearest, formula=lambda q, s, z: s * (q - z)):
    return formula(q_logits.double(), scale, zero_point)


q3b = Question(
    "Q3b",
    answer="real_logits",
    returns=(tensor("logits", integer=False),),
    reference=real_logits,
    provided=qlab.dequantize,
    off_limits=("torch:dequantize", "torch:Tensor.dequantize", "torch:_make_per_tensor_quantized_tensor"),
    parts=(Part("real logits", 0),),
    cases=[
        case("the worked layer", int8([[-4, -45, 11], [24, -80, 32]]), 0.1001, -18),
        case("random codes", uniform(-128, 127, 5, 10), 0.07, 31),
    ],
    mistakes=[
        Mistake(
            "the logits are left as integers",
            given(formula=lambda q, s, z: q),
            "the largest one stays the largest, so accuracy does not notice; what does cross-entropy do with exp(127)?",
        ),
        Mistake(
            "multiplied by the scale, then the offset subtracted (q * s - Z)",
            given(formula=lambda q, s, z: q * s - z),
            "the code Z has to become 0.0: what does yours give for q = Z?",
        ),
        Mistake(
            "the zero-point is not subtracted",
            given(formula=lambda q, s, z: q * s),
            "the code Z has to become 0.0: what does yours give for q = Z?",
        ),
        Mistake("the scale is not applied", given(formula=lambda q, s, z: q - z), "how much is one code worth?"),
        Mistake(
            "divided by the scale",
            given(formula=lambda q, s, z: (q - z) / s),
            "one code is worth `scale` real units: how much are q - Z of them worth?",
        ),
        Mistake("the zero-point is added", given(formula=lambda q, s, z: s * (q + z)), "the code Z has to become 0.0."),
        Mistake(
            "code and zero-point are subtracted the wrong way round",
            given(formula=lambda q, s, z: s * (z - q)),
            "a code above the zero-point stands for a positive number.",
        ),
        Mistake(
            "scale and zero-point are exchanged",
            given(formula=lambda q, s, z: z * (q - s)),
            "which of the two is a width in real units, and which one is a code?",
        ),
        Mistake(
            "quantized instead of mapped back",
            given(formula=lambda q, s, z: q / s + z),
            "that is the way from reals to codes: solve it for the real number.",
        ),
        Mistake(
            "the logits are rounded",
            given(formula=lambda q, s, z: (s * (q - z)).round()),
            "real logits have fractions: what is lost when they are rounded?",
        ),
        Mistake(
            "code minus zero-point wraps around in int8",
            given(formula=lambda q, s, z: s * wrapped_to_int8(q - z)),
            "100 - (-100) is 200, which int8 does not hold: widen before you subtract.",
        ),
        Mistake(
            "softmax is applied",
            given(formula=lambda q, s, z: torch.softmax(s * (q - z), dim=-1)),
            "cross-entropy takes logits and applies softmax itself.",
        ),
    ],
    next="take q = Z: it has to give 0.0; then q = Z + 1: it has to give the scale",
)

# Q4 and Q5: values ---------------------------------------------------------------------------------------------------


def value(default):
    """A reference that only returns; a mistake gives another value."""
    return lambda *, rounding=nearest, value=default: value


def wrong(name, value, next_step):
    return Mistake(name, given(value=value), next_step)


q4 = Question(
    "Q4",
    answer=("size_in_int8_mb",),
    returns=(real("size_in_int8_mb"),),
    reference=value(12.5),
    parts=(Part("the size in MB", 5),),
    cases=[case("50 MB of fp32")],
    mistakes=[
        wrong("divided by 8 bits instead of by 32 / 8", 6.25, "how many bits did each parameter have before?"),
        wrong("divided by 2: that is fp16", 25.0, "how many times do 8 bits fit into 32?"),
        wrong("multiplied instead of divided", 200.0, "does a model grow when its parameters get fewer bits?"),
        wrong(
            "divided by the 32 bits of fp32", 1.5625, "50 MB are bytes: divide by how much smaller a parameter gets."
        ),
        wrong("the ratio is given instead of the size", 4.0, "4 times smaller than 50 MB: how many MB?"),
        wrong("the inverse ratio is given instead of the size", 0.25, "a quarter of 50 MB: how many MB?"),
        wrong("rounded down to whole MB", 12.0, "give the fraction too: 50 is not a multiple of 4."),
        wrong("rounded up to whole MB", 13.0, "give the fraction too: 50 is not a multiple of 4."),
        wrong(
            "MB and MiB are mixed", 50e6 / 4 / 2**20, "stay in one unit: 1 MB is 10**6 bytes here, before and after."
        ),
        wrong("counted in bits", 100.0, "12.5 million parameters of 8 bits each: how many bytes are 8 bits?"),
        wrong("counted in bits of fp32", 400.0, "the question is about megabytes, 8 bits each, of int8."),
        wrong("given in bytes", 12.5e6, "the answer is wanted in MB."),
        wrong("the size stays as it is", 50.0, "the number of parameters stays; how many bytes has each one now?"),
        wrong("a quarter is taken off instead of kept", 37.5, "what remains is a quarter, not three."),
    ],
    next="a parameter has 4 bytes in fp32: how many parameters are in 50 MB, and how many bytes has each in int8?",
)

q5 = Question(
    "Q5",
    answer=("M0", "n"),
    returns=(real("M0"), integer("n")),
    reference=value((0.8, 2)),
    parts=(Part("M0", 5, fields=("M0",)), Part("n", 5, fields=("n",))),
    cases=[case("M = 0.2")],
    mistakes=[
        wrong("n has the wrong sign", (0.8, -2), "M = M0 * 2**-n: what does n = -2 make of 0.8?"),
        wrong("M0 is not normalized", (0.2, 0), "M0 has to lie in [0.5, 1): double it until it does, and count."),
        wrong(
            "M0 is doubled once too little", (0.4, 1), "M0 has to lie in [0.5, 1): double it until it does, and count."
        ),
        wrong("M0 is normalized to [1, 2)", (1.6, 3), "that is the mantissa of IEEE floats; here M0 lies in [0.5, 1)."),
        wrong("M0 is halved, n has the wrong sign", (0.05, -2), "0.2 is below 0.5: which way brings it into [0.5, 1)?"),
        wrong("M0 is halved instead of doubled", (0.05, 2), "0.2 is below 0.5: which way brings it into [0.5, 1)?"),
        wrong("the numbers of the example M = 0.3", (0.6, 1), "do with 0.2 what the example does with 0.3."),
        wrong("n is one too large", (0.8, 3), "multiply back: 0.8 * 2**-3 is 0.1."),
        wrong("n is one too small", (0.8, 1), "multiply back: 0.8 * 2**-1 is 0.4."),
        wrong("2**n is given for n", (0.8, 4), "n is the number of bits to shift, not the factor."),
        wrong(
            "31 is added to n", (0.8, 33), "M0 is a real number here: the 31 bits of its fixed-point form do not count."
        ),
        wrong("M0 is taken as 0.5", (0.5, 2), "multiply back: 0.5 * 2**-2 is 0.125, not 0.2."),
        wrong(
            "M0 is given in fixed point",
            (round(0.8 * 2**31), 2),
            "M0 is asked as a real number; 2**31 * M0 is Lab 2's.",
        ),
        wrong(
            "M0 and n are given in fixed point",
            (round(0.8 * 2**31), 33),
            "M0 is asked as a real number; its 31 bits are Lab 2's.",
        ),
        wrong("M0 and n are exchanged", (2, 0.8), "M0 is the fraction, n the number of bits to shift."),
        wrong("a power of ten is taken", (2, 1), "a shift by n bits divides by 2**n, not by 10**n."),
    ],
    next="double 0.2 until it lies in [0.5, 1): the result is M0, the number of doublings n",
)

lab = Lab("lab1_linear_quantization", [q1, q2, q3, q3b, q4, q5], by_hand=35)
