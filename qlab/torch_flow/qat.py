"""Quantization-aware training in PyTorch's eager mode: fuse, prepare, freeze, convert, and a small example model."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.torch_flow import api as tq
from qlab.torch_flow.converted import converted_layer


class ConvBNReLUBlock(nn.Module):
    """The smallest model for torch's workflow: quantize, convolution, batch norm, ReLU, dequantize.

    Args:
        weight: of the 3x3 convolution, (out, in, 3, 3).
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        self.quant = tq.QuantStub()
        self.conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(len(weight))
        self.relu = nn.ReLU()
        self.dequant = tq.DeQuantStub()
        with torch.no_grad():
            self.conv.weight.copy_(weight)

    def forward(self, x: Tensor) -> Tensor:
        """(images, out, height, width) of images (images, in, height, width)."""
        result: Tensor = self.dequant(self.relu(self.bn(self.conv(self.quant(x)))))
        return result


OneBlock = ConvBNReLUBlock  # its name in labs released before 0.2


def train_steps(model: nn.Module, images: Tensor, targets: Tensor, steps: int, rate: float = 0.1) -> None:
    """Plain gradient descent on the mean squared error to the targets, with all images in one batch."""
    for _ in range(steps):
        model.zero_grad()
        loss = (model(images) - targets).square().mean()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter.sub_(rate * parameter.grad)


def codes_and_scales(converted: Any) -> tuple[Tensor, Tensor, float]:
    """Weight codes, weight scales (one per output channel) and output scale of a converted `ConvBNReLUBlock`."""
    conv = converted_layer(converted.conv)
    return conv.weight.int_repr(), conv.scales.expand(len(conv.weight)).clone(), conv.scale


def prepared(
    network: nn.Module, engine: str, *, after_training: bool = False, fused_observers: bool = False
) -> nn.Module:
    """A copy of the network, fused and prepared by torch's prepare_qat for an engine, in training mode.

    Args:
        network: each of its `blocks` is a convolution, batch norm and ReLU; it is not changed.
        engine: whose default qconfig to use.
        after_training: use the qconfig of post-training quantization instead. This is a mistake, shown on purpose: that
            qconfig has observers but no fake quantizers, so the network trains in plain fp32.
        fused_observers: use the newer qconfig, whose fake quantizers are fused with their observers. For symmetric
            weights they train with the scale max(-min / 128, max / 127), but convert uses max(-min, max) / 127.5.
    """
    model = copy.deepcopy(network).train()
    blocks: Any = model.blocks
    for block in blocks:
        tq.fuse_modules_qat(block, [["0", "1", "2"]], inplace=True)
    with tq.quiet():
        wrapped: Any = tq.QuantWrapper(model)
    if after_training:
        wrapped.qconfig = tq.get_default_qconfig(engine)
    else:
        wrapped.qconfig = tq.get_default_qat_qconfig(engine, version=int(fused_observers))
    aware: nn.Module = tq.prepare_qat(wrapped)
    return aware


def fake_quantizers(aware: nn.Module) -> int:
    """The number of fake quantizers in a prepared network."""
    return sum(isinstance(module, tq.FakeQuantizeBase) for module in aware.modules())


def freeze(aware: nn.Module) -> None:
    """Freeze the observers and batch norm's statistics: batches no longer update them."""
    aware.apply(tq.disable_observer)
    aware.apply(tq.freeze_bn_stats)


def converted(aware: nn.Module, engine: str) -> nn.Module:
    """The int8 model, packed for an engine; the fake-quantized model is not changed."""
    with selected(engine):
        model: nn.Module = tq.convert(copy.deepcopy(aware).eval())
        return model


def run(model: nn.Module, images: Tensor, engine: str) -> Tensor:
    """The output of a converted model, computed by the engine that it was packed for."""
    with tq.quiet(), selected(engine), torch.no_grad():
        result: Tensor = model(images)
        return result
