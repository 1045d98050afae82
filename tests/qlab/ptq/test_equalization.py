import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qlab.experiments.depthwise import DepthwiseNet
from qlab.ptq import fusion
from qlab.ptq.equalization import consecutive, equalize, equalize_pair, equalizing_factors

SEEDS = st.integers(0, 2**31)


def pair(seed, depthwise, dead=()):
    """Weights of two convolutions with uneven ranges, a bias, and images."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(6, 3, 1, 1, generator=generator) * 10 ** (4 * torch.rand(6, 1, 1, 1, generator=generator) - 2)
    second = torch.randn(6 if depthwise else 4, 1 if depthwise else 6, 3, 3, generator=generator)
    first[list(dead)] = 0
    return first, torch.randn(6, generator=generator), second, torch.randn(2, 3, 5, 5, generator=generator)


def run(first, bias, second, x, depthwise):
    return torch.conv2d(torch.relu(torch.conv2d(x, first, bias)), second, groups=6 if depthwise else 1)


@given(SEEDS, st.booleans(), st.sampled_from([(), (0,), (2, 5)]))
@settings(deadline=None)
def test_the_fp32_function_stays_as_it_is(seed, depthwise, dead):
    first, bias, second, x = (t.double() for t in pair(seed, depthwise, dead))
    equalized = equalize_pair(first, bias, second, depthwise=depthwise)
    before, after = run(first, bias, second, x, depthwise), run(*equalized, x, depthwise)
    assert (before - after).abs().max() <= 1e-9 * before.abs().max()


@given(SEEDS, st.booleans())
def test_both_layers_have_the_same_range_per_channel_afterwards(seed, depthwise):
    first, bias, second, _ = pair(seed, depthwise)
    made_first, _, made_second = equalize_pair(first, bias, second, depthwise=depthwise)
    r1 = made_first.abs().amax(dim=(1, 2, 3))
    r2 = made_second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    assert torch.allclose(r1, r2, rtol=1e-5)


def test_known_factors_and_dead_channels():
    first, second = torch.tensor([[8.0], [-0.5], [0.0]]), torch.tensor([[0.5, 2.0, 3.0]])
    assert equalizing_factors(first, second).tolist() == [4.0, 0.5, 1.0]
    with pytest.raises(ValueError, match="3 channels, the second takes 2"):
        equalizing_factors(first, second[:, :2])


def test_a_network_keeps_its_function_and_gets_even_ranges():
    torch.manual_seed(0)
    net = DepthwiseNet(1, 10, 8, silent=0.25)
    x = torch.rand(50, 1, 8, 8)
    for _ in range(60):
        net(x)  # running statistics as training leaves them
    network = fusion.folded(net)
    equalized = equalize(network, consecutive(network))
    assert torch.allclose(network(x), equalized(x), atol=1e-4 * float(network(x).detach().abs().max()))

    def spread(layer):
        ranges = layer.weight.detach().abs().amax(dim=(1, 2, 3))
        return float(ranges.max() / ranges.min())

    assert spread(equalized.depthwise2[0]) < spread(network.depthwise2[0])


def test_batch_norm_has_to_be_folded_first():
    net = DepthwiseNet(1, 10, 4)
    with pytest.raises(ValueError, match="fold"):
        equalize(net, consecutive(net))
