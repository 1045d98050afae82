import pytest
import torch
from hypothesis import given

from qlab.arithmetic.ranges import affine_range, min_max, symmetric_range
from tests.qlab.strategies import real_tensors


@given(real_tensors())
def test_affine_range_holds_the_data_and_zero(x):
    low, high = affine_range(x)
    assert low <= x.min() and low <= 0 <= high and x.max() <= high


@given(real_tensors())
def test_symmetric_range_is_symmetric_and_touches_the_data(x):
    low, high = symmetric_range(x)
    assert low == -high and high == x.abs().max()


def test_per_channel_ranges_are_those_of_each_channel():
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    for dim in (0, 1, 2, -1):
        low, high = min_max(x, dim)
        for channel, part in enumerate(x.movedim(dim, 0)):
            assert (low[channel], high[channel]) == (part.min(), part.max())


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (torch.tensor([1.0, float("nan")]), ValueError, "NaN or infinity"),
        (torch.tensor([1.0, float("inf")]), ValueError, "NaN or infinity"),
        (torch.tensor([1e300], dtype=torch.float64), ValueError, "beyond float32"),
        (torch.empty(0), ValueError, "empty"),
        (torch.tensor([1, 2]), TypeError, "convert it with .float()"),
        (torch.tensor([True]), TypeError, "convert it with .float()"),
        ([1.0, 2.0], TypeError, "torch.tensor"),
    ],
)
def test_bad_input_gives_a_one_sentence_error(bad, error, says):
    with pytest.raises(error, match=says) as caught:
        affine_range(bad)
    assert "\n" not in str(caught.value)


def test_a_channel_that_does_not_exist():
    with pytest.raises(ValueError, match="channel_dim 2 does not exist"):
        min_max(torch.ones(2, 2), 2)
