"""What goes on the LMS for students: one zip per lab, with everything that the lab needs besides Python itself."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from autograder.course_folder.layout import LABS, REPOSITORY, asks, refuse_former_course
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.pages import render_page

PACKAGES = ("qlab", "autograder")
PROJECT_FILES = ("pyproject.toml", "README.md", "LICENSE")
ENTRY_TIME = (2000, 1, 1, 0, 0, 0)  # always the same, so that the same lab gives the same bytes


def write_handout(lab: str, folder: Path, labs: Path = LABS) -> Path:
    """The zip for one lab: its folder, the qlab wheel, the tested versions, conda's environment, START.html.

    Args:
        lab: its name.
        folder: where the zip goes.
        labs: the folder that holds the lab as students get it.

    Raises:
        UserError: the lab is not released, or the wheel cannot be built.
    """
    if not (labs / lab / f"{lab}.ipynb").is_file():
        raise UserError(f"{lab} is not released: run autograder release {lab} first.")
    name, content = wheel()
    files = {f"{lab}/{path.relative_to(labs / lab)}": path.read_bytes() for path in _files(labs / lab)}
    files |= {
        name: content,
        "constraints.txt": (REPOSITORY / "constraints.txt").read_bytes(),
        "environment.yml": _for_conda(name),
        "START.html": _page(lab, name, graded=asks(labs / lab)).encode(),
    }
    path = folder / f"{lab}.zip"
    write_atomic(path, _zipped(files))
    return path


@cache
def wheel() -> tuple[str, bytes]:
    """Name and content of the wheel, built from this repository without downloading anything."""
    if not all((REPOSITORY / file).is_file() for file in PROJECT_FILES):
        raise UserError("the zip for students holds a wheel of qlab: run autograder from a clone of its repository.")
    refuse_former_course()  # it lies in the package, and students' work must not get into a wheel
    with tempfile.TemporaryDirectory(prefix="qlab-wheel-") as scratch:
        source = Path(scratch) / "source"
        leave_out = shutil.ignore_patterns("__pycache__")
        for package in PACKAGES:
            shutil.copytree(REPOSITORY / package, source / package, ignore=leave_out)
        for file in PROJECT_FILES:
            shutil.copyfile(REPOSITORY / file, source / file)
        process = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", scratch, str(source)],
            capture_output=True, text=True, check=False, env={**os.environ, "SOURCE_DATE_EPOCH": "946684800"},
        )  # fmt: skip
        built = sorted(Path(scratch).glob("quantization_lab-*.whl"))
        if process.returncode or not built:
            detail = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise UserError(
                f"the wheel could not be built ({detail}): install what it needs with pip install -e '.[grade]'."
            )
        return built[0].name, built[0].read_bytes()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _for_conda(wheel_name: str) -> bytes:
    """environment.yml, which installs the wheel instead of the repository."""
    text = (REPOSITORY / "environment.yml").read_text("utf-8")
    return text.replace("      - .\n", f"      - ./{wheel_name}\n").encode()


def _page(lab: str, wheel_name: str, *, graded: bool) -> str:
    short = lab.split("_")[0]
    torch = next(
        line for line in (REPOSITORY / "constraints.txt").read_text("utf-8").split() if line.startswith("torch==")
    )
    return render_page("handout.html", lab=lab, short=short, graded=graded, wheel=wheel_name, torch=torch)


def _zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, ENTRY_TIME)
            entry.external_attr = 0o644 << 16  # readable for all: a zip may be unpacked once for a whole class
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return target.getvalue()
