"""Q7: the bytes of a converted layer's weights, biases, scales and zero-points."""

import provided

from qlab.check import Mistake, Part, Question, Step, case, given, integer, nearest


def bytes_of(
    outputs: int,
    per_output: int,
    per_channel: bool,
    *,
    weight: int = 1,
    bias: int = 4,
    scale: int = 8,
    point: int = 8,
    each: Step = lambda outputs, per_output, per_channel: outputs if per_channel else 1,
    biases: Step = lambda outputs, per_output: outputs,
    weights: Step = lambda outputs, per_output: outputs * per_output,
    rounding: Step = nearest,
) -> tuple[int, int, int, int]:
    count = each(outputs, per_output, per_channel)
    return (
        weight * weights(outputs, per_output),
        bias * biases(outputs, per_output),
        scale * count,
        point * count,
    )


q7 = Question(
    "Q7",
    answer="held_bytes",
    returns=(integer("weights"), integer("biases"), integer("scales"), integer("zero_points")),
    reference=bytes_of,
    provided=provided.held_bytes,
    parts=(
        Part("weights and biases", 2, fields=("weights", "biases"), groups=("usual",)),
        Part("one scale per channel", 2, fields=("scales", "zero_points"), groups=("usual",)),
        Part("one scale a layer", 1, groups=("tensor",)),
    ),
    cases=[
        case("the worked example", 8, 27, True),
        case("32 kernels of 20 x 3 x 3", 32, 180, True),
        case("a linear layer", 10, 32, True),
        case("the worked example, per tensor", 8, 27, False, group="tensor"),
        case("a linear layer, per tensor", 10, 32, False, group="tensor"),
    ],
    mistakes=[
        Mistake("weights of 4 bytes", given(weight=4), "a code of 8 bits is how many bytes?"),
        Mistake("counted in bits", given(weight=8, bias=32, scale=64, point=64), "a byte has 8 bits: give bytes."),
        Mistake("biases of 1 byte", given(bias=1), "look at the dtype of a converted layer's bias() above."),
        Mistake("biases of 8 bytes", given(bias=8), "look at the dtype of a converted layer's bias() above."),
        Mistake(
            "1 byte for everything",
            given(bias=1, scale=1, point=1),
            "only the weights are codes of 8 bits: look at the other dtypes printed above.",
        ),
        Mistake("scales of 4 bytes", given(scale=4), "look at the dtype of q_per_channel_scales() above."),
        Mistake("zero-points of 4 bytes", given(point=4), "look at the dtype of q_per_channel_zero_points() above."),
        Mistake("zero-points of 1 byte", given(point=1), "look at the dtype of q_per_channel_zero_points() above."),
        Mistake("scales and zero-points of 4 bytes", given(scale=4, point=4), "look at both dtypes printed above."),
        Mistake(
            "one scale for the layer, though it is per channel",
            given(each=lambda outputs, per_output, per_channel: 1),
            "how many scales did the converted convolution above have?",
        ),
        Mistake(
            "one scale per channel, though it is per tensor",
            given(each=lambda outputs, per_output, per_channel: outputs),
            "per tensor there is a single scale and a single zero-point.",
        ),
        Mistake(
            "per channel and per tensor are exchanged",
            given(each=lambda outputs, per_output, per_channel: 1 if per_channel else outputs),
            "when has each output channel a scale of its own: with per_channel true or false?",
        ),
        Mistake(
            "per tensor nothing is counted",
            given(each=lambda outputs, per_output, per_channel: outputs if per_channel else 0),
            "per tensor there is still one scale and one zero-point: 0 or 1?",
        ),
        Mistake(
            "a scale for each weight of a kernel",
            given(each=lambda outputs, per_output, per_channel: per_output if per_channel else 1),
            "per channel means: one for each output channel.",
        ),
        Mistake(
            "no scales or zero-points",
            given(scale=0, point=0),
            "without them codes mean nothing: how many has the layer?",
        ),
        Mistake(
            "the weights of a single output are counted",
            given(weights=lambda outputs, per_output: per_output),
            "per_output is the number of weights of each output channel: how many channels are there?",
        ),
        Mistake(
            "a bias for each weight",
            given(biases=lambda outputs, per_output: outputs * per_output),
            "a layer has one bias for each output channel.",
        ),
    ],
    next="work the example out from the dtypes that the cell above prints",
)
