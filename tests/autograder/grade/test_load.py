"""Load from elsewhere costs nobody a point: benchmarks/load.py does the same with a larger class, many times."""

import threading
import time
from contextlib import suppress

import psutil
import pytest

from autograder.grade import worker
from autograder.grade.limits import MB
from autograder.grade.pool import DIED
from tests.autograder.grade.neighbours import graded, hand_in
from tests.conftest import SANDBOXED, missing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("many")]


def test_busy_neighbours_cost_nobody_a_point(course):
    if not SANDBOXED:
        missing("sandbox", "apt-get install bubblewrap")
    honest = hand_in(course, honest=3, neighbours=5)
    records = graded(course, sandboxed=True, workers=4)
    assert len(records) == 8
    full = {"q1-check": 15, "q2-check": 15, "q3-check": 20, "q4-check": 5, "q5-check": 10}
    for student in honest:
        marks = {cell: points for cell, points in records[student].marks().items() if points}
        assert marks == full and not records[student].reason, student
    for student in records.keys() - set(honest):
        assert records[student].marks()["q1-check"] == 15, "it has what it earned before it began to load the machine"


FILLS = 900 * MB  # of resident memory, at which the machine of this test is out of memory


def kill_what_fills_memory(over: threading.Event) -> None:
    """As the kernel does when the machine is out of memory, to whichever process below this one holds most."""
    while not over.wait(0.05):
        for process in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                if process.memory_info().rss > FILLS:
                    process.kill()


def test_a_worker_that_is_killed_for_its_memory_takes_nobody_with_it(course, monkeypatch):
    students, real = hand_in(course, honest=4, neighbours=0), worker._grade
    culprit = students[1]

    def greedy(job, lab, judge):
        if job.submission.student == culprit:
            held = bytearray(b"x") * (FILLS + 200 * MB)  # noqa: F841
            time.sleep(60)
        return real(job, lab, judge)

    monkeypatch.setattr(worker, "_grade", greedy)  # workers are forked, and have it too
    over = threading.Event()
    killer = threading.Thread(target=kill_what_fills_memory, args=(over,))
    killer.start()
    try:
        records = graded(course, sandboxed=SANDBOXED, workers=2)
    finally:
        over.set()
        killer.join()
    assert {student: record.reason for student, record in records.items() if record.reason} == {culprit: DIED}
    assert {record.auto_points for record in records.values() if not record.reason} == {65}
