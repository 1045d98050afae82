"""Times the whole loop on the bundled class (autograder demo), first from nothing, then with everything up to date.

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


def seconds(course: Path) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "autograder.cli", "demo", "--course", course], check=True, stdout=subprocess.DEVNULL
    )
    return round(time.perf_counter() - started, 1)


def sentence(found: dict[str, float]) -> str:
    """The result as docs/benchmarks.md quotes it."""
    return (
        f"On two cores the loop takes {found['first_seconds']:.0f} s for {found['submissions']} submissions (one of "
        f"them never ends and is stopped after 10 s), and {found['again_seconds']:.0f} s when nothing has changed."
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder) / "course"
        first, again = seconds(course), seconds(course)
    submissions = sum(len(class_list(lab)) for lab in lab_names())
    found = {"submissions": submissions, "first_seconds": first, "again_seconds": again}
    results.write("loop", found, sentence(found))
    print(sentence(found))


if __name__ == "__main__":
    main()
