"""What a grader's command cost, and what it found."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

METER = Path(__file__).with_name("meter.py")
Marks = frozenset[tuple[str, str]]  # (student, test cell) of every answer with all the points


@dataclass(frozen=True)
class Cost:
    """What grading a class cost.

    Attributes:
        submissions: how many.
        cpu_s: user and system seconds of the commands and all their descendants.
        wall_s: seconds until the commands returned.
        peak_mb: the largest resident size of a command's own process, without its children, in MB of 10^6 bytes.
        cpu_by: how the CPU time was summed, see meter.py.
    """

    submissions: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    cpu_by: str

    @property
    def each(self) -> float:
        """CPU seconds a submission, with its share of the start-up."""
        return self.cpu_s / self.submissions

    def to_json(self) -> dict[str, Any]:
        """Plain data; a benchmark's digits end where its noise begins."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Graded:
    """A class graded by one of the graders."""

    cost: Cost
    full_marks: Marks


class GraderFailedError(Exception):
    """A grader's command that did not grade the class; the message holds its last words."""


def measured(submissions: int, commands: Sequence[Sequence[str | Path]], folder: Path) -> Cost:
    """Run commands one after the other in a folder, and sum what they cost.

    Raises:
        GraderFailedError: one did not end with 0.
    """
    found = [_metered([str(word) for word in command], folder) for command in commands]
    return Cost(
        submissions,
        sum(one["cpu_s"] for one in found),
        sum(one["wall_s"] for one in found),
        max(one["peak_kib"] for one in found) * 1024 / 1e6,
        "cgroup" if all(one["by_cgroup"] for one in found) else "wait4",
    )


def _metered(command: list[str], folder: Path) -> dict[str, Any]:
    # One thread per process for all graders: the layers are so small that more only wait for each other.
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "said").open("w+", encoding="utf-8") as said:
        result = Path(scratch) / "result.json"
        subprocess.run(
            [sys.executable, METER, result, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            check=True,
        )
        found: dict[str, Any] = json.loads(result.read_text("utf-8"))
        said.seek(0)
        if found["code"]:
            raise GraderFailedError(f"{' '.join(command[:6])} ended with {found['code']}:\n{said.read()[-3000:]}")
    return found


def line(costs: Sequence[Cost]) -> tuple[float, float]:
    """Start-up and CPU seconds a submission: the least-squares line through costs against sizes.

    Submissions are independent of each other, so that the variance grows with their number: weights 1 / size.
    """
    sizes = np.array([cost.submissions for cost in costs], dtype=float)
    each, start_up = np.polyfit(sizes, [cost.cpu_s for cost in costs], 1, w=1 / np.sqrt(sizes))
    return float(start_up), float(each)
