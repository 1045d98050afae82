import pytest
import torch
from torch import nn

from qlab.arithmetic.quantize import dequantize, linear_quantize
from qlab.experiments.depthwise import DepthwiseNet
from qlab.ptq import fusion
from qlab.ptq.layer_sqnr import layer_sqnr
from qlab.ptq.sensitivity import (
    Precision,
    all_but_one,
    input_ranges,
    keep_in_order,
    keep_worst,
    layer_counts,
    layers_of,
    one_only,
    quantized,
    quantized_weight,
    weight_bytes,
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return fusion.folded(DepthwiseNet(1, 10, 4))


@pytest.fixture(scope="module")
def images():
    return torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def test_layers_are_listed_in_the_order_in_which_they_run(network):
    assert [name.split(".")[0] for name in layers_of(network)] == [
        "stem", "depthwise1", "pointwise1", "depthwise2", "pointwise2", "depthwise3", "pointwise3", "head",
    ]  # fmt: skip


def test_folding_keeps_the_function():
    torch.manual_seed(3)
    net = DepthwiseNet(1, 10, 4, silent=0.25)
    x = torch.rand(40, 1, 8, 8)
    net(x)  # running statistics that are not 0 and 1
    assert torch.allclose(net.eval()(x), fusion.folded(net)(x), atol=1e-5)


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_quantized_weight_equals_quantize_then_dequantize(per_channel):
    weight = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    dim = 0 if per_channel else None
    codes, scale, zero_point = linear_quantize(weight, 4, symmetric=True, narrow=True, channel_dim=dim)
    there = dequantize(codes, scale, zero_point, channel_dim=dim)
    assert torch.equal(quantized_weight(weight, 4, per_channel=per_channel), there)


def test_only_the_layers_of_the_plan_are_quantized(network, images):
    ranges = input_ranges(network, images)
    quantized_net = quantized(network, {"depthwise2.0": Precision(3, None)}, ranges)
    changed = [
        name
        for name, layer in layers_of(network).items()
        if not torch.equal(layer.weight, layers_of(quantized_net)[name].weight)
    ]
    assert changed == ["depthwise2.0"]
    assert torch.equal(quantized(network, {}, ranges)(images), network(images))


def test_inputs_are_quantized_over_their_range(network, images):
    ranges = input_ranges(network, images)
    quantized_net = quantized(network, {"stem.0": Precision(8, 2)}, ranges)
    seen = []
    layers_of(quantized_net)["stem.0"].register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0]))
    quantized_net(images)
    assert len(seen[0].unique()) == 4


def test_one_only_and_all_but_one():
    assert one_only("ab") == {"a": ["a"], "b": ["b"]}
    assert all_but_one("abc") == {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "b"]}


NOISE = {"a": 0.05, "b": 0.3, "c": 0.0, "d": 0.2}


def accuracy(which):
    return 1 - sum(NOISE[name] for name in which)


def test_the_worst_layers_are_kept_until_the_target_is_reached():
    steps = keep_worst(list(NOISE), accuracy, 0.9)
    assert [step.kept for step in steps] == [(), ("b",), ("b", "d")]
    assert [step.value for step in steps] == pytest.approx([0.45, 0.75, 0.95])
    assert [step.kept for step in keep_in_order(["d", "b", "a", "c"], accuracy, 0.9)][-1] == ("d", "b")


def test_a_search_ends_at_the_target_at_the_most_or_with_all():
    assert len(keep_worst(list(NOISE), accuracy, 0.4)) == 1
    assert len(keep_worst(list(NOISE), accuracy, 2.0, most=1)) == 2
    assert len(keep_worst(list(NOISE), accuracy, 2.0)[-1].kept) == 4


def test_a_search_is_resumed_from_its_results():
    results = {}
    with pytest.raises(ZeroDivisionError):
        keep_worst(list(NOISE), lambda which: 1 / 0 if len(which) < 3 else accuracy(which), 0.9, results=results)
    assert len(results) == 5
    found = keep_worst(list(NOISE), lambda which: accuracy(which) if len(which) < 3 else 1 / 0, 0.9, results=results)
    assert found == keep_worst(list(NOISE), accuracy, 0.9)


def test_counts_of_a_layer(network, images):
    counts = layer_counts(network, images[:1])
    assert (counts["stem.0"].weights, counts["stem.0"].activations, counts["stem.0"].products) == (36, 256, 2304)
    assert counts["head"].products == 80


def test_bytes_of_weights():
    layer = nn.Linear(10, 4)
    assert weight_bytes(nn.Sequential(layer), {}) == 4 * 44 and weight_bytes(nn.Sequential(layer), {"0": 8}) == 40 + 16


def test_a_layers_own_noise_is_separated_from_inherited_noise(network, images):
    ranges = input_ranges(network, images)
    plan = dict.fromkeys(layers_of(network), Precision(8, 8)) | {"depthwise1.0": Precision(2, 8)}
    rows = {row.name: row for row in layer_sqnr(network, quantized(network, plan, ranges), images)}
    assert rows["depthwise1.0"].alone < 15 < rows["pointwise1.0"].alone
    assert rows["pointwise1.0"].output < 15 < rows["stem.0"].output


def test_in_the_first_layer_the_own_noise_is_all_of_the_noise(network, images):
    quantized_net = quantized(
        network, dict.fromkeys(layers_of(network), Precision(5, 6)), input_ranges(network, images)
    )
    first = layer_sqnr(network, quantized_net, images)[0]
    assert first.alone == pytest.approx(first.output) and first.weight > 15


@pytest.mark.skipif("qnnpack" not in torch.backends.quantized.supported_engines, reason="qnnpack is not here")
def test_torchs_numeric_suite_finds_the_same_noise(network, images):
    from qlab.torch_flow import numeric_suite

    theirs = numeric_suite.compare(network, images, images, "qnnpack")
    quantized_net = quantized(
        network, dict.fromkeys(layers_of(network), Precision(8, 8)), input_ranges(network, images)
    )
    for row in layer_sqnr(network, quantized_net, images):
        weight, output = theirs[row.name]
        assert weight == pytest.approx(row.weight, abs=3.0)
        assert row.output > 60 or abs(output - row.output) < 12  # the untrained head gives little but its bias
