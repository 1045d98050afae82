"""Quantization-aware training through both flows."""

import pytest
import torch
from torch import nn

from qlab.engines.pytorch import selected
from qlab.torch_flow.qat import train_steps
from tests.qlab.torch_flow.integer_flow.beside import BOTH, differing, every_engine, quietly  # noqa: F401


class Block(nn.Module):
    """A convolution with batch norm and ReLU, a linear layer."""

    def __init__(self, flow, *, bias):
        super().__init__()
        self.quant, self.dequant = flow.QuantStub(), flow.DeQuantStub()
        self.conv, self.bn, self.relu = nn.Conv2d(2, 3, 3, padding=1, bias=bias), nn.BatchNorm2d(3), nn.ReLU()
        self.linear = nn.Linear(75, 4)

    def forward(self, x):
        x = self.relu(self.bn(self.conv(self.quant(x))))
        return self.dequant(self.linear(x.flatten(1)))


def trained(flow, engine, version, *, bias):
    """What the flow makes of the same block, images and targets: converted, and what it gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model, images, targets = Block(flow, bias=bias).train(), torch.randn(6, 2, 5, 5), torch.randn(6, 4)
    model = flow.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    model.qconfig = flow.get_default_qat_qconfig(engine, version=version)
    aware = flow.prepare_qat(model)
    train_steps(aware, images, targets, steps=4)
    aware.apply(flow.disable_observer)
    aware.apply(flow.freeze_bn_stats)
    train_steps(aware, images, targets, steps=2)
    with selected(engine), torch.no_grad():
        converted = flow.convert(aware.eval())
        return converted, converted(images)


@every_engine
@pytest.mark.parametrize("version", [0, 1])
def test_six_steps_of_training_end_in_the_same_codes(engine, version):
    (theirs, expected), (ours, outputs) = (trained(flow, engine, version, bias=version == 1) for flow in BOTH)
    for name in ("conv", "linear"):
        one, other = getattr(theirs, name), getattr(ours, name)
        assert differing(one.weight().int_repr(), other.weight().int_repr()) == 0
        assert (one.scale, one.zero_point) == (other.scale, other.zero_point)
    assert differing(outputs, expected) == 0


def test_frozen_statistics_stay_frozen_in_training_mode():
    flow = BOTH[1]
    model = Block(flow, bias=False).train()
    model.qconfig = flow.get_default_qat_qconfig("x86")
    aware = flow.prepare_qat(flow.fuse_modules_qat(model, [["conv", "bn", "relu"]]))
    aware.apply(flow.freeze_bn_stats)
    before = aware.train().conv.bn.running_mean.clone()
    aware(torch.randn(2, 2, 5, 5) + 3)
    assert torch.equal(aware.conv.bn.running_mean, before)


def test_prepare_qat_and_fusing_ask_for_their_mode():
    for flow in BOTH:
        model = Block(flow, bias=False)
        model.qconfig = flow.get_default_qat_qconfig("x86")
        with pytest.raises(AssertionError):
            flow.prepare_qat(model.eval())
        with pytest.raises(AssertionError, match="eval"):
            flow.fuse_modules(model.train(), [["conv", "bn", "relu"]])
        with pytest.raises((AssertionError, NotImplementedError)):
            flow.fuse_modules(model.eval(), [["bn", "conv"]])
