"""Times the whole loop on the bundled class (`autograder demo`): once from scratch, once with everything up to date.

    python benchmarks/course_loop.py

Writes benchmarks/results.json and the lines of docs/benchmarks.md that quote it.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import results

from autograder.collect.sample_class import class_list
from autograder.course_folder.layout import lab_names


def loop_seconds(course: Path) -> float:
    """Wall-clock time of `autograder demo`."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "autograder.cli", "demo", "--course", course], check=True, stdout=subprocess.DEVNULL
    )
    return round(time.perf_counter() - start, 1)


def section_text(measurements: dict[str, float]) -> str:
    """The section of docs/benchmarks.md."""
    return (
        f"On two cores the loop takes {measurements['first_seconds']:.0f} s for {measurements['submissions']} "
        "submissions (one of them never ends and is stopped after 10 s), and "
        f"{measurements['again_seconds']:.0f} s when nothing has changed."
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder) / "course"
        first, again = loop_seconds(course), loop_seconds(course)
    submissions = sum(len(class_list(lab)) for lab in lab_names())
    measurements = {"submissions": submissions, "first_seconds": first, "again_seconds": again}
    results.write("loop", measurements, section_text(measurements))
    print(section_text(measurements))


if __name__ == "__main__":
    main()
