"""Q8: calibrate, stop the observers, put the weights on the grid, measure."""

import provided
import torch
from torch import Tensor

from qlab import torch_flow
from qlab.check import Case, How, Part, Question, Step, about, case, differently, nearest, real, remembered, tensor
from qlab.formats.floatsd import FLOATSD4
from qlab.torch_flow import grid_fake_quantize as grids

CALIBRATE: dict[str, Step] = {
    "training": lambda training, test: training,
    "test": lambda training, test: [test],
    "both": lambda training, test: [*training, test],
    "first": lambda training, test: training[:1],
    "at once": lambda training, test: [training.flatten(0, 1)],
    "nothing": lambda training, test: [],
}
FAKE_QUANTIZERS: dict[str, Step] = {
    "papers": lambda: grids.default_log_weight_fake_quant(),
    "free scale per channel": lambda: grids.default_per_channel_log_weight_fake_quant(),
    "power of two per channel": lambda: grids.GridFakeQuantize(per_channel=True, rule="papers"),
    "nearest": lambda: grids.GridFakeQuantize(rule="nearest"),
    "13 values": lambda: grids.GridFakeQuantize(grid=FLOATSD4, rule="papers"),
    "int8": lambda: torch_flow.default_weight_fake_quant(),
    "activation": lambda: grids.default_fake_quant(),
    "fp32": lambda: torch.nn.Identity(),
}
FREEZE: dict[str, Step] = {
    "observers": torch_flow.disable_observer,
    "codes": torch_flow.disable_fake_quant,
    "nothing": lambda module: None,
}


def flow(
    weight: Tensor, training: Tensor, test: Tensor, *, how: How = (), rounding: Step = nearest
) -> tuple[Tensor, ...]:
    """The flow, with what a mistake changes in it."""
    found = run_flow(weight, training, test, how)
    return tuple(about(value, rounding, 1e-6 * (1 + value.abs())) for value in found)


@remembered
def run_flow(weight: Tensor, training: Tensor, test: Tensor, how: How) -> tuple[Tensor, ...]:
    changes = dict(how)
    with torch_flow.quiet(), torch.no_grad():
        network = provided.small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = torch_flow.prepare(network)
        final = FAKE_QUANTIZERS[changes.get("weights", "papers")]()(weight)
        if changes.get("integers"):
            final = final / papers_unit(weight)
        if changes.get("weights first"):
            prepared.conv.weight.copy_(final)
        for batch in CALIBRATE[changes.get("seen", "training")](training, test):
            prepared(batch)
        prepared.apply(FREEZE[changes.get("freeze", "observers")])
        early = prepared(test) if changes.get("measured") == "early" else None
        prepared.conv.weight.copy_(final)
        network.conv.weight.copy_(final)
        late = (network if changes.get("measured") == "network" else prepared)(test)
        outputs = late if early is None else early
        found = prepared.conv.weight, prepared.conv.activation_post_process.scale.reshape(()), outputs
        return tuple(value.detach().double().clone() for value in found)


def papers_unit(weight: Tensor) -> Tensor:
    return 2.0 ** torch.ceil(torch.log2(weight.abs().max() / 64))


def block(name: str, seed: int, channels: int, out: int, *, side: int = 4, images: int = 5, batches: int = 3) -> Case:
    """A small trained layer and its images: fixed, because a flow is compared to the last digit."""
    generator = torch.Generator().manual_seed(seed)
    sizes = 8.0 ** -torch.arange(out).float().reshape(-1, 1, 1, 1)
    growing = 1 + 0.7 * torch.arange(batches).float().reshape(-1, 1, 1, 1, 1)
    return case(
        name,
        0.6 * sizes * torch.randn(out, channels, 3, 3, generator=generator),
        growing * torch.rand(batches, images, channels, side, side, generator=generator),
        2.5 * torch.rand(images, channels, side, side, generator=generator) - 0.2,
    )


q8 = Question(
    "Q8",
    answer="post_quantized",
    returns=(tensor("weight", integer=False), real("output_scale"), tensor("outputs", integer=False)),
    reference=flow,
    provided=provided.post_quantized,
    parts=(
        Part("the weights that are measured", 5, fields=("weight",)),
        Part("the range of the output", 5, fields=("output_scale",)),
        Part("the outputs for the test images", 5, fields=("outputs",)),
    ),
    cases=[block("one channel in, two out", 1, 1, 2), block("two channels in, three out", 2, 2, 3)],
    mistakes=[
        differently(
            "the weights are still fp32: prepare does not quantize them",
            "print the weight that you measure: is it on the grid? prepare only makes activations into codes.",
            weights="fp32",
        ),
        differently(
            "the observers are on while it is measured: that calibrates on the test set",
            "every batch moves the ranges as long as the observers are on: which function stops them, and when?",
            freeze="nothing",
        ),
        differently(
            "calibrated on the test images",
            "the test images are there to measure with: which argument is for the ranges?",
            seen="test",
        ),
        differently(
            "calibrated on the training images and on the test images",
            "the test images are there to measure with: which argument is for the ranges?",
            seen="both",
        ),
        differently(
            "not calibrated",
            "an observer that has seen nothing has the scale 1: what has to run before the observers stop?",
            seen="nothing",
        ),
        differently(
            "calibrated on the first batch only",
            "does your loop run over all batches?",
            seen="first",
        ),
        differently(
            "calibrated on all batches at once",
            "batch after batch: the average moves by a share of each batch's ends.",
            seen="at once",
        ),
        differently(
            "the fake quantizers are switched off instead of the observers",
            "activations are to become codes when it is measured: it is the ranges that have to stay.",
            freeze="codes",
        ),
        differently(
            "the weights go on the grid before the calibration",
            "the question asks for the ranges of the network as it was trained: calibrate first.",
            **{"weights first": True},
        ),
        differently(
            "measured before the weights are on the grid",
            "which of your lines runs the test images, and what are the weights there?",
            measured="early",
        ),
        differently(
            "the network without fake quantizers is measured",
            "prepare returns the network to go on with: which one do you run on the test images?",
            measured="network",
        ),
        differently(
            "the weights have a free scale for each channel",
            "which config has the network? Its fake-quantizer has one power of two for the tensor.",
            weights="free scale per channel",
        ),
        differently(
            "the weights have a power of two for each channel",
            "which config has the network? Its fake-quantizer has one power of two for the tensor.",
            weights="power of two per channel",
        ),
        differently(
            "the weights are rounded to the nearest, not by the papers' thresholds",
            "the config's own fake-quantizer is to be used: which rule has it?",
            weights="nearest",
        ),
        differently(
            "the weights have the grid of 13 values",
            "the config's grid reaches 64: does yours?",
            weights="13 values",
        ),
        differently(
            "the weights are uniform int8",
            "that is torch's own fake-quantizer: what does network.qconfig hold?",
            weights="int8",
        ),
        differently(
            "the weights are fake-quantized like an activation",
            "a qconfig has two factories, one for activations and one for weights: which one did you call?",
            weights="activation",
        ),
        differently(
            "the weights are the grid's integers, without the unit",
            "fake quantization ends with real numbers: what is one step of the grid worth?",
            integers=True,
        ),
    ],
    next="print prepared.conv.weight before and after your last line: 15 values at most may be left, all of them powers of two",
)
