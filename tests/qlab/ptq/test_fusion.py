import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from qlab import torch_flow
from qlab.ptq.fusion import fold_batch_norm


def conv_and_norm(seed, inputs=2, outputs=3, groups=1, bias=True):
    generator = torch.Generator().manual_seed(seed)
    conv = nn.Conv2d(inputs * groups, outputs * groups, 3, padding=1, groups=groups, bias=bias)
    norm = nn.BatchNorm2d(outputs * groups)
    with torch.no_grad():
        for parameter in (*conv.parameters(), *norm.parameters(), norm.running_mean):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=generator) + 0.05)
    return nn.Sequential(conv, norm).eval()


def folded(model):
    conv, norm = model
    values = conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps
    return fold_batch_norm(*(value.detach() if isinstance(value, torch.Tensor) else value for value in values))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2]), st.booleans())
def test_one_convolution_gives_what_two_layers_gave(seed, groups, bias):
    model = conv_and_norm(seed, groups=groups, bias=bias)
    x = torch.randn(2, 2 * groups, 5, 5, generator=torch.Generator().manual_seed(seed + 1))
    weight, shift = folded(model)
    with torch.no_grad():
        expected = model(x)
    out = nn.functional.conv2d(x, weight, shift, padding=1, groups=groups)
    assert torch.allclose(out, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("bias", [True, False])
def test_the_parameters_are_those_of_fuse_modules(bias):
    model = conv_and_norm(3, bias=bias)
    fused = torch_flow.fuse_modules(model, [["0", "1"]])[0]
    weight, shift = folded(model)
    assert torch.allclose(weight, fused.weight, atol=1e-5) and torch.allclose(shift, fused.bias, atol=1e-5)


def test_a_linear_layer_is_folded_by_its_rows():
    weight, bias = fold_batch_norm(
        torch.ones(2, 3), None, torch.tensor([1.0, 2.0]), torch.ones(2), torch.tensor([2.0, 3.0]), torch.zeros(2), 0.0
    )
    assert weight.tolist() == [[2.0] * 3, [3.0] * 3] and bias.tolist() == [-2.0, -6.0]


def test_statistics_of_another_layer_are_refused():
    with pytest.raises(ValueError, match="mean has shape"):
        fold_batch_norm(torch.ones(2, 1, 1, 1), None, *[torch.ones(3)] * 4)
