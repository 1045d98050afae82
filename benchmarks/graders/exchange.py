"""Stock nbgrader's way of one submission: handed in and collected through its exchange, then graded."""

import os
import shutil
import sys
import time
from pathlib import Path

from autograder.course_folder.layout import Course
from graders.cost import run_commands


def nbgraders_way(released: Course, lab: str, notebook: bytes, root: Path) -> dict[str, float]:
    """Wall seconds of each of nbgrader's commands for one student's notebook, one right after the other.

    Args:
        released: the course.
        lab: which lab.
        notebook: what the student hands in.
        root: an empty folder's path, for the exchange, the course and the student.
    """
    exchange, student = root / "exchange", root / "student"
    student.mkdir(parents=True)
    exchange.mkdir()
    exchange.chmod(0o777)
    shutil.copytree(released.root, root / "course")
    options = ["--CourseDirectory.course_id=quantization", f"--Exchange.root={exchange}"]

    def run(folder: Path, *arguments: str) -> float:
        began = time.perf_counter()
        run_commands(1, [[sys.executable, "-m", "nbgrader", *arguments, *options]], folder)
        return time.perf_counter() - began

    os.environ.setdefault("JUPYTERHUB_USER", "ada")
    run(root / "course", "release_assignment", lab)
    run(student, "fetch_assignment", lab)
    (student / lab / f"{lab}.ipynb").write_bytes(notebook)
    return {
        "submit": run(student, "submit", lab),
        "collect": run(root / "course", "collect", lab, "--ExchangeCollect.check_owner=False"),
        "autograde": run(root / "course", "autograde", lab),
    }
