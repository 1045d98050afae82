"""A student's process: cells run as in Jupyter, checks run in a copy, and both have limits."""

import ast
import base64
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autograder.grade.codec import Opaque
from autograder.grade.judge import StudentAnswer
from autograder.grade.limits import MB, Limits
from autograder.grade.proxies import StudentObject
from autograder.grade.student.watchdog import ProcessTree
from autograder.grade.student_process import CheckEndedError, EndedError
from tests.autograder.grade.conftest import LIMITS, Student

pytestmark = pytest.mark.xdist_group("students' processes")

Start = Callable[..., Student]


@pytest.fixture
def student(sandboxed, start) -> Student:
    return start(sandboxed)


def answer(student, *names, forbidden=(), seconds=5.0):
    return StudentAnswer((), [], student, seconds).answer_to(names, forbidden)


# Cells ----------------------------------------------------------------------------------------------------------------


def test_a_cell_runs_as_in_jupyter(either, start):
    student = start(either)
    run = student.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\ndisplay({'a': 1})\nx = 2\nx + 1")
    assert run.outputs == [
        {"output_type": "stream", "name": "stdout", "text": "out\n"},
        {"output_type": "stream", "name": "stderr", "text": "err\n"},
        {"output_type": "display_data", "data": {"text/plain": "{'a': 1}"}, "metadata": {}},
        {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}, "execution_count": None},
    ]
    assert 0 < run.seconds < 5 and not run.stopped
    assert student.text("x * 10") == "20"


def test_an_exception_is_an_output_and_the_rest_goes_on(either, start):
    student = start(either)
    (error,) = student.run("y = 1\ndef f():\n    return 1 / 0\nf()").outputs
    assert (error["output_type"], error["ename"], error["evalue"]) == ("error", "ZeroDivisionError", "division by zero")
    assert any("return 1 / 0" in line for line in error["traceback"]) and "\x1b" not in str(error)
    assert student.text("y") == "1"


@pytest.mark.parametrize(
    ("source", "name"),
    [("def f(:", "SyntaxError"), ("raise SystemExit(3)", None), ("exit()", None), ("input('name?')", "EOFError"),
     ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("%no_such_magic", None), ("breakpoint()", None),
     ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", None)],
)  # fmt: skip
def test_however_a_cell_ends_the_next_one_runs(student, source, name):
    run = student.run(source)
    assert not run.stopped and run.seconds < 3
    assert name is None or run.outputs[-1]["ename"] == name
    assert student.text("1 + 1") == "2"


def test_magics_shell_commands_and_await(student):
    assert student.text("!echo hello").strip() == "hello"
    assert student.text("a = !echo one two\na[0].split()") == "['one', 'two']"
    assert "Wall time" in student.text("%%time\nsum(range(10))") and "loop" in student.text("%timeit -n1 -r1 1")
    assert student.text("import asyncio\nawait asyncio.sleep(0.01)\n'woke'") == "'woke'"
    assert student.text("async def f():\n    return 5\nawait f()") == "5"
    assert student.run("%matplotlib inline").outputs == []
    assert student.text("%%writefile note.txt\nhello") and student.text("%cat note.txt").strip() == "hello"


def test_a_plot_is_a_picture(student):
    run = student.run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    (picture,) = run.outputs
    assert picture["output_type"] == "display_data"
    assert base64.b64decode(picture["data"]["image/png"])[:4] == b"\x89PNG"


def test_pictures_from_bytes_and_instances_of_str_subclasses_are_shown(student):
    source = "from IPython.display import Image, display\ndisplay(Image(data=b'\\x89PNG....', format='png'))"
    assert base64.b64decode(student.run(source).outputs[0]["data"]["image/png"]) == b"\x89PNG...."
    source = "class T(str): pass\nclass H:\n    def _repr_html_(self): return T('<b>1</b>')\nH()"
    assert student.run(source).outputs[0]["data"]["text/html"] == "<b>1</b>"


def test_printed_text_is_recorded_up_to_the_limit(student):
    text = student.text("for i in range(100000): print('0123456789')")
    assert LIMITS.output <= len(text) < LIMITS.output + 100 and text.endswith("cut off here\n")
    long = student.run("from IPython.display import HTML\nHTML('x' * 30000)").outputs
    assert len(str(long)) < 1000 and "left out" in str(long)
    assert student.text("1") == "1"


def test_outputs_that_get_around_the_limit_do_not_reach_the_notebook(student):
    forged = student.run(
        "from autograder.grade.student.shell import OUTPUTS\n"
        "OUTPUTS.outputs += [{'output_type': 'stream', 'name': 'stdout', 'text': 'x' * 10000}] * 100\n"
    )
    assert len(str(forged.outputs)) < 100_000
    flood = student.run("for _ in range(1000): get_ipython().showtraceback((ValueError, ValueError('x' * 9999), None))")
    assert len(str(flood.outputs)) < 100_000 and not flood.stopped
    assert student.text("1") == "1"


@pytest.mark.parametrize(
    "output",
    ["5", "None", "{}", "{'output_type': 'stream'}", "{'output_type': __import__('numpy').zeros(3)}",
     "{'output_type': ['stream']}", "{'output_type': 'stream', 'name': 'stdout', 'text': 5}",
     "{'output_type': 'error', 'ename': 'E', 'evalue': 'v', 'traceback': 5}",
     "{'output_type': 'display_data', 'data': [1]}", "{'output_type': 'update_display_data', 'data': {}}"],
)  # fmt: skip
def test_invalid_outputs_are_left_out(student, output):
    source = f"from autograder.grade.student.shell import OUTPUTS\nprint('before')\nOUTPUTS.outputs.append({output})"
    assert [one["text"] for one in student.run(source).outputs] == ["before\n"]


def test_files_are_beside_the_notebook_and_written_bytes_are_counted(either, start):
    student = start(either, **{"data/a.txt": b"from the lab"})
    assert student.text("open('data/a.txt').read()") == "'from the lab'"
    before = student.used()
    student.run("open('big', 'wb').write(bytes(100_000))")
    assert student.used() - before == 100_000


def test_a_submissions_files_cannot_replace_the_labs(sandboxed, start):
    student = start(sandboxed, **{"data": b"mine", "checks.py/x": b"", "data/a.txt": b"the lab's", "n" * 300: b"long"})
    assert student.text("open('data/a.txt').read()") == '"the lab\'s"'


CHECKS = dict.fromkeys(("checks.py", "checks/__init__.py", "checks/q1.py", "checks/inside/q2.py"), b"1 / 0")


@pytest.mark.parametrize("files", [CHECKS, {"checks/__init__.py/x": b"1 / 0"}, {"checks": b"1 / 0"}])
def test_nobodys_checks_lie_beside_a_notebook_in_grading(either, start, files):
    student = start(either, **files)
    assert student.text("import os\nsorted(os.listdir()), os.listdir('checks')") == (
        "(['checks', 'checks.py'], ['__init__.py'])"
    )
    for again in ("", "import sys\ndel sys.modules['checks']\n"):
        assert "The checks run in the grader" in student.text(f"{again}import checks\nchecks.__doc__")
        assert "No module named 'checks.q1'" in student.run("import checks.q1").outputs[0]["evalue"]


def test_random_numbers_are_the_same_in_every_process(either, start):
    source = "import random, torch, numpy\n[random.random(), torch.rand(1).item(), numpy.random.rand(), hash('a')]"
    assert len({start(either).text(source) for _ in range(3)}) == 1


def test_submissions_know_nothing_of_each_other(sandboxed, start):
    first, second = start(sandboxed), start(sandboxed)
    assert (
        first.text("import qlab, os\nqlab.mark = 5\nopen('left', 'w').write('x')\nos.environ['MARK'] = '5'\n5") == "5"
    )
    assert (
        second.value("import qlab, os\n[hasattr(qlab, 'mark'), os.path.exists('left'), 'MARK' in os.environ]")
        == [False] * 3
    )
    assert second.value("os.listdir('/scratch')") == ["lab"]


# Time -----------------------------------------------------------------------------------------------------------------


def test_a_cell_that_does_not_end_is_interrupted_and_leaves_what_it_did(student):
    run = student.run("x = 1\nwhile True: x += 1", 0.3)
    assert run.stopped.startswith("it ran longer than 0.3 seconds") and run.outputs[-1]["ename"] == "TooLong"
    assert student.text("x > 1000") == "True"


@pytest.mark.slow
def test_a_cell_that_catches_the_interrupt_is_interrupted_again(student):
    source = "import time\ntry:\n    time.sleep(60)\nexcept BaseException:\n    n = 1\n    time.sleep(60)"
    run = student.run(source, 0.2)
    assert run.stopped and run.seconds < 4
    assert student.text("n") == "1"


@pytest.mark.slow
def test_no_interrupt_is_left_over_for_the_next_cell(student):
    assert student.run("import time\ntime.sleep(60)", 0.2).stopped
    assert not student.run("time.sleep(0.8)").stopped and student.text("2") == "2"


def test_an_awaiting_cell_is_interrupted(student):
    assert student.run("import asyncio\nawait asyncio.sleep(60)", 0.2).stopped
    assert student.text("await asyncio.sleep(0.01)\n3") == "3"


def test_a_cell_that_cannot_be_interrupted_ends_the_process(sandboxed, start, monkeypatch):
    monkeypatch.setattr("autograder.grade.student_process.GRACE", 0.3)
    student = start(sandboxed)
    with pytest.raises(EndedError, match=r"waited longer than 0\.3 seconds"):
        student.run("import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(60)", 0.1)
    assert student.waited_out
    started = time.monotonic()
    for again in (lambda: student.run("1"), lambda: student.missing(("x",)), lambda: student.check((), 1)):
        with pytest.raises(EndedError, match="waited longer"):
            again()
    assert student.used() == 0 and time.monotonic() - started < 0.5


DEAF = "import os, signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)\n"
SPIN = "while True: pass"


@pytest.mark.parametrize("spin", [SPIN, "if os.fork() == 0:\n    while True: pass\nos.wait()"])
@pytest.mark.slow
def test_the_watchdog_ends_what_computes_too_long_and_says_how_much_it_was(sandboxed, start, spin):
    student = start(sandboxed, Limits(wall_factor=50.0))
    with pytest.raises(EndedError, match=r"ran longer than 0\.2 seconds"):
        student.run(DEAF + spin, 0.2)
    assert not student.waited_out and 2.2 < student.processor_seconds() < 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        "if os.fork() == 0:\n    if os.fork(): os._exit(0)\n    spin()\nos.wait()",  # an orphan, which nobody waits for
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\nif os.fork() == 0: spin()",  # the kernel forgets it at once
    ],
)
def test_the_processor_time_of_processes_that_are_gone_counts(student, way):
    spin = "def spin():\n    while time.process_time() < 0.6: pass\n    os._exit(0)\n"
    before = student.processor_seconds()
    student.run(f"import os, signal, time\n{spin}{way}\ntime.sleep(2)", 10)
    assert 0.35 < student.processor_seconds() - before < 3


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([1.0, 0.4, 1.2], [1.0, 1.2]),  # a child that its parent waits for while we look is counted in full
        ([1.0, 0.4, 0.4, 0.4, 0.4, 0.5, 0.75], [1.0, 1.0, 1.1, 1.35]),  # one that nobody waits for stays counted
    ],
)
def test_a_process_that_ends_while_we_look_counts_once(monkeypatch, looks, seconds):
    seen = iter(looks)
    monkeypatch.setattr("autograder.grade.student.watchdog._processor_seconds", lambda *_: next(seen))
    monkeypatch.setattr(ProcessTree, "members", lambda _: [1])
    tree = ProcessTree(-1, 1)
    assert [tree.processor_seconds() for _ in seconds] == pytest.approx(seconds)
    assert list(seen) == []


def test_a_child_that_ends_between_two_looks_is_not_missed(monkeypatch):
    times = {1: 0.05, 2: 0.5}  # of a process and its child

    def processor_seconds(_, member):
        used = times.get(member, 0.0)
        if member == 1 and 2 in times:  # now the parent waits for its child
            times[1] += times.pop(2)
        return used

    monkeypatch.setattr("autograder.grade.student.watchdog._processor_seconds", processor_seconds)
    monkeypatch.setattr(ProcessTree, "members", lambda _: sorted(times))
    assert ProcessTree(-1, 1).processor_seconds() == pytest.approx(0.55)


def test_a_timer_that_is_early_interrupts_nothing(student):
    # The kernel counts ticks; on a busy machine that is more than what the process ran.
    run = student.run("import os, signal\nos.kill(os.getpid(), signal.SIGPROF)\nprint(1)", 5)
    assert run.stopped == "" and run.outputs[0]["text"] == "1\n"


@pytest.mark.slow
def test_waiting_is_not_computing(student):
    assert student.run("import time\ntime.sleep(0.5)", 0.3).stopped == "" and not student.waited_out
    assert student.run("time.sleep(60)", 0.3).stopped.startswith("it waited longer than 0.9 seconds: for input")
    assert student.waited_out


@pytest.mark.slow
def test_of_a_provided_cell_nobody_asks_where_its_endless_loop_is(student):
    assert student.run_cell(SPIN, 0.2, provided=True).stopped == "it ran longer than 0.2 seconds"
    assert student.run_cell("import time\ntime.sleep(9)", 0.2, provided=True).stopped.endswith(
        "longer than 0.6 seconds"
    )


HOG = """
import ctypes, threading, time
def hold_the_lock():
    time.sleep(0.1)
    ctypes.PyDLL(None).sleep(5)
threading.Thread(target=hold_the_lock).start()
"""


def test_a_process_that_stops_answering_between_cells_is_ended(student, monkeypatch):
    # A late answer was once taken for the answer to the next question.
    monkeypatch.setattr("autograder.grade.student_process.ANSWER_SECONDS", 0.3)
    student.run(HOG)
    time.sleep(0.3)
    for _ in range(2):
        with pytest.raises(EndedError, match="stopped answering"):
            student.missing(("x",))


@pytest.mark.slow
def test_a_process_that_does_not_read_does_not_block_the_judge(student, monkeypatch):
    monkeypatch.setattr("autograder.grade.student_process.GRACE", 0.3)
    student.run(HOG)
    time.sleep(0.3)
    started = time.monotonic()
    with pytest.raises(EndedError, match="longer than"):
        student.run("#" + "x" * 3_000_000, 0.3)
    assert time.monotonic() - started < 3


# Processes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [("import os\nos._exit(3)", "ended the Python process"), ("os.kill(os.getpid(), 9)", "ended"),
     ("import ctypes\nctypes.string_at(0)", "SIGSEGV"), ("os.abort()", "SIG")],
)  # fmt: skip
def test_a_cell_that_ends_the_process_says_how(either, start, source, message):
    if "kill" in source and either.isolated:
        pytest.skip("the first process of a namespace cannot kill itself")
    with pytest.raises(EndedError, match=message):
        start(either).run("import os\n" + source)


def test_after_a_fork_in_a_cell_only_the_parent_answers(either, start):
    student = start(either)
    assert student.text("import os\nwho = 'child' if os.fork() == 0 else 'parent'\nwho") == "'parent'"
    assert student.text("who") == "'parent'" and student.text("1") == "1"


def test_everything_that_a_process_started_ends_with_it(sandboxed, start):
    student = start(sandboxed)
    student.run("import subprocess\nsubprocess.Popen(['sleep', '54321'], start_new_session=True)")
    until = time.monotonic() + 3  # a program's arguments can only be read a moment after it has started
    sleepers: list[str] = []
    while not sleepers and time.monotonic() < until:
        sleepers = [folder.name for folder in Path("/proc").glob("[0-9]*") if b"54321" in read(folder / "cmdline")]
    assert len(sleepers) == 1
    student.close()
    until = time.monotonic() + 3
    while time.monotonic() < until and b"54321" in read(f"/proc/{sleepers[0]}/cmdline"):
        time.sleep(0.02)
    assert b"54321" not in read(f"/proc/{sleepers[0]}/cmdline")


def read(path):
    try:
        return Path(path).read_bytes()
    except OSError:  # it is gone
        return b""


def test_memory_is_limited_for_one_process(student):
    assert student.run("import torch\nx = torch.ones(2**29)").outputs[-1]["ename"] in ("RuntimeError", "MemoryError")
    assert student.text("1") == "1"


@pytest.mark.slow
def test_memory_is_limited_for_all_processes_together(student):
    source = """
import os, time, torch
for _ in range(6):
    if os.fork() == 0:
        x = torch.ones(2**27)
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
    with pytest.raises(EndedError, match="more than 1536 MB of memory"):
        student.run(source, 15)


@pytest.mark.slow
def test_a_copy_of_a_process_that_uses_much_memory_does_not_count_twice(student):
    # Half of the limit, and then a check: its copy shares every page.
    student.run("import torch, time\nx = torch.ones(2**27 + 2**26)\ndef f(n): time.sleep(n); return x[n:n + 1]")
    assert answer(student, "f").call((1,)).value.tolist() == [1.0]


def test_processes_and_open_files_are_limited(student):
    assert "Too many open files" in student.text("for _ in range(100): __import__('os').dup(0)")
    student.run("__import__('os').closerange(10, 100)")
    source = """
import os, time
started = 0
try:
    while started < 200:
        if os.fork() == 0: time.sleep(3); os._exit(0)
        started += 1
except OSError as error: print(type(error).__name__)
started < 32
"""
    assert student.text(source) == "BlockingIOError\nTrue"


def test_if_a_check_cannot_be_forked_only_the_check_fails(student):
    student.run("def f(x): return x")
    student.run("import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(2); os._exit(0)")
    with pytest.raises(CheckEndedError, match="no process can be started"):
        answer(student, "f").call((1,))
    assert student.text("1") == "1"


def test_files_are_limited(student):
    text = student.text("f = open('big', 'wb')\nfor _ in range(100): f.write(bytes(2**20))")
    assert "No space" in text or "too large" in text
    assert student.used() <= LIMITS.scratch


# Checks ---------------------------------------------------------------------------------------------------------------

CODE = """
import numpy as np
import torch
from torch import nn

calls = 0
def double(x):
    global calls
    calls += 1
    return x * 2
def raises(x):
    y = x
    return y / 0
def count(): return calls
class Quantizer:
    '''A class that is not a module.'''
    def __init__(self, bitwidth, scale=0.5):
        self.bitwidth, self.scale = bitwidth, scale
    @property
    def levels(self): return 2 ** self.bitwidth
    @property
    def broken(self): return 1 / 0
    def quantize(self, x): return torch.round(x / self.scale)
    def fails(self, x):
        return x / 0
    def again(self): return Quantizer(self.bitwidth + 1)
class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return torch.round(x)
    @staticmethod
    def backward(ctx, gradient): return gradient * 3
def ste(x, scale): return Round.apply(x) * scale
class Net(nn.Module):
    def __init__(self, width=2):
        super().__init__()
        self.fc = nn.Linear(3, width)
        self.register_buffer('seen', torch.tensor(4))
    def forward(self, x):
        if x is None:
            raise ValueError('no input')
        return self.fc(x)
net = Net()
def width_of(module, quantizer): return module.fc.out_features * quantizer.bitwidth
def mixed(): return [double, {'net': net, 'n': 1}, (Quantizer(4), np.float32(1))]
def count_modules(modules): return sum(isinstance(m, nn.Module) for m in modules['all'])
"""


@pytest.fixture(scope="module")
def lab(sandboxed):
    student = Student(sandboxed.connect(LIMITS), LIMITS, {})
    assert student.run(CODE).outputs == []
    yield student
    student.close()


def call(student, name, *arguments, **options):
    student_answer = answer(student, name, **options)
    try:
        return student_answer.call(arguments)
    finally:
        student_answer.close()


def test_a_call_returns_the_value(lab):
    came = call(lab, "double", torch.tensor([1.5]))
    assert came.value.tolist() == [3.0] and not came.error


def test_what_a_check_does_is_forgotten_after_it(lab):
    student_answer = answer(lab, "double")
    for _ in range(3):
        student_answer.call((1,))
    student_answer.close()
    assert lab.text("calls") == "0"


def test_an_exception_names_the_students_line(lab):
    came = call(lab, "raises", 1)
    assert came.error_name == "ZeroDivisionError" and "in line" in came.error and "return y / 0" in came.error


def test_values_and_missing_names(lab):
    student_answer = answer(lab, "calls")
    assert student_answer.call(()).value == 0
    student_answer.close()
    assert lab.missing(("double", "treble", "quadruple")) == "treble" and lab.missing(("double",)) == ""


def test_a_class_is_used_through_its_handle(lab):
    student_answer = answer(lab, "Quantizer")
    made = student_answer.call((4,)).value
    assert isinstance(made, StudentObject) and (made.kind, type(made).__name__) == ("object", "Quantizer")
    assert (made.attribute("bitwidth").value, made.attribute("levels").value) == (4, 16)
    assert made.method("quantize", torch.tensor([1.2, -0.9])).value.tolist() == [2.0, -2.0]
    assert made.method("again").value.attribute("levels").value == 32
    assert made.attribute("broken").error_name == "ZeroDivisionError"
    assert made.attribute("nothing").error_name == "AttributeError" and made.method("nothing").error
    assert "return x / 0" in made.method("fails", 1).error
    student_answer.close()
    cls = answer(lab, "Quantizer")
    by_value = cls.call(()).value
    assert by_value.kind == "class" and by_value.construct(2).value.attribute("levels").value == 4
    assert by_value.construct("a", "b", "c", "d").error_name == "TypeError"
    cls.close()


def test_a_module_is_used_through_its_handle(lab):
    student_answer = answer(lab, "net")
    net = student_answer.call(()).value
    assert (net.kind, type(net).__name__, repr(net)) == ("module", "Net", "<Net of the student>")
    state = net.state_dict().value
    assert list(state) == ["seen", "fc.weight", "fc.bias"] and state["seen"] == 4
    x = torch.tensor([1.0, 2.0, 3.0])
    expected = state["fc.weight"] @ x + state["fc.bias"]
    assert torch.allclose(net.call(x).value, expected) and torch.allclose(net.method("forward", x).value, expected)
    assert "raise ValueError" in net.call(None).error
    assert torch.allclose(net.vjp((x,), torch.ones(2)).value[0], state["fc.weight"].sum(0))
    assert net.attribute("fc").value.attribute("out_features").value == 2
    student_answer.close()


def test_handles_can_be_arguments(lab):
    student_answer = answer(lab, "mixed")
    double, named, (quantizer, number) = student_answer._returned(
        {"op": "call", "target": "mixed", "arguments": ()}
    ).value
    assert (double.kind, named["net"].kind, quantizer.kind, number) == ("function", "module", "object", 1.0)
    assert double.call(4).value == 8

    def ask(target, *arguments):
        return student_answer._returned({"op": "call", "target": target, "arguments": arguments}).value

    assert ask("width_of", named["net"], quantizer) == 8
    assert ask("count_modules", {"all": [named["net"], 1, named["net"]]}) == 2
    student_answer.close()


def test_a_gradient_goes_straight_through(lab):
    student_answer = answer(lab, "ste")
    ste = student_answer.call(()).value
    x, scale = torch.tensor([0.4, 1.6]), torch.tensor(2.0)
    to_x, to_scale = ste.vjp((x, scale), torch.tensor([1.0, 10.0])).value
    assert to_x.tolist() == [6.0, 60.0] and to_scale.item() == 20.0
    assert ste.vjp((x, 1), torch.ones(2)).value[0].tolist() == [3.0, 3.0]
    assert ste.vjp((torch.tensor([1, 2]), 1), torch.ones(2)).error
    student_answer.close()


def test_a_value_that_cannot_cross_says_why(student):
    student.run("import itertools, fractions, torch\ndef f(n): return VALUES[n]()\nVALUES = []")
    student.run(
        "def deep():\n    x = []\n    x.append(x)\n    return x\n"
        "class Odd(dict):\n    def items(self): raise ValueError('odd')\n"
        "VALUES += [deep, lambda: torch.ones(2**25), lambda: [1.5] * 10**6 * 2, lambda: 2**5000, lambda: Odd(a=1),\n"
        "           lambda: fractions.Fraction(10**400), lambda: [object()] * 2000, lambda: itertools.count()]"
    )
    student_answer = answer(student, "f")
    for number, message in enumerate(["nested", "64 MB", "4 MB", "5001 bits", "odd", "too large", "1024"]):
        came = student_answer.call((number,))
        assert message in came.error and came.value is None, number
    came = student_answer.call((7,)).value
    assert isinstance(came, StudentObject | Opaque) and type(came).__name__ == "count"
    student_answer.close()


def test_forbidden_functions_raise_while_an_answer_is_called(student):
    student.run("import qlab, torch\ndef f(x): return qlab.linear_quantize(x)\ndef g(x): return torch.matmul(x, x)")
    forbidden = ("qlab.arithmetic.quantize:linear_quantize", "torch:matmul")
    for name in ("f", "g"):
        came = call(student, name, torch.ones(2, 2), forbidden=forbidden)
        assert came.error_name == "ForbiddenCallError" and "asked to write" in came.error
        assert not call(student, name, torch.ones(2, 2)).error
    assert not student.run("f(torch.ones(2)), g(torch.ones(2, 2))").outputs[-1].get("ename")


def test_a_forbidden_function_that_a_student_deletes_cannot_be_called_under_another_name(student):
    # The name resolved to nothing then, so nothing was forbidden, and the answer was right.
    student.run("import torch\nfrom qlab.arithmetic import quantize\nown = quantize.linear_quantize")
    student.run("del quantize.linear_quantize\ndef f(x): return own(x)")
    came = call(student, "f", torch.ones(2), forbidden=("qlab.arithmetic.quantize:linear_quantize",))
    assert came.value is None and came.error_name == "NoSuchFunctionError"


def test_provided_functions_are_patched_in_and_out_again(student):
    import qlab

    student.run("def get_scale_and_zero_point(x): return 'own'\ndef f(x): return get_scale_and_zero_point(x)")
    student_answer = answer(student, "f")
    x = torch.tensor([0.0, 255.0])
    assert student_answer.call((x,)).value == "own"
    with student_answer.patched({"get_scale_and_zero_point": qlab.get_scale_and_zero_point}):
        assert student_answer.call((x,)).value == qlab.get_scale_and_zero_point(x)
    assert student_answer.call((x,)).value == "own"
    student_answer.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [("os._exit(0)", "ended the Python process"), ("os._exit(114)", ""), ("ctypes.string_at(0)", "SIGSEGV"),
     ("os.kill(os.getpid(), 9)", "SIGKILL"), ("time.sleep(60)", r"waited longer than 1\.5 seconds"),
     ("while True: pass", r"ran longer than 0\.5 seconds"),
     ("[time.sleep(60) for _ in iter(int, 1)]", "waited longer")],
)  # fmt: skip
@pytest.mark.slow
def test_a_check_that_crashes_leaves_the_process_as_it_was_before(sandboxed, start, body, message):
    # What computes may take long in wall time, because other tests run beside; what sleeps is to end soon.
    student = start(sandboxed, replace(LIMITS, wall_factor=60.0 if body == "while True: pass" else 3.0))
    student.run(f"import os, ctypes, time\nx = 1\ndef f(n):\n    global x\n    x = 2\n    {body}\ndef g(n): return n")
    student_answer = answer(student, "f", seconds=0.5)
    if message:
        with pytest.raises(CheckEndedError, match=message):
            student_answer.call((1,))
        student_answer.close()
        assert student.text("x") == "1" and call(student, "g", 7).value == 7
    else:  # the exit status of a finished check: no other answer is lost
        student_answer.call((1,))
        assert student.text("x") == "1"


def test_a_copy_that_ends_between_two_calls_fails_at_the_next(student):
    student.run(
        "import threading, time, os\ndef f(n):\n"
        "    threading.Thread(target=lambda: (time.sleep(.1), os._exit(3))).start()\n    return n\ndef g(n): return n"
    )
    student_answer = answer(student, "f")
    assert student_answer.call((1,)).value == 1
    time.sleep(0.3)
    with pytest.raises(CheckEndedError):
        student_answer.call((2,))
    assert call(student, "g", 5).value == 5 and student.text("'in step'") == "'in step'"


def test_after_a_fork_in_a_call_only_the_parent_answers(student):
    student.run("import os\ndef f(n): return 'child' if os.fork() == 0 else n")
    student_answer = answer(student, "f")
    assert [student_answer.call((n,)).value for n in (1, 2, 3)] == [1, 2, 3]
    student_answer.close()
    assert student.text("1") == "1"


def test_a_notebook_that_computed_with_two_threads_can_be_checked(student):
    # Without a limit of one thread, the copy would wait forever for a thread that it does not have.
    student.run("import torch\ntorch.set_num_threads(2)\n_ = torch.rand(600, 600) @ torch.rand(600, 600)")
    student.run("def f(n): return (torch.ones(n, n) @ torch.ones(n, n)).sum().item()")
    assert call(student, "f", 600).value == 600.0**3


@pytest.mark.slow
def test_the_time_limit_of_a_check_is_for_all_its_calls(student):
    spin = "\n    until = time.process_time() + n\n    while time.process_time() < until: pass\n    return n"
    student.run(f"import time\ndef f(n): time.sleep(n); return n\ndef g(n):{spin}")
    for name, reached in (("f", r"waited longer than 1\.8 seconds"), ("g", r"ran longer than 0\.6 seconds")):
        student_answer = answer(student, name, seconds=0.6)
        seconds = 1.0 if name == "f" else 0.35
        assert student_answer.call((seconds,)).value == seconds
        with pytest.raises(CheckEndedError, match=reached):
            student_answer.call((seconds,))


def test_what_a_call_prints_is_not_recorded(student):
    student.run("def f(n): print('the hidden input is', n); display(n); return n")
    assert call(student, "f", 5).value == 5
    assert student.run("1").outputs[0]["data"] == {"text/plain": "1"}


def test_a_verdict_is_available_to_the_cells_below(student):
    student.run("def double(x): return x * 2")
    verdict = {
        "question": "Q1",
        "answer": "double",
        "right": True,
        "why": "",
        "provided": "qlab.arithmetic.quantize:dequantize",
    }
    student.show_verdict("q1", verdict)
    assert student.text("from checks import q1\nq1.yours_or_provided()(4)").endswith("8")
    student.show_verdict("q1", {**verdict, "right": False, "why": "no"})
    assert "dequantize" in student.text("import checks\nchecks.q1.yours_or_provided()")
    assert "not run in grading" in student.text("q1.check(double)")
    assert "checks run in the grader's own process" in student.text("checks.q9")


def test_the_requested_limits_apply(sandboxed, start):
    student = start(sandboxed, Limits(open_files=50, memory=1400 * MB))
    assert student.value(
        "import resource\n[resource.getrlimit(r)[1] for r in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS)]"
    ) == [50, 1400 * MB]


INT8_LAYER = """
import torch
from torch.ao.nn.quantized import Linear
x = torch.quantize_per_tensor(torch.linspace(0, 2, 8).reshape(2, 4), 0.01, 0, torch.quint8)
w = torch.quantize_per_tensor(torch.linspace(-1, 1, 12).reshape(3, 4), 0.01, 0, torch.qint8)
found = {}
for engine in set(torch.backends.quantized.supported_engines) - {"none"}:
    torch.backends.quantized.engine = engine
    layer = Linear(4, 3)
    layer.set_weight_bias(w, None)
    layer.scale, layer.zero_point = 0.02, 100
    found[engine] = layer(x).int_repr().tolist()
"""


def test_int8_layers_give_the_same_in_a_submission_as_here(sandboxed, start, monkeypatch):
    monkeypatch.setattr(torch.backends.quantized, "engine", torch.backends.quantized.engine)
    # torch reads the CPU's features from /proc, which is empty in a submission: it once found no engine but onednn.
    student, here = start(sandboxed), {}
    exec(INT8_LAYER, here)
    student.run(INT8_LAYER)
    assert ast.literal_eval(student.text("found")) == here["found"] and here["found"]
