"""The sensitivity demo: bars, point and words are qlab's measurements, each choice measured once."""

import pytest
import torch
from torch import nn

from qlab import demos
from qlab.demos import examples
from qlab.demos.sensitivity import BITS, CALIBRATION
from qlab.plots.mixed_precision import MixedPrecisionPlot, short_names
from qlab.ptq import sensitivity
from qlab.ptq.sensitivity import MixedPrecisionSearch, Precision


@pytest.fixture
def demo():
    return demos.sensitivity()


def accuracy(which, bits):
    network, data = examples.depthwise_net(), examples.digits()
    ranges = sensitivity.input_ranges(network, data.x_train[:CALIBRATION])
    return examples.accuracy_of(sensitivity.quantized(network, {name: Precision(bits) for name in which}, ranges), data)


@pytest.mark.parametrize("bits", BITS)
def test_bars_are_what_each_layer_loses_alone(demo, bits):
    demo.controls["bits"].value = bits
    names = list(sensitivity.layers_of(examples.depthwise_net()))
    fp32 = examples.accuracy_of(examples.depthwise_net(), examples.digits())
    assert [bar.get_width() for bar in demo.scene.bars] == [fp32 - accuracy([name], bits) for name in names]
    assert demo.scene.all_point.get_ydata() == [accuracy(names, bits)]


def test_the_point_is_accuracy_and_size_of_the_choice(demo):
    network = examples.depthwise_net()
    names = list(sensitivity.layers_of(network))
    kept = ["depthwise3.0", "head"]
    for name in kept:
        demo.controls[f"keep {name}"].value = True
    others = [name for name in names if name not in kept]
    size = sensitivity.weight_bytes(network, dict.fromkeys(others, 6))
    assert demo.scene.point.get_xydata().tolist() == [[size, accuracy(others, 6)]]
    assert "Kept in fp32: depthwise3, head." in demo.words.value and f"{size / 1000:.1f} kB of" in demo.words.value
    labels = [label.get_text() for label in demo.scene.labels]
    assert [name for name, label in zip(names, labels, strict=True) if "kept" in label] == kept
    for name in names:
        demo.controls[f"keep {name}"].value = True
    full = sensitivity.weight_bytes(network, {})
    fp32 = examples.accuracy_of(network, examples.digits())
    assert demo.scene.point.get_xydata().tolist() == [[full, fp32]]


class Two(nn.Module):
    """Two layers, one of them called as the control of the bits."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.bits, self.last = nn.Linear(64, 5), nn.Linear(5, 10)

    def forward(self, x):
        return self.last(torch.relu(self.bits(x.flatten(1))))


def test_each_choice_is_measured_once():
    measured = []

    def measure(network):
        measured.append(network)
        return float(len(measured))

    network = Two().eval()
    choices = MixedPrecisionSearch(network, examples.digits().x_train[:50], measure)
    assert choices.fp32 == 1.0 and measured == [network] and choices.names == ["bits", "last"]
    scene = MixedPrecisionPlot(choices, (8, 4))
    assert len(measured) == 1 + 2 * (2 + 1)
    scene.still(bits=4, **{"keep last": True})
    assert len(measured) == 7  # two layers: the one kept, the other alone quantized is the same choice
    scene.move(bits=4, **{"keep bits": True, "keep last": True})
    scene.move(bits=4, **{"keep bits": True, "keep last": True})
    assert len(measured) == 8
    assert choices.seconds(["last"], 4) == choices.seconds(["last"], 4) > 0
    assert choices.bytes(["last"], 8) == 64 * 5 + 4 * (50 + 5 + 10)


def test_a_choice_that_is_worse_than_nothing_kept_is_still_in_the_picture():
    values = iter([0.9, *[0.8] * 6, 0.1])  # fp32, both alone and nothing kept at both bits, then the choice
    scene = MixedPrecisionPlot(
        MixedPrecisionSearch(Two().eval(), examples.digits().x_train[:50], lambda network: next(values)), (8, 4)
    )
    figure = scene.still(bits=4)
    assert figure.axes[1].get_ylim() == pytest.approx((0.7, 1.0))
    scene.move(bits=4, **{"keep bits": True, "keep last": True})
    assert scene.point.get_ydata() == [0.1] and figure.axes[1].get_ylim()[0] < 0.1
    scene.move(bits=4)
    assert figure.axes[1].get_ylim() == pytest.approx((0.7, 1.0))


def test_a_network_of_ones_own_may_name_its_layers_as_it_likes():
    demo = demos.sensitivity(Two())
    assert list(demo.controls) == ["bits", "keep bits", "keep last"]
    demo.controls["keep bits"].value = True
    assert "Kept in fp32: bits." in demo.words.value


def test_a_short_name_is_still_one_layers_alone():
    names = ["stem.0", "blocks.0", "blocks.1", "blocks.2.0", "head"]
    assert list(short_names(names).values()) == ["stem", "blocks.0", "blocks.1", "blocks.2", "head"]
    assert list(short_names(["0", "2"]).values()) == ["0", "2"]


def test_what_cannot_be_drawn_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="25 layers are too many to draw: pass a network of at most 24"):
        demos.sensitivity(nn.Sequential(*(nn.Linear(64, 64) for _ in range(25))))
    with pytest.raises(ValueError, match="no layer to quantize"):
        demos.sensitivity(nn.Sequential(nn.Flatten()))
    with pytest.raises(ValueError, match="does not accept images of digits: pass the dataset"):
        demos.sensitivity(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))
