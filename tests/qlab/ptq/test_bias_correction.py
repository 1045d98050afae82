import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qlab.experiments.depthwise import DepthwiseNet
from qlab.ptq import fusion
from qlab.ptq.bias_correction import correct_biases, corrected_bias, mean_errors
from qlab.ptq.sensitivity import Precision, input_ranges, layers_of, quantized


@given(st.integers(0, 2**31), st.sampled_from([(7, 4), (5, 3, 4, 4)]))
def test_the_mean_error_of_each_channel_becomes_zero(seed, shape):
    generator = torch.Generator().manual_seed(seed)
    output, other = torch.randn(shape, generator=generator), 0.3 + torch.randn(shape, generator=generator)
    bias = torch.randn(shape[1], generator=generator)
    change = corrected_bias(bias, output, other) - bias
    moved = other + change.reshape(1, -1, *[1] * (len(shape) - 2))
    others = [dim for dim in range(len(shape)) if dim != 1]
    assert torch.allclose((moved - output).mean(dim=others), torch.zeros(shape[1]), atol=1e-5)


def test_shapes_must_match():
    with pytest.raises(ValueError, match="do not fit"):
        corrected_bias(torch.zeros(3), torch.zeros(2, 4), torch.zeros(2, 4))


@given(st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_a_network_is_corrected_from_the_first_layer_to_the_last(seed):
    torch.manual_seed(seed)
    network = fusion.folded(DepthwiseNet(1, 10, 4))
    images = torch.rand(30, 1, 8, 8)
    plan = dict.fromkeys(layers_of(network), Precision(4, 8))
    rough = quantized(network, plan, input_ranges(network, images))
    corrected = correct_biases(network, rough, images)
    errors = mean_errors(network, corrected, images)
    assert max(float(error.abs().max()) for error in errors.values()) < 1e-5
    before = mean_errors(network, rough, images)
    assert max(float(error.abs().max()) for error in before.values()) > 1e-3
    assert all(torch.equal(layer.weight, layers_of(rough)[name].weight) for name, layer in layers_of(corrected).items())
