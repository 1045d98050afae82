"""Q4: add two tensors of codes, each with a scale and zero-point of its own, and round once."""

from typing import Any

import provided
import torch
from torch import Tensor

from qlab.check import Case, Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, tensor, uniform
from qlab.check.equivalents import OUTPUT_STAGES, QUANTIZERS

from ._common import inside


def sum_of_codes(
    q_a: Tensor,
    S_a: float,
    Z_a: int,
    q_b: Tensor,
    S_b: float,
    Z_b: int,
    S_out: float,
    Z_out: int,
    *,
    scales: Step = lambda S_a, S_b: (S_a, S_b),
    points: Step = lambda Z_a, Z_b: (Z_a, Z_b),
    offset: Step = lambda q, z: q.double() - z,
    in_reals: Step = lambda q, s, z, offset: s * offset(q, z),
    together: Step = lambda a, b, S_out, rounding: rounding((a + b) / S_out),
    with_zero_point: Step = lambda q, z: q + z,
    limits: Step = lambda q: q.clamp(0, 255),
    result: Step | None = None,
    rounding: Step = nearest,
) -> Tensor:
    if result is not None:
        return limits(rounding(result(q_a.double(), Z_a, q_b.double(), Z_b, S_out, Z_out)))
    (s_a, s_b), (z_a, z_b) = scales(S_a, S_b), points(Z_a, Z_b)
    steps = together(in_reals(q_a, s_a, z_a, offset), in_reals(q_b, s_b, z_b, offset), S_out, rounding)
    return limits(with_zero_point(steps, Z_out))


def unlimited(*arguments: Any) -> Tensor:
    return sum_of_codes(*arguments, limits=as_is)


def sum_fits(*arguments: Any) -> bool:
    free = unlimited(*arguments)
    return inside(free) and bool((free > 140).any()) and bool((free < 100).any())


def sum_goes_beyond(*arguments: Any) -> bool:
    free = unlimited(*arguments)
    return bool((free < -10).any()) and bool((free > 265).any())


def codes(*shape: int, low: int = 0, high: int = 255) -> Drawn:
    return uniform(low, high, *shape, dtype=torch.uint8)


def add_case(name: str, *arguments: Any, group: str = "usual") -> Case:
    return case(name, *arguments, group=group, such_that=sum_goes_beyond if group == "saturating" else sum_fits)


q4 = Question(
    "Q4",
    answer="add_codes",
    returns=(tensor("q_out"),),
    reference=sum_of_codes,
    provided=provided.add_codes,
    off_limits=(
        *("torch:ops.quantized.add", "torch:ops.quantized.add_relu", "torch:ops.quantized.add_out"),
        *("torch:ops.quantized.add_relu_out", "torch:ops._quantized.add", "torch:ops.onednn.qadd"),
        "qlab.torch_flow.integer_flow.operations:add",
        *(*OUTPUT_STAGES, *QUANTIZERS),
    ),
    parts=(
        Part("sums inside the output's range", 6, groups=("usual",)),
        Part("sums beyond it", 4, groups=("saturating",)),
    ),
    cases=[
        case(
            "the worked example",
            torch.tensor([110, 90], dtype=torch.uint8),
            0.5,
            100,
            torch.tensor([40, 56], dtype=torch.uint8),
            0.25,
            48,
            0.5,
            20,
        ),
        add_case("two scales", codes(4, 6), 0.031, 120, codes(4, 6), 0.012, 77, 0.05, 128),
        add_case("a branch behind ReLU", codes(30), 0.02, 0, codes(30), 0.037, 131, 0.06, 90),
        add_case("in two dimensions", codes(2, 3, 4), 0.04, 99, codes(2, 3, 4), 0.007, 10, 0.05, 110),
        add_case("beyond the range", codes(40), 0.05, 128, codes(40), 0.04, 110, 0.02, 128, group="saturating"),
    ],
    mistakes=[
        Mistake(
            "the codes are added as they are",
            given(result=lambda a, Z_a, b, Z_b, S_out, Z_out: a + b),
            "code 110 with scale 0.5 and code 40 with scale 0.25 count different steps: what are they in reals?",
        ),
        Mistake(
            "the codes are added in bytes, which wrap around",
            given(result=lambda a, Z_a, b, Z_b, S_out, Z_out: torch.remainder(a + b, 256)),
            "110 + 200 does not fit into a uint8: widen first. And what are the two codes in reals?",
        ),
        Mistake(
            "the codes are added as they are, then the output's zero-point",
            given(result=lambda a, Z_a, b, Z_b, S_out, Z_out: a + b + Z_out),
            "a code is no number yet: r = S (q - Z) says what each of the two is in reals.",
        ),
        Mistake(
            "the inputs' scales and zero-points are ignored",
            given(result=lambda a, Z_a, b, Z_b, S_out, Z_out: (a + b) / S_out + Z_out),
            "the codes are divided by S_out as if they were reals: which equation makes reals of them first?",
        ),
        Mistake(
            "the mean of the two codes is returned",
            given(result=lambda a, Z_a, b, Z_b, S_out, Z_out: (a + b) / 2),
            "codes of different scales cannot be averaged: what are they in reals?",
        ),
        Mistake(
            "the zero-point is subtracted after multiplying by the scale",
            given(in_reals=lambda q, s, z, offset: s * q.double() - z),
            "r = S (q - Z): the difference is in brackets. What does your line make of the code q = Z?",
        ),
        Mistake(
            "divided by the scale instead of multiplied",
            given(in_reals=lambda q, s, z, offset: offset(q, z) / s),
            "a code counts steps of S: what are 10 steps of 0.5?",
        ),
        Mistake(
            "the zero-point is added instead of subtracted",
            given(in_reals=lambda q, s, z, offset: s * (q.double() + z)),
            "r = S (q - Z): which sign has Z?",
        ),
        Mistake(
            "zero-points are minded, scales are not",
            given(result=lambda a, Z_a, b, Z_b, S_out, Z_out: a - Z_a + b - Z_b + Z_out),
            "one step of a and one step of b are worth different amounts: what is each in reals?",
        ),
        Mistake(
            "a's scale is taken for both",
            given(scales=lambda S_a, S_b: (S_a, S_a)),
            "b has a scale of its own.",
        ),
        Mistake(
            "b's scale is taken for both",
            given(scales=lambda S_a, S_b: (S_b, S_b)),
            "a has a scale of its own.",
        ),
        Mistake(
            "the scales are exchanged",
            given(scales=lambda S_a, S_b: (S_b, S_a)),
            "which scale belongs to which branch?",
        ),
        Mistake(
            "the input zero-points are not subtracted",
            given(points=lambda Z_a, Z_b: (0, 0)),
            "r = S (q - Z): what is the code Z in reals?",
        ),
        Mistake(
            "b's zero-point is not subtracted",
            given(points=lambda Z_a, Z_b: (Z_a, 0)),
            "r = S (q - Z) holds for each branch: look at b.",
        ),
        Mistake(
            "a's zero-point is not subtracted",
            given(points=lambda Z_a, Z_b: (0, Z_b)),
            "r = S (q - Z) holds for each branch: look at a.",
        ),
        Mistake(
            "a's zero-point is taken for both",
            given(points=lambda Z_a, Z_b: (Z_a, Z_a)),
            "b has a zero-point of its own.",
        ),
        Mistake(
            "the zero-points are exchanged",
            given(points=lambda Z_a, Z_b: (Z_b, Z_a)),
            "which zero-point belongs to which branch?",
        ),
        Mistake(
            "subtracted in bytes, which wrap around",
            given(offset=lambda q, z: torch.remainder(q.double() - z, 256)),
            "3 - 97 is negative, which uint8 does not hold: widen first.",
        ),
        Mistake(
            "each branch is rounded by itself",
            given(together=lambda a, b, S_out, rounding: rounding(a / S_out) + rounding(b / S_out)),
            "two roundings make twice the error: add in reals, then round once.",
        ),
        Mistake(
            "multiplied by the output's scale",
            given(together=lambda a, b, S_out, rounding: rounding((a + b) * S_out)),
            "how many steps of S_out is the sum? Which is divided by which?",
        ),
        Mistake(
            "the output's scale is left out",
            given(together=lambda a, b, S_out, rounding: rounding(a + b)),
            "the sum is a real number: how many steps of S_out is it?",
        ),
        Mistake(
            "the branches are subtracted",
            given(together=lambda a, b, S_out, rounding: rounding((a - b) / S_out)),
            "a skip connection adds.",
        ),
        Mistake(
            "the output's zero-point is not added",
            given(with_zero_point=lambda q, z: q),
            "which code stands for the real number 0 in the output?",
        ),
        Mistake(
            "the output's zero-point is subtracted",
            given(with_zero_point=lambda q, z: q - z),
            "q = r / S + Z: which sign has Z?",
        ),
        Mistake(
            "not clamped",
            given(limits=as_is),
            "a byte ends at 0 and 255: what happens to sums beyond?",
        ),
        Mistake(
            "clamped before the zero-point is added",
            given(with_zero_point=lambda q, z: q.clamp(0, 255) + z, limits=as_is),
            "it is the code, zero-point and all, that has to lie from 0 to 255: which comes first?",
        ),
        Mistake(
            "clamped to 7 bits",
            given(limits=lambda q: q.clamp(0, 127)),
            "the sum has a byte: which is its largest code?",
        ),
        Mistake(
            "wrapped around at 256",
            given(limits=lambda q: torch.remainder(q, 256)),
            "casting to uint8 wraps around: clamp first.",
        ),
        Mistake(
            "clamped to signed codes",
            given(limits=lambda q: q.clamp(-128, 127)),
            "activations are unsigned bytes here: where do they begin and end?",
        ),
        Mistake(
            "truncated instead of rounded",
            given(together=lambda a, b, S_out, rounding: torch.trunc((a + b) / S_out)),
            "casting to an integer cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "rounded down instead of to the nearest",
            given(together=lambda a, b, S_out, rounding: torch.floor((a + b) / S_out)),
            "floor and // always go down: which function goes to the nearest integer?",
        ),
    ],
    next="for the worked example write a and b as reals, add them, and count steps of S_out",
)
