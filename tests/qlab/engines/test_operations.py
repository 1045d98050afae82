"""Operations beside layers: every engine's own kernel against its rule, bit for bit."""

import re

import pytest
import torch

from qlab import engines
from qlab.arithmetic.elementwise import float32_add, quantized_add
from qlab.arithmetic.operations import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Clamp,
    Concatenate,
    Flatten,
    MaxPool2d,
    Mul,
    ReLU,
)
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.engines import Cpu, litert, onnx_runtime, pytorch, pytorch_operations
from qlab.engines.litert_rules import RULES
from qlab.engines.onnx_operations import onnxruntime_add
from qlab.engines.pytorch_elementwise import pytorch_add, qnnpack_add, vector_positions
from qlab.engines.pytorch_rounding import as_in_release
from tests.conftest import missing

HINTS = {name: backend.INSTALL_HINT for backend in (pytorch, onnx_runtime, litert) for name in backend.ENGINE_NAMES}
PYTORCH = pytorch.ENGINE_NAMES
every_engine = pytest.mark.parametrize("engine", HINTS)
SHAPES = ((2, 37, 7, 5), (1, 1, 9, 6), (3, 16, 8, 8), (40, 5, 1, 1), (2, 70, 3, 4))


@pytest.fixture(autouse=True)
def one_thread():
    """Tensors this small are faster on one; that several threads change nothing else has a test of its own."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def here(engine: str) -> str:
    if engine not in engines.available():
        missing("engines", HINTS[engine])
    return engine


def drawn(generator: torch.Generator, shape: tuple[int, ...], scale: float) -> QuantizedTensor:
    """Codes with a zero-point at one end, an odd one, or any."""
    choice, any_code = torch.randint(0, 4, (), generator=generator), torch.randint(0, 256, (), generator=generator)
    zero_point = (0, 255, int(any_code) | 1, int(any_code))[int(choice)]
    codes = torch.randint(0, 256, shape, generator=generator).to(torch.uint8)
    return QuantizedTensor(codes, scale, zero_point)


def scale(generator: torch.Generator, ties: bool, low: float, high: float) -> float:
    exponent = low + (high - low) * torch.rand((), generator=generator, dtype=torch.float64).item()
    return 2.0 ** (round(exponent) if ties else exponent)


def holds(engine: str, operation, *inputs: QuantizedTensor) -> int:
    """No output differs, in either order of memory; returns how many there were."""
    comparisons = [
        engines.compare_operation(engine, operation, *inputs, channels_last=channels_last)
        for channels_last in ((False, True) if engine in PYTORCH else (True,))
    ]
    for comparison in comparisons:
        assert comparison.mismatches == 0, f"{operation}: {comparison}"
    return sum(comparison.outputs for comparison in comparisons)


@every_engine
@pytest.mark.parametrize("ties", [False, True])
def test_two_inputs_of_any_scales(engine, ties):
    generator, outputs = torch.Generator().manual_seed(7 + ties), 0
    for turn in range(10):
        shape = SHAPES[turn % len(SHAPES)]
        a = drawn(generator, shape, scale(generator, ties, -8, 4))
        b = drawn(generator, shape, a.scale * scale(generator, ties, -3, 3))
        larger, zero_point = max(a.scale, b.scale), (0, 131, 254)[turn % 3]
        outputs += holds(here(engine), Add(larger * scale(generator, ties, -1, 2), zero_point, turn % 4 == 0), a, b)
        product = Mul(a.scale * b.scale * scale(generator, ties, 5, 9), zero_point, turn % 4 == 0)
        outputs += holds(engine, product, a, b)
        outputs += holds(engine, Concatenate(larger * scale(generator, ties, -2, 2), zero_point), a, b, a)
    assert outputs > 35_000


@every_engine
def test_half_steps_of_any_scale(engine):
    """Near ties: the last bit of each scale and of its reciprocal decides."""
    generator = torch.Generator().manual_seed(11)
    for turn in range(12):
        # With one pixel or one channel, both orders in memory are the same, and the kernel that of channels last.
        shape = ((1, 40, 3, 3), (5, 70, 1, 1), (5, 1, 8, 9))[turn % 3]
        a, b = (drawn(generator, shape, s) for s in [scale(generator, False, -8, 4)] * 2)
        holds(here(engine), Add(2 * a.scale, 3 * turn, turn % 5 == 0), a, b)
        holds(engine, Concatenate(2 * a.scale, 3 * turn), a, b)
        holds(engine, Mul((3, 48, 256)[turn // 3 % 3] * a.scale * b.scale, 3 * turn), a, b)


@every_engine
def test_pools(engine):
    generator = torch.Generator().manual_seed(5)
    for turn, shape in enumerate(((2, 37, 7, 5), (1, 1, 9, 6), (3, 16, 8, 8), (2, 70, 3, 4)) * 2):
        x = drawn(generator, shape, scale(generator, turn % 2 == 0, -8, 4))
        windows = [((3, 2), (1, 2), 0), (min(shape[2:]), 1, 0), (3, 1, 1)]
        if not engine.startswith("litert"):  # which knows padding only where it keeps the size
            windows += [((3, 2), (2, 1), (1, 1)), ((2, 3), 2, (0, 1))]
        for kernel_size, stride, padding in windows:
            holds(here(engine), MaxPool2d(kernel_size, stride, padding), x)
            holds(engine, AvgPool2d(kernel_size, stride, padding, count_include_pad=False), x)
        holds(engine, AdaptiveAvgPool2d(1), x)


@pytest.mark.parametrize("engine", PYTORCH)
def test_what_only_pytorch_offers(engine):
    generator = torch.Generator().manual_seed(6)
    for turn, shape in enumerate(SHAPES[:3] * 3):
        x = drawn(generator, shape, scale(generator, turn % 2 == 0, -8, 4))
        holds(here(engine), AdaptiveAvgPool2d((2 + turn % 3, 3)), x)
        holds(engine, AvgPool2d((3, 2), 2, 1, ceil_mode=turn % 2 == 1, count_include_pad=turn % 3 == 1), x)
        holds(engine, MaxPool2d(3, 2, 1, dilation=2, ceil_mode=turn % 2 == 1), x)
        low, high = sorted((torch.randn(2, generator=generator) * 50 * x.scale).tolist())
        holds(engine, Clamp(low, high), x)
        holds(engine, Flatten(), x)


@every_engine
def test_clamps(engine):
    generator = torch.Generator().manual_seed(8)
    for shape, power in zip(SHAPES, (-6, -4, -2, 1, 2), strict=True):
        x = drawn(generator, shape, 2.0**power)
        for operation in (ReLU(), Clamp(0, 6), Clamp(-1, 1)):
            holds(here(engine), operation, x)


@pytest.mark.parametrize("engine", ["onnxruntime", *RULES])
def test_an_average_on_another_grid(engine):
    generator = torch.Generator().manual_seed(9)
    for shape in SHAPES:
        x = drawn(generator, shape, 0.05)
        holds(here(engine), AdaptiveAvgPool2d(1, 0.031, 200), x)
        if engine == "onnxruntime":
            holds(engine, AvgPool2d(min(shape[2:]), 1, 0, output_scale=0.07, output_zero_point=3), x)


def test_each_thread_has_a_remainder_of_its_own():
    generator, differ, operation = torch.Generator().manual_seed(10), 0, Add(0.2, 101)
    for size in (32_767, 32_769, 40_001, 70_003):
        # Every other sum is a tie, or next to one.
        a, b = (QuantizedTensor(drawn(generator, (size,), 1.0).codes, 0.1, zero_point) for zero_point in (77, 201))
        torch.set_num_threads(2)
        theirs = engines.run_operation(here("x86"), operation, a, b).codes
        torch.set_num_threads(1)
        one, two = (engines.reference_operation("x86", operation, a, b, threads=number).codes for number in (1, 2))
        assert torch.equal(theirs, two)
        differ += int((one != two).sum())
    assert differ > 0


def test_rules_differ_where_a_sum_is_a_tie():
    # (1 * q_a + 1 * q_b) / 2: every odd sum lies halfway between two codes.
    a = QuantizedTensor(torch.arange(64, dtype=torch.uint8), 1.0, 32)
    b = QuantizedTensor(torch.zeros(64, dtype=torch.uint8), 1.0, 0)
    sums = {
        name: quantized_add(a, b, 2.0, 101, rule=rule).codes.int() - 101
        for name, rule in (
            ("even", pytorch_add()),
            ("odd", onnxruntime_add),
            ("away", qnnpack_add),
            ("up", RULES["litert"][Add]),
        )
    }
    halves = torch.arange(-32, 32) / 2
    assert torch.equal(sums["even"], halves.round().int())
    assert torch.equal(sums["odd"], ((halves + 1).round() - 1).int())
    assert torch.equal(sums["away"], (halves.sign() * (halves.abs() + 0.5).floor()).int())
    assert torch.equal(sums["up"], (halves + 0.5).floor().int())


def test_vector_code_covers_whole_steps_of_each_threads_part():
    shape = torch.Size([130])
    assert vector_positions(shape, False, 2).tolist() == [True] * 128 + [False] * 2
    large = torch.Size([40_001])
    alone, shared = vector_positions(large, False, 1), vector_positions(large, False, 2)
    assert (~alone).nonzero().flatten().tolist() == [40_000]
    # 20,001 codes for the first thread, 20,000 for the second; both have a remainder of 32 or 33.
    assert (~shared).nonzero().flatten().tolist() == [*range(19_968, 20_001), *range(39_969, 40_001)]
    image = vector_positions(torch.Size([1, 65, 1, 2]), True, 1)
    assert (~image).nonzero().tolist() == [[0, 63, 0, 1], [0, 64, 0, 1]]


@pytest.mark.parametrize(
    ("engine", "operation", "sentence"),
    [
        ("fbgemm", AvgPool2d(2, output_scale=0.1), "fbgemm averages on the input's grid"),
        ("qnnpack", Add(0.1, 255, relu=True), "qnnpack fuses no ReLU with zero-point 255"),
        ("qnnpack", Add(1e-4, 0), "qnnpack adds where S_a / S_out"),
        ("qnnpack", MaxPool2d(1), "qnnpack knows no window of one pixel"),
        ("onnxruntime", AdaptiveAvgPool2d(2), "onnxruntime averages over the whole image or over equal windows"),
        ("onnxruntime", AvgPool2d(3, 2, ceil_mode=True), "leave ceil_mode out"),
        ("onnxruntime", Flatten(0), "leave start_dim at 1"),
        ("litert", Add(1e-9, 0), "litert adds up to S / S_out of 2**19"),
        ("litert", Clamp(-2, 2), "litert clamps to [0, 6] and to [-1, 1] only"),
        ("litert", Flatten(), "litert has channels last"),
        ("litert-reference", MaxPool2d(3, 2, 1), "knows the paddings VALID and SAME only"),
        ("litert-reference", AvgPool2d(3, 1, 1), "set count_include_pad to False"),
        ("litert-optimized", AvgPool2d(2, output_scale=0.1), "averages windows on the input's grid"),
        ("litert-optimized", MaxPool2d(2, dilation=2), "without ceil_mode and dilation"),
        ("litert-optimized", AdaptiveAvgPool2d(2), "averages over the whole image or over equal windows"),
        ("tensorrt", ReLU(), "there is no engine 'tensorrt'; qlab knows fbgemm"),
    ],
)
def test_what_an_engine_does_not_offer_is_said_in_one_sentence(engine, operation, sentence):
    if engine in HINTS:
        here(engine)
    x = QuantizedTensor(torch.zeros(1, 2, 6, 6, dtype=torch.uint8), 0.05, 3)
    inputs = [x, x] if isinstance(operation, Add) else [x]
    with pytest.raises(ValueError, match=re.escape(sentence)):
        engines.run_operation(engine, operation, *inputs)


def test_a_rule_is_known_where_its_engine_is_missing(monkeypatch):
    monkeypatch.setattr(pytorch, "available", lambda: [])
    x = QuantizedTensor(torch.zeros(1, 2, 6, 6, dtype=torch.uint8), 0.05, 3)
    with pytest.raises(ValueError, match="the engine qnnpack does not run here"):
        engines.run_operation("qnnpack", Add(0.1, 0), x, x)
    assert engines.reference_operation("qnnpack", Add(0.1, 0), x, x).grid == x.grid.__class__(0.1, 0)
    assert engines.operation_rule("qnnpack", Add(0.1, 0)) is qnnpack_add
    assert engines.operation_rule("fbgemm", ReLU()) is None


def test_the_rule_of_an_average_follows_what_the_cpu_reports():
    # Of 24 channels AVX-512 takes 16 at once and 8 one by one, where a tie and an odd zero-point make another code.
    x = QuantizedTensor(torch.full((1, 24, 3, 2), 3, dtype=torch.uint8), 0.05, 3)
    x.codes[:, :, 0, 0] = 6
    narrow, wide = Cpu("x86_64", False, False, avx512=False), Cpu("x86_64", True, False, avx512=True)
    operation = AvgPool2d((3, 2))
    rules = [engines.operation_rule("fbgemm", operation, cpu=cpu) for cpu in (narrow, wide)]
    with as_in_release("2.13.0"):
        assert [operation(x, rule=rule).codes.flatten().tolist() for rule in rules] == [[3] * 24, [3] * 16 + [4] * 8]


def test_a_planted_difference_is_counted(monkeypatch):
    x = drawn(torch.Generator().manual_seed(0), (2, 9, 5, 5), 0.05)
    plain = engines.compare_operation(here("x86"), Add(0.1, 7), x, x)
    monkeypatch.setattr(pytorch_operations, "rule_for", lambda *args, **options: float32_add)
    real = pytorch_operations.run

    def off_by_one(*args, **options):
        output = real(*args, **options)
        output.codes[0, 0, 0, 0] ^= 1
        return output

    monkeypatch.setattr(pytorch_operations, "run", off_by_one)
    planted = engines.compare_operation("x86", Add(0.1, 7), x, x)
    assert plain.mismatches == 0 and planted.mismatches >= 1 and planted.largest >= 1
