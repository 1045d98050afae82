import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic.requantize import decompose_multiplier, quantize_multiplier, requantize

MULTIPLIERS = st.floats(1e-30, 1e30, allow_nan=False)


@given(MULTIPLIERS)
def test_decomposition_is_exact_and_normalized(M):
    M0, n = decompose_multiplier(M)
    assert 0.5 <= M0 < 1 and type(n) is int and math.ldexp(M0, -n) == M


@given(MULTIPLIERS)
def test_fixed_point_multiplier_has_31_bits_and_is_the_closest_one(M):
    M0_q, n = quantize_multiplier(M)
    assert 2**30 <= M0_q < 2**31 and abs(math.ldexp(M0_q, -31 - n) / M - 1) <= 2**-31


@pytest.mark.parametrize(("M", "M0", "n"), [(0.2, 0.8, 2), (1.0, 0.5, -1), (0.5, 0.5, 0), (3.0, 0.75, -2)])
def test_golden_multipliers(M, M0, n):
    assert decompose_multiplier(M) == (M0, n)


def test_a_mantissa_that_rounds_up_to_one_is_renormalized():
    assert quantize_multiplier(1 - 2**-40) == (2**30, -1)


@pytest.mark.parametrize("M", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_multipliers(M):
    with pytest.raises(ValueError, match="finite and greater than 0"):
        decompose_multiplier(M)


def test_requantize_takes_m_or_its_parts_and_channels():
    acc = torch.tensor([[64, -64], [1000, 3]])
    assert requantize(acc, 0.5, -3).tolist() == [[29, -35], [127, -1]]
    assert torch.equal(requantize(acc, 0.2, 0), requantize(acc, (0.8, 2), 0))
    assert requantize(acc, torch.tensor([1.0, 0.5]), 0).tolist() == [[64, -32], [127, 2]]


def test_multipliers_per_channel_equal_those_of_each_channel_alone():
    M = torch.tensor([[0.3, 1.7], [1 - 2.0**-40, 3e-9]], dtype=torch.float64)
    M0, n = quantize_multiplier(M)
    assert M0.dtype == n.dtype == torch.int64 and M0.shape == n.shape == (2, 2)
    alone = [quantize_multiplier(value) for value in M.flatten().tolist()]
    assert list(zip(M0.flatten().tolist(), n.flatten().tolist(), strict=True)) == alone
