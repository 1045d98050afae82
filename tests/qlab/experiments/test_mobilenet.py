import copy

import pytest
import torch
from torch import nn

from qlab.experiments.mobilenet import MobileNetV2, channels_at
from qlab.experiments.models import MnistNet
from qlab.torch_flow import FloatFunctional
from tests.qlab.networks import DIGITS, mnist_net, mobilenet


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (1, 28), (3, 32), (3, 16), (3, 9)])
def test_images_of_8x8_to_32x32(channels, side):
    images = torch.rand(2, channels, side, side)
    network = MobileNetV2(channels, side).eval()
    assert network(images).shape == (2, 10)
    assert network.features(images).shape[2:] == ((5, 5) if side == 9 else (4, 4))
    assert MnistNet(channels, side).eval()(images).shape == (2, 10)


def test_its_blocks_are_those_of_the_paper():
    network = MobileNetV2(3, 32, width=1.0)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 52 and convolutions[-1].out_channels == 1280
    assert sum(isinstance(module, FloatFunctional) for module in network.modules()) == 10
    assert not any(isinstance(module, nn.ReLU6) for module in network.modules())
    assert network.features(torch.rand(1, 3, 32, 32)).shape == (1, 1280, 4, 4)


def test_widths_give_multiples_of_8():
    assert [channels_at(full, 0.25) for full in (16, 24, 32, 96, 320, 1280)] == [8, 8, 8, 24, 80, 320]
    assert [channels_at(full, 1.0) for full in (16, 24, 1280)] == [16, 24, 1280]
    for full in range(8, 400, 8):
        for width in (0.25, 0.35, 0.5, 0.75):
            assert channels_at(full, width) % 8 == 0 and channels_at(full, width) >= 0.9 * full * width


@pytest.mark.parametrize("make", [mnist_net, mobilenet])
def test_fused_it_is_the_same_network(make):
    fused = copy.deepcopy(make())
    fused.fuse_model()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    with torch.no_grad():
        before, after = make()(DIGITS.x_test), fused(DIGITS.x_test)
    assert torch.allclose(before, after, atol=1e-4, rtol=1e-4)


def test_the_mnist_net_has_the_published_shape():
    assert MnistNet().conv2[0].weight.shape == (32, 16, 5, 5)
    kinds = [type(module) for module in MnistNet().modules()]
    assert (kinds.count(nn.Conv2d), kinds.count(nn.Linear)) == (3, 2)
