import pytest
import torch
from hypothesis import given
from torch.ao.quantization.observer import MinMaxObserver, PerChannelMinMaxObserver

from qlab.arithmetic.qparams import EPS, code_dtype, code_range, get_scale_and_zero_point, qparams
from qlab.arithmetic.ranges import affine_range, symmetric_range
from tests.qlab.strategies import BITWIDTHS, real_tensors


@given(real_tensors(), BITWIDTHS)
def test_zero_point_is_a_code_and_scale_is_positive(x, bitwidth):
    scale, zero_point = get_scale_and_zero_point(x, bitwidth)
    assert type(scale) is float and type(zero_point) is int
    assert scale >= EPS and -(2 ** (bitwidth - 1)) <= zero_point < 2 ** (bitwidth - 1)


def observed(observer, x):
    observer(x)
    scale, zero_point = observer.calculate_qparams()
    return scale.reshape(-1), zero_point.reshape(-1)


@pytest.mark.parametrize("dtype", [torch.qint8, torch.quint8])
@pytest.mark.parametrize("symmetric", [False, True])
@given(x=real_tensors())
def test_equals_torchs_min_max_observer_to_the_last_bit(dtype, symmetric, x):
    scheme = torch.per_tensor_symmetric if symmetric else torch.per_tensor_affine
    expected = observed(MinMaxObserver(dtype=dtype, qscheme=scheme), x)
    qmin, qmax = code_range(8, signed=dtype is torch.qint8)
    scale, zero_point = qparams(*affine_range(x), qmin, qmax, symmetric=symmetric)
    assert torch.equal(scale.reshape(-1), expected[0]) and torch.equal(
        zero_point.reshape(-1).long(), expected[1].long()
    )


@pytest.mark.parametrize(("qmin", "qmax"), [(0, 255), (0, 127), (0, 100)])
def test_torch_takes_the_lower_middle_code_if_it_is_told_the_ends(qmin, qmax):
    observer = MinMaxObserver(torch.quint8, torch.per_tensor_symmetric, quant_min=qmin, quant_max=qmax)
    observer(torch.tensor([-1.0, 0.5]))
    theirs = observer.calculate_qparams()
    scale, zero_point = qparams(torch.tensor(-1.0), torch.tensor(0.5), qmin, qmax, symmetric=True)
    assert scale == theirs[0] and zero_point - theirs[1] == (qmin + qmax) % 2


@pytest.mark.parametrize("symmetric", [False, True])
def test_equals_torchs_per_channel_observer_with_a_dead_channel(symmetric):
    x = torch.randn(200, 7, 9, generator=torch.Generator().manual_seed(1)) * torch.logspace(-9, 6, 200).reshape(
        -1, 1, 1
    )
    x[3], x[4], x[5] = 0.0, 2.5, -2.5
    scheme = torch.per_channel_symmetric if symmetric else torch.per_channel_affine
    expected = observed(PerChannelMinMaxObserver(ch_axis=0, dtype=torch.qint8, qscheme=scheme), x)
    find_range = symmetric_range if symmetric else affine_range
    scale, zero_point = qparams(*find_range(x, 0), -128, 127, symmetric=symmetric)
    assert torch.equal(scale, expected[0]) and torch.equal(zero_point.long(), expected[1].long())


def test_minus_one_to_one_on_129_codes():
    scale, zero_point = qparams(torch.tensor(-1.0), torch.tensor(1.0), 0, 128)
    assert (scale, zero_point) == (1 / 64, 64)


def test_symmetric_divides_by_127_and_a_half_narrow_by_127():
    ends = torch.tensor(-1.0), torch.tensor(1.0)
    assert qparams(*ends, *code_range(8), symmetric=True)[0] == torch.tensor(1 / 127.5)
    assert qparams(*ends, *code_range(8, narrow=True), symmetric=True)[0] == torch.tensor(1 / 127)


@pytest.mark.parametrize("x", [torch.zeros(4), torch.full((4,), 1e-30), torch.full((2,), -1e-30)])
def test_all_zero_and_tiny_tensors_get_eps(x):
    assert get_scale_and_zero_point(x)[0] == EPS


@pytest.mark.parametrize(
    ("signed", "narrow", "expected"), [(True, False, (-8, 7)), (True, True, (-7, 7)), (False, False, (0, 15))]
)
def test_code_ranges(signed, narrow, expected):
    assert code_range(4, signed=signed, narrow=narrow) == expected


@pytest.mark.parametrize(
    ("ends", "dtype"),
    [
        ((-128, 127), torch.int8),
        ((0, 255), torch.uint8),
        ((0, 127), torch.int8),
        ((-512, 511), torch.int16),
        ((0, 65535), torch.int32),
    ],
)
def test_codes_are_stored_in_the_smallest_dtype(ends, dtype):
    assert code_dtype(*ends) == dtype


@pytest.mark.parametrize("bitwidth", [1, 17, 8.0, "8", True, -3, torch.ones(3)])
def test_bitwidths_outside_2_to_16(bitwidth):
    with pytest.raises(ValueError, match="from 2 to 16"):
        get_scale_and_zero_point(torch.ones(2), bitwidth)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (-3e38, 3e38, "wider than float32"),
        (1.0, 0.0, "swapped"),
        (float("nan"), 1.0, "finite"),
        (0.0, float("inf"), "finite"),
    ],
)
def test_impossible_ranges(low, high, says):
    with pytest.raises(ValueError, match=says):
        qparams(torch.tensor(low), torch.tensor(high), -128, 127)


def test_more_impossible_arguments():
    with pytest.raises(ValueError, match="the same shape"):
        qparams(torch.zeros(2), torch.ones(3), -128, 127)
    with pytest.raises(ValueError, match="qmin must be below"):
        qparams(torch.tensor(0.0), torch.tensor(1.0), 5, 5)
    with pytest.raises(ValueError, match="unsigned"):
        code_range(8, signed=False, narrow=True)
    with pytest.raises(ValueError, match="32 bits"):
        code_dtype(0, 2**40)


def test_a_tensor_with_too_wide_a_range_is_an_error():
    with pytest.raises(ValueError, match="wider than float32"):
        get_scale_and_zero_point(torch.tensor([-3e38, 3e38]))
