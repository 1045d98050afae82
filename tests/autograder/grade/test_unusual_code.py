"""What a person should read: seen in the syntax tree, and only there where no answer needs it."""

import pytest

from autograder.collect.sample_class import answers_in
from autograder.course_folder.layout import SOLUTIONS, lab_names
from autograder.grade.unusual_code import OwnCell, unusual_code, unusual_names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import gc\ngc.get_objects()", {"gc"}),
        ("from gc import get_objects as objects", {"gc"}),
        ("import sys as s\ns.modules['qlab']", {"sys.modules"}),
        ("from sys import modules", {"sys.modules"}),
        ("import sys\nsys.path", set()),
        ("with torch._C.DisableTorchFunction(): pass", {"torch._C", "DisableTorchFunction"}),
        ("import torch.jit", {"torch.jit"}),
        ("@torch.jit.script\ndef f(x): return x", {"torch.jit"}),
        ("torch.ops.quantized.linear(x, p, 1.0, 0)", {"torch.ops"}),
        ("import os\nos.register_at_fork(after_in_child=f)", {"os.register_at_fork"}),
        ("from qlab.check import forbidden_calls", {"qlab.check"}),
        ("f.__code__ = g.__code__", {"__code__"}),
        ("getattr(f, '__wrapped__')", {"__wrapped__"}),
        ("getattr(torch, 'quant' + 'ize')", {"getattr with a name that it computes"}),
        ("getattr(torch, 'round')", set()),
        ("exec('x = 1')\n__import__('os')", {"exec", "__import__"}),
        ("import threading", {"threading"}),
        ("from autograder.grade.student.library import ask", {"autograder"}),
        ("types = [1]\ntypes.append(2)\neval_mode = model.eval()", set()),
        ("x = torch.compile", {"torch.compile"}),
        ("def f(:", set()),
        ("", set()),
    ],
)
def test_names(source, names):
    assert unusual_names(source) == names


def test_what_the_lab_itself_uses_in_a_cell_is_not_told():
    setup = "import importlib, sys\nif 'x' in sys.modules: pass\n"
    assert unusual_code([OwnCell("another cell", setup + "SEED = 1", setup)]) == ()
    (sentence,) = unusual_code([OwnCell("Q1", "x = 1"), OwnCell("another cell", setup + "import gc", setup)])
    assert sentence == "another cell: the code uses gc, which no answer needs: read it"


@pytest.mark.parametrize("lab", lab_names())
def test_no_answer_on_file_is_told(lab):
    cells = [OwnCell(answer.question, answer.source) for answer in answers_in(SOLUTIONS / lab)]
    assert len(cells) > 20 and unusual_code(cells) == ()
