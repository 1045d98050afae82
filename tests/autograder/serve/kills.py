"""A server that is killed between two steps, for test_kills: forks itself for each step, and prints what came of it.

A step is a file that gets its name, is made durable or is deleted. The child that stands for the server kills itself
right before the k-th of them, as `kill -9` would; another child is the server's next start.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from autograder import gradebook
from autograder.course_folder import history, layout
from autograder.course_folder.layout import Course
from autograder.grade import worker  # noqa: F401  # imports torch once, not in every child
from autograder.grade.record import GradingRecord
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import START, Bench, notebook

STEPS = ("replace", "fsync", "unlink", "rename", "rmdir")
UPLOADS = (("ada", 1), ("bob", 2), ("ada", 3))


def child(work: Callable[[], None]) -> int:
    """Run in a process of its own; its exit code, or the negative number of the signal that ended it."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def kill_before(step: int) -> Callable[[], int]:
    """Die right before this step, counted from 1; returns what counts them."""
    count = 0

    def counted(original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    return lambda: count


def one_lab() -> None:
    """Nobody looks for marks in labs that the course does not have."""
    sources = layout.sources()
    layout.sources = lambda course=None: {LAB: sources[LAB]}


def serve(course: Course, accepted: Path) -> None:
    """Take the uploads, those that are not in yet, and grade them; note which were accepted."""
    bench = Bench(course)
    for number, (student, answer) in enumerate(UPLOADS):
        bench.now = START + timedelta(minutes=number)
        content = notebook(answer)
        bench.service.submit(student, LAB, content, bench.now)
        with accepted.open("a") as file:
            file.write(f"{student} {answer}\n")
        if number % 2:
            bench.settle()
    bench.settle()


def serve_until(step: int, course: Course, accepted: Path) -> None:
    """The same, killed right before a step."""
    kill_before(step)
    serve(course, accepted)


def go_on(course: Course, accepted: Path) -> None:
    """The next start, and the browser of somebody who had no answer sends the notebook again."""
    bench = Bench(course)
    bench.settle()
    done = accepted.read_text().splitlines() if accepted.is_file() else []
    for number, (student, answer) in enumerate(UPLOADS):
        if f"{student} {answer}" not in done:
            bench.now = START + timedelta(minutes=number)
            bench.service.submit(student, LAB, notebook(answer), bench.now)
    bench.settle()


def outcome(course: Course) -> dict[str, object]:
    """What counts in the end."""
    attempts = {
        path.parent.name + "/" + path.stem: {name: json.loads(path.read_text())[name] for name in ("state", "file")}
        for path in course.attempts.rglob("*.json")
    }
    kept = {path.read_bytes() for name in ("submitted", "kept") for path in (course.root / name).rglob("*.ipynb")}
    records = {student: GradingRecord.read(course.record(LAB, student)) for student in ("ada", "bob")}
    marks = gradebook.marks(course, LAB)
    uploads = [line for line in history.read(course)[0] if line.action == "upload"]
    return {
        "attempts": dict(sorted(attempts.items())),
        "kept": sorted(str(answer) for _, answer in UPLOADS if notebook(answer) in kept),
        "submitted": {each: path.read_text() for each, path in course.submitted(LAB).items()},
        "records": {each: record and [record.sha256, record.marks()] for each, record in records.items()},
        "marks": {each: {cell: mark.points for cell, mark in cells.items()} for each, cells in marks.items()},
        "uploads in the history": len(uploads),
        "inbox": [str(path) for path in (course.root / "served/inbox").rglob("*.ipynb")],
    }


def main(root: Path, every: int) -> None:
    """Kill at every so-manieth step; print the undisturbed outcome, and those that differ."""
    one_lab()
    template, scratch = Course(root / "template"), root / "scratch"

    def fresh() -> tuple[Course, Path]:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(template.root, scratch / "course")
        return Course(scratch / "course"), scratch / "accepted"

    course, accepted = fresh()
    steps = root / "steps"

    def undisturbed() -> None:
        count = kill_before(0)
        serve(course, accepted)
        steps.write_text(str(count()))

    assert child(undisturbed) == 0
    expected, total, wrong = outcome(course), int(steps.read_text()), {}
    for step in range(1, total + 1, every):
        course, accepted = fresh()
        killed = child(partial(serve_until, step, course, accepted))
        again = child(partial(go_on, course, accepted))
        found = outcome(course)
        if (killed, again) != (-signal.SIGKILL, 0) or not same(found, expected):
            wrong[step] = {"exit codes": [killed, again], **found}
    print(json.dumps({"steps": total, "expected": expected, "wrong": wrong}))


def same(found: dict[str, object], expected: dict[str, object]) -> bool:
    """Whether it came out as without a kill; the sentence about an attempt may differ, and so may superseded ones."""

    def final(attempts: object) -> object:
        assert isinstance(attempts, dict)
        return {
            key: each["file"] if each["state"] in ("graded", "superseded", "not counted") else each
            for key, each in attempts.items()
        }

    newest = {"ada/0002", "bob/0001"}
    graded = all(found["attempts"].get(key, {}).get("state") == "graded" for key in newest)  # type: ignore[attr-defined]
    rest = [{name: value for name, value in each.items() if name != "attempts"} for each in (found, expected)]
    return graded and final(found["attempts"]) == final(expected["attempts"]) and rest[0] == rest[1]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
