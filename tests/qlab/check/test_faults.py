"""Steps that mistakes share: left out, or in an integer type that is too small."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.check import as_is, wrapped

TYPES = {8: torch.int8, 16: torch.int16, 32: torch.int32}


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1), st.sampled_from(sorted(TYPES)))
def test_wrapped_is_what_a_cast_to_the_type_gives(values, bits):
    x = torch.tensor(values)
    assert wrapped(x, bits).equal(x.to(TYPES[bits]).long())
    assert wrapped(x.double(), bits).equal(x.to(TYPES[bits]).double())


@pytest.mark.parametrize("x", [torch.arange(3), 0.5, None])
def test_a_step_that_is_left_out_gives_back_the_very_thing(x):
    assert as_is(x) is x and as_is(x, 1, "two") is x
