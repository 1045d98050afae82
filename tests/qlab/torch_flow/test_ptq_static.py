import pytest
import torch
from torch import nn

from qlab import torch_flow
from qlab.engines.pytorch import available, selected
from qlab.experiments import data, models

engine = "fbgemm" if "fbgemm" in available() else "qnnpack"
pytestmark = pytest.mark.skipif(not available(), reason="this build of PyTorch has no quantized engine")


def images(count=8):
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    model = models.SmallResNet(channels=1)
    with torch.no_grad():
        for _ in range(5):
            model(images())  # running statistics
    return model.eval()


@pytest.fixture(scope="module")
def converted(resnet):
    return torch_flow.static(resnet, resnet.fusable, [images()], torch_flow.minmax_qconfig(engine))


def test_the_small_resnet_has_28_thousand_parameters_for_images_in_colour():
    assert sum(p.numel() for p in models.SmallResNet(channels=3).parameters()) == 28_034


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3)])
def test_the_small_resnet_fits_the_images_of_every_data_set(side, channels):
    assert models.SmallResNet(channels)(torch.zeros(2, channels, side, side)).shape == (2, 10)


def test_small_resnets_are_seeded():
    digits = data.load()
    weights = [models.small_resnet_for(digits, seed=seed).head.weight for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_fusing_keeps_the_outputs(resnet):
    fused = torch_flow.fuse_modules(resnet, resnet.fusable)
    assert len(resnet.fusable) == 6
    assert torch.allclose(fused(images()), resnet(images()), atol=1e-5)


def test_five_steps_make_a_model_that_computes_nearly_the_same(resnet, converted, capsys):
    with selected(engine), torch.no_grad():
        returned, expected = converted(images()), resnet(images())
    assert (returned - expected).abs().max() < 0.1 * (expected.max() - expected.min())
    assert capsys.readouterr().err == ""


def test_what_a_converted_layer_holds_can_be_read(converted):
    layers = torch_flow.converted_layers(converted)
    assert len(layers) == 7
    first = torch_flow.held(layers["stem.0.0"])
    assert first.weight.dtype == torch.qint8 and first.bias.dtype == torch.float32
    assert first.scales.dtype == torch.float64 and first.scale > 0
    assert len(first.scales) == (8 if engine == "fbgemm" else 1)


def test_the_file_shrinks_to_about_a_third(resnet, converted):
    fused = torch_flow.fuse_modules(resnet, resnet.fusable)
    assert 0.25 < torch_flow.file_bytes(converted) / torch_flow.file_bytes(fused) < 0.6


def test_qconfigs_are_the_engines_defaults_but_for_the_histogram():
    for name in ("fbgemm", "qnnpack"):
        ours, stock = torch_flow.minmax_qconfig(name), torch_flow.get_default_qconfig(name)
        assert ours.weight.p.keywords == stock.weight.p.keywords
        activation = ours.activation()
        assert (activation.quant_min, activation.quant_max) == ((0, 127) if name == "fbgemm" else (0, 255))
    with pytest.raises(ValueError, match="no engine"):
        torch_flow.minmax_qconfig("mklml")


def test_dynamic_layers_are_read_by_their_weights():
    layer = torch_flow.quantize_dynamic(nn.Sequential(nn.Linear(4, 3)), {nn.Linear}, dtype=torch.qint8)[0]
    assert layer.weight().dtype == torch.qint8
