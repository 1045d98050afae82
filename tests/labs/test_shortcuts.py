"""No function of qlab's, and none of a lab's provided.py, passes for an answer of that lab."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
import torch

import qlab
from autograder.course_folder.layout import lab_names
from qlab.arithmetic import fake_quantize, output_stage
from qlab.arithmetic.output_stage import OutputStage, OutputStageParams
from qlab.check import Question
from qlab.check.answer import LocalAnswer
from qlab.engines import litert, onnx_runtime, pytorch
from qlab.formats.floatsd import rounding
from qlab.formats.floatsd.grid import Grid
from qlab.torch_flow import api as tq
from tests import warm
from tests.conftest import REPOSITORY
from tests.labs import shortcut_search
from tests.labs.shortcut_search import Reachable, named, qlab_modules, reachable, shortcuts

# What stays open, since cells that are no answers need it while a lab is graded.
OPEN = {
    ("lab5_aware_training", "Q1"): {
        "qlab.arithmetic.fake_quantize:_StraightThrough().forward",
        "qlab.arithmetic.fake_quantize:_StraightThrough.apply",  # taken from the class beforehand
    },
}

every_lab = pytest.mark.parametrize("lab", lab_names())


@pytest.fixture(scope="module")
def of_qlab() -> list[Reachable]:
    return reachable(qlab_modules())


def in_its_own_process(*arguments: str) -> str:
    command = [*warm.command(), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@every_lab
@pytest.mark.slow
def test_no_function_passes_for_an_answer(lab):
    found = json.loads(in_its_own_process("-m", "tests.labs.shortcut_search", lab).splitlines()[-1])
    assert found.keys() == named(lab).keys()
    assert {key: names for key, names in found.items() if set(names) - OPEN.get((lab, key), set())} == {}


def test_the_search_finds_what_is_not_off_limits(of_qlab):
    question = named("lab1_linear_quantization")["Q1"]
    functions = [each for each in of_qlab if each.name.startswith("qlab.arithmetic.q")]
    assert shortcuts(question, functions, ()) == ["qlab.arithmetic.qparams:get_scale_and_zero_point"]
    assert shortcuts(question, functions, question.forbidden) == []


# Answers that let others compute, by what they call -------------------------------------------------------------------


def stage(rule: OutputStage) -> Callable[..., Any]:
    """Lab 1, Q3: an engine's output stage after sums of one's own."""

    def answer(input, weights, S_x, S_w, S_out, Z_x, Z_w, Z_out, device, bitwidth=8, activation_bitwidth=8):
        acc = (input.long() - Z_x) @ (weights.long() - Z_w).T
        q_max = 2 ** (activation_bitwidth - 1) - 1
        return rule.build(OutputStageParams(S_x, S_w, S_out, Z_out, -q_max - 1, q_max))(acc)

    return answer


def stage_on_bias(rule: OutputStage) -> Callable[..., Any]:
    """Lab 4, Q6."""

    def answer(q_x, q_w, bias, S_out, Z_out, relu=False):
        acc = (q_x.int_repr().long() - q_x.q_zero_point()) @ q_w.int_repr().long().T
        scales = q_x.q_scale(), q_w.q_per_channel_scales(), S_out
        return rule(OutputStageParams(*scales, Z_out, 0, 255, bias.float(), relu))(acc)

    return answer


def quantized_sums(quantize: Callable[..., Any]) -> Callable[..., Any]:
    """Lab 1, Q3: the output as a real number, quantized."""

    def answer(input, weights, S_x, S_w, S_out, Z_x, Z_w, Z_out, device, bitwidth=8, activation_bitwidth=8):
        acc = (input.double() - Z_x) @ (weights.double() - Z_w).T
        return quantize(acc * S_x * S_w, S_out, Z_out, activation_bitwidth)

    return answer


def signed_by(quantize: Callable[..., Any]) -> Callable[..., Any]:
    """Lab 1, Q2: an engine's quantization of its input, in signed codes."""

    def answer(x, bitwidth=8):
        S, Z = qlab.get_scale_and_zero_point(x, bitwidth)
        return quantize(x, S, Z + 128).long() - 128, S, Z

    return answer


def linear_quantize_by_fake(x, bitwidth=8):
    S, Z = qlab.get_scale_and_zero_point(x, bitwidth)
    q_max = 2 ** (bitwidth - 1) - 1
    return torch.round(qlab.fake_quantize(x, S, Z, -q_max - 1, q_max) / S) + Z, S, Z


def dynamic_by_fake(x, q_w, S_w, bias):
    fake = fake_quantize.FakeQuantizedActivation(7)
    return S_w * (fake(x) @ q_w.float().T) + bias


def scale_by_observer(low, high, q_min, q_max, symmetric):
    observer = tq.MinMaxObserver(
        dtype=torch.qint32, quant_min=q_min, quant_max=q_max,
        qscheme=torch.per_tensor_symmetric if symmetric else torch.per_tensor_affine,
    )  # fmt: skip
    return observer._calculate_qparams(low.float(), high.float())


def provided(name: str) -> Any:
    return getattr(sys.modules["provided"], name)


def steps_of_one(x: Any, unit: Any, grid: Any) -> Any:
    values = Grid("", tuple(int(value) for value in grid.tolist()))
    return tuple(rounding.straight_through(x, values, torch.as_tensor(unit), rule) for rule in rounding.RULES)


def decoded(x, scale, zero_point, q_min, q_max):
    return fake_quantize.straight_through(x, torch.tensor(scale), zero_point, q_min, q_max)


def layer_of_codes(q_x, q_w, q_bias, Z_x, M0, n, Z_out, relu=False):
    acc = provided("accumulator")(q_x, q_w, Z_x, 0) + q_bias
    return provided("output_codes")(acc, M0, n, Z_out, relu)


STAGES = {
    name: getattr(module, name)
    for module, names in (
        (output_stage, ("float32_stage", "single_rounding", "double_rounding", "fbgemm", "qnnpack", "onednn")),
        (output_stage, ("double_rounding_ties_up", "onednn_scales_first", "onednn_without_a_kernel")),
        (litert, ("xnnpack", "float64", "ties_up_of_product", "ties_up_in_eights")),
        (onnx_runtime, ("onnxruntime_stage",)),
    )
    for name in names
}  # fmt: skip

# By lab and question: what would earn points if it were not off limits.
WRITTEN: list[tuple[str, str, str, Callable[..., Any]]] = [
    *(("lab1_linear_quantization", "Q3", name, stage(rule)) for name, rule in STAGES.items()),
    *(("lab4_post_training", "Q6", name, stage_on_bias(rule)) for name, rule in STAGES.items()),
    ("lab1_linear_quantization", "Q2", "pytorch", signed_by(pytorch.quantize_input)),
    ("lab1_linear_quantization", "Q2", "litert", signed_by(litert.quantize)),
    ("lab1_linear_quantization", "Q2", "onnxruntime", signed_by(onnx_runtime.quantize)),
    ("lab1_linear_quantization", "Q2", "fake_quantize", linear_quantize_by_fake),
    (
        "lab1_linear_quantization", "Q3", "quantize",
        quantized_sums(lambda x, S, Z, bits: qlab.quantize(x, S, Z, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)),
    ),
    (
        "lab1_linear_quantization", "Q3", "quantize_per_tensor",
        quantized_sums(lambda x, S, Z, bits: torch.quantize_per_tensor(x.float(), S, Z, torch.qint8).int_repr()),
    ),
    ("lab2_integer_only", "Q4", "high_multiply", lambda x, n: qlab.high_multiply(x, 2 ** (31 - n))),
    ("lab2_integer_only", "Q7", "output_codes", layer_of_codes),
    ("lab3_calibration", "Q1", "torch's observer", scale_by_observer),
    ("lab4_post_training", "Q8", "FakeQuantizedActivation", dynamic_by_fake),
    (
        "lab4_post_training", "Q5", "provided.Residual",
        lambda weight, bias, *rest: provided("outputs_of")(
            provided("Residual")(provided("same_size_conv")(weight, bias)), *rest
        ),
    ),
    ("lab5_aware_training", "Q1", "straight_through", decoded),
    ("lab6_floatsd", "Q2", "straight_through", steps_of_one),
    ("lab6_floatsd", "Q3", "encode and decode", lambda q, packed: (provided("encode")(q), provided("decode")(packed))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lab", "key", "name", "answer"), WRITTEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_an_answer_that_lets_others_compute_earns_nothing(lab, key, name, answer):
    question = named(lab)[key]
    assert points(question, answer, ()) > 0, "no shortcut: take it out of the table"
    assert points(question, answer, question.forbidden) == 0


def points(question: Question, answer: Callable[..., Any], forbidden: tuple[str, ...]) -> float:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qlab.check.question.diagnose", lambda *_: None)
        return question.outcome(LocalAnswer(answer, ("answer",), forbidden), question.cases, 0).points


def test_a_call_that_swallows_the_alarm_is_ended_by_the_next():
    def swallows() -> None:
        for _ in range(2):
            with suppress(BaseException):
                time.sleep(30)

    with pytest.raises(shortcut_search._TooLong):
        shortcut_search._timed(lambda: (swallows(), time.sleep(30)))


def test_a_call_that_would_fill_the_memory_ends():
    code = "from tests.labs.shortcut_search import limit_memory; limit_memory()\ntry: [*range(2**40)]\n"
    assert in_its_own_process("-c", code + "except MemoryError: print('ended')") == "ended\n"


@pytest.mark.parametrize("values", [torch.tensor([2**20, 1]), [1, 2**20], 2**20])
def test_large_numbers_are_no_counts(values):
    def pairs(blocks: Sequence[int]) -> None: ...

    def times(number: int) -> None: ...

    function = times if isinstance(values, int) else pairs
    parameters = shortcut_search.parameters(function)
    assert list(shortcut_search.calls(parameters, {"x": values})) == []
    assert list(shortcut_search.calls(parameters, {"x": 3 if isinstance(values, int) else [3]})) != []
