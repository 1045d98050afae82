"""Q3: a fully connected layer from codes to codes: integer sums, one multiplication by M, rounding, clamping."""

from typing import Any

import torch
from torch import Tensor

import qlab
from qlab.check import Case, Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, tensor, uniform, wrapped
from qlab.check.equivalents import OUTPUT_STAGES, QUANTIZERS, TORCHS_LAYERS

from ._common import int8, signed


def minus(q: Tensor, z: int) -> Tensor:
    return q - z


def plus(q: Tensor, z: int) -> Tensor:
    return q + z


def limited(q: Tensor, q_min: int, q_max: int, z: int) -> Tensor:
    return q.clamp(q_min, q_max)


def unlimited(q: Tensor, q_min: int, q_max: int, z: int) -> Tensor:
    return q


def quantized_linear(
    input: Tensor,
    weights: Tensor,
    input_scale: float,
    weight_scale: float,
    output_scale: float,
    input_zero_point: int,
    weight_zero_point: int,
    output_zero_point: int,
    device: str,
    bitwidth: int = 8,
    activation_bitwidth: int = 8,
    *,
    zero_points: Step = lambda z_in, z_w, z_out, s_in, s_w: (z_in, z_w, z_out),
    input_offset: Step = minus,
    weight_offset: Step = minus,
    accumulate: Step = lambda x, w: x @ w.T,
    multiplier: Step = lambda s_in, s_w, s_out: s_in * s_w / s_out,
    rounding: Step = nearest,
    output: Step = lambda acc, M, z, rounding, q_min, q_max: rounding(M * acc) + z,
    clamp: Step = limited,
    output_bits: Step = lambda bitwidth, activation_bitwidth: activation_bitwidth,
) -> Tensor:
    z_in, z_w, z_out = zero_points(input_zero_point, weight_zero_point, output_zero_point, input_scale, weight_scale)
    q_min, q_max = signed(output_bits(bitwidth, activation_bitwidth))
    acc = accumulate(input_offset(input.double(), z_in), weight_offset(weights.double(), z_w))
    M = multiplier(input_scale, weight_scale, output_scale)
    return clamp(output(acc, M, z_out, rounding, q_min, q_max), q_min, q_max, z_out)


def needs_the_clamp(*arguments: Any) -> bool:
    output, (q_min, q_max) = quantized_linear(*arguments, clamp=unlimited), signed(arguments[-1])
    return bool(((output < q_min) | (output > q_max)).any())


def layer_case(
    name: str,
    x: Tensor | Drawn,
    w: Tensor | Drawn,
    s_out: float,
    *,
    z: tuple[int, int, int] = (-20, 0, 5),
    s: tuple[float, float] = (0.03, 0.02),
    bits: tuple[int, int] = (8, 8),
    group: str = "usual",
    beyond: bool = False,
) -> Case:
    """A case whose outputs go beyond the range, or all stay inside, at every seed: marks must not depend on it."""
    (z_in, z_w, z_out), (s_in, s_w) = z, s
    arguments = (x, w, s_in, s_w, s_out, z_in, z_w, z_out, "cpu", *bits)
    return case(name, *arguments, group=group, such_that=lambda *drawn: needs_the_clamp(*drawn) == beyond)


q3 = Question(
    "Q3",
    answer="quantized_linear",
    returns=(tensor("output"),),
    reference=quantized_linear,
    provided=qlab.quantized_linear,
    off_limits=(
        *(
            "qlab.arithmetic.layers:quantized_conv2d",
            "qlab.arithmetic.accumulator:linear_accumulator",
            "qlab.arithmetic.accumulator:conv2d_accumulator",
        ),
        *("qlab.arithmetic.accumulator:_product", "qlab.arithmetic.accumulator:_four_terms"),
        *(*OUTPUT_STAGES, *QUANTIZERS, *TORCHS_LAYERS),
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
            given(input_offset=lambda q, z: wrapped(q - z, 8)),
            "100 - (-100) is 200, which int8 does not hold: widen before you subtract.",
        ),
        Mistake(
            "weights minus zero-point wraps around in int8",
            given(weight_offset=lambda q, z: wrapped(q - z, 8)),
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
            given(accumulate=lambda x, w: wrapped(x @ w.T, 8)),
            "use x and w, which the given line has widened: input and weights are int8, and so is their product.",
        ),
        Mistake(
            "the sum is taken in int16",
            given(accumulate=lambda x, w: wrapped(x @ w.T, 16)),
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
            given(clamp=lambda q, q_min, q_max, z: wrapped(q, 8).clamp(q_min, q_max)),
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
