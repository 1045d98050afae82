"""Measures `autograder serve`: from upload to card, a rush before a deadline, uploads per minute, memory; Linux only.

    python benchmarks/serve.py [--single 42] [--rush 200] [--sustained 2000] [--early 200] [--batch 500] [--try]

All uploads are distinct submissions of Lab 1 made from the answers on file, sent over the loopback by this process on
the machine's own cores. Some of these files are then graded by `autograder grade`, and one of them goes the way of
stock nbgrader: submit, collect, autograde. Writes benchmarks/results.json and the lines of docs/benchmarks.md that
quote it; --try takes small numbers and writes nothing.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import results
from graders.cost import run_commands
from graders.exchange import nbgraders_way
from graders.served import Server, Student, serving
from graders.submissions import course_with_class

from autograder.course_folder.layout import Course
from autograder.grade.record import GradingRecord
from autograder.release.build import release
from qlab.engines import Cpu

LAB = "lab1_linear_quantization"
CARD_POLL, PATIENT_POLL = 0.1, 2.0  # seconds: one who watches the page, many who do
IN_FLIGHT = 8  # uploads that wait at a time when the server never runs out of work
RUSH_SECONDS = 60.0
GOALS = {"median": 1.5, "p95": 3.0, "accepted": 2.0, "graded": 90.0, "share": 0.8, "growth": 1.1}
Notebooks = dict[str, bytes]  # by student


def seconds_to_card(server: Server, notebooks: Notebooks, students: Sequence[str]) -> list[float]:
    """Seconds from the first byte of an upload to its card, one student after another."""
    seconds = []
    for student in students:
        with Student(server, student, LAB) as client:
            began = time.perf_counter()
            client.wait_for_mark(client.upload(notebooks[student]), CARD_POLL)
            seconds.append(time.perf_counter() - began)
    return seconds


def rush(server: Server, notebooks: Notebooks, students: Sequence[str], within: float) -> list[tuple[float, float]]:
    """Everybody uploads within so many seconds, more and more of them towards the end, as before a deadline.

    Returns:
        For each, the seconds until it was accepted, and from the beginning of the rush until it was graded.
    """
    generator = random.Random(0)
    arrivals = sorted(within * generator.random() ** 0.5 for _ in students)
    began = time.perf_counter()

    def hand_in(student: str, arrival: float) -> tuple[float, float]:
        time.sleep(max(0.0, began + arrival - time.perf_counter()))
        with Student(server, student, LAB) as client:
            sent = time.perf_counter()
            attempt = client.upload(notebooks[student])
            accepted = time.perf_counter() - sent
            client.wait_for_mark(attempt, PATIENT_POLL)
            return accepted, time.perf_counter() - began

    with ThreadPoolExecutor(len(students)) as crowd:
        return list(crowd.map(hand_in, students, arrivals))


def sustain(server: Server, notebooks: Notebooks, students: Sequence[str]) -> float:
    """Uploads per minute while the server always has some to grade."""

    def hand_in(student: str) -> None:
        with Student(server, student, LAB) as client:
            client.wait_for_mark(client.upload(notebooks[student]), PATIENT_POLL)

    began = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT) as crowd:
        list(crowd.map(hand_in, students))
    return 60 * len(students) / (time.perf_counter() - began)


def grade_again(served: Course, released: Course, students: Sequence[str], root: Path) -> tuple[float, int]:
    """Submissions per minute of `autograder grade` on these students' files, and how many marks differ."""
    shutil.copytree(released.root, root)
    for student in students:
        shutil.copytree(served.root / "submitted" / student, root / "submitted" / student)
    course = Course.at(root)
    command = [sys.executable, "-m", "autograder", "grade", LAB, "--course", root]
    cost = run_commands(len(students), [command], root)
    differ = sum(_points(served, student) != _points(course, student) for student in students)
    return 60 * len(students) / cost.wall_s, differ


def _points(course: Course, student: str) -> float | None:
    record = GradingRecord.read(course.record(LAB, student))
    return None if record is None else record.auto_points


def measure(sizes: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All figures, measured in one run."""
    released = Course.at(folder / "released")
    release(LAB, released, labs=None)
    total = sizes.single + sizes.rush + sizes.sustained
    submitted = course_with_class(released, LAB, total, folder / "class").submitted(LAB)
    notebooks = {student: path.read_bytes() for student, path in submitted.items()}
    everybody = list(notebooks)
    one_by_one, crowd = everybody[: sizes.single], everybody[sizes.single : sizes.single + sizes.rush]
    rest = everybody[sizes.single + sizes.rush :]
    shutil.copytree(released.root, folder / "served")
    course = Course.at(folder / "served")
    with serving(course, everybody, folder / "server.log") as server:
        seconds_to_card(server, notebooks, one_by_one[:2])
        single = seconds_to_card(server, notebooks, one_by_one[2:])
        print(f"  one at a time: {median(single):.2f} s", flush=True)
        in_rush = rush(server, notebooks, crowd, sizes.within)
        print(f"  rush: {max(graded for _, graded in in_rush):.0f} s", flush=True)
        began, own, theirs = time.perf_counter(), time.process_time(), server.cpu_seconds()
        rates = [sustain(server, notebooks, rest[: sizes.early])]
        early_mb = server.memory_mb()
        rates.append(sustain(server, notebooks, rest[sizes.early :]))
        late_mb, wall = server.memory_mb(), time.perf_counter() - began
        own, theirs = time.process_time() - own, server.cpu_seconds() - theirs
        print(f"  sustained: {rates[-1]:.0f} a minute", flush=True)
    lost = [student for student in everybody if _points(course, student) is None]
    batch, differ = grade_again(course, released, everybody[-sizes.batch :], folder / "batch")
    stock = nbgraders_way(released, LAB, notebooks[everybody[0]], folder / "exchange")
    return {
        "cpu": str(Cpu.here()), "cores": os.cpu_count(), "single": len(single), "rush": len(crowd),
        "sustained": len(rest), "early": sizes.early, "batch": sizes.batch, "within": sizes.within,
        "card_median_s": round(median(single), 2), "card_p95_s": round(quantiles(single, n=20)[-1], 2),
        "accepted_s": round(max(accepted for accepted, _ in in_rush), 2),
        "graded_s": round(max(graded for _, graded in in_rush), 1),
        "lost": len(lost), "differ": differ,
        "per_minute": round(len(rest) * 60 / wall), "batch_per_minute": round(batch),
        "generator_share": round(own / (wall * (os.cpu_count() or 1)), 3),
        "cpu_s_an_upload": round(theirs / len(rest), 2),
        "early_mb": round(early_mb), "late_mb": round(late_mb),
        "nbgrader_s": {step: round(seconds, 1) for step, seconds in stock.items()},
    }  # fmt: skip


def section_text(measured: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md."""
    stock = measured["nbgrader_s"]
    share = measured["per_minute"] / measured["batch_per_minute"]
    rows = [
        "| Lab 1 | measured | goal |",
        "|---|---|---|",
        f"| upload to card, one student at a time, median | {measured['card_median_s']:.2f} s | {GOALS['median']} s |",
        f"| the same, 95th percentile | {measured['card_p95_s']:.2f} s | {GOALS['p95']:.0f} s |",
        f"| {measured['rush']} students in {measured['within']:.0f} s: the longest until an upload was accepted "
        f"| {measured['accepted_s']:.2f} s | {GOALS['accepted']:.0f} s |",
        f"| the same: from the first upload until the last mark | {measured['graded_s']:.0f} s "
        f"| {GOALS['graded']:.0f} s |",
        f"| uploads per minute, {measured['sustained']:,} in a row | {measured['per_minute']} | |",
        f"| `autograder grade` on {measured['batch']} of these files, per minute | {measured['batch_per_minute']} | |",
        f"| the server's rate, relative to that | {share:.0%} | {GOALS['share']:.0%} |",
        f"| MB of all its processes after {measured['early']:,} of these uploads | {measured['early_mb']} | |",
        f"| the same after {measured['sustained']:,} | {measured['late_mb']} "
        f"({measured['late_mb'] / measured['early_mb'] - 1:+.0%}) | +{GOALS['growth'] - 1:.0%} |",
        f"| stock nbgrader, one submission: submit, collect, autograde | {sum(stock.values()):.1f} s "
        f"({' + '.join(f'{seconds:.1f}' for seconds in stock.values())}) | |",
    ]
    notes = (
        f"On {measured['cpu']}, {measured['cores']} cores. {measured['lost']} uploads were lost, and "
        f"{measured['differ']} of these marks differ from those of `autograder grade`. The clients ran on the same "
        f"cores and took {measured['generator_share']:.1%} of them; a graded upload took "
        f"{measured['cpu_s_an_upload']:.2f} CPU s of the server's processes. Memory that processes share counts once."
    )
    return "\n".join([*rows, "", notes])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--single", type=int, default=42, help="uploads one at a time; the first two are not counted")
    parser.add_argument("--rush", type=int, default=200, help="students before the deadline")
    parser.add_argument("--within", type=float, default=RUSH_SECONDS, help="seconds in which these upload")
    parser.add_argument("--sustained", type=int, default=2000, help="uploads in a row")
    parser.add_argument("--early", type=int, default=200, help="of these, uploads before memory is measured first")
    parser.add_argument("--batch", type=int, default=500, help="files that autograder grade grades again")
    parser.add_argument("--try", dest="tiny", action="store_true", help="take small numbers and write nothing")
    arguments = parser.parse_args()
    if arguments.tiny:
        arguments.single, arguments.rush, arguments.within, arguments.sustained = 6, 6, 3.0, 12
        arguments.early, arguments.batch = 6, 6
    return arguments


def main() -> None:
    arguments = parse_arguments()
    if sys.platform != "linux":
        print("Nothing was measured: the sandbox and the sum of shared memory need Linux.")
        return
    with tempfile.TemporaryDirectory(prefix="qlab-serve-") as folder:
        measured = measure(arguments, Path(folder))
    if not arguments.tiny:
        results.write("serve", measured, section_text(measured))
    print(section_text(measured))


if __name__ == "__main__":
    main()
