"""Q7: a fully connected layer on integers, from the input's codes to the output's."""

from functools import partial

import provided
import torch
from torch import Tensor

import qlab
from qlab.check import Case, Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, tensor, wrapped

from ._common import WHOLE_LAYERS, activations, int32, is_what_it_says, output_limits, shifted, weights, whole
from .q1 import q1
from .q6 import q6


def integer_layer(
    q_x: Tensor,
    q_w: Tensor,
    q_bias: Tensor,
    Z_x: int,
    M0_int: int,
    n: int,
    Z_out: int,
    relu: bool = False,
    *,
    zero_points: Step = lambda Z_x, Z_out: (Z_x, 0, Z_out),
    offset: Step = lambda q, z: q - z,
    with_bias: Step = lambda acc, b, relu: acc + b,
    scaled: Step = lambda acc, b, M0_int, n, rounding: shifted(acc * M0_int, 31 + n, rounding),
    with_zero_point: Step = lambda q, z, b: q + z,
    limits: Step = lambda Z_x, Z_out, relu: output_limits(Z_out, relu),
    clamp: Step = lambda q, low, high, z: q.clamp(low, high),
    before_scaling: Step = as_is,
    rounding: Step = nearest,
) -> Tensor:
    z_x, z_w, z_out = zero_points(Z_x, Z_out)
    sums = offset(q_x.long(), z_x) @ (q_w.long() - z_w).T
    acc = before_scaling(with_bias(sums, q_bias.long(), relu), z_out)
    q_out = with_zero_point(scaled(acc, q_bias.long(), M0_int, n, rounding), z_out, q_bias.long())
    return clamp(q_out, *limits(z_x, z_out, relu), z_out)


def layer_case(
    name: str,
    x: Tensor | Drawn,
    w: Tensor | Drawn,
    bias: Tensor | Drawn,
    z_x: int,
    M: float,
    z_out: int,
    *,
    relu: bool = False,
    group: str = "usual",
) -> Case:
    arguments = (x, w, bias, z_x, *qlab.quantize_multiplier(M), z_out, relu)
    beyond = (True, True) if group == "saturating" else (relu, False)
    return case(name, *arguments, group=group, such_that=partial(is_what_it_says, integer_layer, beyond))


q7 = Question(
    "Q7",
    answer="integer_linear",
    returns=(tensor("q_out"),),
    reference=integer_layer,
    provided=provided.integer_linear,
    off_limits=(*WHOLE_LAYERS, "provided:integer_conv2d", "provided:output_codes"),
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
    mistakes=[
        Mistake(
            "the bias is left out",
            given(with_bias=lambda acc, b, relu: acc),
            "which argument of the function have you not used yet?",
        ),
        Mistake(
            "the bias is subtracted",
            given(with_bias=lambda acc, b, relu: acc - b),
            "y = x w + b: which sign has the bias?",
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
            given(scaled=lambda acc, b, M0_int, n, rounding: acc),
            "a step of the accumulator and a step of the output are worth different amounts: multiply by M0_int and shift.",
        ),
        Mistake(
            "M is applied in float32",
            given(
                scaled=lambda acc, b, M0_int, n, rounding: torch.round(acc.float() * (M0_int / 2 ** (31 + n))).long()
            ),
            "that is an engine's way; yours has integers only: call multiply_once.",
        ),
        Mistake(
            "a plain shift: rounded down",
            given(rounding=torch.floor),
            "your multiply_once rounds to the nearest: use it.",
        ),
    ],
    next="print acc, the product by M and the output for the worked example: 30, 9, 49",
)
