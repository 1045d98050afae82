import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic.qparams import code_range
from qlab.arithmetic.quantize import dequantize, linear_quantize, quantize
from tests.qlab.strategies import BITWIDTHS, real_tensors


@given(real_tensors(), BITWIDTHS, st.booleans())
def test_zero_becomes_the_zero_point(x, bitwidth, signed):
    q, _, zero_point = linear_quantize(torch.cat([x, torch.zeros(1)]), bitwidth, signed=signed)
    qmin, qmax = code_range(bitwidth, signed=signed)
    assert q[-1] == zero_point and qmin <= zero_point <= qmax


@given(real_tensors(), BITWIDTHS, st.booleans(), st.booleans())
def test_error_is_at_most_half_a_scale(x, bitwidth, signed, symmetric):
    q, scale, zero_point = linear_quantize(x, bitwidth, signed=signed, symmetric=symmetric and signed)
    error = (dequantize(q, scale, zero_point).double() - x.double()).abs().max()
    assert error <= scale / 2 * (1 + 2.0 ** (bitwidth - 22))


@given(real_tensors(), BITWIDTHS)
def test_quantizing_is_monotone(x, bitwidth):
    q, _, _ = linear_quantize(x.sort().values, bitwidth)
    assert (q.int().diff() >= 0).all()


@given(real_tensors(), BITWIDTHS)
def test_quantizing_again_changes_nothing(x, bitwidth):
    q, scale, zero_point = linear_quantize(x, bitwidth)
    again = quantize(dequantize(q, scale, zero_point), scale, zero_point, *code_range(bitwidth))
    assert torch.equal(q, again)


@given(st.integers(2, 14), st.floats(1e-4, 1e4), st.data())
def test_every_code_survives_dequantizing_and_quantizing(bitwidth, scale, data):
    qmin, qmax = code_range(bitwidth)
    zero_point = data.draw(st.integers(qmin, qmax))
    codes = torch.arange(qmin, qmax + 1)
    assert torch.equal(quantize(dequantize(codes, scale, zero_point), scale, zero_point, qmin, qmax).long(), codes)


@given(real_tensors(min_size=2))
def test_per_channel_equals_each_channel_alone(x):
    rows = torch.stack([x, -3 * x, torch.zeros_like(x)])
    q, scale, zero_point = linear_quantize(rows, channel_dim=0)
    for row, codes, s, z in zip(rows, q, scale, zero_point, strict=True):
        alone = linear_quantize(row)
        assert torch.equal(codes, alone[0]) and (s.item(), int(z)) == alone[1:]


def test_all_positive_tensor_keeps_its_largest_value():
    # 1..6 came back as 1, 2, 3, 4, 5, 5 while the range did not include zero.
    x = torch.arange(1.0, 7.0)
    assert dequantize(*linear_quantize(x)).isclose(x, atol=0.02).all()
    assert dequantize(*linear_quantize(-x)).isclose(-x, atol=0.02).all()


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_constant_tensors_come_back(value):
    assert dequantize(*linear_quantize(torch.full((5,), value))).isclose(torch.tensor(value)).all()


def test_ties_go_to_even_before_the_zero_point_is_added():
    q = quantize(torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5]), 1.0, 1, -128, 127)
    assert q.tolist() == [1, 3, 3, 1, -1]


def test_golden_layer():
    codes = torch.tensor([-4, -45, 11, -30, 21, -29, 24, -80, 32, -82], dtype=torch.int8)
    back = dequantize(codes, 0.1001, -18)
    printed = [1.4014, -2.7027, 2.9029, -1.2012, 3.9039, -1.1011, 4.2042, -6.2062, 5.0050, -6.4064]
    assert back.tolist() == pytest.approx(printed, abs=5e-5)
    fp32 = torch.tensor([1.3742, -2.7129, 2.9312, -1.1382, 3.8776, -1.1048, 4.1834, -6.2159, 4.9783, -6.4220])
    differs = (quantize(fp32, 0.1001, -18, -128, 127) != codes).nonzero().reshape(-1)
    assert differs.tolist() == [3]


def test_int8_codes_do_not_wrap_when_the_zero_point_is_subtracted():
    assert dequantize(torch.tensor([100], dtype=torch.int8), 1.0, -100) == 200


@pytest.mark.parametrize(
    ("bitwidth", "signed", "dtype"),
    [
        (8, True, torch.int8),
        (9, True, torch.int16),
        (8, False, torch.uint8),
        (16, False, torch.int32),
        (7, False, torch.int8),
    ],
)
def test_storage(bitwidth, signed, dtype):
    assert linear_quantize(torch.randn(5), bitwidth, signed=signed)[0].dtype == dtype


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e-60])
def test_impossible_scales(scale):
    with pytest.raises(ValueError, match="greater than 0"):
        quantize(torch.ones(2), scale, 0, -128, 127)


def test_shapes_that_do_not_match():
    x = torch.ones(2, 3)
    with pytest.raises(ValueError, match="pass channel_dim"):
        quantize(x, torch.ones(3), 0, -128, 127)
    with pytest.raises(ValueError, match="has 2 channels"):
        quantize(x, torch.ones(3), 0, -128, 127, channel_dim=0)
    with pytest.raises(ValueError, match="does not exist"):
        dequantize(x.int(), torch.ones(3), 0, channel_dim=5)
    with pytest.raises(ValueError, match="some values have a fraction"):
        dequantize(x / 2, 1.0, 0)
    with pytest.raises(TypeError, match=r"q_tensor must be a torch.Tensor, not list: wrap it in torch.tensor"):
        dequantize([1], 1.0, 0)


def test_wide_code_ranges_do_not_wrap():
    # float32 rounds 2**31 - 1 up: the clamp let 2**31 through, and the cast made it negative.
    top = 2**31 - 1
    assert quantize(torch.tensor([1e10, -1e10]), 1.0, 0, -top - 1, top).tolist() == [top, -top - 1]
    with pytest.raises(ValueError, match="not finite"):
        dequantize(torch.tensor([float("inf")]), 1.0, 0)
