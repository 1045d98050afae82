"""Q6: the codes of a converted linear layer, by hand, from torch's quantized tensors."""

from functools import partial
from typing import Any

import provided
import torch
from torch import Generator, Tensor

from qlab import torch_flow as tq
from qlab.check import Case, Drawn, Mistake, Part, Question, Step, case, given, nearest, normal, tensor
from qlab.check.equivalents import OUTPUT_STAGES, QUANTIZERS, TORCHS_LAYERS

from ._common import inside


def on_codes(
    q_x: Tensor,
    q_w: Tensor,
    bias: Tensor,
    S_out: float,
    Z_out: int,
    relu: bool = False,
    *,
    input_point: Step = lambda q_x: q_x.q_zero_point(),
    offset: Step = lambda q, z: q.double() - z,
    input_scale: Step = lambda q_x: q_x.q_scale(),
    weight_scale: Step = lambda q_w: q_w.q_per_channel_scales(),
    with_bias: Step = lambda acc, step, b, s_out: (acc * step + b) / s_out,
    coded: Step = lambda steps, rounding: rounding(steps),
    with_zero_point: Step = lambda q, z: q + z,
    limits: Step = lambda z, relu: (z if relu else 0, 255),
    rounding: Step = nearest,
) -> Tensor:
    acc = offset(q_x.int_repr(), input_point(q_x)) @ q_w.int_repr().double().T
    steps = with_bias(acc, input_scale(q_x) * weight_scale(q_w), bias.double(), S_out)
    return with_zero_point(coded(steps, rounding), Z_out).clamp(*limits(Z_out, relu))


def quint8(rows: int, inputs: int, scale: float, zero_point: int, *, within: int | None = None) -> Drawn:
    """Random codes of a byte, or only those that are at most so far from the zero-point."""
    low, high = (0, 255) if within is None else (zero_point - within, zero_point + within)

    def draw(generator: Generator) -> Tensor:
        q = torch.randint(low, high + 1, (rows, inputs), generator=generator).to(torch.uint8)
        return tq.tensor_from_codes(q, scale, zero_point)

    return Drawn(draw)


def qint8(outputs: int, inputs: int, low: float = 0.002, high: float = 0.02, *, most: int = 127) -> Drawn:
    def draw(generator: Generator) -> Tensor:
        q = torch.randint(-most, most + 1, (outputs, inputs), generator=generator).to(torch.int8)
        scales = torch.linspace(low, high, outputs, dtype=torch.float64)
        return tq.weight_from_codes(q, scales, per_channel=True)

    return Drawn(draw)


def layer_is(beyond: tuple[bool, bool], *arguments: Any) -> bool:
    relu = arguments[-1]
    free = on_codes(*arguments, limits=lambda *_: (-(2**40), 2**40))
    below_point = bool((free < arguments[4]).any())
    fits = (not inside(free, high=2**40), bool((free > 255).any())) == beyond
    return fits and bool((free > 140).any()) and below_point and (not relu or arguments[4] > 20)


def linear_case(name: str, *arguments: Any, relu: bool = False, group: str = "usual") -> Case:
    beyond = (True, True) if group == "saturating" else (False, False)
    return case(name, *arguments, relu, group=group, such_that=partial(layer_is, beyond))


def bias_in_steps(acc: Tensor, step: Tensor, b: Tensor, s_out: float) -> Tensor:
    return (acc + torch.round(b / step)) * step / s_out


def bias_cut_to_steps(acc: Tensor, step: Tensor, b: Tensor, s_out: float) -> Tensor:
    return (acc + torch.trunc(b / step)) * step / s_out


def bias_in_codes(acc: Tensor, step: Tensor, b: Tensor, s_out: float) -> Tensor:
    return torch.round(acc * step / s_out) + torch.round(b / s_out)


def bias_shows(*arguments: Any) -> bool:
    """Whether the layer stays inside the range, and each way to round its bias gives another code, ties aside."""
    exact = on_codes(*arguments, coded=lambda steps, rounding: steps)
    clear = ((exact - exact.floor()) - 0.5).abs() > 0.01
    rounded = [on_codes(*arguments, with_bias=by) for by in (bias_in_steps, bias_cut_to_steps, bias_in_codes)]
    return layer_is((False, False), *arguments) and all(
        bool(((codes != exact.round()) & clear).any()) for codes in rounded
    )


def coarse_case(name: str, *arguments: Any) -> Case:
    """A layer whose accumulator counts steps that are larger than the output's."""
    return case(name, *arguments, False, such_that=bias_shows)


q6 = Question(
    "Q6",
    answer="converted_linear",
    returns=(tensor("q_out"),),
    reference=on_codes,
    provided=provided.converted_linear,
    off_limits=(
        *("qlab.arithmetic.layers:quantized_linear", "qlab.engines.registry:run", "qlab.engines.registry:reference"),
        *(*OUTPUT_STAGES, *QUANTIZERS, *TORCHS_LAYERS),
    ),
    parts=(
        Part("without ReLU", 6, groups=("usual",)),
        Part("with ReLU", 2, groups=("relu",)),
        Part("outputs beyond the range", 2, groups=("saturating",)),
    ),
    cases=[
        linear_case("4 channels", quint8(5, 8, 0.031, 121), qint8(4, 8), normal(4, std=2), 0.3, 128),
        linear_case("two channels", quint8(6, 5, 0.012, 7), qint8(2, 5), normal(2), 0.1, 90),
        linear_case("large steps", quint8(4, 6, 0.9, 100), qint8(3, 6, 0.4, 0.8), normal(3, std=4000), 250.0, 120),
        coarse_case(
            "few codes, coarse steps",
            quint8(5, 4, 0.5, 120, within=6),
            qint8(3, 4, 0.5, 0.9, most=3),
            normal(3, std=3),
            0.2,
            120,
        ),
        linear_case("ReLU", quint8(5, 6, 0.02, 110), qint8(3, 6), normal(3), 0.2, 100, relu=True, group="relu"),
        linear_case("far out", quint8(5, 12, 0.05, 128), qint8(4, 12), normal(4), 0.06, 128, group="saturating"),
    ],
    mistakes=[
        Mistake(
            "the input's zero-point is not subtracted",
            given(input_point=lambda q_x: 0),
            "q_x.int_repr() are codes: which of them is the real number 0?",
        ),
        Mistake(
            "the input's zero-point is added",
            given(input_point=lambda q_x: -q_x.q_zero_point()),
            "r = S (q - Z): which sign has Z?",
        ),
        Mistake(
            "subtracted in bytes, which wrap around",
            given(offset=lambda q, z: torch.remainder(q.double() - z, 256)),
            "3 - 97 is negative, which uint8 does not hold: widen the codes first.",
        ),
        Mistake(
            "the input's scale is left out",
            given(input_scale=lambda q_x: 1.0),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the weights' scales are left out",
            given(weight_scale=lambda q_w: 1.0),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the first channel's scale is taken for all",
            given(weight_scale=lambda q_w: q_w.q_per_channel_scales()[0]),
            "q_per_channel_scales() has one scale per output channel: torch multiplies entry by entry by itself.",
        ),
        Mistake(
            "the mean of the scales is taken for all channels",
            given(weight_scale=lambda q_w: q_w.q_per_channel_scales().mean()),
            "each output channel has its own scale: nothing has to be averaged.",
        ),
        Mistake(
            "the bias is left out",
            given(with_bias=lambda acc, step, b, s_out: acc * step / s_out),
            "which argument has not been used yet?",
        ),
        Mistake(
            "the bias is added to the accumulator as it is",
            given(with_bias=lambda acc, step, b, s_out: (acc + b) * step / s_out),
            "the bias is in reals, the accumulator counts steps of S_x S_w: bring them to one unit first.",
        ),
        Mistake(
            "the bias is added to the output codes as it is",
            given(with_bias=lambda acc, step, b, s_out: acc * step / s_out + b),
            "the bias is in reals, output codes count steps of S_out.",
        ),
        Mistake(
            "the bias is rounded to steps of the accumulator",
            given(with_bias=bias_in_steps),
            "the bias is float32 in the model: is it rounded by itself, or only in the sum with the rest?",
        ),
        Mistake(
            "the bias is cut to whole steps of the accumulator",
            given(with_bias=bias_cut_to_steps),
            "the bias is float32 in the model: is it cut to an integer anywhere?",
        ),
        Mistake(
            "the bias is rounded to output codes by itself",
            given(with_bias=bias_in_codes),
            "two roundings make twice the error: add in reals, then round once.",
        ),
        Mistake(
            "multiplied by the output's scale",
            given(with_bias=lambda acc, step, b, s_out: (acc * step + b) * s_out),
            "how many steps of S_out is the real output? Which is divided by which?",
        ),
        Mistake(
            "the output's scale is left out",
            given(with_bias=lambda acc, step, b, s_out: acc * step + b),
            "the output is asked for in codes: how many steps of S_out is it?",
        ),
        Mistake(
            "rounded down instead of to the nearest",
            given(coded=lambda steps, rounding: torch.floor(steps)),
            "floor and // always go down: which function goes to the nearest integer?",
        ),
        Mistake(
            "truncated instead of rounded",
            given(coded=lambda steps, rounding: torch.trunc(steps)),
            "casting to an integer cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "the output's zero-point is not added",
            given(with_zero_point=lambda q, z: q),
            "which code stands for the real number 0 in the output?",
        ),
        Mistake(
            "ReLU is left out",
            given(limits=lambda z, relu: (0, 255)),
            "with relu=True no output may stand for a negative number: which is the lowest code then?",
        ),
        Mistake(
            "ReLU is applied whether asked for or not",
            given(limits=lambda z, relu: (z, 255)),
            "without relu outputs below the real number 0 stay.",
        ),
        Mistake(
            "not clamped",
            given(limits=lambda z, relu: (z if relu else -(2**40), 2**40)),
            "a byte ends at 0 and 255: what happens to outputs beyond?",
        ),
        Mistake(
            "clamped to signed codes",
            given(limits=lambda z, relu: (z if relu else -128, 127)),
            "activations are unsigned bytes here: where do they begin and end?",
        ),
    ],
    next="dequantize() q_x and q_w, apply F.linear with the bias, and compare: your codes count steps of S_out in that",
)
