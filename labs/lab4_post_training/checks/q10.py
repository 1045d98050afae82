"""Q10, an open exercise: the five steps for a linear layer with ReLU, from calibration to codes, without PyTorch's flow."""

from collections.abc import Sequence
from functools import partial

import provided
import torch
from torch import Tensor

from qlab.check import Case, Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, real, tensor

from ._common import within


def least_and_most(batches: Sequence[Tensor]) -> tuple[float, float]:
    every = torch.cat(list(batches))
    return min(every.min().item(), 0.0), max(every.max().item(), 0.0)


def without_zero(batches: Sequence[Tensor]) -> tuple[float, float]:
    every = torch.cat(list(batches))
    return every.min().item(), every.max().item()


def mean_of_ranges(batches: Sequence[Tensor]) -> tuple[float, float]:
    ends = torch.tensor([least_and_most([batch]) for batch in batches], dtype=torch.float64)
    low, high = ends.mean(0).tolist()
    return low, high


def symmetric(batches: Sequence[Tensor]) -> tuple[float, float]:
    most = torch.cat(list(batches)).abs().max().item()
    return -most, most


def per_channel(weight: Tensor) -> Tensor:
    return weight.abs().amax(1, keepdim=True) / 127


def scratch(
    weight: Tensor,
    bias: Tensor,
    batches: Sequence[Tensor],
    x: Tensor,
    *,
    seen: Step = lambda batches, x: batches,
    ends: Step = least_and_most,
    levels: int = 255,
    minus: Step = lambda q, z: q - z,
    coded: Step = torch.round,
    clamped: Step = lambda q, levels: q.clamp(0, levels),
    input_codes: bool = True,
    weight_scale: Step = per_channel,
    weight_codes: Step = torch.round,
    watched: Step = lambda weight, q_w, s_w: weight,
    relu_before: Step = torch.relu,
    relu: Step = torch.relu,
    with_bias: Step = lambda acc, step, b: acc * step + b,
    to_codes: Step = lambda r, s: r / s,
    out_point: Step = lambda low, s: 0,
    limits: Step = lambda q, levels: q.clamp(0, levels),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    weight, bias = weight.double(), bias.double()
    S_w = weight_scale(weight)
    q_w = weight_codes(weight / S_w)
    inputs = [batch.double() for batch in seen(batches, x)]
    low, high = ends(inputs)
    S_x = (high - low) / levels
    Z_x = round(-low / S_x)
    watching = watched(weight, q_w, S_w)
    out_low, out_high = ends([relu_before(batch @ watching.T + bias) for batch in inputs])
    S_out = (out_high - out_low) / levels
    q_x = clamped(coded(x.double() / S_x) + Z_x, levels) if input_codes else x.double() / S_x + Z_x
    outputs = relu(with_bias(minus(q_x, Z_x) @ q_w.T, S_x * S_w.reshape(-1), bias))
    codes = limits(rounding(to_codes(outputs, S_out)) + out_point(out_low, S_out), levels)
    return codes, within(torch.tensor(S_out, dtype=torch.float64), rounding)


def scratch_case(
    name: str,
    seed: int,
    shape: tuple[int, int],
    amplitudes: tuple[float, ...],
    *,
    mean: float = 0.0,
    at_test: float = 0.8,
    group: str = "usual",
) -> Case:
    """A layer, batches of these amplitudes and growing lengths, and an input to try; the same for everyone."""
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator)
    outputs, inputs = shape
    spread = 10 ** (-1.5 * torch.rand(outputs, 1, generator=generator))
    weight, bias = spread * draw(outputs, inputs), 0.5 * draw(outputs)
    batches = [amplitude * draw(3 + place, inputs) + mean for place, amplitude in enumerate(amplitudes)]
    x = at_test * max(amplitudes) * draw(6, inputs) + mean
    return case(name, weight, bias, Drawn(lambda _: [batch.clone() for batch in batches]), x, group=group)


def paper(name: str, x: list[list[float]], group: str = "usual") -> Case:
    """The worked example with this input."""
    weight, bias = torch.tensor([[1.27, -0.4]]), torch.tensor([0.1815])
    return case(
        name, weight, bias, Drawn(lambda _: [torch.tensor([[1.55, -1.0], [-1.0, 1.55]])]), torch.tensor(x), group=group
    )


def point_of(low: float, scale: float) -> int:
    return round(-low / scale)


q10 = Question(
    "Q10",
    answer="from_scratch",
    returns=(tensor("codes"), real("scale")),
    reference=scratch,
    provided=provided.from_scratch,
    parts=(
        Part("the scale of the output", 1, fields=("scale",)),
        Part("codes of inputs inside the calibrated range", 2, fields=("codes",), groups=("usual",)),
        Part("codes of inputs beyond it", 2, fields=("codes",), groups=("beyond",)),
    ),
    cases=[
        paper("the worked example", [[1.0, 0.5], [-1.0, 1.5]]),
        scratch_case("three batches", 21, (4, 6), (1.0, 2.5, 0.7), at_test=0.5),
        scratch_case("all inputs above 0", 22, (3, 5), (0.3, 0.5), mean=3.0, at_test=0.3),
        scratch_case("all inputs below 0", 23, (3, 5), (0.4, 0.3), mean=-2.5, at_test=0.3),
        paper("the worked example, beyond the range", [[9.0, 0.5], [1.0, -7.0]], "beyond"),
        scratch_case("large inputs", 24, (4, 5), (0.8, 1.1, 0.6), at_test=3.0, group="beyond"),
    ],
    mistakes=[
        Mistake(
            "calibrated on the input to try",
            given(seen=lambda batches, x: [x]),
            "x comes when the layer is finished: which inputs are there for the ranges?",
        ),
        Mistake(
            "calibrated on the input to try, too",
            given(seen=lambda batches, x: [*batches, x]),
            "x comes when the layer is finished: the ranges must not depend on it.",
        ),
        Mistake(
            "calibrated on the first batch alone",
            given(seen=lambda batches, x: batches[:1]),
            "each batch may widen the range: how many does yours look at?",
        ),
        Mistake(
            "calibrated on the last batch alone",
            given(seen=lambda batches, x: batches[-1:]),
            "does your loop keep what it has found, or does each batch replace it?",
        ),
        Mistake(
            "the mean of the batches' ranges",
            given(ends=mean_of_ranges),
            "the range goes from the smallest to the largest value of all batches: nothing is averaged.",
        ),
        Mistake(
            "the range does not include 0",
            given(ends=without_zero),
            "the real number 0 has to have a code: what if all inputs are positive?",
        ),
        Mistake(
            "the range does not include 0, and the output gets a zero-point",
            given(ends=without_zero, out_point=point_of),
            "the real number 0 has to have a code: what if all inputs are positive?",
        ),
        Mistake(
            "a symmetric range for activations",
            given(ends=symmetric),
            "activations have an affine range: from the smallest value, or 0, to the largest, or 0.",
        ),
        Mistake(
            "a symmetric range for activations, and the output gets a zero-point",
            given(ends=symmetric, out_point=point_of),
            "activations have an affine range: from the smallest value, or 0, to the largest, or 0.",
        ),
        Mistake(
            "the output's range is taken before the ReLU",
            given(relu_before=as_is),
            "linear and ReLU are one layer: what leaves it?",
        ),
        Mistake(
            "ReLU is left out",
            given(relu_before=as_is, relu=as_is, out_point=point_of),
            "no output of this layer is negative: where is the ReLU?",
        ),
        Mistake(
            "the output's range is taken before the ReLU, with a zero-point",
            given(relu_before=as_is, out_point=point_of),
            "linear and ReLU are one layer: what leaves it?",
        ),
        Mistake(
            "the output's range is taken with the rounded weights",
            given(watched=lambda weight, q_w, s_w: q_w * s_w),
            "calibration comes before convert: which weights does the layer have then?",
        ),
        Mistake(
            "one weight scale for the layer",
            given(weight_scale=lambda weight: weight.abs().max().expand(len(weight), 1) / 127),
            "each output channel has a scale of its own: along which dimension is the maximum taken?",
        ),
        Mistake(
            "the maximum is taken without the absolute value",
            given(weight_scale=lambda weight: weight.amax(1, keepdim=True).clamp(min=1e-3) / 127),
            "the largest weight may be negative: what is its code with your scale?",
        ),
        Mistake(
            "the weights are not rounded to codes",
            given(weight_codes=as_is),
            "a code is an integer: which step makes one of w / S_w?",
        ),
        Mistake(
            "127 codes for activations instead of 255",
            given(levels=127),
            "here activations have the codes 0 to 255: how many steps are between them?",
        ),
        Mistake(
            "divided by 256 instead of 255",
            given(levels=256, clamped=lambda q, n: q.clamp(0, 255), limits=lambda q, n: q.clamp(0, 255)),
            "how many steps are between code 0 and code 255?",
        ),
        Mistake(
            "the input is not rounded to codes",
            given(input_codes=False),
            "the layer gets codes of x: integers from 0 to 255.",
        ),
        Mistake(
            "the input's codes are not clamped",
            given(clamped=lambda q, levels: q),
            "what is the code of an input beyond the calibrated range?",
        ),
        Mistake(
            "the output's codes are not clamped",
            given(limits=lambda q, levels: q),
            "a byte ends at 255: what happens to outputs beyond?",
        ),
        Mistake(
            "the input's zero-point is not subtracted",
            given(minus=lambda q, z: q),
            "r = S (q - Z): what is the code Z in reals?",
        ),
        Mistake(
            "the bias is left out, or added to the accumulator without a change of unit",
            given(with_bias=lambda acc, step, b: acc * step),
            "the bias is in reals, the accumulator counts steps of S_x S_w: where do you add it, and in which unit?",
        ),
        Mistake(
            "multiplied by the output's scale",
            given(to_codes=lambda r, s: r * s),
            "how many steps of S_out is the real output? Which is divided by which?",
        ),
    ],
    next="do the worked example on paper, and print S_x, Z_x, S_out, the codes of the weights and those of x beside it",
)
