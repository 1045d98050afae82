"""Addition, multiplication, concatenation and clamps on codes: properties first."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qlab.arithmetic.elementwise import (
    float32_add,
    quantized_add,
    quantized_clamp,
    quantized_concatenate,
    quantized_flatten,
    quantized_mul,
    quantized_relu,
)
from qlab.arithmetic.operations import Add, Clamp, Concatenate, Flatten, Mul, ReLU
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.engines.litert_rules import RULES
from qlab.engines.onnx_operations import onnxruntime_add
from qlab.engines.pytorch_elementwise import pytorch_add, qnnpack_add
from tests.qlab.activations import CODES, SCALES, ZERO_POINTS, activations

RATIOS = st.floats(0.05, 20.0)
few = settings(max_examples=25)


@few
@given(activations(), ZERO_POINTS)
def test_adding_zero_changes_nothing(x, zero_point):
    zero = QuantizedTensor(torch.full_like(x.codes, zero_point), x.scale, zero_point)
    for rule in (float32_add, pytorch_add(), qnnpack_add, onnxruntime_add, *(RULES[name][Add] for name in RULES)):
        assert torch.equal(quantized_add(x, zero, x.scale, x.zero_point, rule=rule).codes, x.codes)


@few
@given(activations(), ZERO_POINTS, RATIOS)
def test_a_sum_is_right_to_half_a_step_and_in_either_order(x, zero_point, ratio):
    y = QuantizedTensor(x.codes.flip(0), x.scale * ratio, 77)
    total = quantized_add(x, y, x.scale * 2, zero_point)
    exact = (x.dequantize().double() + y.dequantize()).clamp(*ends(total))
    assert ((total.dequantize() - exact).abs() <= 0.501 * total.scale).all()
    assert torch.equal(total.codes, quantized_add(y, x, x.scale * 2, zero_point).codes)


@few
@given(activations(), ZERO_POINTS, RATIOS)
def test_a_product_is_right_to_half_a_step(x, zero_point, ratio):
    y = QuantizedTensor(x.codes.flip(0), ratio, 77)
    scale = x.scale * ratio * 100
    product = quantized_mul(x, y, scale, zero_point)
    exact = (x.dequantize().double() * y.dequantize()).clamp(*ends(product))
    assert ((product.dequantize() - exact).abs() <= 0.501 * scale).all()


def ends(x):
    return -x.zero_point * x.scale, (255 - x.zero_point) * x.scale


@few
@given(activations(), ZERO_POINTS, RATIOS)
def test_a_fused_relu_is_a_relu_behind_it(x, zero_point, ratio):
    y = QuantizedTensor(x.codes.flip(0), x.scale * ratio, zero_point)
    for operation in (quantized_add, quantized_mul):
        fused = operation(x, y, x.scale, zero_point, relu=True)
        assert torch.equal(fused.codes, quantized_relu(operation(x, y, x.scale, zero_point)).codes)
        assert (fused.dequantize() >= 0).all()


@few
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), SCALES, ZERO_POINTS)
def test_concatenation_on_equal_grids_only_copies(channels, scale, zero_point):
    inputs = [
        QuantizedTensor(torch.randint(0, 256, (2, c, 3, 3), dtype=torch.uint8), scale, zero_point) for c in channels
    ]
    for rules in RULES.values():
        together = quantized_concatenate(inputs, scale, zero_point, rule=rules[Concatenate])
        assert torch.equal(together.codes, torch.cat([x.codes for x in inputs], 1))
    assert torch.equal(quantized_concatenate(inputs, scale, zero_point).codes, torch.cat([x.codes for x in inputs], 1))


@few
@given(activations(), ZERO_POINTS)
def test_concatenation_keeps_the_real_numbers(x, zero_point):
    (rows,) = x.codes.shape
    together = quantized_concatenate([x, x], x.scale / 2, zero_point, dim=0)
    low, high = ends(together)
    assert torch.allclose(together.dequantize()[rows:], x.dequantize().clamp(low, high), atol=0.51 * together.scale)


@few
@given(activations(), st.floats(-50, 50, width=32), st.floats(-50, 50, width=32))
def test_a_clamp_keeps_what_lies_inside(x, a, b):
    low, high = sorted((a, b))
    clamped = quantized_clamp(x, low, high)
    expected = x.dequantize().clamp(low, high)
    reachable = expected.clamp(*ends(x))
    assert ((clamped.dequantize() - reachable).abs() <= 0.501 * x.scale).all()
    assert torch.equal(quantized_clamp(clamped, low, high).codes, clamped.codes)


@few
@given(activations())
def test_relu_is_a_clamp_at_zero(x):
    assert torch.equal(quantized_relu(x).dequantize(), x.dequantize().relu())
    assert torch.equal(quantized_clamp(x, 0, 1e9).codes, quantized_relu(x).codes)


def test_an_operation_says_what_its_function_says():
    generator = torch.Generator().manual_seed(0)
    a, b = (
        QuantizedTensor(torch.randint(0, 256, (2, 3, 4, 5), generator=generator).to(torch.uint8), s, z)
        for s, z in ((0.1, 3), (0.2, 200))
    )
    for operation, expected in (
        (Add(0.3, 9, relu=True), quantized_add(a, b, 0.3, 9, relu=True)),
        (Mul(0.3, 9), quantized_mul(a, b, 0.3, 9)),
        (Concatenate(0.3, 9, dim=2), quantized_concatenate([a, b], 0.3, 9, dim=2)),
    ):
        result = operation(a, b)
        assert torch.equal(result.codes, expected.codes) and result.grid == expected.grid
        assert result.codes.dtype == torch.uint8
    assert torch.equal(ReLU()(a).codes, quantized_relu(a).codes)
    assert torch.equal(Clamp(0, 6)(a).codes, quantized_clamp(a, 0, 6).codes)
    assert torch.equal(Flatten()(a).codes, quantized_flatten(a).codes) and Flatten()(a).codes.shape == (2, 60)


VALID = QuantizedTensor(torch.zeros(2, 3, dtype=torch.uint8), 0.1, 3)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: quantized_add(VALID.codes, VALID, 0.1, 0), TypeError, "a must be a QuantizedTensor("),
        (
            lambda: quantized_add(VALID, QuantizedTensor(VALID.codes[:1], 0.1, 3), 0.1, 0),
            ValueError,
            "a has shape (2, 3) and b (1, 3): expand them to one shape first.",
        ),
        (lambda: quantized_add(VALID, VALID, 0.0, 0), ValueError, "scale must be finite and greater than 0"),
        (lambda: quantized_mul(VALID, VALID, 0.1, 256), ValueError, "zero_point must be an integer from 0 to 255"),
        (
            lambda: quantized_relu(QuantizedTensor(VALID.codes.to(torch.int8) - 1, 0.1, 3)),
            ValueError,
            "x.codes must lie in 0..255: add 128 to signed codes",
        ),
        (
            lambda: quantized_relu(QuantizedTensor(VALID.codes + 0.5, 0.1, 3)),
            ValueError,
            "x.codes must hold integers",
        ),
        (lambda: quantized_relu(QuantizedTensor(VALID.codes[:0], 0.1, 3)), ValueError, "x is empty (shape (0, 3))"),
        (lambda: quantized_concatenate([], 0.1, 0), ValueError, "there is nothing to concatenate"),
        (lambda: quantized_concatenate([VALID], 0.1, 0, dim=2), ValueError, "there is no dimension 2"),
        (
            lambda: quantized_concatenate([VALID, QuantizedTensor(torch.zeros(3, 3), 1.0, 0)], 0.1, 0),
            ValueError,
            "the inputs differ in more than dimension 1",
        ),
        (lambda: quantized_clamp(VALID, 2, 1), ValueError, "low must be a number of at most high, not 2 and 1."),
        (lambda: quantized_clamp(VALID, float("nan"), 1), ValueError, "low must be a number of at most high"),
        (
            lambda: quantized_add(VALID, VALID, 1e-4, 0, rule=qnnpack_add),
            ValueError,
            "qnnpack adds where S_a / S_out and S_b / S_out are from 2**-14 to 2**8",
        ),
    ],
)
def test_bad_input_gets_one_sentence(call, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        call()


def test_codes_of_any_integer_dtype_will_do():
    wide = QuantizedTensor(CODES.to(torch.int64), 0.1, 3)
    narrow = QuantizedTensor(CODES.to(torch.uint8), 0.1, 3)
    assert torch.equal(quantized_add(wide, wide, 0.2, 5).codes, quantized_add(narrow, narrow, 0.2, 5).codes)
