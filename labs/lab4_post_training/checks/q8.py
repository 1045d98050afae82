"""Q8: a dynamically quantized linear layer, which takes its range from each batch, with 7 bits."""

from functools import partial
from typing import Any

import provided
import torch
from torch import Tensor

from qlab.check import (
    Case,
    Drawn,
    Mistake,
    Part,
    Question,
    Step,
    as_is,
    case,
    clear_of_ties,
    given,
    nearest,
    normal,
    tensor,
    uniform,
)
from qlab.check.equivalents import QLABS_QUANTIZERS, TORCHS_LAYERS

from ._common import within


def least_and_most(x: Tensor) -> tuple[float, float]:
    return min(x.min().item(), 0.0), max(x.max().item(), 0.0)


def dynamic(
    x: Tensor,
    q_w: Tensor,
    S_w: float,
    bias: Tensor,
    *,
    ends: Step = least_and_most,
    levels: int = 127,
    point: Step = lambda low, scale: round(-low / scale),
    coded: Step = torch.round,
    minus: Step = lambda q, z: q - z,
    limits: Step = lambda q, levels: q.clamp(0, levels),
    out: Step = lambda acc, S_x, S_w, b: S_x * S_w * acc + b,
    result: Step | None = None,
    rounding: Step = nearest,
) -> Tensor:
    if result is not None:
        return within(result(x.double(), q_w.double(), S_w, bias.double()), rounding)
    low, high = ends(x)
    S_x = (high - low) / levels
    Z_x = point(low, S_x)
    q = limits(coded(x.double() / S_x) + Z_x, levels)
    return within(out(minus(q, Z_x) @ q_w.double().T, S_x, S_w, bias.double()), rounding)


def row_by_row(x: Tensor, q_w: Tensor, S_w: float, bias: Tensor) -> Tensor:
    return torch.cat([dynamic(row[None], q_w, S_w, bias) for row in x])


def sides(positive: bool, x: Tensor, *_: Any) -> bool:
    """Whether a batch is one-sided, or not, as asked, clear of ties, and float16 is not enough for all its codes."""
    low, high = least_and_most(x)
    scale = (high - low) / 127
    point = round(-low / scale)
    in_half, exact = (
        (codes.round().double() + point).clamp(0, 127) for codes in (x.half() / scale, x.double() / scale)
    )
    if torch.equal(in_half, exact):
        return False
    one_sided = bool((x > 0.2).all()) or bool((x < -0.2).all())
    return one_sided == positive and clear_of_ties(x.double() / scale) and abs(-low / scale % 1 - 0.5) > 1e-3


def batch_case(name: str, x: Drawn, outputs: int, inputs: int, S_w: float, group: str = "usual") -> Case:
    arguments = x, uniform(-127, 127, outputs, inputs), S_w, normal(outputs)
    return case(name, *arguments, group=group, such_that=partial(sides, group == "one-sided"))


q8 = Question(
    "Q8",
    answer="dynamic_linear",
    returns=(tensor("y", integer=False),),
    reference=dynamic,
    provided=provided.dynamic_linear,
    off_limits=(
        *("qlab.arithmetic.ranges:affine_range", "qlab.arithmetic.qparams:qparams"),
        "torch.ao.quantization.utils:determine_qparams",
        "torch.ao.quantization.observer:UniformQuantizationObserverBase._calculate_qparams",
        "qlab.torch_flow.integer_flow.dynamic:range_of_batch",
        *("torch:_choose_qparams_per_tensor", "torch:choose_qparams_optimized"),
        *(*QLABS_QUANTIZERS, *TORCHS_LAYERS),
    ),
    parts=(
        Part("batches with both signs", 6, groups=("usual",)),
        Part("batches of one sign", 4, groups=("one-sided",)),
    ),
    cases=[
        batch_case("4 rows", normal(4, 6), 3, 6, 0.02),
        batch_case("wide values", normal(3, 5, std=20), 4, 5, 0.007),
        batch_case("all positive", normal(4, 5, mean=4, std=0.4), 3, 5, 0.01, "one-sided"),
        batch_case("all negative", normal(3, 4, mean=-3, std=0.3), 2, 4, 0.03, "one-sided"),
    ],
    mistakes=[
        Mistake(
            "the range does not include 0",
            given(ends=lambda x: (x.min().item(), x.max().item())),
            "the real number 0 has to have a code: what if all of the batch is positive?",
        ),
        Mistake(
            "the upper end of the range is not extended to 0",
            given(ends=lambda x: (min(x.min().item(), 0.0), x.max().item())),
            "what is the range of a batch that is negative throughout? The real number 0 has to have a code.",
        ),
        Mistake(
            "the lower end of the range is not extended to 0",
            given(ends=lambda x: (x.min().item(), max(x.max().item(), 0.0))),
            "what is the range of a batch that is positive throughout? The real number 0 has to have a code.",
        ),
        Mistake(
            "256 codes instead of 128",
            given(levels=255),
            "activations have 7 bits here: how many steps lie between code 0 and code 127?",
        ),
        Mistake(
            "divided by 128 codes instead of 127 steps",
            given(levels=128, limits=lambda q, levels: q.clamp(0, 127)),
            "how many steps lie between code 0 and code 127?",
        ),
        Mistake(
            "a symmetric range",
            given(ends=lambda x: (-x.abs().max().item(), x.abs().max().item())),
            "activations have an affine range: from the smallest value, or 0, to the largest, or 0.",
        ),
        Mistake(
            "one scale per row instead of one per batch",
            given(result=row_by_row),
            "torch's dynamic layers take the range of the whole batch.",
        ),
        Mistake(
            "the activations are not quantized: that is weight-only",
            given(result=lambda x, q_w, S_w, b: x @ (S_w * q_w).T + b),
            "dynamic quantization rounds the activations to codes too, in each call.",
        ),
        Mistake(
            "the zero-point is not subtracted",
            given(minus=lambda q, z: q),
            "r = S (q - Z): what is the code Z in reals?",
        ),
        Mistake(
            "the zero-point is not rounded",
            given(point=lambda low, scale: -low / scale),
            "the zero-point is a code: an integer.",
        ),
        Mistake(
            "the zero-point has the wrong sign",
            given(point=lambda low, scale: round(low / scale)),
            "the smallest value gets code 0: what has to be added to low / S_x for that?",
        ),
        Mistake(
            "the codes are truncated instead of rounded",
            given(coded=torch.trunc),
            "casting to an integer cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "the activations' codes are not rounded",
            given(coded=as_is),
            "a code is an integer: which step makes one of x / S_x?",
        ),
        Mistake(
            "the codes are rounded down",
            given(coded=torch.floor),
            "floor always goes down: which function goes to the nearest integer?",
        ),
        Mistake(
            "the weights' scale is left out",
            given(out=lambda acc, S_x, S_w, b: S_x * acc + b),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the activations' scale is left out",
            given(out=lambda acc, S_x, S_w, b: S_w * acc + b),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the bias is left out",
            given(out=lambda acc, S_x, S_w, b: S_x * S_w * acc),
            "which argument has not been used yet?",
        ),
        Mistake(
            "the bias is multiplied by the scales",
            given(out=lambda acc, S_x, S_w, b: S_x * S_w * (acc + b)),
            "the bias is in reals: when is it added?",
        ),
    ],
    next="print S_x, Z_x and the codes of a batch of two rows: dequantized they have to be near x",
)
