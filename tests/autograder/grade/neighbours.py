"""A class in which some submissions load the machine, beside honest ones that need much of their time themselves."""

import json

from autograder.course_folder.layout import Course
from autograder.grade.grade_class import grade_class
from autograder.grade.lab import GradedLab
from autograder.grade.limits import MB
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import scheduler
from tests.hostile.attack import LAB, RIGHT, notebook_of

FORK = "import os, time\ndef children(number, do):\n    for _ in range(number):\n        if os.fork() == 0: do()\n"
NEIGHBOURS = {
    "spins": FORK + "def do():\n    while True: pass\nchildren(28, do)\ntime.sleep(3600)",
    "forks": FORK + "while True:\n    try:\n        if os.fork() == 0: os._exit(0)\n    except OSError: pass",
    "fills memory": FORK + "held = []\nwhile True: held.append(bytearray(b'x') * (8 << 20))",
    "writes": FORK
    + "while True:\n    try: open('full', 'wb').write(b'x' * (8 << 20))\n    except OSError: os.remove('full')",
    "spins behind": FORK + "def do():\n    while True: pass\nchildren(28, do)",
}
# Its calls take most of the time that a question has, so that it suffers first from whoever is beside it.
BUSY = """
import time
plain = get_scale_and_zero_point
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    until = time.process_time() + 0.05
    while time.process_time() < until: pass
    return plain(fp32_tensor, bitwidth)
"""
HONEST = {**RIGHT, "q1": RIGHT["q1"] + BUSY}
LIMITS = {"question_seconds": 1.5, "provided_seconds": 5.0, "submission_seconds": 8.0, "memory": 1100 * MB}


def hand_in(course: Course, honest: int, neighbours: int) -> list[str]:
    """Hand in for so many honest students and neighbours; the names of the honest ones."""
    released = GradedLab.of(LAB, course).released
    texts = list(NEIGHBOURS.values())
    class_ = {f"honest-{n:02d}": HONEST for n in range(honest)}
    class_ |= {f"busy-{n:02d}": {**RIGHT, "q2": texts[n % len(texts)]} for n in range(neighbours)}
    for student, answers in class_.items():
        folder = course.root / "submitted" / student / LAB
        folder.mkdir(parents=True)
        (folder / f"{LAB}.ipynb").write_text(json.dumps(notebook_of(released, answers)), "utf-8")
    return [student for student in class_ if student.startswith("honest")]


def graded(course: Course, sandboxed: bool, workers: int) -> dict[str, GradingRecord]:
    """Everybody's record, graded anew with the limits above."""
    lab = GradedLab.of(LAB, course)
    lab.released.metadata["qlab"]["limits"] = LIMITS
    records: dict[str, GradingRecord] = {}
    # The neighbours first, so that they are at work when the honest ones come.
    students = sorted(course.submitted(LAB))
    with scheduler("", sandboxed, workers) as processes:
        grade_class(
            course,
            lab,
            students,
            processes,
            lambda record: records.__setitem__(record.student, record),
            sandboxed=sandboxed,
            force=True,
        )
    return records
