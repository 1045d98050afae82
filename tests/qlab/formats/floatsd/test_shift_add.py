import ast
import inspect
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qlab.formats import floatsd
from qlab.formats.floatsd import shift_add
from tests.qlab.formats.floatsd.grids import GRIDS, IDS

INT8 = torch.arange(-128, 128)


@pytest.mark.parametrize("grid", GRIDS, ids=IDS)
def test_every_product_of_every_value_with_every_int8(grid):
    for value in grid.values:
        assert torch.equal(floatsd.shift_multiply(INT8.to(torch.int8), value), INT8 * value)
        assert torch.equal(floatsd.shift_dot(INT8.unsqueeze(-1), torch.tensor([value])), INT8 * value)


def test_no_multiplication_is_used():
    for function in (shift_add.shift_multiply, shift_add.shift_dot, shift_add._digit_planes):
        tree = ast.parse(inspect.getsource(function))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Mult | ast.MatMult | ast.Div | ast.Pow)]
        called = {
            node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "attr")
        }
        assert not called & {"mul", "mm", "matmul", "dot", "einsum", "conv2d", "linear", "prod", "ldexp", "pow"}


@pytest.mark.parametrize("value", [*range(-130, 131), 2304, -2304, 2**20 - 1])
def test_signed_digits_add_up_and_are_the_fewest(value):
    digits = floatsd.signed_digits(value)
    assert sum(sign * 2**shift for sign, shift in digits) == value
    shifts = [shift for _, shift in digits]
    assert all(later - earlier >= 2 for earlier, later in pairwise(shifts))
    if abs(value) <= 130:
        fewest = next(n for n in range(5) if value in sums(n))
        assert len(digits) == fewest


def sums(digits: int) -> set[int]:
    """What exactly so many signed powers of two, or fewer, add up to."""
    sums = {0}
    for _ in range(digits):
        sums |= {one + sign * 2**shift for one in sums for shift in range(9) for sign in (-1, 1)}
    return sums


@settings(max_examples=50)
@given(st.data(), st.sampled_from(GRIDS))
def test_a_dot_product_is_exactly_the_sum_of_products(data, grid):
    n, out = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 4))
    x = torch.tensor(data.draw(st.lists(st.lists(st.integers(-255, 255), min_size=n, max_size=n), min_size=1)))
    rows = st.lists(st.sampled_from(grid.values), min_size=n, max_size=n)
    weights = torch.tensor(data.draw(st.lists(rows, min_size=out, max_size=out)))
    assert torch.equal(floatsd.shift_dot(x, weights), x @ weights.T)
    assert torch.equal(floatsd.shift_dot(x, weights[0]), x @ weights[0])


def test_a_dot_product_of_uint8_and_int8_does_not_wrap():
    x = torch.full((1, 100), 255, dtype=torch.uint8)
    weights = torch.full((2, 100), -64, dtype=torch.int8)
    assert floatsd.shift_dot(x, weights).tolist() == [[-255 * 64 * 100] * 2]


def test_operation_counts():
    # 3 = 4 - 1 takes two digits, one of them shifted; 0 costs nothing; 1 is added without a shift.
    weights = torch.tensor([[1, 2, 0, 3], [0, 0, 0, 0], [64, 64, 64, 64]])
    assert floatsd.operations(weights) == floatsd.Operations(0, 1 + 1 + 4, 3 + 0 + 3)
    assert floatsd.operations(weights.reshape(3, 1, 2, 2)) == floatsd.operations(weights)
    assert floatsd.operations(weights[0]) == floatsd.Operations(0, 2, 3)
    assert floatsd.operations_with_multipliers(weights) == floatsd.Operations(12, 0, 9)
    assert floatsd.operations_with_multipliers(weights[0]) == floatsd.Operations(4, 0, 3)
    assert floatsd.adders_in_a_multiplier() == 7


@pytest.mark.parametrize("grid", GRIDS, ids=IDS)
def test_the_cost_of_every_value_is_its_digits(grid):
    for value in grid.values:
        digits = floatsd.signed_digits(value)
        shifts = sum(shift > 0 for _, shift in digits)
        assert floatsd.operations(torch.tensor([value])) == floatsd.Operations(0, shifts, max(len(digits) - 1, 0))


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="same last dimension"):
        floatsd.shift_dot(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match="at least one bit"):
        floatsd.adders_in_a_multiplier(0)
    with pytest.raises(ValueError, match="fraction"):
        floatsd.shift_multiply(torch.tensor([0.5]), 2)
