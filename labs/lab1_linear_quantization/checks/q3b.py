"""Q3b, without points: the real logits behind a network's last codes."""

import torch
from torch import Tensor

import qlab
from qlab.check import Mistake, Part, Question, Step, case, given, nearest, tensor, uniform, wrapped

from ._common import int8


def real_logits(
    q_logits: Tensor,
    scale: float,
    zero_point: int,
    *,
    rounding: Step = nearest,
    formula: Step = lambda q, s, z: s * (q - z),
) -> Tensor:
    return formula(q_logits.double(), scale, zero_point)


q3b = Question(
    "Q3b",
    answer="real_logits",
    returns=(tensor("logits", integer=False),),
    reference=real_logits,
    provided=qlab.dequantize,
    off_limits=(
        *("torch:dequantize", "torch:Tensor.dequantize", "torch:_make_per_tensor_quantized_tensor"),
        "torch.ao.quantization.fx._decomposed:dequantize_per_tensor",
    ),
    parts=(Part("real logits", 0),),
    cases=[
        case("the worked layer", int8([[-4, -45, 11], [24, -80, 32]]), 0.1001, -18),
        case("random codes", uniform(-128, 127, 5, 10), 0.07, 31),
    ],
    mistakes=[
        Mistake(
            "the logits are left as integers",
            given(formula=lambda q, s, z: q),
            "the largest one stays the largest, so accuracy does not notice; what does cross-entropy do with exp(127)?",
        ),
        Mistake(
            "multiplied by the scale, then the offset subtracted (q * s - Z)",
            given(formula=lambda q, s, z: q * s - z),
            "the code Z has to become 0.0: what does yours give for q = Z?",
        ),
        Mistake(
            "the zero-point is not subtracted",
            given(formula=lambda q, s, z: q * s),
            "the code Z has to become 0.0: what does yours give for q = Z?",
        ),
        Mistake("the scale is not applied", given(formula=lambda q, s, z: q - z), "how much is one code worth?"),
        Mistake(
            "divided by the scale",
            given(formula=lambda q, s, z: (q - z) / s),
            "one code is worth `scale` real units: how much are q - Z of them worth?",
        ),
        Mistake("the zero-point is added", given(formula=lambda q, s, z: s * (q + z)), "the code Z has to become 0.0."),
        Mistake(
            "code and zero-point are subtracted the wrong way round",
            given(formula=lambda q, s, z: s * (z - q)),
            "a code above the zero-point stands for a positive number.",
        ),
        Mistake(
            "scale and zero-point are exchanged",
            given(formula=lambda q, s, z: z * (q - s)),
            "which of the two is a width in real units, and which one is a code?",
        ),
        Mistake(
            "quantized instead of mapped back",
            given(formula=lambda q, s, z: q / s + z),
            "that is the way from reals to codes: solve it for the real number.",
        ),
        Mistake(
            "the logits are rounded",
            given(formula=lambda q, s, z: (s * (q - z)).round()),
            "real logits have fractions: what is lost when they are rounded?",
        ),
        Mistake(
            "code minus zero-point wraps around in int8",
            given(formula=lambda q, s, z: s * wrapped(q - z, 8)),
            "100 - (-100) is 200, which int8 does not hold: widen before you subtract.",
        ),
        Mistake(
            "softmax is applied",
            given(formula=lambda q, s, z: torch.softmax(s * (q - z), dim=-1)),
            "cross-entropy takes logits and applies softmax itself.",
        ),
    ],
    next="take q = Z: it has to give 0.0; then q = Z + 1: it has to give the scale",
)
