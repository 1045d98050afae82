import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic.qparams import EPS
from qlab.formats import floatsd
from tests.qlab.formats.floatsd.grids import GRIDS
from tests.qlab.strategies import real_tensors


@given(real_tensors(), st.sampled_from(GRIDS))
def test_the_smallest_power_of_two_that_clips_nothing(x, grid):
    scale = floatsd.power_of_two_scale(x, grid).item()
    assert math.frexp(scale)[0] == 0.5
    largest = x.abs().max().item()
    assert grid.top * scale >= largest
    assert grid.top * scale / 2 < largest or scale == EPS


@pytest.mark.parametrize("exponent", range(-20, 21))
def test_a_largest_value_that_the_top_meets_exactly_takes_that_power(exponent):
    x = torch.tensor([2.0**exponent * 64])
    assert floatsd.power_of_two_scale(x, floatsd.FLOATSD4_EXTENDED) == 2.0**exponent
    above = torch.nextafter(x, torch.tensor(torch.inf))
    assert floatsd.power_of_two_scale(above, floatsd.FLOATSD4_EXTENDED) == 2.0 ** (exponent + 1)


@given(real_tensors(), st.sampled_from(GRIDS))
def test_the_free_scale_maps_the_largest_value_to_the_top(x, grid):
    scale = floatsd.free_scale(x, grid)
    assert scale == max((x.abs().max() / grid.top).item(), EPS)


@pytest.mark.parametrize("find", [floatsd.power_of_two_scale, floatsd.free_scale])
def test_a_per_channel_scale_is_that_of_the_channel_alone(find):
    x = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    x[3] = 0
    for dim in (0, 1, -1):
        each = [find(one, floatsd.FLOATSD4) for one in x.unbind(dim)]
        assert torch.equal(find(x, floatsd.FLOATSD4, channel_dim=dim), torch.stack(each))
    assert find(x, floatsd.FLOATSD4, channel_dim=0)[3] == EPS
    assert find(x, floatsd.FLOATSD4).dim() == 0
    row = x[0, 0, 0]
    each = [find(one.reshape(1), floatsd.FLOATSD4) for one in row]
    assert torch.equal(find(row, floatsd.FLOATSD4, channel_dim=0), torch.stack(each))
