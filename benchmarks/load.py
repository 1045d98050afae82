"""Grades a class in which ten submissions load the machine, and compares honest students' marks with a quiet run's.

    python benchmarks/load.py [--runs 20]

Writes benchmarks/results.json and its section of docs/benchmarks.md.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import results

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autograder.course_folder.layout import Course
from autograder.release.build import release
from tests.autograder.grade.neighbours import NEIGHBOURS, graded, hand_in
from tests.hostile.attack import LAB

HONEST, BUSY, WORKERS = 10, 10, 4


def marks_of(folder: Path, neighbours: int) -> tuple[dict[str, object], float]:
    """The honest students' marks beside so many neighbours, and how many seconds grading took."""
    course = Course.at(folder)
    release(LAB, course, labs=None)
    honest = hand_in(course, HONEST, neighbours)
    started = time.perf_counter()
    records = graded(course, sandboxed=True, workers=WORKERS)
    return {student: records[student].marks() for student in honest}, time.perf_counter() - started


def section_text(measurements: dict[str, float]) -> str:
    """The section of docs/benchmarks.md."""
    kinds = ", ".join(NEIGHBOURS)
    return (
        f"{HONEST} honest submissions, each of which needs half of a question's time, were graded beside {BUSY} others "
        f"that load the machine ({kinds}), {WORKERS} at a time, {measurements['runs']} times: in "
        f"{measurements['equal_runs']} runs all honest marks equal those of a quiet run. A run takes "
        f"{measurements['seconds']:.0f} s, a quiet one {measurements['quiet_seconds']:.0f} s."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        quiet, quiet_seconds = marks_of(Path(folder) / "quiet", 0)
        loaded = [marks_of(Path(folder) / str(run), BUSY) for run in range(runs)]
    measurements = {
        "runs": runs,
        "equal_runs": sum(marks == quiet for marks, _ in loaded),
        "seconds": round(sum(seconds for _, seconds in loaded) / runs, 1),
        "quiet_seconds": round(quiet_seconds, 1),
    }
    results.write("load", measurements, section_text(measurements))
    print(section_text(measurements))


if __name__ == "__main__":
    main()
