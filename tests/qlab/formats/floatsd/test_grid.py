import pytest
import torch

from qlab.formats import floatsd
from tests.qlab.formats.floatsd.grids import GRIDS, IDS


@pytest.mark.parametrize(
    ("exponent_bits", "groups", "codes", "mantissas", "values"),
    [(3, (3, 2), 35, 31, 129), (3, (2, 3), 35, 31, 129), (2, (3, 3), 49, 45, 99), (2, (3,), 7, 7, 13)],
)
def test_the_family_has_as_many_codes_mantissas_and_values_as_the_papers_say(
    exponent_bits, groups, codes, mantissas, values
):
    assert len(floatsd.digit_codes(groups)) == codes
    assert len(floatsd.mantissas(groups)) == mantissas
    assert len(floatsd.floatsd(exponent_bits, groups).values) == values


def test_the_two_variants_of_floatsd4():
    assert floatsd.FLOATSD4.values == (-32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32)
    assert floatsd.FLOATSD4_EXTENDED.magnitudes == (0, 1, 2, 4, 8, 16, 32, 64)
    assert (len(floatsd.FLOATSD4.values), len(floatsd.FLOATSD4_EXTENDED.values)) == (13, 15)
    assert floatsd.FLOATSD4.bits == floatsd.FLOATSD4_EXTENDED.bits == 4
    assert (floatsd.FLOATSD4.digits, floatsd.FLOATSD8.digits) == (1, 2)
    assert floatsd.FLOATSD8.bits == 8 and floatsd.FLOATSD8.top == 18 * 128


@pytest.mark.parametrize("exponent_bits", [0, 1, 2, 3])
@pytest.mark.parametrize("groups", [(1,), (3,), (3, 2), (2, 3), (2, 2, 1)])
def test_every_value_is_one_digit_per_group_times_a_power_of_two(exponent_bits, groups):
    built = set()
    for exponent in range(2**exponent_bits):
        sums = {0}
        for place, digits in enumerate(groups):
            below = sum(groups[place + 1 :])
            choices = [0, *(s * 2**digit for digit in range(digits) for s in (-1, 1))]
            sums = {one + choice * 2**below for one in sums for choice in choices}
        built |= {one * 2**exponent for one in sums}
    grid = floatsd.floatsd(exponent_bits, groups)
    assert set(grid.values) == built
    assert grid.digits <= len(groups)


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
def test_a_power_of_two_grid_fills_its_bits(bits):
    grid = floatsd.power_of_two(bits)
    assert len(grid.values) == 2**bits - 1 and grid.bits == bits and grid.digits == 1
    assert grid.top == 2 ** (2 ** (bits - 1) - 2)


def test_apot_by_the_papers_equation_5():
    # Two terms of two bits: 0, 1, 2**-2, 2**-4 and 0, 2**-1, 2**-3, 2**-5.
    reals = sorted({p + q for p in (0, 1, 1 / 4, 1 / 16) for q in (0, 1 / 2, 1 / 8, 1 / 32)})
    assert [magnitude / 32 for magnitude in floatsd.apot(5).magnitudes] == reals
    assert len(floatsd.apot(5).values) == 31 and floatsd.apot(5).bits == 5 and floatsd.apot(5).digits == 2


def test_apot_between_powers_of_two_and_uniform():
    assert floatsd.apot(4, term_bits=3).values == floatsd.power_of_two(4).values
    assert floatsd.apot(4, term_bits=1).values == floatsd.uniform(4).values


@pytest.mark.parametrize("grid", GRIDS, ids=IDS)
def test_on_grid_is_membership(grid):
    integers = torch.arange(-grid.top - 2, grid.top + 3)
    assert integers[grid.on_grid(integers)].tolist() == list(grid.values)


@pytest.mark.parametrize(
    "make",
    [
        lambda: floatsd.Grid("no zero", (-1, 1)),
        lambda: floatsd.Grid("lopsided", (-1, 0, 2)),
        lambda: floatsd.Grid("descending", (1, 0, -1)),
        lambda: floatsd.Grid("empty", (0,)),
        lambda: floatsd.floatsd(5, (3,)),
        lambda: floatsd.floatsd(2, ()),
        lambda: floatsd.floatsd(2, (0,)),
        lambda: floatsd.power_of_two(6),
        lambda: floatsd.apot(4, term_bits=2),
        lambda: floatsd.apot(9, term_bits=4),
        lambda: floatsd.apot(5, term_bits=0),
        lambda: floatsd.uniform(1),
    ],
)
def test_invalid_grids_are_refused(make):
    with pytest.raises(ValueError, match=r"\w"):
        make()
