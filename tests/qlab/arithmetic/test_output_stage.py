from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic import output_stage
from qlab.arithmetic.output_stage import OutputStageParams, float32_stage, fused_multiply_add

FLOATS = st.floats(-1e10, 1e10, width=32)
ALL = [
    output_stage.float32_stage,
    output_stage.single_rounding,
    output_stage.double_rounding,
    output_stage.double_rounding_ties_up,
    output_stage.fbgemm,
    output_stage.qnnpack,
    output_stage.onednn,
    output_stage.onednn_scales_first,
]
every_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)


def f32(value: Fraction) -> float:
    """A fraction rounded to float32 once; Python rounds it to float64 first, so a tie of that is looked at again."""
    near = torch.tensor(float(value), dtype=torch.float64).to(torch.float32)
    steps = [near, torch.nextafter(near, torch.tensor(torch.inf)), torch.nextafter(near, -torch.tensor(torch.inf))]
    even = [(step.view(torch.int32).item() & 1, step.item()) for step in steps]
    return min(even, key=lambda pair: (abs(Fraction(pair[1]) - value), pair[0]))[1]


@given(FLOATS, FLOATS, FLOATS)
def test_fused_multiply_add_rounds_once(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    got = fused_multiply_add(*(torch.tensor(v, dtype=torch.float32) for v in (a, b, c))).item()
    assert got == f32(exact)


def test_fused_multiply_add_where_rounding_twice_goes_wrong():
    # a * b + c lies 2**-60 above a tie of float32: rounded to float64 first it looks like the tie.
    a, b, c = 1 + 2.0**-12, 1 + 2.0**-12, 2.0**-60
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assert fused_multiply_add(*(torch.tensor(v, dtype=torch.float32) for v in (a, b, c))).item() == f32(exact)
    assert torch.tensor(float(exact)).float().item() != f32(exact)


@every_rule
def test_every_output_stage_is_close_to_the_exact_value(rule):
    generator = torch.Generator().manual_seed(1)
    acc = torch.randint(-90_000, 90_000, (500, 6), generator=generator)
    scale = torch.linspace(0.001, 0.004, 6, dtype=torch.float64)
    bias = torch.randn(6, generator=generator)
    for kind in ("linear", "conv2d"):
        params = OutputStageParams(0.031, scale, 0.07, 11, bias=bias, kind=kind)
        exact = (acc * 0.031 * scale + bias) / 0.07 + 11
        difference = rule(params)(acc) - exact.clamp(-128, 127)
        assert difference.abs().max() < 0.51


@every_rule
def test_relu_clamps_at_the_zero_point(rule):
    params = OutputStageParams(0.1, 0.1, 0.1, output_zero_point=-20, relu=True)
    assert rule(params)(torch.tensor([-500, 0, 500])).tolist() == [-20, -20, 30]


@every_rule
def test_an_output_stage_keeps_its_input_and_names_its_source(rule):
    acc = torch.arange(-50, 50, dtype=torch.int32)
    rule(OutputStageParams(0.1, 0.1, 0.02, 5, bias=torch.tensor([0.3])))(acc)
    assert torch.equal(acc, torch.arange(-50, 50, dtype=torch.int32))
    assert rule.name and len(rule.source) > 15


def test_ties_follow_each_rule():
    acc, params = torch.arange(8), OutputStageParams(0.5, 0.5, 0.5, 3, 0, 255)
    after, before, up = [3, 3, 4, 5, 5, 5, 6, 7], [3, 4, 4, 4, 5, 6, 6, 6], [3, 4, 4, 5, 5, 6, 6, 7]
    for rule, expected in [
        (output_stage.fbgemm, after),
        (output_stage.qnnpack, after),
        (output_stage.float32_stage, after),
        (output_stage.onednn, before),
        (output_stage.single_rounding, up),
        (output_stage.double_rounding, up),
    ]:
        assert rule(params)(acc).tolist() == expected, rule.name


def test_a_product_beyond_int32_becomes_what_cvtps2dq_returns():
    params = OutputStageParams(1.0, 1.0, 2.0**-20, 7)
    assert output_stage.fbgemm(params)(torch.tensor([2**12, -(2**12), 2**10])).tolist() == [-128, -128, 127]
    assert output_stage.onednn(params)(torch.tensor([2**12])).tolist() == [127]


def test_bias_is_rounded_to_the_accumulators_scale():
    params = OutputStageParams(0.1, 0.1, 0.01, 0, bias=torch.tensor([0.5, -0.253]))
    assert float32_stage(params)(torch.zeros(1, 2, dtype=torch.int32)).tolist() == [[50, -25]]


def test_accumulator_and_bias_beyond_int32_are_an_error():
    params = OutputStageParams(0.001, 0.001, 0.01, 0, bias=torch.tensor([5000.0]))
    for rule in (output_stage.float32_stage, output_stage.qnnpack, output_stage.single_rounding):
        with pytest.raises(OverflowError, match="leaves int32"):
            rule(params)(torch.tensor([0]))
