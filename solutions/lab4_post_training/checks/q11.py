"""Q11: weight codes, scales and bias out of the packed parameters of a converted layer."""

from functools import partial

import provided
import torch
from torch import Tensor

from qlab.check import Case, Mistake, Part, Question, Step, as_is, case, given, nearest, remembered, tensor

from ._common import within


@remembered
def converted(weight: Tensor, bias: Tensor, batches: Tensor) -> tuple[Tensor, Tensor, Tensor, float]:
    """Codes, scales, bias, and the scale of the output."""
    layer = provided.converted_layer(weight, bias, batches)
    packed = layer.weight()
    return packed.int_repr(), packed.q_per_channel_scales(), layer.bias().detach(), float(layer.scale)


def unpack(
    weight: Tensor,
    bias: Tensor,
    batches: Tensor,
    *,
    codes: Step = lambda codes, scales, weight: codes,
    scales: Step = lambda scales, s_out, codes: scales,
    biases: Step = as_is,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor, Tensor]:
    q, s, b, s_out = converted(weight, bias, batches)
    q, s = q.double(), s.double()
    return codes(q, s, weight.double()), within(scales(s, s_out, q), rounding), within(biases(b.double()), rounding)


def layer_case(name: str, seed: int, shape: tuple[int, int]) -> Case:
    """A layer whose channels have different ranges, the same for everyone."""
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator)
    weight = draw(*shape) * torch.logspace(-1, 0.5, shape[0]).reshape(-1, 1)
    return case(name, weight, draw(shape[0]), draw(2, 5, shape[1]))


q11 = Question(
    "Q11",
    answer="unpacked",
    returns=(tensor("codes"), tensor("scales", integer=False), tensor("bias", integer=False)),
    reference=unpack,
    provided=provided.unpacked,
    off_limits=("qlab.torch_flow.converted:converted_layer",),
    parts=(
        Part("the weight's codes", 1, fields=("codes",)),
        Part("its scales, and the bias", 1, fields=("scales", "bias")),
    ),
    cases=[
        layer_case("3 outputs, 4 inputs", 1, (3, 4)),
        layer_case("5 outputs, 2 inputs", 2, (5, 2)),
        layer_case("as many outputs as inputs", 3, (4, 4)),
    ],
    mistakes=[
        Mistake(
            "the weights in reals instead of their codes",
            given(codes=lambda q, s, w: q * s[:, None]),
            "the packed weight has codes and scales: which method gives the integers?",
        ),
        Mistake(
            "the weights from before the conversion",
            given(codes=lambda q, s, w: w),
            "take them out of the converted layer: what are its codes?",
        ),
        Mistake(
            "the codes are shifted by 128",
            given(codes=lambda q, s, w: q + 128),
            "weights are signed codes, int8: nothing has to be added.",
        ),
        Mistake(
            "the codes are transposed",
            given(codes=lambda q, s, w: q.T),
            "a weight is (out, in), packed or not.",
        ),
        Mistake(
            "the scale of the output instead of the weights' scales",
            given(scales=lambda s, s_out, q: torch.full_like(s, s_out)),
            "layer.scale belongs to the layer's output: which object has the weights' scales?",
        ),
        Mistake(
            "the zero-points instead of the scales",
            given(scales=lambda s, s_out, q: torch.zeros_like(s)),
            "q_per_channel_zero_points() are the codes of 0: what is the method for the scales called?",
        ),
        Mistake(
            "the first scale for all channels",
            given(scales=lambda s, s_out, q: s[:1].expand(len(s))),
            "q_per_channel_scales() has one scale per output channel: return them all.",
        ),
        Mistake(
            "the bias is 0",
            given(biases=torch.zeros_like),
            "the layer has a bias, packed together with the weight.",
        ),
        Mistake(
            "the bias is rounded to an integer",
            given(biases=torch.round),
            "the bias is float32 in the layer: return it as it is.",
        ),
    ],
    next="print layer.weight() in a cell of its own: codes, scales and zero-points are all in what it shows",
)
