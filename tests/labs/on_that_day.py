"""What runs in a process of its own, from which torch.ao.quantization and the quantized dtypes have been taken away.

    python -m tests.labs.on_that_day imports
    python -m tests.labs.on_that_day demos
    python -m tests.labs.on_that_day wire
    python -m tests.labs.on_that_day points LAB QUESTION

prints a line of JSON.
"""

import importlib
import json
import os
import pkgutil
import re
import sys
import time
from dataclasses import replace
from typing import Any

import torch

from tests import without_torch_ao

GONE = (
    *("torch.quint8", "torch.qint8", "torch.quantize_per_tensor", "torch.zeros(1).int_repr", "torch.Tensor.dequantize"),
    *("torch.ops.quantized", "torch.backends.quantized", "torch.ao.quantization", "torch.ao.nn", "torch.nn.quantized"),
)
# How answers on file, which import PyTorch's flow itself, write the same today.
TODAY = (
    (r"^from torch\.ao import quantization as (\w+)", r"from qlab import torch_flow as \1"),
    (r"^from torch\.ao import quantization", "from qlab import torch_flow as quantization"),
    (r"\btorch\.ao\.nn\.quantized\.", "torch_flow."),
    (r"^from torch\.ao\.nn\.intrinsic\.qat import", "from qlab.torch_flow import"),
    (r"^from torch\.ao\.quantization(\.observer)? import", "from qlab.torch_flow import"),
    (r"\btorch\.(quint8|qint8|per_tensor_\w+|per_channel_\w+)\b", r"torch_flow.\1"),
)


def imports() -> dict[str, Any]:
    """Every module of qlab, and what is still to be had of what should be gone."""
    left = []
    for name in GONE:
        try:
            eval(name)
            left.append(name)
        except (AttributeError, ImportError):
            pass
    import qlab

    found = [module.name for module in pkgutil.walk_packages(qlab.__path__, "qlab.")]
    names = [name for name in found if name not in ("qlab.__main__", "qlab.torch_flow.torch_ao")]
    for name in names:
        importlib.import_module(name)
    from qlab import engines, torch_flow

    return {
        "left": left,
        "modules": len(names),
        "flow": torch_flow.flow,
        "engines": torch_flow.engine_names(),
        "missing": engines.missing(),
    }


def demos() -> dict[str, str]:
    """What each demo says in words, or where one ends in an error; the cost demo has measured."""
    from qlab import demos
    from qlab.demos.cost import MeasuringDemo

    told = {}
    for name in demos.__all__:
        demo = getattr(demos, name)()
        for control in demo.controls.values():
            if hasattr(control, "options"):
                control.value = list(control._options_values)[-1]
        told[name] = demo.words.value
    cost = MeasuringDemo(epochs=1, hidden=32, at_least=0.001)
    cost.start()
    while cost.background.running:
        time.sleep(0.1)
    told["cost, measured"] = cost.status.value
    return told


def points(lab: str, question: str) -> dict[str, list[Any]]:
    """Points and named mistakes of every sixth answer on file, and of those that use modules of PyTorch by name."""

    from autograder.course_folder.layout import SOLUTIONS
    from autograder.release.lint.answers import check_written
    from autograder.release.lint.lab_source import opened
    from qlab.check.question import SEED_VARIABLE

    os.environ[SEED_VARIABLE] = "0"
    found = {}
    with opened(SOLUTIONS / lab) as source:
        answers = [answer for answer in source.answers if answer.question == question]
        for answer in [answer for n, answer in enumerate(answers) if n % 6 == 0 or "torch.ao.nn" in answer.source]:
            outcome = check_written(source, replace(answer, source=today(answer.source)))
            assert outcome is not None
            found[answer.name] = [outcome.points, list(outcome.mistakes)]
    return found


def wire() -> list[Any]:
    """Codes that went from one process to another and came back: what they are, and whether they are the same."""
    from autograder.grade.codec import Buffers, pack, unpack
    from qlab import torch_flow as tq

    codes = torch.arange(12, dtype=torch.uint8).reshape(3, 4)
    weight = tq.weight_from_codes(codes.to(torch.int8), torch.tensor([0.5, 0.25, 2.0]), per_channel=True)
    found = []
    for sent in (tq.tensor_from_codes(codes, 0.1, 7), weight):
        buffers = Buffers()
        data = pack(sent, buffers)
        came = unpack(data, Buffers(buffers.buffers))
        found.append([type(came).__name__, torch.equal(came.dequantize(), sent.dequantize())])
    return found


def today(source: str) -> str:
    """An answer with the names that stay."""
    for old, new in TODAY:
        source = re.sub(old, new, source, flags=re.MULTILINE)
    return f"from qlab import torch_flow\n{source}" if "torch_flow." in source else source


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    torch.set_num_threads(1)
    without_torch_ao.remove()
    print(json.dumps({"imports": imports, "demos": demos, "points": points, "wire": wire}[what](*arguments)))
