"""Pooling on codes: properties first."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from qlab.arithmetic.operations import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from qlab.arithmetic.pooling import (
    quantized_adaptive_avg_pool2d,
    quantized_avg_pool2d,
    quantized_max_pool2d,
)
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from tests.qlab.activations import images

few = settings(max_examples=25)


@st.composite
def windows(draw: st.DrawFn) -> dict[str, tuple[int, int]]:
    """Kernel, stride and padding of each side."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    return {"kernel_size": kernel, "stride": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), "padding": padding}


def fits(x: QuantizedTensor, window: dict[str, tuple[int, int]]) -> bool:
    sides = zip(x.codes.shape[2:], window["kernel_size"], window["padding"], strict=True)
    return all(kernel <= size + 2 * padding for size, kernel, padding in sides)


@given(images(), windows(), st.booleans())
@few
def test_max_pooling_is_max_pooling_of_the_real_numbers(x, window, ceil_mode):
    if not fits(x, window):
        return
    largest = quantized_max_pool2d(x, **window, ceil_mode=ceil_mode)
    assert torch.equal(largest.dequantize(), functional.max_pool2d(x.dequantize(), **window, ceil_mode=ceil_mode))
    assert largest.grid == x.grid and largest.codes.dtype == torch.uint8


@given(images(), windows(), st.booleans(), st.booleans())
@few
def test_an_average_is_right_to_half_a_step(x, window, ceil_mode, count_include_pad):
    if not fits(x, window):
        return
    options = {**window, "ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
    average = quantized_avg_pool2d(x, **options)
    exact = functional.avg_pool2d(x.dequantize().double(), **options)
    assert average.codes.shape == exact.shape and average.grid == x.grid
    assert ((average.dequantize() - exact).abs() <= 0.501 * x.scale).all()


@given(images(), st.integers(1, 7), st.integers(1, 7))
@few
def test_an_adaptive_average_is_right_to_half_a_step(x, height, width):
    average = quantized_adaptive_avg_pool2d(x, (height, width))
    exact = functional.adaptive_avg_pool2d(x.dequantize().double(), (height, width))
    assert ((average.dequantize() - exact).abs() <= 0.501 * x.scale).all()


@given(images(), st.integers(0, 255))
@few
def test_the_average_of_equal_codes_is_that_code(x, code):
    flat = QuantizedTensor(torch.full_like(x.codes, code), x.scale, x.zero_point)
    assert (quantized_adaptive_avg_pool2d(flat, 1).codes == code).all()
    assert (quantized_avg_pool2d(flat, 1).codes == code).all()
    assert (quantized_max_pool2d(flat, 1).codes == code).all()


@given(images())
@few
def test_pooling_the_whole_image_is_one_thing_by_three_names(x):
    sides = tuple(x.codes.shape[2:])
    whole = quantized_avg_pool2d(x, sides).codes
    assert torch.equal(whole, quantized_adaptive_avg_pool2d(x, 1).codes)
    assert torch.equal(quantized_max_pool2d(x, sides).codes.flatten(), x.codes.amax((2, 3)).flatten())


def test_an_average_may_have_a_grid_of_its_own():
    x = QuantizedTensor(torch.tensor([[[[10, 20], [30, 41]]]]), 0.1, 10)
    average = quantized_avg_pool2d(x, 2, output_scale=0.05, output_zero_point=3)
    # (0 + 1 + 2 + 3.1) / 4 = 1.525 is 30.5 steps of 0.05: a tie, which goes to the even distance.
    assert average.codes.tolist() == [[[[33]]]] and (average.scale, average.zero_point) == (0.05, 3)


def test_padding_counts_as_zero_or_not_at_all():
    x = QuantizedTensor(torch.full((1, 1, 2, 2), 108), 0.1, 100)
    assert quantized_avg_pool2d(x, 2, 2, 1).codes.unique().tolist() == [102]
    assert quantized_avg_pool2d(x, 2, 2, 1, count_include_pad=False).codes.unique().tolist() == [108]


def test_an_operation_says_what_its_function_says():
    x = QuantizedTensor(torch.randint(0, 256, (2, 3, 7, 6), generator=torch.Generator().manual_seed(0)), 0.1, 77)
    for operation, expected in (
        (MaxPool2d(3, 2, 1, ceil_mode=True), quantized_max_pool2d(x, 3, 2, 1, ceil_mode=True)),
        (MaxPool2d((2, 3), dilation=2), quantized_max_pool2d(x, (2, 3), dilation=2)),
        (AvgPool2d(3, 2, 1, True, False), quantized_avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)),
        (
            AdaptiveAvgPool2d((3, 2), 0.3, 4),
            quantized_adaptive_avg_pool2d(x, (3, 2), output_scale=0.3, output_zero_point=4),
        ),
    ):
        result = operation(x)
        assert torch.equal(result.codes, expected.codes) and result.grid == expected.grid


IMAGE = QuantizedTensor(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 0.1, 3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: quantized_max_pool2d(QuantizedTensor(torch.zeros(4, 4), 0.1, 3), 2),
            "x has shape (4, 4): pooling takes",
        ),
        (lambda: quantized_max_pool2d(IMAGE, 5), "a window of (5, 5) does not fit an image of (4, 4): make it less."),
        (lambda: quantized_max_pool2d(IMAGE, 3, dilation=2), "a window of (3, 3) does not fit"),
        (lambda: quantized_max_pool2d(IMAGE, 2, dilation=0), "dilation must be an integer of at least 1"),
        (lambda: quantized_avg_pool2d(IMAGE, 2, padding=2), "padding (2, 2) is more than half of the kernel (2, 2)"),
        (lambda: quantized_avg_pool2d(IMAGE, 0), "kernel_size must be an integer of at least 1"),
        (lambda: quantized_avg_pool2d(IMAGE, 2, 0), "stride must be an integer of at least 1"),
        (lambda: quantized_avg_pool2d(IMAGE, 2, padding=-1), "padding must be an integer of at least 0"),
        (lambda: quantized_avg_pool2d(IMAGE, 2, output_zero_point=300), "zero_point must be an integer from 0 to 255"),
        (lambda: quantized_adaptive_avg_pool2d(IMAGE, 0), "output_size must be an integer of at least 1"),
    ],
)
def test_bad_input_gets_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()
