"""Measures what the judge spends on what a notebook may be made of, up to the limits: the cost has to grow linearly.

    python benchmarks/judge.py

Writes benchmarks/results.json and its section of docs/benchmarks.md.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import results

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autograder.course_folder.layout import Course
from autograder.grade.codec import Buffers, no_handle, pack, unpack
from autograder.grade.lab import GradedLab
from autograder.grade.outputs import valid_outputs
from autograder.grade.unusual_code import unusual_names
from autograder.release.build import release
from qlab.cells import MAX_PARSED, count_blanks
from qlab.notebook import MAX_CELLS, parse, repair
from tests.hostile.attack import LAB, RIGHT, notebook_of

SHARES = (0.25, 0.5, 1.0)  # of the limit
ENTRIES = 200_000
TEXT = 4_000_000  # characters that a cell prints


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call, the least of three."""
    times = []
    for _ in range(3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def copies(lab: GradedLab, count: int) -> Callable[[], object]:
    """Read and repair a notebook with so many copies of one answer."""
    notebook = notebook_of(lab.released, RIGHT)
    answer = next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "q1")
    notebook["cells"] += [answer] * (count - len(notebook["cells"]))
    content = json.dumps(notebook).encode()
    return lambda: repair(parse(content)[0], lab.graded)


def dictionary(count: int) -> Callable[[], object]:
    """Unpack a dictionary with so many entries."""
    buffers = Buffers()
    packed = pack(dict.fromkeys(range(count), 0), buffers, no_handle)
    return lambda: unpack(packed, Buffers())


def source(length: int) -> Callable[[], object]:
    """Count the blanks in a source of so many characters, and look for unusual code."""
    text = "x = [1, 2]\n" * (length // 11)
    return lambda: (count_blanks(text), unusual_names(text))


def printed(length: int) -> Callable[[], object]:
    """Validate so many characters of output."""
    outputs = [{"output_type": "stream", "name": "stdout", "text": "x" * 1000} for _ in range(length // 1000)]
    return lambda: valid_outputs(outputs, length)


def section_text(rows: dict[str, list[float]]) -> str:
    """The section of docs/benchmarks.md."""
    lines = ["| processor time for | a quarter | half | all | all / half |", "|---|---|---|---|---|"]
    for name, times in rows.items():
        shown = " | ".join(f"{1000 * t:.0f} ms" for t in times)
        lines.append(f"| {name} | {shown} | {times[2] / times[1]:.1f} |")
    return "\n".join(lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        course = Course.at(Path(folder))
        release(LAB, course, labs=None)
        lab = GradedLab.of(LAB, course)
    kinds: dict[str, Callable[[float], Callable[[], object]]] = {
        f"{MAX_CELLS:,} copies of an answer cell, read and repaired": lambda s: copies(lab, int(s * MAX_CELLS)),
        f"a dictionary of {ENTRIES:,} entries": lambda s: dictionary(int(s * ENTRIES)),
        f"a source of {MAX_PARSED:,} characters": lambda s: source(int(s * MAX_PARSED)),
        f"outputs of {TEXT:,} characters": lambda s: printed(int(s * TEXT)),
    }
    rows = {name: [round(seconds(work(share)), 4) for share in SHARES] for name, work in kinds.items()}
    results.write("judge", rows, section_text(rows))
    print(section_text(rows))


if __name__ == "__main__":
    main()
