"""Q7: how many scales each layer's weights get from a config per channel and one per tensor."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, as_is, case, given, nearest, tensor


def depthwise(inputs: int, outputs: int, groups: int) -> bool:
    return groups > 1 and groups == inputs


def scale_counts(
    layers: tuple[tuple[str, int, int, int], ...],
    *,
    linear: Step = lambda outputs: 1,
    looks_alone: Step = depthwise,
    alone: Step = lambda outputs: 1,
    convolution: Step = lambda outputs: outputs,
    rounding: Step = nearest,
) -> Tensor:
    counts = []
    for kind, inputs, outputs, groups in layers:
        if kind == "linear":
            counts.append(linear(outputs))
        else:
            counts.append((alone if looks_alone(inputs, outputs, groups) else convolution)(outputs))
    return torch.tensor(counts)


q7 = Question(
    "Q7",
    answer="scales_per_layer",
    returns=(tensor("scales"),),
    reference=scale_counts,
    provided=provided.scales_per_layer,
    off_limits=(
        *("qlab.torch_flow.grid_fake_quantize:package_choice", "qlab.torch_flow.grid_fake_quantize:is_depthwise"),
        "qlab.torch_flow.grid_fake_quantize:set_qconfigs",
    ),
    parts=(
        Part("ordinary convolutions and linear layers", 3, groups=("usual",)),
        Part("depthwise convolutions, and those that only look like one", 2, groups=("depthwise",)),
    ),
    cases=[
        case("the worked example", (("conv", 1, 16, 1), ("conv", 16, 32, 1), ("linear", 32, 10, 1))),
        case("a linear layer first", (("linear", 12, 7, 1), ("conv", 3, 5, 1), ("linear", 4, 6, 1), ("conv", 1, 3, 1))),
        case(
            "the block of a MobileNet",
            (("conv", 8, 24, 1), ("conv", 24, 24, 24), ("conv", 24, 8, 1), ("conv", 8, 8, 1)),
            group="depthwise",
        ),
        case(
            "groups of several channels",
            (("conv", 8, 12, 4), ("conv", 6, 12, 6), ("conv", 8, 4, 4), ("conv", 8, 8, 2), ("linear", 8, 8, 1)),
            group="depthwise",
        ),
    ],
    mistakes=[
        Mistake(
            "everything per channel",
            given(linear=as_is, alone=as_is),
            "two kinds of layers get one scale for the tensor: which?",
        ),
        Mistake(
            "everything per tensor",
            given(convolution=lambda outputs: 1),
            "ordinary convolutions get a scale for each output channel.",
        ),
        Mistake(
            "linear layers per channel",
            given(linear=as_is),
            "fully connected layers get one scale for the tensor.",
        ),
        Mistake(
            "depthwise convolutions per channel",
            given(looks_alone=lambda inputs, outputs, groups: False),
            "a depthwise convolution is an nn.Conv2d too: which of its attributes tells?",
        ),
        Mistake(
            "the two configs are exchanged",
            given(linear=as_is, alone=as_is, convolution=lambda outputs: 1),
            "convolutions per channel, the other two kinds per tensor: did the names change places?",
        ),
        Mistake(
            "only depthwise convolutions per channel",
            given(alone=as_is, convolution=lambda outputs: 1),
            "which of the two kinds of convolutions gets one scale for the tensor?",
        ),
        Mistake(
            "a convolution of one input channel is taken for depthwise",
            given(looks_alone=lambda inputs, outputs, groups: groups == inputs),
            "with one channel groups == in_channels holds for any convolution: what else makes one depthwise?",
        ),
        Mistake(
            "every convolution with groups is taken for depthwise",
            given(looks_alone=lambda inputs, outputs, groups: groups > 1),
            "with 8 channels in 4 groups each output sees two of them: when does it see one only?",
        ),
        Mistake(
            "as many inputs as outputs are taken for depthwise",
            given(looks_alone=lambda inputs, outputs, groups: inputs == outputs),
            "8 channels in and 8 out may still see each other: which attribute says in how many groups?",
        ),
        Mistake(
            "the groups are compared with the output channels",
            given(looks_alone=lambda inputs, outputs, groups: groups > 1 and groups == outputs),
            "depthwise: each input channel is a group of its own; it may have several outputs.",
        ),
        Mistake(
            "depthwise only with as many outputs as inputs",
            given(looks_alone=lambda inputs, outputs, groups: groups > 1 and groups == inputs == outputs),
            "each input channel is a group of its own; it may have several outputs.",
        ),
        Mistake(
            "convolutions without groups per tensor, the others per channel",
            given(looks_alone=lambda inputs, outputs, groups: groups == 1),
            "groups == 1 is the ordinary convolution: which of the two configs does it get?",
        ),
        Mistake(
            "some layers get no config",
            given(linear=lambda outputs: 0),
            "without a qconfig a layer stays fp32 and has no scale: does every kind of layer reach a line that sets one?",
        ),
        Mistake(
            "convolutions get no config",
            given(alone=lambda outputs: 0, convolution=lambda outputs: 0),
            "without a qconfig a layer stays fp32 and has no scale: does every kind of layer reach a line that sets one?",
        ),
    ],
    next="print layer for each layer of network: which of them are nn.Linear, and what are groups and in_channels of the others?",
)
