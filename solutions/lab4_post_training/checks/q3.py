"""Q3: a small model taken through the five steps of static quantization."""

from functools import partial

import provided
import torch
from torch import Tensor

from qlab import torch_flow as tq
from qlab.check import Case, Mistake, Part, Question, Step, case, given, nearest, real, remembered, tensor

from .q1 import q1


@remembered
def run_flow(
    weight: Tensor,
    bias: Tensor,
    statistics: Tensor,
    batches: Tensor,
    x: Tensor,
    engine: str,
    groups: tuple[tuple[str, ...], ...],
    qconfig: Step,
    calibrated: Step,
) -> tuple[Tensor, Tensor]:
    model = provided.small_model(weight, bias, statistics).eval()
    names = [list(group) for group in groups]
    y = tq.static(model, names, calibrated(batches, x), qconfig(engine))(x)
    return y.int_repr(), torch.tensor(y.q_scale(), dtype=torch.float64)


def five(
    weight: Tensor,
    bias: Tensor,
    statistics: Tensor,
    batches: Tensor,
    x: Tensor,
    engine: str,
    *,
    groups: tuple[tuple[str, ...], ...] = (("conv", "bn", "relu"),),
    qconfig: Step = tq.minmax_qconfig,
    calibrated: Step = lambda batches, x: list(batches),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    return run_flow(weight, bias, statistics, batches, x, engine, groups, qconfig, calibrated)


def gentle(weight: Tensor) -> Tensor:
    """Weights whose pairs saturate no engine: one is 1, alone in its channel, all others are at most half of it."""
    weight = weight.clamp(-0.5, 0.5)
    weight[0] = 0
    weight[0, 0, 0, 0] = 1
    return weight


def flow_case(
    name: str,
    seed: int,
    shape: tuple[int, int, int, int],
    engine: str,
    amplitudes: tuple[float, ...],
    at_test: float = 4.0,
) -> Case:
    """Weights of this shape, batches of these amplitudes, and an input to try; the same for everyone.

    Grading runs an answer in another process than the reference, and torch may choose another kernel there: the folded
    weights are gentle, so that every kernel computes the same.
    """
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator)
    outputs, inputs = shape[:2]
    var = 0.2 + torch.rand(outputs, generator=generator)
    gamma = 0.8 + var.flip(0)
    statistics = torch.stack([draw(outputs) * 0.3, var, gamma, draw(outputs) * 0.3])
    factor = (gamma / torch.sqrt(var + 1e-5)).reshape(-1, 1, 1, 1)
    batches = torch.stack([amplitude * draw(3, inputs, 5, 5) for amplitude in amplitudes])
    x = at_test * draw(2, inputs, 5, 5).abs()  # brighter than the batches, and never below 0
    group = "usual" if engine == "fbgemm" else "qnnpack"
    weight = gentle(0.25 * draw(*shape)) / factor
    return case(name, weight, draw(outputs) * 0.2, statistics, batches, x, engine, group=group)


q3 = Question(
    "Q3",
    answer="five_steps",
    returns=(tensor("codes"), real("scale")),
    reference=five,
    provided=provided.five_steps,
    off_limits=("qlab.torch_flow:static",),
    uses={"fold_batch_norm": q1},
    parts=(
        Part("the scale of the output", 5, fields=("scale",), groups=("usual",)),
        Part("its codes", 5, fields=("codes",), groups=("usual",)),
        Part("with another engine's qconfig", 5, groups=("qnnpack",)),
    ),
    cases=[
        flow_case("a 3x3 convolution", 1, (4, 2, 3, 3), "fbgemm", (1.0, 3.0, 0.5)),
        flow_case("a 1x1 convolution", 2, (3, 3, 1, 1), "fbgemm", (1.5, 0.6, 2.4, 0.9)),
        flow_case("qnnpack", 3, (4, 2, 3, 3), "qnnpack", (1.2, 2.8, 0.7)),
        flow_case("qnnpack, 1x1", 4, (2, 4, 1, 1), "qnnpack", (1.1, 2.9, 0.8)),
    ],
    mistakes=[
        Mistake(
            "not calibrated before convert",
            given(calibrated=lambda batches, x: []),
            "convert reads what the observers have seen: which line shows them the batches, and does it come first?",
        ),
        Mistake(
            "calibrated on the first batch alone",
            given(calibrated=lambda batches, x: [batches[0]]),
            "the observers should see every batch: where does your loop end?",
        ),
        Mistake(
            "calibrated on the last batch alone",
            given(calibrated=lambda batches, x: [batches[-1]]),
            "the observers should see every batch: what does your loop call the model with?",
        ),
        Mistake(
            "calibrated on the test input",
            given(calibrated=lambda batches, x: [x]),
            "ranges come from the calibration batches; x is only for the finished model.",
        ),
        Mistake(
            "calibrated on the test input too",
            given(calibrated=lambda batches, x: [*batches, x]),
            "x is only for the finished model: the observers must not have seen it.",
        ),
        Mistake(
            "calibrated on the first image of each batch",
            given(calibrated=lambda batches, x: [batch[:1] for batch in batches]),
            "hand the whole batch to the model.",
        ),
        Mistake(
            "nothing is fused",
            given(groups=()),
            "print the converted model: which of conv, bn and relu are still layers of their own?",
        ),
        Mistake(
            "ReLU is left out of the group",
            given(groups=(("conv", "bn"),)),
            "print the converted model: is there a ReLU of its own? Its range is observed apart.",
        ),
        Mistake(
            "fbgemm's qconfig is taken for every engine",
            given(qconfig=lambda engine: tq.minmax_qconfig("fbgemm")),
            "the argument engine says whose qconfig to take.",
        ),
        Mistake(
            "qnnpack's qconfig is taken for every engine",
            given(qconfig=lambda engine: tq.minmax_qconfig("qnnpack")),
            "the argument engine says whose qconfig to take.",
        ),
        Mistake(
            "the default qconfig with its histograms",
            given(qconfig=tq.get_default_qconfig),
            "a histogram clips: here the range is the smallest and the largest value, as in minmax_qconfig.",
        ),
    ],
    next="print the model after each of the five steps, and compare it with the pictures above",
)
