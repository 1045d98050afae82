"""Q7: torch's own flow: fuse, prepare, train, freeze, train on, convert."""

import copy

import provided
import torch
from torch import Tensor

from qlab import torch_flow
from qlab.check import (
    Case,
    How,
    Part,
    Question,
    Step,
    about,
    case,
    differently,
    nearest,
    real,
    remembered,
    tensor,
    ties_down,
    ties_up,
)
from qlab.torch_flow import qat

QCONFIGS = {
    "qat": lambda: torch_flow.get_default_qat_qconfig("x86", version=0),
    "ptq": lambda: torch_flow.get_default_qconfig("x86"),
    "qnnpack": lambda: torch_flow.get_default_qat_qconfig("qnnpack", version=0),
    "full range": lambda: torch_flow.get_default_qat_qconfig("onednn", version=0),
    "fused": lambda: torch_flow.get_default_qat_qconfig("x86", version=1),
}
DISABLE = torch_flow.disable_observer


def flow(
    weight: Tensor,
    images: Tensor,
    targets: Tensor,
    *,
    how: How = (),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor, Tensor]:
    """Torch's flow, with what a mistake changes in it."""
    codes, scales, output_scale = run_flow(weight, images, targets, how)
    low = {ties_down: torch.ceil(codes - 0.51), ties_up: torch.floor(codes + 0.51)}.get(rounding, torch.round(codes))
    return (
        low.clamp(-128, 127),
        about(scales, rounding, 1e-4 * scales),
        about(output_scale, rounding, 1e-4 * output_scale),
    )


@remembered
def run_flow(weight: Tensor, images: Tensor, targets: Tensor, how: How) -> tuple[Tensor, Tensor, Tensor]:
    changes = dict(how)
    with torch_flow.quiet(), torch.enable_grad():
        model = qat.OneBlock(weight).train()
        if together := changes.get("fuse", ("conv", "bn", "relu")):
            model = torch_flow.fuse_modules_qat(model, [list(together)])
        model.qconfig = QCONFIGS[changes.get("qconfig", "qat")]()
        prepared = torch_flow.prepare_qat(model)
        if changes.get("eval while training"):
            prepared.eval()
        freezing = {
            "observers": [DISABLE],
            "statistics": [torch_flow.freeze_bn_stats],
            "none": [],
            "codes": [torch_flow.disable_fake_quant, torch_flow.freeze_bn_stats],
            "both": [DISABLE, torch_flow.freeze_bn_stats],
        }[changes.get("freeze", "both")]
        when = changes.get("when", "between")
        for stage, steps in (("before", 6), ("between", 3), ("after", 0)):
            if stage == when:
                for freeze in freezing:
                    prepared.apply(freeze)
            qat.train_steps(prepared, images, targets, steps=steps)
        prepared.eval()
        converted = torch_flow.convert(copy.deepcopy(prepared))
        codes, scales, output_scale = qat.codes_and_scales(converted)
        return real_codes(prepared.conv, scales, codes), scales, torch.tensor(output_scale, dtype=torch.float64)


def real_codes(conv: torch.nn.Conv2d, scales: Tensor, codes: Tensor) -> Tensor:
    """The codes before rounding, as far as they are known: a float's last bits may move them."""
    norm = getattr(conv, "bn", None)
    weight = conv.weight.detach().double()
    if norm is not None:
        factor = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * factor.reshape(-1, 1, 1, 1)
    found = weight / scales.reshape(-1, 1, 1, 1)
    return torch.where((found - codes).abs() < 0.6, found, codes.double())


def block(name: str, seed: int, channels: int, out: int, *, side: int = 5, images: int = 6) -> Case:
    """A small layer, its images and targets: fixed, because it is trained."""
    generator = torch.Generator().manual_seed(seed)
    return case(
        name,
        0.4 * torch.randn(out, channels, 3, 3, generator=generator),
        torch.rand(images, channels, side, side, generator=generator),
        torch.rand(images, out, side, side, generator=generator) * 2,
    )


q7 = Question(
    "Q7",
    answer="aware_training",
    returns=(tensor("codes"), tensor("scales", integer=False), real("output_scale")),
    reference=flow,
    provided=provided.aware_training,
    parts=(
        Part("the weight's codes", 6, fields=("codes",)),
        Part("the weight's scales", 5, fields=("scales",)),
        Part("the output's scale", 4, fields=("output_scale",)),
    ),
    cases=[block("one channel in, two out", 1, 1, 2), block("two channels in, three out", 2, 2, 3)],
    mistakes=[
        differently(
            "prepared with the qconfig of post-training quantization: trains plain fp32",
            "print the prepared model: observers only watch. Which get_default_… has fake-quantizers in it?",
            qconfig="ptq",
        ),
        differently(
            "prepared with another engine's qconfig, qnnpack",
            "the engine is x86 here: one scale for each output channel, activations with 7 bits.",
            qconfig="qnnpack",
        ),
        differently(
            "prepared with another engine's qconfig, onednn",
            "the engine is x86 here: its activations have 7 bits.",
            qconfig="full range",
        ),
        differently(
            "the newer version of the qconfig, whose fake-quantizers are fused with their observers",
            "the text asks for version=0: the fused ones train with another scale than convert uses.",
            qconfig="fused",
        ),
        differently(
            "nothing is frozen before the last steps",
            "ranges and batch norm's statistics go on moving: which two functions does apply have to be given?",
            freeze="none",
        ),
        differently(
            "batch norm's statistics are not frozen",
            "observers are one thing, running mean and variance another: which function stops those?",
            freeze="observers",
        ),
        differently(
            "the observers are not frozen",
            "batch norm's statistics are one thing, ranges another: which function stops those?",
            freeze="statistics",
        ),
        differently(
            "the fake quantizers are switched off instead of the observers",
            "the last steps have to see the codes: it is the ranges that are to stay.",
            freeze="codes",
        ),
        differently(
            "frozen too late, after the last steps",
            "the last steps should train with what the converted model has: freeze before them.",
            when="after",
        ),
        differently(
            "batch norm is not fused",
            "name all three modules in the list: convolution, batch norm, ReLU.",
            fuse=(),
        ),
        differently(
            "the ReLU is left out of the fusion",
            "name all three modules in the list: convolution, batch norm, ReLU.",
            fuse=("conv", "bn"),
        ),
        differently(
            "batch norm never follows the batches: frozen from the start, or trained in evaluation mode",
            "freeze after the first training, and call eval() before convert: until then batch norm has to see batches.",
            **{"eval while training": True},
        ),
    ],
    next="print(prepared) after prepare_qat: conv is a ConvBnReLU2d with a FakeQuantize for its weight and one for its output",
)
