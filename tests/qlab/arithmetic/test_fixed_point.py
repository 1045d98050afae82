import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic.fixed_point import (
    high_multiply,
    multiply_rounding_once,
    multiply_rounding_twice,
    rounding_shift,
    rounding_shift_ties_up,
)
from qlab.arithmetic.requantize import quantize_multiplier

INT32 = st.integers(-(2**31), 2**31 - 1)
WORD = st.integers(2**30, 2**31 - 1)


def gemmlowp_high_multiply(a: int, b: int) -> int:
    """As gemmlowp writes it, in Python's integers: a nudge away from zero, then a division that truncates."""
    if a == b == -(2**31):
        return 2**31 - 1
    nudge = 2**30 if a * b >= 0 else 1 - 2**30
    return math.trunc(Fraction(a * b + nudge, 2**31))


def gemmlowp_rounding_divide(x: int, n: int) -> int:
    mask = (1 << n) - 1
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> n) + (1 if (x & mask) > threshold else 0)


@given(INT32, INT32)
def test_high_multiply_is_gemmlowps(a, b):
    assert high_multiply(torch.tensor(a), b).item() == gemmlowp_high_multiply(a, b)


def test_high_multiply_saturates_where_the_one_product_does_not_fit():
    assert high_multiply(torch.tensor(-(2**31)), -(2**31)).item() == 2**31 - 1


@given(INT32, st.integers(0, 31))
def test_rounding_shift_is_gemmlowps(x, n):
    assert rounding_shift(torch.tensor(x), n).item() == gemmlowp_rounding_divide(x, n)


@given(INT32, st.integers(0, 31))
def test_rounding_shifts_differ_at_negative_ties_only(x, n):
    up = math.floor(Fraction(x, 2**n) + Fraction(1, 2))
    tie = n > 0 and Fraction(x, 2**n) % 1 == Fraction(1, 2)
    assert rounding_shift_ties_up(torch.tensor(x), n).item() == up
    assert rounding_shift(torch.tensor(x), n).item() == up - (tie and x < 0)


@given(INT32, WORD, st.integers(-5, 31))
def test_one_rounding_is_the_exact_product_rounded_half_up(acc, M0, n):
    exact = Fraction(acc * M0, 2 ** (31 + n))
    assert multiply_rounding_once(torch.tensor(acc), M0, n).item() == math.floor(exact + Fraction(1, 2))


@given(INT32, WORD, st.integers(0, 31))
def test_two_roundings_are_the_high_multiply_and_the_shift(acc, M0, n):
    expected = gemmlowp_rounding_divide(gemmlowp_high_multiply(acc, M0), n)
    assert multiply_rounding_twice(torch.tensor(acc), M0, n).item() == expected


def test_a_left_shift_comes_before_the_high_multiply_and_must_fit():
    M0, n = quantize_multiplier(5.3)
    assert n == -3
    assert multiply_rounding_twice(torch.tensor([100, -7]), M0, n).tolist() == [530, -37]
    with pytest.raises(OverflowError, match="leaves int32"):
        multiply_rounding_twice(torch.tensor([2**29]), M0, n)
    with pytest.raises(OverflowError, match=r"2\*\*30 or more"):
        multiply_rounding_once(torch.tensor([1]), *quantize_multiplier(2.0**31))


def test_an_accumulator_beyond_int32_is_an_error_not_a_wrap():
    with pytest.raises(OverflowError, match="leaves int32"):
        multiply_rounding_once(torch.tensor([2**31]), 2**30, 1)


def test_a_multiplier_below_2_to_the_minus_32_gives_0():
    for M in (2.0**-33, 2.0**-90, 1e-38):
        M0, n = quantize_multiplier(M)
        for multiply in (multiply_rounding_once, multiply_rounding_twice):
            assert multiply(torch.tensor([-(2**31), 2**31 - 1]), M0, n).tolist() == [0, 0]


def test_channels_each_have_their_own_word_and_shift():
    acc = torch.randint(-(2**20), 2**20, (50, 4), generator=torch.Generator().manual_seed(0))
    M = torch.tensor([0.3, 1.7, 3e-6, 1 - 2.0**-40], dtype=torch.float64)
    M0, n = quantize_multiplier(M)
    assert n.tolist() == [1, -1, 18, -1] and M0.max() < 2**31
    for multiply in (multiply_rounding_once, multiply_rounding_twice):
        together = multiply(acc, M0, n)
        for channel in range(4):
            alone = multiply(acc[:, channel], *quantize_multiplier(M[channel].item()))
            assert torch.equal(together[:, channel], alone)


@pytest.mark.parametrize("n", [1, 3, 6])
def test_two_roundings_differ_from_one_as_often_as_the_law_says(n):
    generator = torch.Generator().manual_seed(n)
    acc = torch.randint(-(2**24), 2**24, (400_000,), generator=generator)
    M0 = int(torch.randint(2**30, 2**31, (), generator=generator))
    once = multiply_rounding_once(acc, M0, n)
    for shift in (rounding_shift, rounding_shift_ties_up):
        twice = multiply_rounding_twice(acc, M0, n, shift)
        assert (twice - once).abs().max() == 1
        share, law = (twice != once).double().mean().item(), 2.0 ** -(n + 1)
        assert abs(share - law) < 5 * math.sqrt(law / len(acc))


@pytest.mark.parametrize("shift", [rounding_shift, rounding_shift_ties_up])
@pytest.mark.parametrize("n", [32, torch.tensor([3, 40]), -1, 0.5])
def test_int32_is_shifted_by_whole_bits_from_0_to_31(shift, n):
    assert shift(torch.tensor([2**31 - 1, -(2**31)]), 31).tolist() == [1, -1]
    with pytest.raises(ValueError, match=r"31 bits|negative number|integers"):
        shift(torch.tensor([1, 2]), n)
