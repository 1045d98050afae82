"""One environment, written down three times: pyproject.toml, constraints.txt and environment.yml."""

import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, metadata, requires

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.conftest import REPOSITORY

PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
CONDA = yaml.safe_load((REPOSITORY / "environment.yml").read_text("utf-8"))
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}


def ranges() -> dict[str, Requirement]:
    """Every direct requirement, extras included, by name."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    found = [*PYPROJECT["project"]["dependencies"], *(text for texts in extras.values() for text in texts)]
    parsed = [Requirement(text) for text in found]
    return {requirement.name: requirement for requirement in parsed if requirement.name != "quantization-lab"}


def pins() -> dict[str, Version]:
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").split()
    assert all(line.count("==") == 1 for line in lines)
    return {name: Version(version) for name, version in (line.split("==") for line in lines)}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_torch_is_pinned_exactly():
    assert "torch==2.13.0" in (REPOSITORY / "constraints.txt").read_text("utf-8").split()


def test_every_direct_requirement_is_pinned_inside_its_range():
    pinned = {normalized(name): version for name, version in pins().items()}
    for name, requirement in ranges().items():
        assert requirement.specifier.contains(pinned[normalized(name)]), name


def test_conda_gives_students_the_same_ranges():
    listed = {}
    for entry in CONDA["dependencies"]:
        if isinstance(entry, str) and entry != "pip":
            name, _, specifier = entry.partition(" ")
            listed[CONDA_NAMES.get(name, name)] = specifier
    assert listed.pop("python") == PYPROJECT["project"]["requires-python"]
    assert listed == {
        Requirement(text).name: str(Requirement(text).specifier) for text in PYPROJECT["project"]["dependencies"]
    }
    assert CONDA["channels"] == ["conda-forge"] and {"pip": ["."]} in CONDA["dependencies"]


def test_students_need_nothing_of_the_graders():
    heavy = {"nbgrader", "jupytext", "jinja2", "distributed", "pytest"}
    assert not heavy & {Requirement(text).name for text in PYPROJECT["project"]["dependencies"]}
    assert requires("quantization-lab")


def test_make_alone_lists_the_targets():
    done = subprocess.run(["make", "-s"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for target in ("course", "test", "check", "lab", "release", "grade", "bench", "clean"):
        assert re.search(rf"^  make {target} +\S", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_the_wheel_installs_and_works_in_an_empty_environment(tmp_path):
    source = tmp_path / "source"
    for name in ("qlab", "autograder", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(REPOSITORY / name, source / name)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = (tmp_path / "dist").glob("quantization_lab-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "qlab/check/question.py" in names
    pages = {
        f"autograder/templates/{page}.html" for page in ("base", "feedback", "class_report", "similarity", "handout")
    }
    assert pages <= set(names)
    assert not [name for name in names if name.split("/")[0] in ("tests", "solutions", "labs", "benchmarks")]
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    # The engine room (torch and the others) is taken from the environment of the tests, to download nothing twice.
    site = next((tmp_path / "empty" / "lib").glob("python*/site-packages"))
    own = next(path for path in sys.path if path.endswith("site-packages"))
    subprocess.run([python, "-m", "pip", "install", "--no-deps", "-q", wheel], check=True)
    (site / "borrowed.pth").write_text(own)
    code = "import qlab, torch; print(qlab.__file__, qlab.linear_quantize(torch.ones(2))[0].tolist())"
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(tmp_path / "empty") in done.stdout and "[127, 127]" in done.stdout
    done = subprocess.run(
        [tmp_path / "empty" / "bin" / "autograder", "release"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "clone of the repository" in done.stderr
    inspect = [tmp_path / "empty" / "bin" / "qlab", "inspect", "none.pt"]
    done = subprocess.run(inspect, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("qlab: none.pt cannot be read")


def test_the_pins_install_on_every_python_that_we_promise():
    # A soupsieve that asks for Python 3.11.5 made the set-up fail on Debian's 3.11.2.
    oldest = PYPROJECT["project"]["requires-python"].removeprefix(">=") + ".0"
    for name, pin in pins().items():
        try:
            installed = metadata(name)
        except PackageNotFoundError:
            continue
        if Version(installed["Version"]) != pin:  # `make oldest` has others
            continue
        asked = installed.get("Requires-Python")
        assert asked is None or SpecifierSet(asked).contains(oldest), name


# Ways to install qlab by a name that is another project's on PyPI, or by the wheel's name of before version 0.2.
FORMER_FORMS = re.compile(
    r"pip3? install (?:-\S+ )*[\"']?qlab\b(?!/)|qlab\[\w|qlab-\*\.whl|qlab-[0-9.]+\S*\.whl"
    r"|name = \"qlab\"|version\(\"qlab\"\)"
)
TELL_OF_THEM = {"tests/test_environment.py", "tests/test_upgrade.py", "tests/test_last_release.py"}


def test_no_text_tells_anybody_to_install_qlab_by_name():
    for form in ('pip install -U "qlab[lecture]"', "%pip install qlab", "pip install qlab-0.1.0-py3-none-any.whl"):
        assert FORMER_FORMS.search(form), form
    for form in ("pip install .", "pip install quantization_lab-0.2.0-py3-none-any.whl", "pip uninstall -y qlab"):
        assert not FORMER_FORMS.search(form), form
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout
    names = listed.splitlines() or [str(path.relative_to(REPOSITORY)) for path in REPOSITORY.rglob("*.*")]
    texts = [
        name for name in names if name.endswith((".py", ".md", ".toml", ".yml", ".html", ".ipynb", ".tmpl", "run"))
    ]
    assert len(texts) > 300
    telling = {
        name
        for name in {*texts, "Makefile"} - TELL_OF_THEM
        if FORMER_FORMS.search((REPOSITORY / name).read_text("utf-8", errors="ignore"))
    }
    assert telling == set()
