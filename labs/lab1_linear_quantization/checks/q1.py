"""Q1: the scale and zero-point that map a tensor's range, extended to include 0, onto the codes of a bitwidth."""

import torch
from torch import Tensor

import qlab
from qlab.check import Mistake, Part, Question, Step, as_is, case, given, integer, nearest, normal, real

from ._common import ANY, signed


def unsigned(bitwidth: int) -> tuple[int, int]:
    return 0, 2**bitwidth - 1


def with_zero(low: float, high: float) -> tuple[float, float]:
    return min(low, 0.0), max(high, 0.0)


def raw(low: float, high: float) -> tuple[float, float]:
    return low, high


def scale_and_zero_point(
    fp32_tensor: Tensor,
    bitwidth: int = 8,
    *,
    codes: Step = signed,
    extend: Step = with_zero,
    scale: Step = lambda r_min, r_max, q_min, q_max: (r_max - r_min) / (q_max - q_min),
    zero: Step = lambda r_min, r_max, q_min, q_max, s: q_min - r_min / s,
    rounding: Step = nearest,
    returned: Step = as_is,
) -> tuple[float, Tensor | int]:
    q_min, q_max = codes(bitwidth)
    r_min, r_max = extend(fp32_tensor.min().item(), fp32_tensor.max().item())
    if r_min == r_max:
        return ANY[rounding](q_min, q_max) if r_min == 0 and rounding in ANY else (1.0, 0)
    s = scale(r_min, r_max, q_min, q_max)
    z = torch.tensor(zero(r_min, r_max, q_min, q_max, s), dtype=torch.float64)
    # On the way to Z, r_min / S is as large as q_max - q_min: its float32 error is what counts, not that of Z.
    z = rounding(z, q_max - q_min) if rounding in ANY else rounding(z)
    return s, returned(z.clamp(q_min, q_max) + 0.0)  # + 0.0 turns -0.0 into 0.0


q1 = Question(
    "Q1",
    answer="get_scale_and_zero_point",
    returns=(real("scale"), integer("zero_point")),
    reference=scale_and_zero_point,
    provided=qlab.get_scale_and_zero_point,
    off_limits=(
        *("qlab.arithmetic.qparams:qparams", "qlab.arithmetic.quantize:linear_quantize"),
        "torch.ao.quantization.utils:determine_qparams",
        "torch.ao.quantization.observer:UniformQuantizationObserverBase._calculate_qparams",
        *("torch:_choose_qparams_per_tensor", "torch:choose_qparams_optimized"),
        *("torch:quantize_per_tensor_dynamic", "torch:fused_moving_avg_obs_fake_quant"),
        "torch:_fused_moving_avg_obs_fq_helper",
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
