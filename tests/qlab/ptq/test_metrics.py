import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from qlab.ptq.metrics import amdahl, model_size, mse, pareto, sqnr


def test_50_mb_of_fp32_are_12_and_a_half_in_int8():
    parameters = 50_000_000 // 4
    assert model_size(parameters) == 50e6 and model_size(parameters, 8) == 12.5e6


def test_size_of_a_module():
    assert model_size(nn.Linear(10, 3), 32) == 4 * 33


def test_impossible_sizes():
    with pytest.raises(ValueError, match="at least"):
        model_size(-1)


def test_sqnr_grows_by_20_db_per_digit():
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    assert sqnr(x, x * 1.01) == pytest.approx(40, abs=1e-4)
    assert sqnr(x, x) == math.inf and sqnr(torch.zeros(3), torch.ones(3)) == -math.inf


def test_sqnr_of_other_shapes():
    with pytest.raises(ValueError, match="shapes differ"):
        sqnr(torch.ones(2), torch.ones(3))


def test_sqnr_of_a_known_pair():
    assert sqnr(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 3.5])) == pytest.approx(20)
    assert mse(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 3.5])) == 0.125


def test_a_bit_is_worth_six_decibels():
    x = torch.rand(100_000, generator=torch.Generator().manual_seed(0))
    ratios = [sqnr(x, (x * steps).round() / steps) for steps in (64, 128, 256)]
    assert ratios[1] - ratios[0] == pytest.approx(6.02, abs=0.1) and ratios[2] - ratios[1] == pytest.approx(
        6.02, abs=0.1
    )


def test_mse_of_an_empty_tensor():
    with pytest.raises(ValueError, match="has no mean"):
        mse(torch.ones(0), torch.ones(0))
    with pytest.raises(ValueError, match="shapes differ"):
        mse(torch.ones(2), torch.ones(3))


POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


@given(POINTS)
def test_every_beaten_point_is_beaten_by_a_pareto_optimal_one(points):
    best = pareto([size for size, _ in points], [accuracy for _, accuracy in points])
    front = [point for point, stays in zip(points, best, strict=True) if stays]
    assert front
    for point, stays in zip(points, best, strict=True):
        better = any(s <= point[0] and a >= point[1] and (s, a) != point for s, a in front)
        assert better != stays


def test_equal_points_both_stay():
    assert pareto([2, 2, 3], [0.8, 0.8, 0.8]) == [True, True, False]


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=9), st.floats(1, 1000))
def test_a_part_cannot_save_more_than_its_share(seconds, faster):
    overall, bound = amdahl(seconds, 0, faster), amdahl(seconds, 0, math.inf)
    assert 1 - 1e-9 <= overall <= bound * (1 + 1e-9) and overall <= faster * (1 + 1e-9)
    assert bound == pytest.approx(sum(seconds) / sum(seconds[1:]))


def test_amdahl_of_impossible_times():
    assert amdahl([1, 6, 3], 1, 3) == pytest.approx(10 / 6) and amdahl([5.0], 0, math.inf) == math.inf
    for times, faster in (([0.0, 0.0], 2), ([1.0, -1.0], 2), ([1.0], 0)):
        with pytest.raises(ValueError, match="times must be"):
            amdahl(times, 0, faster)
