"""otter-grader beside ours: a pinned version in a virtual environment of its own, and the lab as an otter assignment.

The assignment has a test for each test cell, which runs that cell, hidden cases and all, and asserts that it gives full
points. otter grades without containers (`otter.api.grade_submission`, what `otter run` calls), and one process grades
the whole class: importing otter is paid once, as nbgrader's start is.
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
from graders.cost import Graded, measured
from graders.submissions import course_with_class, with_otter_checks
from qlab.cells import grade_id, is_test

VERSION = "7.0.0"
DRIVER = Path(__file__).with_name("otter_driver.py")

TEST = '''\
"""The lab's own test cell: all the points, or none."""

from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}

@test_case(points={points!r})
def test_all_points(env):
    exec({before!r}, env)
    assert eval({last!r}, env).points == {points!r}
'''


class NoOtterError(Exception):
    """otter-grader cannot be had here; the message is a sentence that says why."""


def default_folder() -> Path:
    """Where its environment is kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qlab" / f"otter-grader-{VERSION}"


def environment(folder: Path) -> Path:
    """The Python of an environment that has otter-grader and what qlab needs; made if it is not there yet.

    Raises:
        NoOtterError: it cannot be made.
    """
    python, stamp, torch = folder / "bin" / "python", folder / "made-with", distribution("torch")
    made_with = f"otter-grader {VERSION}, torch {torch.version} in {torch.locate_file('')}\n"
    if stamp.is_file() and stamp.read_text("utf-8") == made_with:
        return python
    _run(sys.executable, "-m", "venv", "--clear", folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    _link(torch, packages)
    (packages / "qlab.pth").write_text(f"{REPOSITORY}\n", "utf-8")
    constraints = ["-c", REPOSITORY / "constraints.txt"]
    _run(python, "-m", "pip", "install", *constraints, f"otter-grader[grading]=={VERSION}", *_needs())
    stamp.write_text(made_with, "utf-8")
    return python


def _needs() -> list[str]:
    """What qlab needs in grading: all but JupyterLab, whose dependencies would add a second to each start of otter."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    return [need for need in project["dependencies"] if not need.startswith("jupyterlab")]


def _link(package: Distribution, packages: Path) -> None:
    """Let an environment have a package of this one: torch would be hundreds of megabytes to fetch and to keep."""
    for name in {file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "__pycache__")}:
        (packages / name).symlink_to(Path(str(package.locate_file(name))))


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [text for text in (done.stderr or done.stdout).splitlines() if text.startswith("ERROR")]
        why = said[-1].removeprefix("ERROR: ") if said else f"{command[1]} {command[2]} ended with {done.returncode}"
        raise NoOtterError(f"otter-grader {VERSION} could not be installed: {why}")


def otter(python: Path, released: Course, lab: str, size: int, scratch: Path) -> Graded:
    """Grade a class with otter."""
    course = course_with_class(released, lab, size, scratch / "course", with_otter_checks)
    archive, submitted, marks = scratch / "autograder.zip", scratch / "submitted.json", scratch / "marks.json"
    write_archive(archive, course, lab)
    submitted.write_text(json.dumps({name: str(path) for name, path in course.submitted(lab).items()}), "utf-8")
    cost = measured(size, [[python, DRIVER, archive, submitted, marks]], scratch)
    full: dict[str, list[str]] = json.loads(marks.read_text("utf-8"))
    return Graded(cost, frozenset((student, test) for student, tests in full.items() for test in tests))


def write_archive(archive: Path, course: Course, lab: str) -> None:
    """What otter grades a submission with: a test file for each test cell, and the lab's files."""
    notebook = nbformat.read(course.source(lab) / f"{lab}.ipynb", as_version=4)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("otter_config.json", json.dumps({"lang": "python"}))
        for cell in filter(is_test, notebook.cells):
            file.writestr(f"tests/{grade_id(cell)}.py", _test(cell))
        for path in sorted(course.release(lab).rglob("*")):
            if path.is_file() and path.suffix != ".ipynb":
                file.write(path, Path("files") / path.relative_to(course.release(lab)))


def _test(cell: NotebookNode) -> str:
    """A test cell as one of otter's test files: all but the last expression is run, and that one has the points."""
    *before, last = ast.parse(cell.source).body
    points = cell.metadata["nbgrader"]["points"]
    return TEST.format(
        name=grade_id(cell), before=ast.unparse(ast.Module(before, [])), last=ast.unparse(last), points=points
    )
