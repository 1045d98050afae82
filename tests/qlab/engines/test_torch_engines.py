"""PyTorch's engines and their arithmetic, bit for bit: over a million outputs for each."""

import dataclasses
import re
import subprocess
import sys

import pytest
import torch

from qlab import engines
from qlab.arithmetic import output_stage
from qlab.engines import Cpu, Layer, pytorch, pytorch_rounding
from qlab.engines.saturation import add_pairs_in_16_bits, onednn_blocks, saturating_accumulator
from tests.conftest import REPOSITORY, missing
from tests.qlab.engines.layers import KINDS, drawn

ENGINES = pytorch.available()
every_engine = pytest.mark.parametrize("engine", ENGINES)
OUTPUTS = 13_000  # times 11 kinds, 2 granularities, 4 combinations of bias and ReLU: 1.14 million an engine


def holds(engine: str, total: engines.Comparison) -> None:
    """No difference where rules were measured; on another CPU the counts are shown, and nothing is claimed."""
    verification = engines.verify(engine)
    if not verification.established and not measured(verification.cpu):
        pytest.skip(f"not established on this CPU: {engine}, {total.mismatches} of {total.outputs} outputs differ")
    assert total.mismatches == 0, str(total)


def measured(cpu: Cpu) -> bool:
    """A CPU on which all of this was tried: here a rule that is not confirmed is wrong, and must not be skipped.

    Tried were AVX-512 with VNNI, and AVX2 alone; oneDNN has kernels of its own for AVX2 with VNNI.
    """
    has = torch.cpu.get_capabilities()
    avx2_alone = has.get("avx2") and not (cpu.avx512 or cpu.vnni or has.get("avx_vnni"))
    uncapped = not (cpu.fbgemm_cap or cpu.onednn_cap)
    return cpu.x86 and uncapped and not cpu.amx and bool(avx2_alone or (cpu.avx512 and cpu.vnni))


@pytest.mark.skipif(not measured(Cpu.here()), reason="not one of the CPUs on which rules were measured")
@every_engine
def test_the_rule_is_established_here(engine):
    assert engines.verify(engine).established, str(engines.verify(engine))


@every_engine
@pytest.mark.parametrize("kind", KINDS)
def test_engines_equal_their_reference(engine, kind):
    generator = torch.Generator().manual_seed(len(kind))
    comparisons = []
    for per_channel in (False, True):
        for bias in (False, True):
            for relu in (False, True):
                layer, x = drawn(kind, generator, outputs=OUTPUTS, per_channel=per_channel, bias=bias, relu=relu)
                comparisons.append(engines.compare(engine, layer, x))
                assert comparisons[-1].inside > 0.5 * comparisons[-1].outputs
    holds(engine, sum(comparisons[1:], start=comparisons[0]))


@every_engine
@pytest.mark.parametrize("kind", ["linear", "3x3"])
def test_exact_ties(engine, kind):
    generator = torch.Generator().manual_seed(3)
    layers = [drawn(kind, generator, outputs=40_000, per_channel=c, relu=c, ties=True) for c in (False, True)]
    comparisons = [engines.compare(engine, layer, x) for layer, x in layers]
    layer, x = layers[0]
    acc = layer.accumulator(pytorch.quantize_input(x, layer.input_scale, layer.input_zero_point)).double()
    halves = acc * layer.input_scale * layer.weight_scale / layer.output_scale % 1 == 0.5
    assert halves.double().mean() > 0.01
    holds(engine, sum(comparisons[1:], start=comparisons[0]))


@every_engine
def test_a_bias_next_to_a_whole_step_of_the_accumulator(engine):
    """Sums next to halves: here fbgemm's fused multiply-add of the bias shows, in one of ten thousand outputs."""
    generator, comparisons, separate = torch.Generator().manual_seed(0), [], 0
    for _ in range(40):
        s_x, s_w = (0.01 + 0.1 * torch.rand(2, generator=generator, dtype=torch.float64)).tolist()
        weights = torch.randint(-1, 2, (16, 64), generator=generator).to(torch.int8)
        bias = (torch.randint(200, 4000, (16,), generator=generator).double() * s_x * s_w).float()
        layer = Layer(weights, s_w, s_x, 131, 32 * s_x * s_w, 3, bias)
        x = (torch.randint(120, 143, (300, 64), generator=generator) - 131) * s_x
        comparisons.append(engines.compare(engine, layer, x))
        acc, scale = (
            layer.accumulator(pytorch.quantize_input(x, s_x, 131)),
            output_stage.f32(s_x) * output_stage.f32(s_w),
        )
        in_two_steps = acc.float().add_(bias * output_stage.f32(1 / output_stage.f64(scale)))
        M = scale / output_stage.f32(layer.output_scale)
        separate += int(
            (
                output_stage.multiply_in_float32(in_two_steps, M, layer.output_params)
                != output_stage.fbgemm(layer.output_params)(acc)
            ).sum()
        )
    assert separate > 0
    holds(engine, sum(comparisons[1:], start=comparisons[0]))


@every_engine
@pytest.mark.parametrize("k", [1, 7, 784, 4096, 66_300])
def test_short_and_long_sums(engine, k):
    generator = torch.Generator().manual_seed(k)
    weights = torch.randint(-127, 128, (8, k), generator=generator).to(torch.int8)
    layer = Layer(
        weights, 0.0123, 0.037, 119, 0.037 * 0.0123 * 74 * 74 * k**0.5 / 40, 128, torch.randn(8, generator=generator)
    )
    x = (torch.randint(0, 256, (64, k), generator=generator) - 119) * 0.037
    holds(engine, engines.compare(engine, layer, x))


@every_engine
@pytest.mark.parametrize("sign", [1, -1])
def test_accumulators_within_a_thousandth_of_the_end_of_int32(engine, sign):
    generator = torch.Generator().manual_seed(1)
    weights = (sign * torch.randint(126, 128, (8, 66_300), generator=generator)).to(torch.int8)
    weights[:, 60_000:] = sign * 127
    layer = Layer(weights, 0.01, 0.05, 0, 0.05 * 0.01 * 2.0**24, 128 - 64 * sign)
    x = torch.full((32, 66_300), 255 * 0.05)
    weights[0] = sign * 127
    acc = layer.accumulator(torch.full((1, 66_300), 255, dtype=torch.uint8))
    assert acc.abs().max() > 0.999 * 2**31
    holds(engine, engines.compare(engine, layer, x))


@every_engine
@pytest.mark.parametrize(
    "scales",
    [
        {"input_scale": 1e-12, "weight_scale": 1e-15, "output_scale": 1e-24},
        {"input_scale": 1e12, "weight_scale": 1e12, "output_scale": 1e27},
        {"output_scale": 1e6},
        {"output_scale": 0.05 * 0.01 / 3},
        {"output_scale": 1e-9},
    ],
    ids=["tiny", "huge", "M near 0", "M above 1", "products beyond int32"],
)
def test_extreme_scales(engine, scales):
    generator = torch.Generator().manual_seed(2)
    weights = torch.randint(-127, 128, (8, 64), generator=generator).to(torch.int8)
    layer = Layer(
        **{
            "weights": weights,
            "weight_scale": 0.01,
            "input_scale": 0.05,
            "input_zero_point": 40,
            "output_zero_point": 100,
            **scales,
        }
    )
    x = (torch.randint(0, 256, (200, 64), generator=generator) - 40) * layer.input_scale
    holds(engine, engines.compare(engine, layer, x))


def test_input_quantization_is_a_fused_multiply_add_that_includes_the_zero_point():
    generator = torch.Generator().manual_seed(0)
    for scale, zero_point in [(0.05, 3), (0.037, 128), (0.1, 77), (2.0**-5, 13), (0.3, 255), (1e-3, 0)]:
        k = torch.randint(-zero_point, 256 - zero_point, (100_003,), generator=generator)
        ties = ((k + 0.5) * scale).to(torch.float32)
        x = torch.cat(
            [ties, torch.nextafter(ties, torch.tensor(torch.inf)), torch.nextafter(ties, -torch.tensor(torch.inf))]
        )
        theirs = pytorch.quantize(x, scale, zero_point).int_repr()
        assert torch.equal(pytorch.quantize_input(x, scale, zero_point), theirs)


@every_engine
def test_rows_of_any_length_equal_the_reference(engine):
    # oneDNN without VNNI cuts rows of 257 to 767 into halves: 9 of 10 outputs differed where the first half is odd.
    generator = torch.Generator().manual_seed(3)
    lengths = [255, 256, 257, 258, 513, 766, 767, 768, *torch.randint(1, 1101, (30,), generator=generator).tolist()]
    comparisons = []
    for inputs in lengths:
        weights = torch.randint(-127, 128, (16, inputs), generator=generator).to(torch.int8)
        x = (torch.randint(0, 256, (20, inputs), generator=generator) - 128) * 0.05
        layer = Layer(weights, 0.01, 0.05, 128, 0.05 * 0.01 * 73 * 73 * inputs**0.5 / 40, 128)
        comparisons.append(engines.compare(engine, layer, x))
    holds(engine, sum(comparisons[1:], start=comparisons[0]))


def test_an_odd_first_block_makes_other_pairs():
    codes, weights = (
        torch.full((1, 6), 255, dtype=torch.uint8),
        torch.tensor([[127, -127, 127, 127, 0, 0]]).to(torch.int8),
    )
    assert add_pairs_in_16_bits(codes, weights).tolist() == [[2**15 - 1]]
    assert add_pairs_in_16_bits(codes, weights, [3, 3]).tolist() == [[2 * 255 * 127]]
    assert onednn_blocks(258) == [129, 129] and onednn_blocks(256) == [256]


def test_depthwise_layers_saturate_in_fbgemms_own_kernel_and_not_with_small_weights():
    layer, x = drawn("depthwise", torch.Generator().manual_seed(8), outputs=30_000)
    codes = pytorch.quantize_input(x, layer.input_scale, layer.input_zero_point)
    reference = engines.reference_for("fbgemm", layer)
    assert (reference.accumulate(layer, codes) != layer.accumulator(codes)).sum() > 1000
    small = dataclasses.replace(layer, weights=layer.weights.clamp(-64, 64))
    assert torch.equal(reference.accumulate(small, codes), small.accumulator(codes))


def test_a_planted_difference_is_counted_and_reported_in_full(monkeypatch):
    layer, x = drawn("linear", torch.Generator().manual_seed(4), outputs=2000, bias=True)
    comparison = engines.compare(ENGINES[0], layer, x)
    real = pytorch.run

    def off_by_one(engine, layer, x):
        codes = real(engine, layer, x)
        codes[3, 5] = 255 - codes[3, 5]
        return codes

    monkeypatch.setattr(pytorch, "run", off_by_one)
    planted = engines.compare(ENGINES[0], layer, x)
    assert planted.mismatches == comparison.mismatches + 1 and planted.largest > 0
    (first,) = planted.first
    assert first.index == (3, 5) and abs(first.exact - first.reference) < 0.51 and first.engine == 255 - first.reference
    assert "accumulator" in str(planted) and str(first.accumulator) in str(planted)
    doubled = planted + planted
    assert (doubled.outputs, doubled.mismatches) == (2 * planted.outputs, 2 * planted.mismatches)


def test_on_a_cpu_whose_rule_was_not_measured_the_counts_are_reported():
    arm = engines.verify(ENGINES[0], Cpu("arm64", vnni=False, amx=False, avx512=False))
    assert not arm.established and "not established on this CPU (arm64" in str(arm) and "outputs differ" in str(arm)


def test_every_engine_of_torch_is_available():
    absent = set(pytorch.ENGINE_NAMES) - set(ENGINES)
    if absent:
        missing("engines", f"{', '.join(sorted(absent))}: {pytorch.INSTALL_HINT}")


@every_engine
def test_the_quick_comparison_tells_rules_apart(engine, monkeypatch):
    real, followed = pytorch.reference_for, set()
    for other in (
        None,
        output_stage.fbgemm,
        output_stage.qnnpack,
        output_stage.onednn,
        output_stage.onednn_scales_first,
        output_stage.float32_stage,
        output_stage.single_rounding,
    ):

        def replaced(engine, layer, cpu, other=other):
            reference = real(engine, layer, cpu)
            followed.add(reference.output_stage)
            return dataclasses.replace(reference, output_stage=other or reference.output_stage)

        engines.verify.cache_clear()
        monkeypatch.setattr(pytorch, "reference_for", replaced)
        verification = engines.verify(engine)
        # An engine that follows one rule for all layers here follows it in the place of itself too.
        if other is not None and followed != {other}:
            assert not verification.established, other.name
    engines.verify.cache_clear()


@every_engine
def test_a_release_of_torch_that_rounds_the_input_otherwise_is_noticed(engine):
    engines.verify.cache_clear()
    with pytorch_rounding.as_in_release("2.14.1" if pytorch_rounding.zero_point_first() else "2.13.0"):
        assert not engines.verify(engine).established
    engines.verify.cache_clear()


def test_the_releases_that_were_measured():
    first = {}
    for version in ("2.6.0", "2.13.0+cpu", "2.13.1", "2.14.1+cu130"):
        with pytorch_rounding.as_in_release(version):
            first[version] = pytorch_rounding.zero_point_first()
    assert first == {"2.6.0": False, "2.13.0+cpu": True, "2.13.1": True, "2.14.1+cu130": False}


def test_the_rule_follows_what_the_cpu_reports():
    weights = torch.ones(4, 4, dtype=torch.int8)
    linear = Layer(weights, 0.1, 0.1, 0, 0.1, 0)
    conv = Layer(weights.reshape(4, 4, 1, 1), 0.1, 0.1, 0, 0.1, 0)
    dense = Layer(torch.ones(4, 4, 3, 3, dtype=torch.int8), 0.1, 0.1, 0, 0.1, 0)
    amx = Cpu("x86_64", vnni=True, amx=True, avx512=True)
    plain = Cpu("x86_64", vnni=False, amx=False, avx512=False)
    no_vnni = Cpu("x86_64", vnni=False, amx=False, avx512=True)
    for layer, cpu, engine, rule in [
        (linear, amx, "onednn", output_stage.onednn_scales_first),
        (dense, amx, "onednn", output_stage.onednn_scales_first),
        (conv, amx, "onednn", output_stage.onednn),
        (linear, plain, "onednn", output_stage.onednn_scales_first),
        (conv, plain, "onednn", output_stage.onednn_scales_first),
        (linear, no_vnni, "onednn", output_stage.onednn),
        (linear, amx, "x86", output_stage.fbgemm),
        (conv, amx, "x86", output_stage.onednn),
        (conv, plain, "x86", output_stage.fbgemm),
        (linear, plain, "qnnpack", output_stage.qnnpack),
    ]:
        assert engines.reference_for(engine, layer, cpu).output_stage is rule
    capped = Cpu("x86_64", vnni=True, amx=True, avx512=True, onednn_cap="AVX2", fbgemm_cap="AVX2")
    assert not capped.onednn_vnni and not capped.onednn_amx and not capped.fbgemm_vnni
    # fbgemm's kernels for small groups saturate where the CPU has no VNNI, and a cap does not take it from them.
    grouped = Layer(torch.ones(16, 4, 3, 3, dtype=torch.int8), 0.1, 0.1, 0, 0.1, 0, groups=4, padding=1)
    for layer, cpu, exact in [
        (grouped, amx, True),
        (grouped, capped, True),
        (grouped, no_vnni, False),
        (grouped, plain, False),
        (dense, amx, True),
        (dense, capped, False),
    ]:
        expected = Layer.accumulator if exact else saturating_accumulator
        assert engines.reference_for("fbgemm", layer, cpu).accumulate is expected


@pytest.mark.parametrize(("bits", "groups"), [(512, 100), (256, 102)])
def test_a_layer_that_ends_the_process_in_fbgemm_is_refused(bits, groups, monkeypatch):
    # Both corrupted the heap: a register of so many bits holds 8 or 4 groups of 2 channels.
    monkeypatch.setattr(Cpu, "here", lambda: Cpu("x86_64", vnni=False, amx=False, avx512=bits == 512))
    layer = Layer(torch.ones(2 * groups, 2, 3, 3, dtype=torch.int8), 0.1, 0.1, 0, 0.1, 0, groups=groups, padding=1)
    told = f"fbgemm breaks on {groups} groups of this size: take a multiple of {bits // 64}."
    for engine in ("fbgemm", "x86"):
        with pytest.raises(ValueError, match=re.escape(told)):
            engines.run(engine, layer, torch.ones(1, 2 * groups, 5, 5))


SMALL_GROUPS = """
import torch
from qlab import engines
from tests.qlab.engines.layers import KINDS, drawn

generator, refused = torch.Generator().manual_seed(0), 0
for channels in (2, 4, 8, 16):
    for groups in range(1, 18):
        KINDS["small groups"] = ((channels * groups, channels, 3, 3), {"groups": groups, "padding": 1})
        layer, x = drawn("small groups", generator, outputs=2000, per_channel=groups % 2 == 0, bias=True)
        for engine in ("fbgemm", "x86"):
            try:
                comparison = engines.compare(engine, layer, x)
            except ValueError:
                refused += 1
            else:
                assert not comparison.mismatches, f"{groups} groups of {channels} channels: {comparison}"
print("refused:", refused)
"""


@pytest.mark.skipif(not measured(Cpu.here()), reason="not one of the CPUs on which rules were measured")
def test_any_number_of_small_groups_is_right_or_refused():
    # In a process of its own, which has to end well: where the refusal were wrong, the heap would be.
    process = subprocess.run(
        [sys.executable, "-c", SMALL_GROUPS], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert 0 < int(process.stdout.removeprefix("refused:")) < 100


def test_a_missing_engine_gives_a_one_sentence_error(monkeypatch):
    monkeypatch.setattr(pytorch, "available", lambda: [])
    layer = Layer(torch.ones(1, 1, dtype=torch.int8), 0.1, 0.1, 0, 0.1, 0)
    with pytest.raises(ValueError, match="the engine fbgemm does not run here: this build of PyTorch leaves it out"):
        engines.run("fbgemm", layer, torch.ones(1, 1))
    assert "fbgemm" in engines.missing() and "fbgemm" not in engines.available()
    with pytest.raises(ValueError, match="there is no engine 'tensorrt'; qlab knows fbgemm"):
        engines.run("tensorrt", layer, torch.ones(1, 1))
    assert engines.reference("fbgemm", layer, torch.ones(1, 1)).shape == (1, 1)
