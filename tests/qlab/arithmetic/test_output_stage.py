from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic import output_stage as rules
from qlab.arithmetic.output_stage import OutputStage, float32_rule, fused_multiply_add

FLOATS = st.floats(-1e10, 1e10, width=32)
ALL = [
    rules.float32_rule,
    rules.single_rounding,
    rules.double_rounding,
    rules.double_rounding_ties_up,
    rules.fbgemm,
    rules.qnnpack,
    rules.onednn,
    rules.onednn_scales_first,
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


def test_fused_multiply_add_where_two_roundings_go_astray():
    # a * b + c lies 2**-60 above a tie of float32: rounded to float64 first it looks like the tie.
    a, b, c = 1 + 2.0**-12, 1 + 2.0**-12, 2.0**-60
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assert fused_multiply_add(*(torch.tensor(v, dtype=torch.float32) for v in (a, b, c))).item() == f32(exact)
    assert torch.tensor(float(exact)).float().item() != f32(exact)


@every_rule
def test_every_rule_is_near_the_exact_value(rule):
    generator = torch.Generator().manual_seed(1)
    acc = torch.randint(-90_000, 90_000, (500, 6), generator=generator)
    scale = torch.linspace(0.001, 0.004, 6, dtype=torch.float64)
    bias = torch.randn(6, generator=generator)
    for kind in ("linear", "conv2d"):
        stage = OutputStage(0.031, scale, 0.07, 11, bias=bias, kind=kind)
        exact = (acc * 0.031 * scale + bias) / 0.07 + 11
        difference = rule(stage)(acc) - exact.clamp(-128, 127)
        assert difference.abs().max() < 0.51


@every_rule
def test_relu_clamps_at_the_zero_point(rule):
    stage = OutputStage(0.1, 0.1, 0.1, output_zero_point=-20, relu=True)
    assert rule(stage)(torch.tensor([-500, 0, 500])).tolist() == [-20, -20, 30]


@every_rule
def test_a_rule_leaves_its_input_alone_and_names_its_source(rule):
    acc = torch.arange(-50, 50, dtype=torch.int32)
    rule(OutputStage(0.1, 0.1, 0.02, 5, bias=torch.tensor([0.3])))(acc)
    assert torch.equal(acc, torch.arange(-50, 50, dtype=torch.int32))
    assert rule.name and len(rule.source) > 15


def test_ties_go_as_each_rule_says():
    acc, stage = torch.arange(8), OutputStage(0.5, 0.5, 0.5, 3, 0, 255)
    after, before, up = [3, 3, 4, 5, 5, 5, 6, 7], [3, 4, 4, 4, 5, 6, 6, 6], [3, 4, 4, 5, 5, 6, 6, 7]
    for rule, expected in [
        (rules.fbgemm, after),
        (rules.qnnpack, after),
        (rules.float32_rule, after),
        (rules.onednn, before),
        (rules.single_rounding, up),
        (rules.double_rounding, up),
    ]:
        assert rule(stage)(acc).tolist() == expected, rule.name


def test_a_product_beyond_int32_becomes_what_cvtps2dq_makes_of_it():
    stage = OutputStage(1.0, 1.0, 2.0**-20, 7)
    assert rules.fbgemm(stage)(torch.tensor([2**12, -(2**12), 2**10])).tolist() == [-128, -128, 127]
    assert rules.onednn(stage)(torch.tensor([2**12])).tolist() == [127]


def test_bias_is_rounded_to_the_accumulators_scale():
    stage = OutputStage(0.1, 0.1, 0.01, 0, bias=torch.tensor([0.5, -0.253]))
    assert float32_rule(stage)(torch.zeros(1, 2, dtype=torch.int32)).tolist() == [[50, -25]]


def test_accumulator_and_bias_beyond_int32_are_an_error():
    stage = OutputStage(0.001, 0.001, 0.01, 0, bias=torch.tensor([5000.0]))
    for rule in (rules.float32_rule, rules.qnnpack, rules.single_rounding):
        with pytest.raises(OverflowError, match="leaves int32"):
            rule(stage)(torch.tensor([0]))
