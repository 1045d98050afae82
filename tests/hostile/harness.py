"""Grades all attacks in one process with one fork server, and an honest submission after every few attacks.

    python -m tests.hostile.harness COURSE RESULTS [NAME …]

COURSE is a course with the released lab; RESULTS becomes a JSON file with the result of each attack.
"""

import ctypes
import hashlib
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.course_folder.layout import Course
from autograder.grade import student_process, worker
from autograder.grade.job import Job, pack
from autograder.grade.lab import GradedLab
from autograder.grade.limits import Limits
from autograder.grade.record import GradingRecord
from autograder.grade.submission import Submission
from tests.hostile.attack import BASES, FULL, LAB, Attack, Place, output_texts, write
from tests.hostile.attacks import ATTACKS

LIMITS = Limits(
    question_seconds=2.0,
    provided_seconds=1.0,
    submission_seconds=6.0,
    wall_factor=2.5,  # other tests run beside
    memory=2**30,
    processes=32,
    scratch=32 * 2**20,
)
SEED = 20_240_229
PR_SET_CHILD_SUBREAPER = 36
GROUP = 8  # attacks before the next honest submission; whoever is next gets the right marks too, an attack or not
SETTLE_SECONDS = 2.0  # after which everything that a submission left behind has to be gone


def main(course: Path, results: Path, names: list[str]) -> None:
    """Grade the attacks and write the results."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # whatever escapes becomes a child of this process
    student_process.GRACE, student_process.PROCESSOR_GRACE, student_process.ANSWER_SECONDS = 1.0, 1.0, 4.0
    table = Table(Course.at(course))
    bases = {name: table.grade(Attack(name, "", "", base=name)) for name in BASES}
    attacks = table.grade_all([attack for name, attack in ATTACKS.items() if not names or name in names])
    worker.close_fork_server(True)
    results.write_text(json.dumps({"bases": bases, "attacks": attacks}, indent=1))


class Table:
    """The lab, and the course into which attacks are submitted."""

    def __init__(self, course: Course):
        self.course = course
        self.lab = GradedLab.of(LAB, course)
        self.packed = pack(self.lab)
        worker.fork_server(True)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0qlab-hostile-{self.port}")
        self.abstract.listen()

    def grade_all(self, attacks: list[Attack]) -> dict[str, dict[str, Any]]:
        """The results of attacks by their names; if an honest submission suffers, each of a group once more alone."""
        results = {}
        for first in range(0, len(attacks), GROUP):
            group = attacks[first : first + GROUP]
            graded = self.grade_group(group)
            if _costs_marks(graded):
                alone = {name: result for attack in group for name, result in self.grade_group([attack]).items()}
                graded = alone if _costs_marks(alone) else graded  # only together they do: all of them are to blame
            results.update(graded)
        return results

    def grade_group(self, attacks: Sequence[Attack]) -> dict[str, dict[str, Any]]:
        """The results of attacks, each with the marks of an honest submission after them all."""
        results = {attack.name: self.grade_and_watch(attack) for attack in attacks}
        honest = self.grade(Attack("honest", "", "", base="all right", student="zoe"))["marks"]
        return {name: {**result, "honest": honest} for name, result in results.items()}

    def grade_and_watch(self, attack: Attack) -> dict[str, Any]:
        """The results of an attack, and what it left on the machine."""
        before = footprint(self.course.root), processes()
        result = self.grade(attack)
        until = time.monotonic() + SETTLE_SECONDS
        while (after := processes()) - before[1] and time.monotonic() < until:
            time.sleep(0.05)
        return {
            **result,
            "changed": sorted(set(footprint(self.course.root).items()) ^ set(before[0].items())),
            "left": sorted(after - before[1]),
        }

    def grade(self, attack: Attack) -> dict[str, Any]:
        """Submit an attack, grade it, and delete the submission."""
        folder = self.course.root / "submitted" / attack.student / LAB
        path = write(attack, self.lab.released, Place(self.course.root, folder, Path.home(), self.port))
        started = time.monotonic()
        try:
            submission = Submission.read(attack.student, path)
            done = worker.grade(Job(submission, self.packed, LIMITS, SEED, True))
        finally:
            for inner in folder.iterdir():
                if inner.is_dir() and not inner.is_symlink():
                    inner.chmod(0o700)  # or an ordinary user could not delete it
            shutil.rmtree(folder.parent)
        return {
            "marks": {cell: points for cell, points in done.record.marks().items() if points},
            "reason": done.record.reason,
            "text": "\n".join(
                (
                    done.record.student,
                    output_texts(done.notebook),
                    *_fails(done.record),
                    *done.record.remarks,
                    *done.record.unusual,
                    done.record.reason,
                )
            ),
            "size": len(done.notebook or "") + len(done.record.text().encode()),
            "seconds": round(time.monotonic() - started, 2),
        }


def _costs_marks(results: dict[str, dict[str, Any]]) -> bool:
    return any(result["honest"] != FULL for result in results.values())


def _fails(record: GradingRecord) -> list[str]:
    return [text for grade in record.cells if grade.outcome for text in grade.outcome.fails]


def footprint(course: Path, excluded: tuple[str, ...] = ()) -> dict[str, str]:
    """Hashes of all files in the course, the home and the temporary folder, by path, except those in some folders."""
    roots = {course, Path.home(), Path(tempfile.gettempdir())}
    hashes = {}
    for path in sorted(path for root in roots for path in root.rglob("*") if not str(path).startswith(excluded)):
        if path.is_symlink() or not path.is_file():
            hashes[str(path)] = "a link" if path.is_symlink() else "a folder"
        else:
            hashes[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashes


def processes() -> set[str]:
    """The pid and name of all descendants of this process, including those that have lost their parents."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            head, _, tail = (folder / "stat").read_text().rpartition(")")
            parents[int(folder.name)], names[int(folder.name)] = int(tail.split()[1]), head.partition("(")[2]
    pids, more = set(), {os.getpid()}
    while more:
        pids |= more
        more = {number for number, parent in parents.items() if parent in more}
    return {f"{number} {names[number]}" for number in pids}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
