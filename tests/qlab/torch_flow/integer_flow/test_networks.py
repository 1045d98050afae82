"""Whole networks through both flows: the converted ones give the same numbers, bit for bit, for each engine."""

import copy

import pytest
import torch
from torch import nn

from qlab.engines.pytorch import selected
from qlab.experiments import data
from qlab.experiments.mobilenet import ConvBN, MobileNetV2
from qlab.experiments.models import MnistNet, SmallResNet
from tests.qlab.torch_flow.integer_flow.beside import (  # noqa: F401  # quietly is a fixture
    BOTH,
    differing,
    every_engine,
    minmax,
    of_flow,
    quietly,
    with_statistics,
)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return with_statistics(make())


def seen(model, images):
    """The model with the statistics of these images in its batch norms, so that its logits tell images apart."""
    for norm in [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]:
        norm.momentum = 1.0  # what one batch says
    with torch.no_grad():
        model.train()(images)
    return model.eval()


def eagerly(flow, model, groups, engine, calibration, images):
    """The five steps, and what the converted model gives."""
    with selected(engine), torch.no_grad():
        fused = flow.fuse_modules(of_flow(flow, model), groups)
        fused.qconfig = minmax(flow, engine)
        observed = flow.prepare(fused)
        for batch in calibration:
            observed(batch)
        converted = flow.convert(observed)
        return converted, converted(images)


@every_engine
def test_the_resnet_of_lab_4_gives_the_engines_logits(engine, digits):
    resnet = seen(seeded(lambda: SmallResNet(digits.x_train.shape[1])), digits.x_train[:200])
    calibration, images = digits.x_train[:128].split(64), digits.x_test
    (theirs, expected), (ours, logits) = (
        eagerly(flow, resnet, resnet.fusable, engine, calibration, images) for flow in BOTH
    )
    assert logits.shape == (len(images), 10) and len(expected.unique(dim=0)) > 100
    assert differing(logits, expected) == 0
    for name in ("stem.0.0", "block.1.0", "head"):
        one, other = theirs.get_submodule(name), ours.get_submodule(name)
        assert torch.equal(one.weight().int_repr(), other.weight().int_repr())
        assert torch.equal(one.bias().detach(), other.bias())
        assert (one.scale, one.zero_point) == (other.scale, other.zero_point)


@every_engine
def test_the_mobilenet_of_lab_6_gives_the_engines_logits(engine, digits):
    net = seen(seeded(lambda: MobileNetV2(*digits.x_train.shape[1:3])), digits.x_train[:100])
    blocks = [(name, block) for name, block in net.named_modules() if isinstance(block, ConvBN)]
    groups = [[f"{name}.{place}" for place in range(len(block))] for name, block in blocks]
    calibration, images = [digits.x_train[:64]], digits.x_test[:20]
    expected, logits = (eagerly(flow, net, groups, engine, calibration, images)[1] for flow in BOTH)
    assert len(expected.unique(dim=0)) > 15 and differing(logits, expected) == 0


class PlainResidual(nn.Module):
    """Lab 4's: a plain +, and a mean."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn, self.relu = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()
        self.conv2, self.head = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 10)

    def forward(self, x):
        x = self.relu(self.bn(self.conv1(x)))
        x = x + self.conv2(x)
        return self.head(x.mean((2, 3)))


class Branches(nn.Module):
    """A relu that is a function, a sum with a ReLU, a concatenation, two pools."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.pool, self.average = nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)
        self.relu, self.head = nn.ReLU(), nn.Linear(16, 5)

    def forward(self, x):
        x = torch.relu(self.a(x))
        y = self.relu(x + self.b(x))
        return self.head(self.average(self.pool(torch.cat([x, y], 1))).flatten(1))


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


@every_engine
@pytest.mark.parametrize("make", [PlainResidual, Branches, linear])
def test_graphs_have_the_same_observers_and_give_the_engines_numbers(make, engine):
    net = seeded(make)
    images = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    outputs, observers = [], []
    for flow in BOTH:
        with selected(engine), torch.no_grad():
            mapping = flow.QConfigMapping().set_global(minmax(flow, engine))
            observed = flow.prepare_fx(copy.deepcopy(net), mapping, (images,))
            observed(images)
            observers.append([str(n.target) for n in observed.graph.nodes if "post_process" in str(n.target)])
            outputs.append(flow.convert_fx(observed)(images))
    assert observers[0] == observers[1]
    assert len(outputs[0].unique()) > 5 and differing(*outputs) == 0


def test_a_model_whose_path_depends_on_values_cannot_be_traced():
    class Inverting(PlainResidual):
        def forward(self, x):
            return super().forward(1 - x if x.mean() < 0.5 else x)

    flow = BOTH[1]
    with pytest.raises(torch.fx.proxy.TraceError):
        flow.prepare_fx(Inverting().eval(), flow.QConfigMapping().set_global(minmax(flow, "x86")), ())


def test_mnist_net_is_fused_in_place():
    fused = with_statistics(MnistNet(1, 8))
    for flow in BOTH:
        model = copy.deepcopy(of_flow(flow, fused))
        flow.fuse_modules(model, [["fc1", "relu"]], inplace=True)
        assert flow.is_fused(model.fc1) and isinstance(model.relu, nn.Identity)


@every_engine
@pytest.mark.parametrize("groups", [[["1", "2"]], [["2", "3"]], [["1", "2", "3"]], []])
def test_layers_that_were_left_unfused_give_the_engines_codes(engine, groups):
    images = torch.randn(20, 2, 6, 6, generator=torch.Generator().manual_seed(2))
    outputs = []
    for flow in BOTH:
        conv = seeded(lambda: nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5)))
        model = nn.Sequential(flow.QuantStub(), *conv, nn.ReLU(), flow.DeQuantStub()).eval()
        fused = flow.fuse_modules(model, groups) if groups else model
        fused.qconfig = minmax(flow, engine)
        with selected(engine), torch.no_grad():
            observed = flow.prepare(fused)
            observed(images)
            outputs.append(flow.convert(observed)(images))
    assert len(outputs[0].unique()) > 20 and differing(*outputs) == 0
