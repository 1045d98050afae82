"""Grades a class with otter-grader: a pinned version in its own virtual environment, the lab as an otter assignment.

The assignment has one test per test cell. The test runs that cell with its hidden cases and asserts that it gives full
marks. otter grades without containers (`otter.api.grade_submission`, which `otter run` calls). One process grades the
whole class, so that otter is imported once, just as nbgrader starts once.
"""

import ast
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.course_folder.layout import REPOSITORY, Course
from graders.cost import GradedClass, run_commands
from graders.submissions import course_with_class, with_otter_checks
from qlab.cells import grade_id, is_test

VERSION = "7.0.0"
DRIVER = Path(__file__).with_name("otter_driver.py")

TEST = '''\
"""The lab's own test cell: full marks or none."""

from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}

@test_case(points={points!r})
def test_all_points(env):
    exec({before!r}, env)
    assert eval({last!r}, env).points == {points!r}
'''


class NoOtterError(Exception):
    """otter-grader cannot be installed here; the message is a sentence that says why."""


def default_folder() -> Path:
    """The folder of otter's environment, which later runs use again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qlab" / f"otter-grader-{VERSION}"


def environment(folder: Path) -> Path:
    """The Python of an environment with otter-grader and qlab's dependencies; the environment is created if missing.

    Raises:
        NoOtterError: the environment cannot be created.
    """
    python, stamp, torch = folder / "bin" / "python", folder / "made-with", distribution("torch")
    versions = f"otter-grader {VERSION}, torch {torch.version} in {torch.locate_file('')}\n"
    if stamp.is_file() and stamp.read_text("utf-8") == versions:
        return python
    _run(sys.executable, "-m", "venv", "--clear", folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    _link(torch, packages)
    (packages / "qlab.pth").write_text(f"{REPOSITORY}\n", "utf-8")
    constraints = ["-c", REPOSITORY / "constraints.txt"]
    _run(python, "-m", "pip", "install", *constraints, f"otter-grader[grading]=={VERSION}", *_requirements())
    stamp.write_text(versions, "utf-8")
    return python


def _requirements() -> list[str]:
    """qlab's dependencies in grading: all but JupyterLab, which would add a second to each start of otter."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    return [requirement for requirement in project["dependencies"] if not requirement.startswith("jupyterlab")]


def _link(package: Distribution, packages: Path) -> None:
    """Link a package of this environment into another one: a second torch would take hundreds of megabytes."""
    for name in {file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "__pycache__")}:
        (packages / name).symlink_to(Path(str(package.locate_file(name))))


def _run(*command: str | Path) -> None:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        errors = [line for line in (process.stderr or process.stdout).splitlines() if line.startswith("ERROR")]
        default = f"{command[1]} {command[2]} ended with {process.returncode}"
        reason = errors[-1].removeprefix("ERROR: ") if errors else default
        raise NoOtterError(f"otter-grader {VERSION} could not be installed: {reason}")


def grade_with_otter(python: Path, released: Course, lab: str, size: int, scratch: Path) -> GradedClass:
    """Grade a class with otter."""
    course = course_with_class(released, lab, size, scratch / "course", with_otter_checks)
    archive, submitted, marks = scratch / "autograder.zip", scratch / "submitted.json", scratch / "marks.json"
    write_archive(archive, course, lab)
    submitted.write_text(json.dumps({name: str(path) for name, path in course.submitted(lab).items()}), "utf-8")
    cost = run_commands(size, [[python, DRIVER, archive, submitted, marks]], scratch)
    full_marks: dict[str, list[str]] = json.loads(marks.read_text("utf-8"))
    return GradedClass(cost, frozenset((student, test) for student, tests in full_marks.items() for test in tests))


def write_archive(archive: Path, course: Course, lab: str) -> None:
    """Write otter's archive for grading: one test file per test cell, and the lab's files."""
    notebook = nbformat.read(course.source(lab) / f"{lab}.ipynb", as_version=4)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("otter_config.json", json.dumps({"lang": "python"}))
        for cell in filter(is_test, notebook.cells):
            file.writestr(f"tests/{grade_id(cell)}.py", _test(cell))
        for path in sorted(course.release(lab).rglob("*")):
            if path.is_file() and path.suffix != ".ipynb":
                file.write(path, Path("files") / path.relative_to(course.release(lab)))


def _test(cell: NotebookNode) -> str:
    """A test cell as one of otter's test files: its last expression gives the points."""
    *before, last = ast.parse(cell.source).body
    points = cell.metadata["nbgrader"]["points"]
    return TEST.format(
        name=grade_id(cell), before=ast.unparse(ast.Module(before, [])), last=ast.unparse(last), points=points
    )
