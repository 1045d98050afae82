"""Q8: one accumulator and two rules for its code, the fake-quantized layer's and the engine's."""

from collections.abc import Callable

import provided
import torch
from torch import Tensor

from qlab.check import (
    Drawn,
    Mistake,
    Part,
    Question,
    Step,
    about,
    case,
    clear_of_ties,
    given,
    nearest,
    normal,
    tensor,
    uniform,
)
from qlab.check.equivalents import OUTPUT_STAGES, QUANTIZERS


def by_two_rules(
    acc: Tensor,
    bias: Tensor,
    S_acc: float,
    S_out: float,
    Z_out: int,
    *,
    value: Step = lambda acc, b, s, s_out: (acc * s + b) / s_out,
    exact_of: Step = lambda v, z: v + z,
    fake_from: Step = lambda exact, engine: exact,
    engine_from: Step = lambda exact, engine: engine,
    bias_steps: Step = lambda b, s, s_out, rounding: torch.round(b / s),
    engine_value: Step = lambda acc, steps, s, s_out: (acc + steps) * s / s_out,
    coded: Step = lambda v, z, rounding: (rounding(v) + z).clamp(0, 255),
    fake_coded: Step | None = None,
    engine_coded: Step | None = None,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor, Tensor]:
    acc, bias = acc.double(), bias.double()
    exact = value(acc, bias, S_acc, S_out)
    engine = engine_value(acc, bias_steps(bias, S_acc, S_out, rounding), S_acc, S_out)
    told = exact_of(exact, Z_out)
    return (
        about(told, rounding, 1e-4 + 1e-6 * told.abs()),
        (fake_coded or coded)(fake_from(exact, engine), Z_out, rounding),
        (engine_coded or coded)(engine_from(exact, engine), Z_out, rounding),
    )


def clamped_too_early(v: Tensor, z: int, rounding: Step) -> Tensor:
    return rounding(v).clamp(0, 255) + z


def they_differ(beyond_range: bool) -> Callable[..., bool]:
    """A condition for draws: the two rules differ somewhere, and no float's last bit decides."""

    def condition(acc: Tensor, bias: Tensor, S_acc: float, S_out: float, Z_out: int) -> bool:
        exact, fake, engine = by_two_rules(
            acc, bias, S_acc, S_out, Z_out, coded=lambda v, z, rounding: torch.round(v) + z
        )
        engine_exact = (acc.double() + torch.round(bias.double() / S_acc)) * S_acc / S_out
        free = torch.cat((fake, engine))
        reaches = (
            bool((free < 0).any() and (free > 255).any()) if beyond_range else bool(((free >= 0) & (free < 256)).all())
        )
        apart = bool((fake != engine).any())
        clear = clear_of_ties(exact) and clear_of_ties(engine_exact) and clear_of_ties(bias.double() / S_acc, 1e-2)
        return apart and reaches and clear

    return condition


def accumulators(low: int, high: int, count: int) -> Drawn:
    return uniform(low, high, count, dtype=torch.int32)


q8 = Question(
    "Q8",
    answer="two_rules",
    returns=(tensor("exact", integer=False), tensor("fake"), tensor("engine")),
    reference=by_two_rules,
    provided=provided.two_rules,
    off_limits=(
        *(*OUTPUT_STAGES, *QUANTIZERS),
        *("qlab.arithmetic.output_stage:integer_bias", "qlab.engines.registry:reference"),
    ),
    parts=(
        Part("the exact value", 2, fields=("exact",)),
        Part("the fake-quantized layer's code", 4, fields=("fake",)),
        Part("the engine's code", 4, fields=("engine",)),
    ),
    cases=[
        case("the worked example", torch.tensor([54, 55, 56]), torch.tensor([0.1475] * 3), 0.02, 0.05, 3),
        case(
            "random accumulators",
            accumulators(-150, 150, 60),
            normal(60),
            0.05,
            0.17,
            120,
            such_that=they_differ(False),
        ),
        case(
            "beyond the range",
            accumulators(-900, 900, 60),
            normal(60),
            0.05,
            0.11,
            101,
            such_that=they_differ(True),
        ),
    ],
    mistakes=[
        Mistake(
            "the engine's bias is left a real number",
            given(engine_from=lambda exact, engine: exact),
            "qnnpack adds an integer to the accumulator: how many steps of S_acc is the bias, rounded?",
        ),
        Mistake(
            "the fake-quantized layer's bias is rounded too",
            given(fake_from=lambda exact, engine: engine),
            "it computes in floats: its bias stays a real number.",
        ),
        Mistake(
            "the two rules are exchanged",
            given(fake_from=lambda exact, engine: engine, engine_from=lambda exact, engine: exact),
            "which of the two rounds the bias to whole steps of the accumulator?",
        ),
        Mistake(
            "the engine's bias is rounded down",
            given(bias_steps=lambda b, s, s_out, rounding: torch.floor(b / s)),
            "to the nearest: floor goes down.",
        ),
        Mistake(
            "the engine's bias is truncated",
            given(bias_steps=lambda b, s, s_out, rounding: torch.trunc(b / s)),
            "to the nearest: a cast to an integer cuts the fraction off.",
        ),
        Mistake(
            "the engine's bias is rounded to steps of the output",
            given(bias_steps=lambda b, s, s_out, rounding: torch.round(b / s_out) * s_out / s),
            "the engine adds the bias to its accumulator: in whole steps of which scale?",
        ),
        Mistake(
            "the engine's bias is counted in steps of the output",
            given(bias_steps=lambda b, s, s_out, rounding: torch.round(b / s_out)),
            "the bias joins the accumulator: what is one unit of the accumulator worth?",
        ),
        Mistake(
            "the engine's bias steps are added as if they were real numbers",
            given(engine_value=lambda acc, steps, s, s_out: (acc * s + steps) / s_out),
            "a step of the bias is worth S_acc, like a step of the accumulator.",
        ),
        Mistake(
            "the engine's bias is left out",
            given(bias_steps=lambda b, s, s_out, rounding: 0 * b),
            "the engine adds the bias too, as an integer.",
        ),
        Mistake(
            "the bias is left out everywhere",
            given(value=lambda acc, b, s, s_out: acc * s / s_out, bias_steps=lambda b, s, s_out, rounding: 0 * b),
            "which argument of the function have you not used yet?",
        ),
        Mistake(
            "the bias is not divided by the output's scale",
            given(value=lambda acc, b, s, s_out: acc * s / s_out + b),
            "the bias is a real number: how many steps of the output is it?",
        ),
        Mistake(
            "the bias is added to the accumulator as it is",
            given(value=lambda acc, b, s, s_out: (acc + b) * s / s_out),
            "the bias is a real number, the accumulator counts steps of S_acc: bring both into one unit.",
        ),
        Mistake(
            "the zero-point is left out of the exact value",
            given(exact_of=lambda v, z: v),
            "the exact value is to be compared with codes: they have the zero-point in them.",
        ),
        Mistake(
            "the exact value is rounded",
            given(exact_of=lambda v, z: torch.round(v) + z),
            "exact means: nothing is rounded, so that one sees how close to the middle it lies.",
        ),
        Mistake(
            "the exact value is clamped",
            given(exact_of=lambda v, z: (v + z).clamp(0, 255)),
            "the exact value is a real number that nothing has limited yet: only the codes end at 0 and 255.",
        ),
        Mistake(
            "the codes are not clamped",
            given(coded=lambda v, z, rounding: rounding(v) + z),
            "a code lies from 0 to 255.",
        ),
        Mistake(
            "the codes wrap around in bytes",
            given(coded=lambda v, z, rounding: torch.remainder(rounding(v) + z, 256)),
            "a cast to uint8 does not limit: which function of torch does?",
        ),
        Mistake(
            "the codes are clamped to signed bytes",
            given(coded=lambda v, z, rounding: (rounding(v) + z).clamp(-128, 127)),
            "activations are unsigned here: which codes has a byte without a sign?",
        ),
        Mistake(
            "clamped before the zero-point is added",
            given(coded=clamped_too_early),
            "it is the code, zero-point and all, that has to lie from 0 to 255.",
        ),
        Mistake(
            "the engine's code is clamped before the zero-point is added",
            given(engine_coded=clamped_too_early),
            "compare your two last lines: in which of them is the zero-point inside the clamp?",
        ),
        Mistake(
            "the fake-quantized layer's code is clamped before the zero-point is added",
            given(fake_coded=clamped_too_early),
            "compare your two codes: in which of them is the zero-point inside the clamp?",
        ),
        Mistake(
            "the zero-point is left out of the codes",
            given(coded=lambda v, z, rounding: rounding(v).clamp(0, 255)),
            "which code stands for the output 0.0?",
        ),
        Mistake(
            "the codes are rounded down",
            given(coded=lambda v, z, rounding: (torch.floor(v) + z).clamp(0, 255)),
            "to the nearest: floor goes down.",
        ),
        Mistake(
            "the codes are truncated instead of rounded",
            given(coded=lambda v, z, rounding: (torch.trunc(v) + z).clamp(0, 255)),
            "to the nearest: a cast to an integer cuts the fraction off.",
        ),
        Mistake(
            "the codes are not rounded",
            given(coded=lambda v, z, rounding: (v + z).clamp(0, 255)),
            "a code is an integer: which function of torch goes to the nearest one?",
        ),
    ],
    next="do the worked example on paper: exactly 27.55, 27.95 and 28.35; the fake codes are 28, 28, 28, the engine's 27, 28, 28",
)
