"""Measures the CPU seconds of commands that must answer at once: help texts, the list of labs, a completion.

    python benchmarks/startup.py

Each command runs several times, and the fastest run counts. `python -c pass` shows the least that Python takes.
Writes benchmarks/results.json and the table in docs/benchmarks.md.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import results

from autograder.course_folder.layout import LABS
from qlab.engines import Cpu

RUNS = 7
BIN = Path(sys.executable).parent
COMPLETION = {"_QLAB_COMPLETE": "complete_bash", "COMP_WORDS": "qlab check lab", "COMP_CWORD": "2"}
COMMANDS: dict[str, tuple[Sequence[str], dict[str, str]]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], {}),
    "autograder --help": ([str(BIN / "autograder"), "--help"], {}),
    "autograder grade --help": ([str(BIN / "autograder"), "grade", "--help"], {}),
    "qlab --help": ([str(BIN / "qlab"), "--help"], {}),
    "qlab labs": ([str(BIN / "qlab"), "labs"], {}),
    "completion of qlab check lab": ([str(BIN / "qlab")], COMPLETION),
}


def cpu_seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """User and system time of one run, children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=LABS, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: a table with one line per command."""
    rows = [f"| `{name}` | {seconds:.2f} |" for name, seconds in measurements["cpu_s"].items()]
    return "\n".join([f"On {measurements['cpu']}:", "", "| command | CPU s |", "|---|---|", *rows])


def main() -> None:
    """Measure the commands in turns, so that other processes on this machine disturb all of them alike."""
    times: dict[str, float] = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(RUNS):
        for name, (command, environment) in COMMANDS.items():
            times[name] = min(times[name], cpu_seconds(command, environment))
    measurements = {"cpu": str(Cpu.here()), "cpu_s": {name: round(seconds, 3) for name, seconds in times.items()}}
    results.write("startup", measurements, section_text(measurements))
    print(section_text(measurements))


if __name__ == "__main__":
    main()
