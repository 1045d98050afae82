"""Q2: the bias in steps of the accumulator, each worth S_x S_w."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, as_is, case, given, nearest, normal, tensor, wrapped
from qlab.check.equivalents import QUANTIZERS


def bias_codes(
    bias: Tensor,
    input_scale: float,
    weight_scale: float | Tensor,
    *,
    steps: Step = lambda b, s_x, s_w: b / (s_x * s_w),
    rounding: Step = nearest,
    limits: Step = as_is,
) -> Tensor:
    s_w = torch.as_tensor(weight_scale, dtype=torch.float64)
    return limits(rounding(steps(bias.double(), input_scale, s_w))).to(torch.int64)  # as the given line does


q2 = Question(
    "Q2",
    answer="quantize_bias",
    returns=(tensor("q_bias"),),
    reference=bias_codes,
    provided=provided.quantize_bias,
    off_limits=(
        *QUANTIZERS,
        "qlab.arithmetic.output_stage:integer_bias",
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
