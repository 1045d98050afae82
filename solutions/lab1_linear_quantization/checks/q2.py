"""Q2: quantize a tensor: divide by the scale, round, add the zero-point, clamp; return scale and zero-point too."""

import torch
from torch import Tensor

import qlab
from qlab.check import (
    Mistake,
    Part,
    Question,
    Step,
    as_is,
    case,
    given,
    integer,
    nearest,
    normal,
    real,
    tensor,
    wrapped,
)
from qlab.check.equivalents import QUANTIZERS

from ._common import ANY, signed
from .q1 import q1, scale_and_zero_point


def linear_quantize(
    fp32_tensor: Tensor,
    bitwidth: int = 8,
    *,
    bits_passed_on: Step = as_is,
    codes: Step = signed,
    code: Step = lambda x, s, z, rounding, q_min, q_max: rounding(x / s) + z,
    rounding: Step = nearest,
    clamp: Step = torch.clamp,
) -> tuple[Tensor, float, Tensor | int]:
    # The parameters are rounded separately: a mistake in rounding the codes leaves the zero-point alone.
    both_readings = rounding if rounding in ANY else nearest
    s, z = scale_and_zero_point(fp32_tensor, bits_passed_on(bitwidth), rounding=both_readings)
    q_min, q_max = codes(bitwidth)
    return clamp(code(fp32_tensor.double(), s, z, rounding, q_min, q_max), q_min, q_max), s, z


def code_in_half(x: Tensor, s: float, z: Tensor | int, rounding: Step, *_: int) -> Tensor:
    codes: Tensor = rounding((x.half() / s).double()) + z
    return codes


def half_is_not_enough(x: Tensor, bitwidth: int = 8) -> bool:
    """Whether float16 gives another code somewhere, so that no draw is kind to an answer that computes in it."""
    return not torch.equal(linear_quantize(x, bitwidth, code=code_in_half)[0], linear_quantize(x, bitwidth)[0])


q2 = Question(
    "Q2",
    answer="linear_quantize",
    returns=(tensor("q_tensor"), real("scale"), integer("zero_point")),
    reference=linear_quantize,
    provided=qlab.linear_quantize,
    off_limits=QUANTIZERS,
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
        case("random values", normal(6, 8, mean=0.4), such_that=half_is_not_enough),
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
            given(clamp=lambda q, q_min, q_max: wrapped(q, 8).clamp(q_min, q_max)),
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
            "x is divided in half precision",
            given(code=code_in_half),
            "float16 has 11 bits: from code 64 on it only knows steps of 1/16 of a code. Which dtype does x come in?",
        ),
        Mistake(
            "the codes are not rounded",
            given(rounding=as_is),
            "codes are integers: which function of torch goes to the nearest one?",
        ),
    ],
    next="quantize the four values of the first case on paper, then print each intermediate result of yours",
)
