"""Q1: scale and zero-point of a range, affine or symmetric; of a single range, or of one per channel."""

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, normal, tensor

EPS = torch.finfo(torch.float32).eps


def scale_and_zero_point(
    low: Tensor,
    high: Tensor,
    q_min: int,
    q_max: int,
    symmetric: bool,
    *,
    ends: Step = lambda low, high: (low.clamp(max=0), high.clamp(min=0)),
    largest: Step = lambda low, high: torch.maximum(-low, high),
    half: Step = lambda q_min, q_max: (q_max - q_min) / 2,
    middle: Step = lambda q_min, q_max: (q_min + q_max + 1) // 2,
    width: Step = lambda low, high: high - low,
    steps: Step = lambda q_min, q_max: q_max - q_min,
    zero: Step = lambda low, high, scale, q_min, q_max: q_min - low / scale,
    least: Step = lambda scale: scale.clamp(min=EPS),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    low, high = ends(low, high)
    if symmetric:
        scale = least(largest(low, high) / half(q_min, q_max))
        return scale, torch.full_like(scale, middle(q_min, q_max))
    scale = least(width(low, high) / steps(q_min, q_max))
    return scale, rounding(zero(low, high, scale, q_min, q_max)).clamp(q_min, q_max)


def single(number: float) -> Tensor:
    """A 0-d tensor."""
    return torch.tensor(number)


def ends(*shape: int, centre: float = 0.0) -> Drawn:
    """Low ends below a centre, or high ends above it, one per channel."""
    return normal(*shape, mean=centre, std=0.3)


q1 = Question(
    "Q1",
    answer="scale_and_zero_point",
    returns=(tensor("scale", integer=False), tensor("zero_point")),
    reference=scale_and_zero_point,
    provided=provided.scale_and_zero_point,
    off_limits=(
        *("qlab.arithmetic.qparams:qparams", "qlab.calibration.observers:observed_qparams"),
        "torch.ao.quantization.utils:determine_qparams",
        "torch.ao.quantization.observer:UniformQuantizationObserverBase._calculate_qparams",
        *("torch:_choose_qparams_per_tensor", "torch:choose_qparams_optimized"),
        *("torch:fused_moving_avg_obs_fake_quant", "torch:_fused_moving_avg_obs_fq_helper"),
    ),
    parts=(
        Part("affine", 4, groups=("affine",)),
        Part("symmetric, full and narrow", 4, groups=("symmetric",)),
        Part("a range without width", 2, groups=("dead",)),
    ),
    cases=[
        case("the worked example", torch.tensor(-1.3974), torch.tensor(1.4707), 0, 255, False, group="affine"),
        case("three channels", ends(3, centre=-2.0), ends(3, centre=3.0), -128, 127, False, group="affine"),
        case("a range above 0", torch.tensor(1.0), torch.tensor(6.0), -128, 127, False, group="affine"),
        case("4 bits", ends(5, centre=-1.0), ends(5, centre=5.0), 0, 15, False, group="affine"),
        case("symmetric, -128 to 127", ends(4, centre=-3.0), ends(4, centre=2.0), -128, 127, True, group="symmetric"),
        case("narrow, -127 to 127", ends(4, centre=-1.0), ends(4, centre=2.0), -127, 127, True, group="symmetric"),
        case(
            "unsigned symmetric", torch.tensor([-1.0, -0.5]), torch.tensor([0.5, 2.0]), 0, 255, True, group="symmetric"
        ),
        case("a dead channel", torch.tensor([0.0, -1.0]), torch.tensor([0.0, 1.0]), 0, 255, False, group="dead"),
        case(
            "a dead channel, symmetric",
            torch.tensor([0.0, -1.0]),
            torch.tensor([0.0, 1.0]),
            -128,
            127,
            True,
            group="dead",
        ),
    ],
    mistakes=[
        Mistake(
            "the range is not extended to hold 0",
            given(ends=lambda low, high: (low, high)),
            "padding and ReLU give exact zeros: what happens to 0 if the range is 1 to 6?",
        ),
        Mistake(
            "divided by the number of codes, not of steps",
            given(
                steps=lambda q_min, q_max: q_max - q_min + 1,
                half=lambda q_min, q_max: (q_max - q_min + 1) / 2,
            ),
            "256 codes have how many steps between them?",
        ),
        Mistake(
            "affine: divided by the number of codes, not of steps",
            given(steps=lambda q_min, q_max: q_max - q_min + 1),
            "256 codes have how many steps between them?",
        ),
        Mistake(
            "symmetric: divided by the largest code",
            given(half=lambda q_min, q_max: q_max),
            "from -128 to 127 there are 255 steps: how many are on each side of the middle? torch divides by 127.5.",
        ),
        Mistake(
            "symmetric: divided by all steps",
            given(half=lambda q_min, q_max: q_max - q_min),
            "from -a to a the range is 2a wide.",
        ),
        Mistake(
            "symmetric: divided by 128",
            given(half=lambda q_min, q_max: (q_max - q_min + 1) / 2),
            "from -128 to 127 there are 255 steps: how many are on each side of the middle?",
        ),
        Mistake(
            "symmetric: the high end alone counts",
            given(largest=lambda low, high: high),
            "the range has to hold -3 to 2 as well: which end is farther from 0?",
        ),
        Mistake(
            "symmetric: the scale is the affine one",
            given(largest=lambda low, high: (high - low) / 2),
            "-3 to 2 becomes -3 to 3: which end is farther from 0, and how many steps lead there?",
        ),
        Mistake(
            "symmetric: the zero-point is computed as in the affine case",
            given(middle=lambda q_min, q_max: q_min),
            "in a symmetric range 0 is in the middle: which code is that?",
        ),
        Mistake(
            "symmetric: the zero-point is 0, whatever the codes",
            given(middle=lambda q_min, q_max: 0),
            "for the codes 0 to 255 the middle is not 0: what is (q_min + q_max + 1) // 2?",
        ),
        Mistake(
            "symmetric: the middle code is one too small",
            given(middle=lambda q_min, q_max: (q_min + q_max) // 2),
            "for -128 to 127 torch takes 0: what is (q_min + q_max + 1) // 2?",
        ),
        Mistake(
            "the zero-point forgets q_min",
            given(zero=lambda low, high, scale, q_min, q_max: -low / scale),
            "the low end of the range has to meet q_min: which code is that for int8?",
        ),
        Mistake(
            "the sign of low is lost in the zero-point",
            given(zero=lambda low, high, scale, q_min, q_max: q_min + low / scale),
            "put low into q = low / scale + zero_point: q has to be q_min.",
        ),
        Mistake(
            "the quotient is truncated instead of rounded",
            given(zero=lambda low, high, scale, q_min, q_max: q_min - torch.trunc(low / scale)),
            "which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "the zero-point is truncated instead of rounded",
            given(rounding=torch.trunc),
            "which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "the zero-point is not rounded",
            given(rounding=as_is),
            "a zero-point is a code: which function of torch rounds to the nearest integer?",
        ),
        Mistake(
            "one scale for all channels",
            given(
                ends=lambda low, high: (
                    low.clamp(max=0).min().expand_as(low),
                    high.clamp(min=0).max().expand_as(high),
                )
            ),
            "low and high have an entry a channel: torch computes all of them at once if nothing takes their minimum.",
        ),
        Mistake(
            "there is no smallest scale",
            given(least=as_is),
            "a channel of zeros has no width: what is 0 / 0? torch takes no scale below eps.",
        ),
        Mistake(
            "a range without width gets the scale 1",
            given(least=lambda scale: torch.where(scale == 0, 1.0, scale)),
            "no scale is smaller than eps, also that of a channel of zeros: which function of torch keeps a minimum?",
        ),
        Mistake(
            "eps is added to every scale",
            given(least=lambda scale: scale + EPS),
            "eps is the smallest scale, not a part of every one: which function of torch keeps a minimum?",
        ),
    ],
    next="take low = -1, high = 1 and the codes 0 to 255: the scale is 2 / 255, and low has to become the code 0",
)
