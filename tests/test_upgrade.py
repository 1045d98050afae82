"""Our distribution was called qlab up to version 0.1: whoever has it, or a foreign qlab, gets to the new one unharmed.

Uninstalled later, the old one would take the new one's files along; so it has to go first.
"""

import io
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
import torch

from autograder.release.handout_zip import write_handout
from tests.conftest import REPOSITORY, missing

LAB = "lab1_linear_quantization"
FORMER_RELEASE = "2d5706a"  # the last commit whose distribution was called qlab
SOURCES = ("qlab", "autograder", "pyproject.toml", "README.md", "LICENSE")
OURS = ("quantization_lab", "qlab", "autograder", "__editable__", "_shared")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("upgrade")]


@pytest.fixture(scope="module")
def former_source(tmp_path_factory) -> Path:
    """The sources of the last release that was called qlab."""
    git = ["git", "archive", FORMER_RELEASE, *SOURCES]
    archive = subprocess.run(git, cwd=REPOSITORY, capture_output=True, check=False)
    if archive.returncode:
        missing("history", "clone the repository whole, not with --depth")
    folder = tmp_path_factory.mktemp("former")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as opened:
        opened.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def former_wheel(former_source, tmp_path_factory) -> Path:
    """The wheel of that release."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder]
    run(sys.executable, "-m", *build, shutil.copytree(former_source, folder / "source"))
    return next(folder.glob("qlab-0.1.0-*.whl"))


@pytest.fixture(scope="module")
def borrowed(tmp_path_factory) -> Path:
    """What we need of others, from the environment of the tests: to download nothing twice."""
    folder = tmp_path_factory.mktemp("borrowed")
    for entry in Path(torch.__file__).parents[1].iterdir():
        if not entry.name.startswith(OURS):
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def python(tmp_path, borrowed) -> Path:
    """An environment of its own, in which ours is not installed."""
    venv.create(tmp_path / "env", with_pip=False)  # pip is borrowed too
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    (site / "borrowed.pth").write_text(str(borrowed))
    return tmp_path / "env" / "bin" / "python"


def run(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(python: Path, *what: object) -> None:
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation", *what)


def distributions(python: Path) -> set[str]:
    """Which of the two are installed, wherever their files are."""
    code = "import importlib.metadata as m; print(*[d.name for d in m.distributions()])"
    return set(run(python, "-c", code, cwd=python.parent).split()) & {"qlab", "quantization-lab"}


def version(python: Path, cwd: Path) -> str:
    return run(python, "-c", "import qlab.arithmetic.quantize; print(qlab.__version__)", cwd=cwd).strip()


@pytest.fixture
def unpacked(tmp_path) -> Path:
    """What a student has who unpacked the new zip: the wheel, and the lab's folder."""
    with zipfile.ZipFile(write_handout(LAB, tmp_path)) as archive:
        archive.extractall(tmp_path / "course")
    return tmp_path / "course"


def set_up(python: Path, lab: Path) -> str:
    """What the notebook's first cell prints."""
    notebook = nbformat.read(lab / f"{lab.name}.ipynb", as_version=4)
    (cell,) = (cell.source for cell in notebook.cells if cell.id == "setup")
    return run(python, "-c", cell, cwd=lab)


def foreign(folder: Path) -> Path:
    """Another project's package of the name."""
    (folder / "qlab").mkdir(parents=True)
    (folder / "qlab" / "__init__.py").write_text("QUBITS = 5\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "qlab"\nversion = "9.9"\n')
    return folder


@pytest.mark.parametrize("before", ["wheel", "foreign", "nothing"])
def test_the_set_up_cell_names_the_commands_that_get_there(before, python, former_wheel, unpacked, tmp_path):
    if before != "nothing":
        install(python, former_wheel if before == "wheel" else foreign(tmp_path / "foreign"))
    said = set_up(python, unpacked / LAB)
    assert "Missing or too old: qlab.arithmetic" in said and "Ready" not in said
    commands = re.findall(r"^%pip (.*)$", said, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["uninstall", "install"]
    for command in commands:
        offline = ["--no-deps", "--no-index"] if command.startswith("install") else []
        run(python, "-m", "pip", *command.replace('"', "").split(), *offline)
    assert "Ready: qlab 0.2.0" in set_up(python, unpacked / LAB)
    assert distributions(python) == {"quantization-lab"}


@pytest.mark.parametrize("editable", [False, True])
def test_make_removes_the_old_one_before_it_installs(editable, python, former_source, former_wheel, tmp_path):
    install(python, *(["-e", shutil.copytree(former_source, tmp_path / "old")] if editable else [former_wheel]))
    clone = tmp_path / "clone"
    for name in (*SOURCES, "Makefile", "constraints.txt"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        clone.mkdir(exist_ok=True)
        copy(REPOSITORY / name, clone / name)
    (clone / "qlab.egg-info").mkdir()  # what pip install -e left in a clone: it looks like an installed qlab
    (clone / "qlab.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: qlab\nVersion: 0.1.0\n")
    environment = python.parents[1]
    (environment / ".torch").touch()
    (environment / "torch.json").write_text('{"install": []}')
    offline = ["PIP_NO_INDEX=1", "PIP_NO_BUILD_ISOLATION=0", "PIP_NO_DEPS=1"]
    run("env", *offline, "make", "-C", clone, f"VENV={environment}", environment / ".grade")
    assert distributions(python) == {"quantization-lab"} and version(python, tmp_path) == "0.2.0"


def installation_findings(python: Path, folder: Path) -> str:
    """What qlab doctor says of how qlab was installed."""
    code = (
        "from pathlib import Path\nfrom qlab.student.doctor import _installation\n"
        "print(*[f'{finding.state} -> {finding.fix}' for finding in _installation(Path())], sep='\\n')"
    )
    return run(python, "-c", code, cwd=folder)


def test_doctor_finds_both_and_update_leaves_the_new_one_alone(python, former_wheel, unpacked, tmp_path):
    install(python, former_wheel)
    install(python, next(unpacked.glob("*.whl")))
    assert distributions(python) == {"qlab", "quantization-lab"}
    said = installation_findings(python, tmp_path)
    assert "0.1.0, our own from before 0.2" in said and "pip uninstall -y qlab, then install the course's wheel" in said
    update = (python.with_name("qlab"), "update", "lab1", tmp_path / f"{LAB}.zip")
    assert "is installed; restart the kernel" in run(*update, cwd=unpacked)
    assert distributions(python) == {"quantization-lab"} and version(python, tmp_path) == "0.2.0"
    assert "is installed" not in run(*update, cwd=unpacked)


def test_doctor_names_a_foreign_qlab(python, unpacked, tmp_path):
    install(python, foreign(tmp_path / "foreign"))
    install(python, next(unpacked.glob("*.whl")))
    said = installation_findings(python, tmp_path)
    assert "9.9, another project's" in said and "pip uninstall -y qlab, then install the course's wheel" in said


def test_an_update_of_the_old_command_leaves_everything_working(python, former_wheel, unpacked, tmp_path):
    # Who still has 0.1.0 and takes the new zip with its own `qlab update` is told by the notebook what to install.
    install(python, former_wheel)
    run(python.with_name("qlab"), "update", "lab1", tmp_path / f"{LAB}.zip", cwd=unpacked)
    assert "Missing or too old: qlab.arithmetic" in set_up(python, unpacked / LAB)
