import pytest
import torch

from qlab.formats import floatsd
from tests.qlab.formats.floatsd.grids import GRIDS, IDS


@pytest.mark.parametrize("grid", GRIDS, ids=IDS)
def test_encode_and_decode_are_inverse_for_every_code_and_value(grid):
    codes = floatsd.valid_codes(grid)
    assert len(codes) == len(grid.values) <= 2**grid.bits
    assert torch.equal(floatsd.encode(floatsd.decode(codes, grid), grid).long(), codes)
    values = torch.tensor(grid.values)
    assert torch.equal(floatsd.decode(floatsd.encode(values, grid), grid), values)


@pytest.mark.parametrize("grid", GRIDS, ids=IDS)
def test_every_other_code_is_refused(grid):
    others = set(range(-1, 2**grid.bits + 1)) - set(floatsd.valid_codes(grid).tolist())
    assert 2 ** (grid.bits - 1) in others  # negative 0
    for code in others:
        with pytest.raises(ValueError, match=f"^{code} is not a code"):
            floatsd.decode(torch.tensor([0, code]), grid)


@pytest.mark.parametrize("grid", GRIDS, ids=IDS)
def test_no_integer_off_the_grid_has_a_code(grid):
    off = sorted(set(range(-grid.top - 1, grid.top + 2)) - set(grid.values))
    for integer in off[:: 1 + len(off) // 50]:
        with pytest.raises(ValueError, match=f"^{integer} is not on the grid"):
            floatsd.encode(torch.tensor([integer]), grid)


def test_floatsd4_takes_four_bits():
    codes = floatsd.encode(torch.tensor([[0, 1, 2], [4, -4, -64]]), floatsd.FLOATSD4_EXTENDED)
    assert codes.tolist() == [[0b0000, 0b0001, 0b0010], [0b0011, 0b1011, 0b1111]]
    assert codes.dtype == torch.int8
    assert floatsd.encode(torch.tensor(-2304), floatsd.FLOATSD8).dtype == torch.uint8
