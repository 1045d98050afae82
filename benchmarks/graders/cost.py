"""The cost of a grader's commands."""

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
Marks = frozenset[tuple[str, str]]  # (student, test cell) of every answer with full marks


@dataclass(frozen=True)
class Cost:
    """The cost of grading a class.

    Attributes:
        submissions: their number.
        cpu_s: user and system seconds of the commands and all their descendants.
        wall_s: seconds until the commands returned.
        peak_mb: the largest resident size of a command's own process, without its children, in MB of 10^6 bytes.
        cpu_by: where the sum of CPU times comes from, "cgroup" or "wait4"; see meter.py.
    """

    submissions: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    cpu_by: str

    @property
    def per_submission(self) -> float:
        """CPU seconds per submission, including its share of the start-up."""
        return self.cpu_s / self.submissions

    def to_json(self) -> dict[str, Any]:
        """Plain data, rounded to milliseconds: further digits would be noise."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class GradedClass:
    """A class after grading: the cost, and which answers got full marks."""

    cost: Cost
    full_marks: Marks


class GraderFailedError(Exception):
    """A grader's command did not grade the class; the message ends with its last output."""


def run_commands(submissions: int, commands: Sequence[Sequence[str | Path]], folder: Path) -> Cost:
    """Run commands one after the other in a folder, and return the sum of their costs.

    Raises:
        GraderFailedError: a command failed.
    """
    measurements = [_run_metered([str(word) for word in command], folder) for command in commands]
    return Cost(
        submissions,
        sum(measurement["cpu_s"] for measurement in measurements),
        sum(measurement["wall_s"] for measurement in measurements),
        max(measurement["peak_kib"] for measurement in measurements) * 1024 / 1e6,
        "cgroup" if all(measurement["by_cgroup"] for measurement in measurements) else "wait4",
    )


def _run_metered(command: list[str], folder: Path) -> dict[str, Any]:
    # One thread per process for all graders: the layers are so small that several threads only wait for each other.
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "output").open("w+", encoding="utf-8") as output:
        result = Path(scratch) / "result.json"
        subprocess.run(
            [sys.executable, METER, result, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )
        measurement: dict[str, Any] = json.loads(result.read_text("utf-8"))
        output.seek(0)
        if code := measurement["code"]:
            raise GraderFailedError(f"{' '.join(command[:6])} ended with {code}:\n{output.read()[-3000:]}")
    return measurement


def fit_line(costs: Sequence[Cost]) -> tuple[float, float]:
    """CPU seconds of the start-up and per submission: the least-squares line through CPU time over class size.

    Submissions are independent of each other, so the variance grows with their number: each weight is 1 / size.
    """
    sizes = np.array([cost.submissions for cost in costs], dtype=float)
    slope, start_up = np.polyfit(sizes, [cost.cpu_s for cost in costs], 1, w=1 / np.sqrt(sizes))
    return float(start_up), float(slope)
