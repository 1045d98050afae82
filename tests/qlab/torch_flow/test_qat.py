import pytest
import torch
from torch import nn

from qlab import engines
from qlab.experiments import data, training
from qlab.experiments.models import normed_convnet_for
from qlab.torch_flow import layer_by_layer, qat

ENGINES = [name for name in ("qnnpack", "x86") if name in engines.available()]


@pytest.fixture(scope="module")
def trained():
    digits = data.load()
    network = normed_convnet_for(digits)
    training.train(network, digits, epochs=1, learning_rate=0.1, batch_size=32, progress=False)
    return digits, network


def aware_and_int8(digits, network, engine, **how):
    aware = qat.prepared(network, engine, **how)
    rates = {"epochs": 1, "learning_rate": 0.01, "batch_size": 128, "progress": False}
    training.train(aware, digits, **rates)
    qat.freeze(aware)
    return aware.eval(), qat.converted(aware, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_code_in_which_the_two_models_differ_has_its_reason(trained, engine):
    digits, network = trained
    aware, int8 = aware_and_int8(digits, network, engine)
    rows = layer_by_layer.compare_layers(aware, int8, digits.x_test, engine)
    assert [row.name for row in rows] == [*(f"module.blocks.{n}.0" for n in range(3)), "module.linear"]
    assert all(row.weights_differing == 0 and row.unexplained == 0 for row in rows)
    for one in (one for row in rows for one in row.differences if one.why != "range"):
        assert abs(one.fake - one.engine) == 1 or one.why == "saturation"
    logits = qat.run(int8, digits.x_test, engine)
    with torch.no_grad():
        same = (aware(digits.x_test).argmax(1) == logits.argmax(1)).float().mean()
    assert same > 0.97


class UnusualConvolutions(nn.Module):
    """Two blocks whose convolutions are depthwise, grouped, dilated, and different in height and width."""

    def __init__(self):
        super().__init__()
        depthwise = nn.Conv2d(4, 8, (3, 5), stride=(1, 2), padding=(1, 2), groups=4, bias=False)
        grouped = nn.Conv2d(8, 6, 3, padding=(2, 1), dilation=(2, 1), groups=2, bias=False)
        self.blocks = nn.ModuleList(
            [nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()) for conv in (depthwise, grouped)]
        )

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def unusual_models(engine, count):
    """The fake-quantized and the converted model, and the images on which they are compared."""
    torch.manual_seed(0)
    images = torch.randn(count, 4, 9, 12)
    aware = qat.prepared(UnusualConvolutions(), engine)
    aware(images)
    qat.freeze(aware)
    return aware.eval(), qat.converted(aware, engine), images


@pytest.mark.parametrize("engine", ENGINES)
def test_depthwise_grouped_dilated_and_oblong_convolutions_are_compared(engine):
    aware, int8, images = unusual_models(engine, 16)
    rows = layer_by_layer.compare_layers(aware, int8, images, engine)
    assert [row.outputs for row in rows] == [16 * 8 * 9 * 6, 16 * 6 * 9 * 6]
    assert all(row.weights_differing == 0 and row.unexplained == 0 for row in rows)
    assert engine != "qnnpack" or any(row.differences for row in rows)


def test_a_code_that_does_not_follow_its_engines_rule_is_reported(monkeypatch):
    aware, int8, images = unusual_models("qnnpack", 64)
    reference = engines.reference
    monkeypatch.setattr(engines, "reference", lambda *of: reference(*of) + 1)
    rows = layer_by_layer.compare_layers(aware, int8, images, "qnnpack")
    assert sum(row.unexplained for row in rows) == sum(len(row.differences) for row in rows) > 0


def test_the_qconfig_of_post_training_quantization_has_no_fake_quantizers(trained):
    _, network = trained
    assert qat.fake_quantizers(qat.prepared(network, "x86", after_training=True)) == 0
    assert qat.fake_quantizers(qat.prepared(network, "x86")) == 9


@pytest.mark.slow
def test_fused_observers_train_with_another_scale_than_convert_uses(trained):
    digits, network = trained
    aware, int8 = aware_and_int8(digits, network, "qnnpack", fused_observers=True)
    rows = layer_by_layer.compare_layers(aware, int8, digits.x_test, "qnnpack")
    assert sum(row.weights_differing for row in rows) > 0


def test_nothing_is_printed_on_stderr_and_the_engine_is_restored(trained, capsys, recwarn):
    digits, network = trained
    before = torch.backends.quantized.engine
    _, int8 = aware_and_int8(digits, network, "qnnpack")
    qat.run(int8, digits.x_test, "qnnpack")
    assert torch.backends.quantized.engine == before
    assert capsys.readouterr().err == "" and not recwarn.list


def test_the_example_block_trains_and_returns_its_codes():
    block = qat.ConvBNReLUBlock(torch.ones(2, 1, 3, 3))
    images, targets = torch.rand(4, 1, 5, 5), torch.ones(4, 2, 5, 5)
    before = block.conv.weight.clone()
    qat.train_steps(block.train(), images, targets, steps=2)
    assert not torch.equal(before, block.conv.weight)
