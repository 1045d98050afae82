"""What a lab asks for is not in a student's process: not by name, not in a file, not among its objects."""

import sys
from types import CodeType, FunctionType

import pytest
import torch

from autograder.course_folder.layout import SOLUTIONS, lab_names
from autograder.grade.judge import StudentAnswer
from autograder.grade.lab import modules_in
from autograder.grade.lab_modules import LabModules
from autograder.grade.library import Library, closed, questions
from autograder.grade.student_process import EndedError, StudentProcess
from qlab.check.forbidden_calls import find
from tests.autograder.grade.conftest import LIMITS
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("students' processes")]
LAB1 = "lab1_linear_quantization"
QPARAMS = "qlab.arithmetic.qparams:qparams"
QUANTIZE = "qlab.arithmetic.quantize:quantize"


def library_of(lab):
    return Library.of(LabModules(modules_in(SOLUTIONS / lab)))


def student_with(server, library):
    return StudentProcess(server.connect(LIMITS, library), LIMITS, dict(library.files), library.served)


def value(student, source):
    """What the last line of a cell gives, as text."""
    output = student.run_cell(source, 20.0).outputs[-1]
    return output.get("data", {}).get("text/plain") or output.get("evalue") or output.get("text")


@pytest.fixture(scope="module")
def library():
    return library_of(LAB1)


@pytest.fixture
def student(sandboxed, library):
    process = student_with(sandboxed, library)
    yield process
    process.close()


def seen(code):
    """What a code object does and with which names: the same in any process."""
    constants = [repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType)]
    return (code.co_code.hex(), *code.co_names, *code.co_varnames, *constants)


def codes_of(function):
    """The code of a function, of what decorates it and of what it defines inside."""
    codes, left = set(), [function]
    while left:
        thing = left.pop()
        if isinstance(thing, FunctionType):
            left += [thing.__code__, getattr(thing, "__wrapped__", None)]
        elif isinstance(thing, CodeType):
            codes.add(seen(thing))
            left += [constant for constant in thing.co_consts if isinstance(constant, CodeType)]
        elif hasattr(thing, "__wrapped__"):
            left.append(thing.__wrapped__)
    return codes


LOOK = """
import gc, types
gc.unfreeze()
objects = gc.get_objects()
codes = set()
left = [thing.__code__ for thing in objects if isinstance(thing, types.FunctionType)]
while left:
    code = left.pop()
    constants = [repr(constant) for constant in code.co_consts if not isinstance(constant, types.CodeType)]
    codes.add((code.co_code.hex(), *code.co_names, *code.co_varnames, *constants))
    left += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
sorted(codes & set({codes!r})), len(codes) > 5000
"""


@pytest.mark.parametrize("lab", lab_names())
def test_no_function_that_a_lab_asks_for_is_among_the_objects_of_a_students_process(lab, sandboxed):
    modules = LabModules(modules_in(SOLUTIONS / lab))
    library = Library.of(modules)
    with modules.importable():
        asked = {question.provided_name for question in questions(modules)} - {""}
        functions = {name: find(name)[2] for name in library.withheld if find(name)}
    assert asked <= library.withheld and len(functions) > len(library.withheld) / 2
    student = student_with(sandboxed, library)
    try:
        student.run_cell("import provided" if library.files else "pass", 20.0)
        # Short ones, such as the loop of `tuple(value for value in values)`, are alike everywhere.
        codes = {code for function in functions.values() for code in codes_of(function) if len(code) > 5}
        assert len(codes) > 5
        assert value(student, LOOK.format(codes=codes)) == "([], True)"
        for name in sorted(functions):
            module, _, qualname = name.partition(":")
            look = f"import inspect, {module}\n'_ask_judge(' in inspect.getsource({module}.{qualname})"
            assert value(student, look) == "True", name
    finally:
        student.close()


def test_where_nothing_is_withheld_they_are_found(sandboxed):
    student = student_with(sandboxed, Library.whole())
    try:
        codes = codes_of(find(QUANTIZE)[2])
        assert value(student, LOOK.format(codes=codes)).startswith("([('")
    finally:
        student.close()


def test_whoever_looks_through_all_files_finds_neither_source_nor_byte_code(student):
    found = student.run_cell(
        """
import os, sys
here, all_files = [], 0
for top in {*sys.path, sys.prefix, "/usr/lib", "/usr/share", "/etc", "/opt", "/root", "/home", "/var", "/tmp"}:
    for folder, _, files in os.walk(top):
        all_files += len(files)
        here += [f"{folder}/{name}" for name in files if name.split(".")[0] in (
            "qparams", "fake_quantize", "requantize", "fixed_point", "accumulator", "output_stage", "range_search",
        ) and "torch/" not in folder and "torchao/" not in folder]
print(here, all_files > 1000)
""",
        60.0,
    )
    assert found.outputs[0]["text"] == "[] True\n", found.outputs
    folder = str(REPOSITORY / "qlab")
    assert value(student, f"import os\nos.path.exists({folder!r}) and os.listdir({folder!r})") in ("False", "[]")


def test_the_judge_calls_it_for_a_cell(student):
    x = "import torch, qlab\nx = torch.tensor([-1.0, 0.3, 2.0])\n"
    assert value(student, f"{x}qlab.quantize(x, 0.1, 3, -128, 127)") == "tensor([-7,  6, 23], dtype=torch.int8)"
    assert value(student, f"{x}qlab.quantize(x, scale=-1.0, zero_point=3, qmin=-128, qmax=127)").startswith("scale")
    assert value(student, f"{x}qlab.quantize(lambda: x, 0.1, 3, -128, 127)").startswith(
        "qlab.arithmetic.quantize.quantize cannot be called with a function while this lab is graded"
    )


def test_what_the_judge_computes_for_a_cell_counts_as_its_own(student):
    loop = "import torch, qlab\nx = torch.ones(3)\nfor _ in range(10**6): qlab.quantize(x, 0.1, 3, -128, 127)"
    try:
        stopped = student.run_cell(loop, 0.5).stopped
    except EndedError as error:  # the judge's share reached the limit first
        stopped = str(error)
    assert stopped.startswith(("it ran longer than 0.5 seconds", "it waited longer than"))


def test_a_default_that_cannot_cross_is_left_to_the_judge(sandboxed):
    student = student_with(sandboxed, library_of("lab2_integer_only"))
    try:
        call = "import torch, qlab\nqlab.multiply_rounding_twice(torch.tensor([101]), 1288490189, 1)"
        assert value(student, call) == value_here(101, 1288490189, 1)
    finally:
        student.close()


def value_here(acc, M0, n):
    return repr(find("qlab:multiply_rounding_twice")[2](torch.tensor([acc]), M0, n))


def test_only_the_notebooks_own_process_is_served(student):
    source = """
import os, qlab, torch
read, write = os.pipe()
if os.fork() == 0:
    try: text = str(qlab.quantize(torch.ones(2), 0.1, 3, -128, 127))
    except RuntimeError as error: text = str(error)
    os.write(write, text.encode())
    os._exit(0)
os.wait()
os.read(read, 1000).decode()
"""
    assert "can only be called in the notebook's own process" in value(student, source)
    assert value(student, "1 + 1") == "2"


def test_gradients_flow_through_what_the_judge_calls(sandboxed):
    student = student_with(sandboxed, library_of("lab5_aware_training"))
    try:
        source = """
import torch, qlab
x = torch.tensor([-3.0, 0.2, 9.0], requires_grad=True)
y = qlab.fake_quantize(x, 0.5, 0, -4, 4)
y.backward(torch.tensor([1.0, 2.0, 3.0]))
y.detach().tolist(), x.grad.tolist()
"""
        assert value(student, source) == "([-2.0, 0.0, 2.0], [0.0, 2.0, 0.0])"
    finally:
        student.close()


def test_gradients_flow_through_one_output_of_several(student):
    source = """
import torch, qlab
low = torch.tensor(-1.0, requires_grad=True)
scale, zero_point = qlab.qparams(low, torch.tensor(1.0), -128, 127)
scale.sum().backward()
type(scale.grad_fn).__name__, round(low.grad.item() * 255, 4)
"""
    assert value(student, source) == "('_DifferentiableBackward', -1.0)"


def test_a_check_is_refused_what_it_asks_for_and_served_what_it_does_not(student):
    student.run_cell(
        """
import contextlib, qlab, torch
from qlab.check import answer
answer.forbid = lambda names: contextlib.nullcontext()  # the guard in this process is gone
def f(x): return qlab.qparams(x.min(), x.max(), -128, 127)
def g(x): return qlab.quantize(x, 0.1, 3, -128, 127)
def h(x): return qlab.linear_quantize(x)
""",
        10.0,
    )
    answers = {}
    for name in "fgh":
        student_answer = StudentAnswer((), [], student, 5.0).answer_to((name,), (QPARAMS,))
        answers[name] = student_answer.call((torch.tensor([0.0, 2.0]),))
        student_answer.close()
    assert answers["f"].error_name == "ForbiddenCallError" and "asked to write" in answers["f"].error
    assert answers["h"].error_name == "ForbiddenCallError", "it calls qparams"
    assert torch.equal(answers["g"].value, torch.tensor([3, 23], dtype=torch.int8))
    assert "tensor" in value(student, "f(torch.tensor([0.0, 2.0]))"), "a cell may call it again"


def test_private_helpers_are_withheld_and_names_are_those_of_where_a_function_lives():
    lab = LabModules({})
    names = closed(("qlab:quantize", "qlab.quantize:linear_quantize", "torch:round", "qlab:no_such"), lab)
    assert names == {"qlab.arithmetic.quantize:quantize", "qlab.arithmetic.quantize:linear_quantize"}
    assert "qlab.arithmetic.accumulator:_four_terms" in closed(("qlab:linear_accumulator",), lab)
    assert closed(("qlab.arithmetic.output_stage:Rule.__call__",), lab) == {
        "qlab.arithmetic.output_stage:OutputStage.__call__"
    }


def test_the_judge_itself_keeps_all_functions(library):
    assert QUANTIZE in library.withheld
    assert torch.equal(find(QUANTIZE)[2](torch.ones(1), 0.5, 0, -8, 7), torch.tensor([2], dtype=torch.int8))
    assert not any(isinstance(finder, LabModules) for finder in sys.meta_path)
