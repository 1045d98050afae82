"""What the demo of one scale against many draws is what qlab's functions give."""

import numpy as np
import pytest
import torch
from torch import nn

from qlab import demos
from qlab.experiments.depthwise import trained_layer
from qlab.plots.channels import GRANULARITIES, MOST_DB, ChannelScales
from qlab.ptq.fusion import fold_batch_norm
from qlab.ptq.metrics import sqnr
from qlab.ptq.sensitivity import quantized_weight


def heights(line):
    """The upper ends of strokes, or the places of dashes."""
    return np.asarray(line.get_ydata())[1::3]


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("bitwidth", [2, 5, 8])
def test_ranges_steps_and_noise_are_those_of_the_quantized_weight(bitwidth, granularity, fold):
    conv, norm = trained_layer()
    weight = conv.weight.detach()
    if fold:
        zero = torch.zeros(16)
        weight, _ = fold_batch_norm(weight, None, zero, norm.running_var, norm.weight.detach(), zero, norm.eps)
    per_channel = granularity == GRANULARITIES[1]
    scene = ChannelScales(conv, norm)
    figure = scene.still(bitwidth=bitwidth, granularity=granularity, fold=fold, channel=4)
    largest = weight.flatten(1).abs().amax(dim=1)
    share = largest / largest.max()
    assert heights(scene.bars[0]) == pytest.approx(share.numpy())
    ends = share if per_channel else torch.ones(16)
    assert heights(scene.ends) == pytest.approx(ends.numpy())
    assert heights(scene.halves) == pytest.approx((ends / (2 ** (bitwidth - 1) - 1) / 2).numpy())
    for each, shown in ((per_channel, heights(scene.bars[1])), (not per_channel, scene.others.get_ydata())):
        back = quantized_weight(weight, bitwidth, per_channel=each)
        noise = [min(sqnr(w, b), MOST_DB) for w, b in zip(weight, back, strict=True)]
        assert np.asarray(shown) == pytest.approx(noise, abs=1e-4)
    back = quantized_weight(weight, bitwidth, per_channel=per_channel)
    assert f"The whole layer has {sqnr(weight, back):.1f} dB" in figure.description
    silent = int((back.flatten(1) == 0).all(dim=1).sum())
    assert (
        f"{silent} of 16 channels became all zeros" if silent else "No channel became all zeros"
    ) in figure.description


def test_the_picked_channel_and_its_codes():
    conv = nn.Conv2d(1, 3, (1, 2), bias=False)
    conv.weight = nn.Parameter(torch.tensor([[7.0, -7.0], [1.0, 3.0], [0.0, 0.2]]).reshape(3, 1, 1, 2))
    norm = nn.BatchNorm2d(3, eps=0.0)
    norm.weight = nn.Parameter(torch.tensor([1.0, 1.0, 2.0]))
    scene = ChannelScales(conv, norm)
    # Before folding: codes -7 to 7, the scale is 1.
    figure = scene.still(bitwidth=4, fold=False, channel=1)
    assert np.asarray(scene.spikes.get_xdata())[::3] == pytest.approx([1 / 7, 3 / 7])
    assert "its codes run from 1 to 3, 20.0% of the 15 codes" in figure.description
    assert "differ by a factor of 35" in figure.description and "1 of 3 channels became all zeros" in figure.description
    assert heights(scene.picked[0]) == pytest.approx([3 / 7]) and heights(scene.picked[1]).tolist() == [MOST_DB]
    assert scene.smallest == 2
    assert "differ by a factor of 17.5" in scene.still(bitwidth=4, fold=True, channel=2).description


def test_the_trained_layer_is_even_before_folding_and_uneven_after():
    scene = ChannelScales(*trained_layer())
    before, after = scene.largest[False], scene.largest[True]
    assert float(before.max() / before.min()) < 3 and float(after.max() / after.min()) > 100


def test_a_dead_channel_and_a_layer_of_many():
    conv, norm = nn.Conv2d(4, 300, 3), nn.BatchNorm2d(300)
    with torch.no_grad():
        conv.weight[5] = 0
    demo = demos.per_channel(conv, norm)
    assert demo.controls["channel"].max == 299 and demo.controls["channel"].value != 5
    demo.controls["channel"].value = 5
    assert "alert" not in demo.words.value and "codes run from 0 to 0" in demo.words.value


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ((nn.Conv2d(2, 4, 3), None), "both"),
        ((None, nn.BatchNorm2d(4)), "both"),
        ((nn.Linear(2, 4), nn.BatchNorm2d(4)), "Conv2d"),
        ((nn.Conv2d(2, 4, 3), nn.BatchNorm2d(2)), "follows the convolution"),
        ((nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, affine=False)), "no factors"),
        ((nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), "running variance"),
    ],
)
def test_layers_that_do_not_fit_are_refused_in_a_sentence(layers, told):
    with pytest.raises(ValueError, match=told):
        demos.per_channel(*layers)


def test_a_layer_of_zeros_is_refused():
    conv = nn.Conv2d(2, 4, 3)
    nn.init.zeros_(conv.weight)
    with pytest.raises(ValueError, match="all weights are 0"):
        demos.per_channel(conv, nn.BatchNorm2d(4))
