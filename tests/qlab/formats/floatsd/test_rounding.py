import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.formats import floatsd
from tests.qlab.formats.floatsd.grids import GRIDS, IDS
from tests.qlab.strategies import real_tensors

POWERS = [grid for grid in GRIDS if grid.digits == 1]
EXPONENTS = st.integers(-12, 6)


@given(real_tensors(), st.sampled_from(GRIDS), EXPONENTS)
def test_nearest_is_nearest_and_a_tie_goes_away_from_zero(x, grid, exponent):
    scale = 2.0**exponent
    got = floatsd.round_to_grid(x, grid, scale).double()
    distances = (x.double().unsqueeze(-1) / scale - torch.tensor(grid.values)).abs()
    assert torch.equal((x.double() / scale - got).abs(), distances.min(dim=-1).values)
    for real, integer, row in zip(x, got, distances, strict=True):
        nearest = [value for value, one in zip(grid.values, row, strict=True) if one == row.min()]
        if real != 0:
            assert abs(integer) == max(abs(value) for value in nearest)


@given(real_tensors(), st.sampled_from(POWERS), EXPONENTS)
def test_the_papers_thresholds(x, grid, exponent):
    scale = 2.0**exponent
    for real, integer in zip(x.tolist(), floatsd.round_to_grid(x, grid, scale, rule="papers").tolist(), strict=True):
        units = abs(real) / scale
        expected = 0
        if units >= 0.75:
            expected = 1
            while expected < grid.top and units >= 1.5 * expected:
                expected *= 2
        assert integer == (expected if real > 0 else -expected)


@given(real_tensors(), st.sampled_from(GRIDS), EXPONENTS)
def test_the_two_rules_differ_only_below_three_quarters_of_the_smallest(x, grid, exponent):
    nearest, papers = (floatsd.round_to_grid(x, grid, 2.0**exponent, rule=rule) for rule in floatsd.RULES)
    units = x.abs() / 2.0**exponent / grid.magnitudes[1]
    assert torch.equal(nearest != papers, (units >= 0.5) & (units < 0.75))


@pytest.mark.parametrize("rule", floatsd.RULES)
@pytest.mark.parametrize("grid", GRIDS, ids=IDS)
def test_every_value_stays_and_every_threshold_is_where_it_says(grid, rule):
    values = torch.tensor(grid.values)
    for scale in (1.0, 0.0047, 2.0**-9):
        assert torch.equal(floatsd.round_to_grid(values * scale, grid, scale, rule=rule).long(), values)
    at = floatsd.thresholds(grid, rule)
    below = torch.nextafter(at, torch.zeros(()))
    for sign in (1, -1):
        assert floatsd.round_to_grid(sign * at, grid, 1.0, rule=rule).abs().tolist() == list(grid.magnitudes[1:])
        assert floatsd.round_to_grid(sign * below, grid, 1.0, rule=rule).abs().tolist() == list(grid.magnitudes[:-1])
    huge = floatsd.round_to_grid(torch.tensor([-1e30, 1e30]), grid, 1.0, rule=rule)
    assert huge.tolist() == [-grid.top, grid.top]


@given(real_tensors(min_size=2), st.sampled_from([1, 2, 5, 31]))
def test_with_power_of_two_scales_per_channel_scales_change_the_smallest_weights_only(x, divisor):
    x = torch.stack([x, x / divisor])
    grid = floatsd.FLOATSD4_EXTENDED
    whole = floatsd.fake_quantize_to_grid(x, grid, floatsd.power_of_two_scale(x, grid), rule="papers")
    scale = floatsd.power_of_two_scale(x, grid, channel_dim=0)
    each = floatsd.fake_quantize_to_grid(x, grid, scale, rule="papers", channel_dim=0)
    assert torch.equal(each[whole != 0], whole[whole != 0])


def test_thresholds_of_powers_of_two():
    assert floatsd.thresholds(floatsd.FLOATSD4, "papers").tolist() == [0.75, 1.5, 3, 6, 12, 24]
    assert floatsd.thresholds(floatsd.FLOATSD4).tolist() == [0.5, 1.5, 3, 6, 12, 24]


@given(real_tensors(min_size=2))
def test_fake_quantized_values_are_scale_times_integer_per_channel(x):
    x = torch.stack([x, x * 3])
    for grid in (floatsd.FLOATSD4, floatsd.FLOATSD8):
        scale = floatsd.free_scale(x, grid, channel_dim=0)
        integers = floatsd.round_to_grid(x, grid, scale, channel_dim=0)
        fake = floatsd.fake_quantize_to_grid(x, grid, scale, channel_dim=0)
        assert torch.equal(fake, integers * scale.reshape(-1, 1))


def test_the_gradient_passes_and_is_zero_beyond_the_top():
    # FloatSD4's last step is 16 wide: 32 + 8 = 40 is beyond.
    x = torch.tensor([0.0, 0.1, 5.0, 32.0, 39.9, 40.0, -39.9, -40.0], requires_grad=True)
    (floatsd.fake_quantize_to_grid(x, floatsd.FLOATSD4, 1.0) * torch.arange(1.0, 9.0)).sum().backward()
    assert x.grad.tolist() == [1, 2, 3, 4, 5, 0, 7, 0]


def test_the_smallest_dtype_that_holds_the_top():
    assert floatsd.round_to_grid(torch.ones(1), floatsd.FLOATSD4_EXTENDED, 1.0).dtype == torch.int8
    assert floatsd.round_to_grid(torch.ones(1), floatsd.FLOATSD8, 1.0).dtype == torch.int16


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="nearest, papers"):
        floatsd.thresholds(floatsd.FLOATSD4, "up")
    with pytest.raises(ValueError, match="scale"):
        floatsd.round_to_grid(torch.ones(1), floatsd.FLOATSD4, 0.0)
    with pytest.raises(ValueError, match="NaN"):
        floatsd.round_to_grid(torch.tensor([torch.nan]), floatsd.FLOATSD4, 1.0)
