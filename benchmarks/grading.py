"""Measures what grading a class costs with `autograder grade`, stock nbgrader and otter-grader; Linux only.

    python benchmarks/grading.py [--large] [--try]

All three grade the same classes of Lab 1: distinct submissions made from the answers on file. No grader runs the cells
with figures: `autograder grade` skips them, and the other two get them empty. Prints the table, and writes
benchmarks/results.json and the lines of docs/benchmarks.md that quote it; --try grades tiny classes and writes nothing.
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
from graders.cost import Cost, GradedClass, fit_line
from graders.courses import grade_with_autograder, grade_with_nbgrader
from graders.otter_assignment import VERSION as OTTER
from graders.otter_assignment import NoOtterError, default_folder, environment, grade_with_otter
from nbgrader import __version__ as NBGRADER  # noqa: N812  # a constant, like OTTER

from autograder.course_folder.layout import Course
from autograder.release.build import release
from qlab.engines import Cpu

LAB = "lab1_linear_quantization"
AUTOGRADER_NAME, NBGRADER_NAME, OTTER_NAME = "autograder grade", "nbgrader autograde", "otter"
SIZES = (2, 20, 100, 300)
PEER_SIZES = (2, 20)
TINY_SIZES = (2, 4)
LARGE = 2000

Grader = Callable[[Course, str, int, Path], GradedClass]
GradedClasses = dict[int, GradedClass]  # size of the class -> its cost and full marks
Measurements = dict[str, GradedClasses]  # by grader


def grade_classes(grader: Grader, course: Course, sizes: Sequence[int]) -> GradedClasses:
    """Grade classes of these sizes, each from scratch. The first size runs twice: once to warm the disk's cache."""
    classes = {}
    for size in (sizes[0], *sizes):
        with tempfile.TemporaryDirectory(prefix="qlab-grading-") as scratch:
            classes[size] = grader(course, LAB, size, Path(scratch))
        cost = classes[size].cost
        print(f"  {size} submissions: {cost.cpu_s:.2f} CPU s, {cost.wall_s:.1f} s, {cost.peak_mb:.0f} MB", flush=True)
    return classes


def available_graders(otter_folder: Path) -> tuple[dict[str, Grader], str]:
    """The graders that run here, and why otter is not among them."""
    graders: dict[str, Grader] = {AUTOGRADER_NAME: grade_with_autograder, NBGRADER_NAME: grade_with_nbgrader}
    try:
        graders[OTTER_NAME] = partial(grade_with_otter, environment(otter_folder))
    except NoOtterError as error:
        return graders, str(error)
    return graders, ""


def costs_to_fit(classes: GradedClasses) -> list[Cost]:
    """The costs that the line is fitted to. The large class is left out: it shows whether the line holds for it."""
    return [graded_class.cost for size, graded_class in classes.items() if size < LARGE]


def count_disagreements(measurements: Measurements, size: int) -> dict[str, int]:
    """The number of test cells, over all submissions, that get full marks from only one of autograder and a peer."""
    full_marks = {name: classes[size].full_marks for name, classes in measurements.items()}
    own = full_marks.pop(AUTOGRADER_NAME)
    return {name: len(own ^ marks) for name, marks in full_marks.items()}


def to_json(measurements: Measurements, missing: str, disagreements: dict[str, int]) -> dict[str, Any]:
    """Plain data: every cost, the lines through them, and the number of disagreements."""
    result: dict[str, Any] = {"cpu": str(Cpu.here()), "cores": os.cpu_count(), "nbgrader": NBGRADER, "otter": OTTER}
    for name, classes in measurements.items():
        start_up, slope = fit_line(costs_to_fit(classes))
        costs = [graded_class.cost.to_json() for graded_class in classes.values()]
        result[name] = {"start_up_cpu_s": round(start_up, 3), "cpu_s_a_submission": round(slope, 3), "classes": costs}
    return {**result, "judged_otherwise": disagreements, "not_measured": missing}


def table(measurements: Measurements, small: int) -> str:
    """The table of docs/benchmarks.md: autograder first, then each peer's figure with its multiple of autograder's."""
    lines = {name: fit_line(costs_to_fit(classes)) for name, classes in measurements.items()}

    def row(title: str, value_of: Callable[[str], float | None], number_format: str, ratio: bool = True) -> str:
        own, cells = value_of(AUTOGRADER_NAME), []
        for name in (AUTOGRADER_NAME, NBGRADER_NAME, OTTER_NAME):
            value = value_of(name) if name in measurements else None
            multiple = f" ({value / own:.1f} x)" if ratio and value and own and name != AUTOGRADER_NAME else ""
            cells.append("not measured" if value is None else f"{value:{number_format}}{multiple}")
        return f"| {title} | {' | '.join(cells)} |"

    def cost_of(size: int, quantity: Callable[[Cost], float]) -> Callable[[str], float | None]:
        return lambda name: quantity(measurements[name][size].cost) if size in measurements[name] else None

    def growth(name: str) -> float | None:
        costs = {size: graded_class.cost.per_submission for size, graded_class in measurements[name].items()}
        return costs[LARGE] / costs[100] if {100, LARGE} <= costs.keys() else None

    def peak_mb(cost: Cost) -> float:
        return cost.peak_mb

    rows = [
        f"| Lab 1 | `{AUTOGRADER_NAME} --feedback` | `{NBGRADER_NAME}` {NBGRADER} | otter-grader {OTTER} |",
        "|---|---|---|---|",
        row("CPU s per submission", lambda name: lines[name][1], ".2f"),
        row("CPU s to start", lambda name: lines[name][0], ".1f", ratio=False),
        row(f"CPU s, {small} submissions", cost_of(small, lambda cost: cost.cpu_s), ".1f"),
        row(f"wall s, {small} submissions", cost_of(small, lambda cost: cost.wall_s), ".1f"),
        row("wall s, 300 submissions", cost_of(300, lambda cost: cost.wall_s), ".0f"),
        row(f"CPU per submission in a class of {LARGE:,}, relative to a class of 100", growth, ".2f", ratio=False),
        row("MB of the command's own process, 100 submissions", cost_of(100, peak_mb), ".0f"),
        row(f"MB of the command's own process, {LARGE:,} submissions", cost_of(LARGE, peak_mb), ".0f"),
    ]
    return "\n".join(rows)


def section_text(measurements: Measurements, small: int, missing: str, disagreements: dict[str, int]) -> str:
    """The section of docs/benchmarks.md: the machine, the table, and how it was measured."""
    machine = (
        f"On {Cpu.here()}, {os.cpu_count()} cores, distinct submissions without figures, all graded for the first time:"
    )
    own_sizes, peer_sizes = (
        ", ".join(str(cost.submissions) for cost in costs_to_fit(measurements[name]))
        for name in (AUTOGRADER_NAME, NBGRADER_NAME)
    )
    differences = ", ".join(f"{name} differs from ours in {count}" for name, count in disagreements.items())
    notes = [
        "CPU seconds are those of a command and all its descendants; start-up and cost per submission are a line "
        f"through classes of {own_sizes} (peers: {peer_sizes}). Ours writes feedback pages too. otter grades without "
        "containers, the class in one process; its tests run the same cases.",
        f"Of the test cells of {small} submissions, compared by whether they get all their points, {differences}.",
        *([f"{missing}."] if missing else []),
    ]
    return f"{machine}\n\n{table(measurements, small)}\n\n{' '.join(notes)}"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what grading a class costs with each of three graders.")
    parser.add_argument("--large", action="store_true", help=f"grade a class of {LARGE} as well")
    parser.add_argument("--try", dest="tiny", action="store_true", help="grade tiny classes and write nothing")
    parser.add_argument(
        "--otter", type=Path, default=default_folder(), help="folder of otter's environment, created if missing"
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    if sys.platform != "linux":
        print("Nothing was measured: only Linux tells what all processes of a command cost.")
        return
    peer_sizes = TINY_SIZES if arguments.tiny else PEER_SIZES
    own_sizes = TINY_SIZES if arguments.tiny else (*SIZES, LARGE) if arguments.large else SIZES
    graders, missing = available_graders(arguments.otter)
    measurements: Measurements = {}
    with tempfile.TemporaryDirectory(prefix="qlab-grading-") as folder:
        course = Course.at(Path(folder))
        release(LAB, course, labs=None)
        for name, grader in graders.items():
            print(name, flush=True)
            sizes = own_sizes if name == AUTOGRADER_NAME else peer_sizes
            measurements[name] = grade_classes(grader, course, sizes)
    disagreements = count_disagreements(measurements, peer_sizes[-1])
    text = section_text(measurements, peer_sizes[-1], missing, disagreements)
    if not arguments.tiny:
        results.write("grading", to_json(measurements, missing, disagreements), text)
    print(text)


if __name__ == "__main__":
    main()
