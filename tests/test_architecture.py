"""Who may know whom, and what runs everywhere."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

QLAB = REPOSITORY / "qlab"
LINUX_ONLY = {"resource", "fcntl", "pwd", "grp", "termios", "pty", "crypt", "posix", "syslog", "curses"}
NUMBERS = (
    *("contracts", "ranges", "qparams", "quantize", "fixed_point", "requantize", "rules", "accumulate", "layers"),
    *("analysis", "fusion", "clipping", "observers", "fake_quantize"),
    *("sensitivity", "comparison", "bias_correction", "equalization", "sweep"),
    *(f"floatsd/{name}" for name in ("grid", "scales", "rounding", "bits", "shift_add")),
)
DEPRECATED = ("torch.ao", "torch.ops.quantized", "torch.backends.quantized", "torch.quantize_per_tensor")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted(QLAB.rglob("*.py")), ids=lambda path: str(path.relative_to(QLAB)))
def test_qlab_imports_nothing_linux_only_and_never_the_autograder(path):
    tops = {name.split(".")[0] for name in imported(path)}
    assert not tops & LINUX_ONLY and "autograder" not in tops and "nbgrader" not in tops


@pytest.mark.parametrize("name", NUMBERS)
def test_the_numbers_know_neither_plots_nor_checks_nor_notebooks(name):
    known = imported(QLAB / f"{name}.py")
    assert not {
        n
        for n in known
        if n.startswith(("qlab.plots", "qlab.check", "qlab.notebook", "qlab.demos", "IPython", "matplotlib"))
    }


def test_the_checks_know_no_numbers_of_ours():
    for path in (QLAB / "check").glob("*.py"):
        assert not {n for n in imported(path) if n.startswith("qlab") and not n.startswith("qlab.check")}


def test_the_numbers_know_no_engine():
    for name in NUMBERS:
        assert not {n for n in imported(QLAB / f"{name}.py") if n.startswith("qlab.engines")}


def test_one_room_only_touches_what_torch_will_take_away():
    touching = {
        str(path.relative_to(QLAB))
        for path in QLAB.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and ast.unparse(node).startswith(DEPRECATED))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith(DEPRECATED))
    }
    assert touching == {"engines/pytorch.py", "torch_flow/functions.py"}


def test_no_public_name_is_missing_its_docstring():
    import qlab

    assert [name for name in qlab.__all__ if not getattr(qlab, name).__doc__] == []


def test_importing_qlab_is_light():
    heavy = "import sys, qlab; print([m for m in ('sklearn', 'matplotlib', 'IPython', 'nbformat') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
