"""What grading a class costs, beside stock nbgrader and otter-grader in the same run; Linux only.

    python benchmarks/grading.py [--large]

Classes of Lab 1: distinct submissions made from the answers on file, the same for all three, and without figures (ours
does not run them, for the peers they are emptied). Prints the table, and writes benchmarks/results.json and the lines
of docs/benchmarks.md that quote it; `--try` grades tiny classes and writes nothing.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import results
from graders.cost import Cost, Graded, line
from graders.courses import ours, stock
from graders.otter_assignment import VERSION as OTTER
from graders.otter_assignment import NoOtterError, default_folder, environment, otter
from nbgrader import __version__ as NBGRADER  # noqa: N812  # a version, as otter's beside it

from autograder.course_folder.layout import Course
from autograder.release.build import release
from qlab.engines import Cpu

LAB = "lab1_linear_quantization"
OURS, STOCK, PEER = "autograder grade", "nbgrader autograde", "otter"
PEERS_SIZES = (2, 20)
SIZES = (2, 20, 100, 300)
LARGE = 2000
TRIED = (2, 4)

Grader = Callable[[Course, str, int, Path], Graded]
Found = dict[str, dict[int, Graded]]  # grader -> size of the class -> what it cost and found


def graded(grader: Grader, course: Course, sizes: Sequence[int]) -> dict[int, Graded]:
    """Classes of these sizes, each from nothing; before them one that does not count, which warms the disk's cache."""
    found = {}
    for size in (sizes[0], *sizes):
        with tempfile.TemporaryDirectory(prefix="qlab-grading-") as scratch:
            found[size] = grader(course, LAB, size, Path(scratch))
        cost = found[size].cost
        print(f"  {size} submissions: {cost.cpu_s:.2f} CPU s, {cost.wall_s:.1f} s, {cost.peak_mb:.0f} MB", flush=True)
    return found


def graders(otter_folder: Path) -> tuple[dict[str, Grader], str]:
    """The graders that are here, and why otter is not among them."""
    found: dict[str, Grader] = {OURS: ours, STOCK: stock}
    try:
        found[PEER] = partial(otter, environment(otter_folder))
    except NoOtterError as error:
        return found, str(error)
    return found, ""


def in_line(classes: dict[int, Graded]) -> list[Cost]:
    """The costs that start-up and cost a submission are told from; the large class shows whether they hold for it."""
    return [one.cost for size, one in classes.items() if size < LARGE]


def agreement(found: Found, size: int) -> dict[str, int]:
    """How many (submission, test cell) a peer judges otherwise than we: all the points or not."""
    own = found[OURS][size].full_marks
    return {name: len(own ^ classes[size].full_marks) for name, classes in found.items() if name != OURS}


def to_json(found: Found, missing: str, differ: dict[str, int]) -> dict[str, Any]:
    """Plain data: every cost, the lines through them, and which answers were judged otherwise."""
    result: dict[str, Any] = {"cpu": str(Cpu.here()), "cores": os.cpu_count(), "nbgrader": NBGRADER, "otter": OTTER}
    for name, classes in found.items():
        start_up, each = line(in_line(classes))
        own = [one.cost.to_json() for one in classes.values()]
        result[name] = {"start_up_cpu_s": round(start_up, 3), "cpu_s_a_submission": round(each, 3), "classes": own}
    return {**result, "judged_otherwise": differ, "not_measured": missing}


def table(found: Found, small: int) -> str:
    """The rows of docs/benchmarks.md, ours first; a peer's figure with its multiple of ours."""
    lines = {name: line(in_line(classes)) for name, classes in found.items()}

    def row(title: str, value: Callable[[str], float | None], form: str, compared: bool = True) -> str:
        own, cells = value(OURS), []
        for name in (OURS, STOCK, PEER):
            number = value(name) if name in found else None
            times = f" ({number / own:.1f} x)" if compared and number and own and name != OURS else ""
            cells.append("not measured" if number is None else f"{number:{form}}{times}")
        return f"| {title} | {' | '.join(cells)} |"

    def of(size: int, what: Callable[[Cost], float]) -> Callable[[str], float | None]:
        return lambda name: what(found[name][size].cost) if size in found[name] else None

    def growth(name: str) -> float | None:
        classes = found[name]
        return classes[LARGE].cost.each / classes[100].cost.each if {100, LARGE} <= classes.keys() else None

    rows = [
        f"| Lab 1 | `{OURS} --feedback` | `{STOCK}` {NBGRADER} | otter-grader {OTTER} |",
        "|---|---|---|---|",
        row("CPU s per submission", lambda name: lines[name][1], ".2f"),
        row("CPU s to start", lambda name: lines[name][0], ".1f", compared=False),
        row(f"CPU s, {small} submissions", of(small, lambda cost: cost.cpu_s), ".1f"),
        row(f"wall s, {small} submissions", of(small, lambda cost: cost.wall_s), ".1f"),
        row("wall s, 300 submissions", of(300, lambda cost: cost.wall_s), ".0f"),
        row(f"CPU per submission in a class of {LARGE:,}, relative to a class of 100", growth, ".2f", compared=False),
        row("MB of the command's own process, 100 submissions", of(100, lambda cost: cost.peak_mb), ".0f"),
        row(f"MB of the command's own process, {LARGE:,} submissions", of(LARGE, lambda cost: cost.peak_mb), ".0f"),
    ]
    return "\n".join(rows)


def text(found: Found, small: int, missing: str, differ: dict[str, int]) -> str:
    """The table between what was measured and how."""
    where = (
        f"On {Cpu.here()}, {os.cpu_count()} cores, distinct submissions without figures, all graded for the first time:"
    )
    own, peers = (", ".join(str(cost.submissions) for cost in in_line(found[name])) for name in (OURS, STOCK))
    others = ", ".join(f"{name} differs from ours in {count}" for name, count in differ.items())
    told = [
        "CPU seconds are those of a command and all its descendants; start-up and cost per submission are a line "
        f"through classes of {own} (peers: {peers}). Ours writes feedback pages too. otter grades without containers, "
        "the class in one process; its tests run the same cases.",
        f"Of the test cells of {small} submissions, compared by whether they get all their points, {others}.",
        *([f"{missing}."] if missing else []),
    ]
    return f"{where}\n\n{table(found, small)}\n\n{' '.join(told)}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What grading a class costs, beside nbgrader and otter-grader.")
    parser.add_argument("--large", action="store_true", help=f"a class of {LARGE} as well")
    parser.add_argument("--try", dest="tried", action="store_true", help="tiny classes; nothing is written")
    parser.add_argument(
        "--otter", type=Path, default=default_folder(), help="folder of otter's environment, made if it is not there"
    )
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if sys.platform != "linux":
        print("Nothing measured: what all of a command's processes cost can only be told on Linux.")
        return
    peers = TRIED if given.tried else PEERS_SIZES
    own = TRIED if given.tried else (*SIZES, LARGE) if given.large else SIZES
    available, missing = graders(given.otter)
    found: Found = {}
    with tempfile.TemporaryDirectory(prefix="qlab-grading-") as folder:
        course = Course.at(Path(folder))
        release(LAB, course, labs=None)
        for name, grader in available.items():
            print(name, flush=True)
            found[name] = graded(grader, course, own if name == OURS else peers)
    differ = agreement(found, peers[-1])
    page = text(found, peers[-1], missing, differ)
    if not given.tried:
        results.write("grading", to_json(found, missing, differ), page)
    print(page)


if __name__ == "__main__":
    main()
