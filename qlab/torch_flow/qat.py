"""Quantization-aware training in PyTorch's eager mode: fuse, prepare, freeze, convert, and a block to try it on."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.torch_flow import api as torchs
from qlab.torch_flow.converted import held


class OneBlock(nn.Module):
    """The smallest model that torch's flow needs: in, convolution, batch norm, ReLU, out.

    Args:
        weight: of the 3x3 convolution, (out, in, 3, 3).
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        self.quant = torchs.QuantStub()
        self.conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(len(weight))
        self.relu = nn.ReLU()
        self.dequant = torchs.DeQuantStub()
        with torch.no_grad():
            self.conv.weight.copy_(weight)

    def forward(self, x: Tensor) -> Tensor:
        """(images, out, height, width) of images (images, in, height, width)."""
        result: Tensor = self.dequant(self.relu(self.bn(self.conv(self.quant(x)))))
        return result


def train_steps(model: nn.Module, images: Tensor, targets: Tensor, steps: int, rate: float = 0.1) -> None:
    """Some steps of plain gradient descent on the mean squared distance to the targets, all images at once."""
    for _ in range(steps):
        model.zero_grad()
        loss = (model(images) - targets).square().mean()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter.sub_(rate * parameter.grad)


def codes_and_scales(converted: Any) -> tuple[Tensor, Tensor, float]:
    """Of a converted `OneBlock`: the weight's codes, its scale for each output channel, the output's scale."""
    conv = held(converted.conv)
    return conv.weight.int_repr(), conv.scales.expand(len(conv.weight)).clone(), conv.scale


def prepared(
    network: nn.Module, engine: str, *, after_training: bool = False, fused_observers: bool = False
) -> nn.Module:
    """A copy of the network fused and prepared by torch's prepare_qat for an engine, in training mode.

    Args:
        network: its `blocks` are each a convolution, batch norm and ReLU; left as it is.
        engine: whose qconfig.
        after_training: take the qconfig of post-training quantization, which is the mistake that it looks like: it
            holds observers, but no fake-quantizers, and the network trains in plain fp32.
        fused_observers: take the newer qconfig, whose fake-quantizers are fused with their observers. For symmetric
            weights they train with the scale max(-min / 128, max / 127), but convert takes max(-min, max) / 127.5.
    """
    model = copy.deepcopy(network).train()
    blocks: Any = model.blocks
    for block in blocks:
        torchs.fuse_modules_qat(block, [["0", "1", "2"]], inplace=True)
    with torchs.quiet():
        wrapped: Any = torchs.QuantWrapper(model)
    if after_training:
        wrapped.qconfig = torchs.get_default_qconfig(engine)
    else:
        wrapped.qconfig = torchs.get_default_qat_qconfig(engine, version=int(fused_observers))
    aware: nn.Module = torchs.prepare_qat(wrapped)
    return aware


def fake_quantizers(aware: nn.Module) -> int:
    """How many fake-quantizers a prepared network holds."""
    return sum(isinstance(module, torchs.FakeQuantizeBase) for module in aware.modules())


def freeze(aware: nn.Module) -> None:
    """From here on no batch moves a range or batch norm's statistics."""
    aware.apply(torchs.disable_observer)
    aware.apply(torchs.freeze_bn_stats)


def converted(aware: nn.Module, engine: str) -> nn.Module:
    """The int8 model, packed for an engine; the fake-quantized one stays as it is."""
    with selected(engine):
        model: nn.Module = torchs.convert(copy.deepcopy(aware).eval())
        return model


def run(model: nn.Module, images: Tensor, engine: str) -> Tensor:
    """What a converted model gives, computed by the engine that it was packed for."""
    with torchs.quiet(), selected(engine), torch.no_grad():
        result: Tensor = model(images)
        return result
