"""Real processes that are killed, a gradebook that somebody has locked, notebooks that hang: nobody loses a mark.

One server serves all of it, in the order in which the tests stand here.
"""

import json
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from autograder import gradebook
from autograder.course_folder import history
from autograder.course_folder.layout import Course
from autograder.grade.lab import GradedLab
from autograder.release.build import release
from autograder.release.new import new_lab
from qlab.cells import grade_id
from tests import warm
from tests.autograder.serve.impatient import MODULE
from tests.autograder.serve.running import NOT_FINAL, Running, ask, enrol, mark, serving, upload
from tests.conftest import SANDBOXED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serve")]

LAB = "lab12"
LIMITS = "question_seconds = 8.0\n"
ANSWER = "def real_values(codes, scale, zero_point):\n    return scale * (codes.double() {sign} zero_point)\n"
RIGHT, WRONG = ANSWER.format(sign="-"), ANSWER.format(sign="+")
THINKS = "import time\n\ntime.sleep(2)\n"  # long enough to be seen, and killed, while it is graded
SPINS, SLEEPS = "while True:\n    pass\n", "import time\n\ntime.sleep(600)\n"
FULL, PART = 60.0, 15.0
HANGING = [f"{how}{number}" for how in ("sleeps", "spins") for number in range(3)]
HONEST = [f"honest{number}" for number in range(5)]
OTHERS = ["early", "ada", "bob", "cyd", "dan", "eve", "fay"]


class Class:
    """A course of one small lab, and the server that serves it.

    Attributes:
        course: the course.
        tokens: by student.
        server: the one that runs now.
        sent: the newest attempt of each student.
        accepted: all attempts.
    """

    def __init__(self, root: Path):
        self.course = Course.at(root)
        folder = new_lab(LAB, "Pooling", self.course.solutions, {})
        (folder / "grading.toml").write_text(LIMITS)
        self.release()
        self.tokens = enrol(self.course, *OTHERS, *HANGING, *HONEST)
        self.sent: dict[str, str] = {}
        self.accepted: list[str] = []
        self._running = ExitStack()
        self.server: Running

    def release(self) -> None:
        """Release the lab as its source is now."""
        release(LAB, self.course, labs=None, source=self.course.solutions / LAB)
        self.released = GradedLab.of(LAB, self.course).released

    def start(self, meanwhile: "Callable[[subprocess.Popen[str]], None]" = lambda _: None) -> None:
        """Start the server."""
        self.server = self._running.enter_context(
            serving(self.course, "--workers", 2, module=MODULE, meanwhile=meanwhile)
        )
        self.url = f"http://127.0.0.1:{self.server.port}"

    def close(self) -> None:
        """Stop it."""
        self._running.close()

    def kill(self) -> None:
        """Kill the server, and nobody else."""
        self.server.process.kill()
        self.server.process.communicate(timeout=60)

    def notebook(self, answer: str) -> bytes:
        """The lab with an answer."""
        notebook = nbformat.from_dict(json.loads(json.dumps(self.released)))
        for cell in notebook.cells:
            if grade_id(cell) == "q1":
                cell.source = answer
        content: bytes = nbformat.writes(notebook).encode()
        return content

    def upload(self, student: str, answer: str = RIGHT) -> None:
        """Hand in, which has to be accepted."""
        answered = upload(self.url, self.tokens[student], self.notebook(answer), LAB)
        assert answered.status == 201, answered
        self.sent[student] = answered.json["id"]
        self.accepted.append(self.sent[student])

    def now(self, student: str) -> dict[str, Any]:
        """What the student sees."""
        address = f"{self.url}/api/attempts/{self.sent[student]}"
        seen: dict[str, Any] = ask(address, Authorization=f"Bearer {self.tokens[student]}").json
        return seen

    def mark(self, student: str) -> float:
        """The points of the student's newest attempt, once it is graded."""
        found = mark(self.url, self.tokens[student], self.sent[student])
        assert found["state"] == "graded", found
        return float(found["points"])

    def record(self, student: str) -> Path:
        """Where a student's record is."""
        return self.course.record(LAB, student)

    @property
    def grader(self) -> psutil.Process:
        """The grading process."""
        children = psutil.Process(self.server.process.pid).children()
        (found,) = [child for child in children if "grader" in child.cmdline()]
        return found

    def stored(self, student: str) -> float | None:
        """The points in the gradebook."""
        return gradebook.marks(self.course, LAB)[student]["q1-check"].points


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


@contextmanager
def locked_gradebook(course: Course) -> Iterator[None]:
    """Somebody has the gradebook for himself."""
    with closing(sqlite3.connect(course.gradebook, timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    made = Class(tmp_path_factory.mktemp("real"))
    made.start()
    yield made
    made.close()


def test_a_locked_gradebook_holds_up_marks_and_loses_none(room: Class) -> None:
    room.upload("ada", THINKS + RIGHT)
    until(lambda: room.now("ada")["state"] == "grading")
    with locked_gradebook(room.course):
        room.upload("bob", WRONG)
        until(room.record("ada").is_file)  # graded, and not in the gradebook
        time.sleep(6)  # longer than anybody waits for the gradebook
        assert room.now("bob")["state"] in NOT_FINAL
    assert (room.mark("ada"), room.mark("bob")) == (FULL, PART)
    until(lambda: (room.stored("ada"), room.stored("bob")) == (FULL, PART))


def test_a_worker_that_is_killed_costs_nobody_a_mark(room: Class) -> None:
    room.upload("cyd", THINKS + WRONG)
    until(lambda: room.now("cyd")["state"] == "grading")
    grader = room.grader
    worker = next(child for child in grader.children() if child.cmdline() == grader.cmdline())
    worker.kill()
    room.upload("dan")
    assert (room.mark("cyd"), room.mark("dan")) == (PART, FULL)
    assert room.grader == grader, "the grading process itself goes on"


def test_the_grading_process_that_is_killed_is_started_again(room: Class) -> None:
    room.upload("eve", THINKS + WRONG)
    until(lambda: room.now("eve")["state"] == "grading")
    before = room.grader
    before.kill()
    room.upload("fay")
    assert (room.mark("eve"), room.mark("fay")) == (PART, FULL)
    assert room.grader != before


def test_what_a_killed_server_had_accepted_is_graded_once(room: Class) -> None:
    room.upload("early")
    assert room.mark("early") == FULL
    graded = room.record("early").read_bytes()
    for student, answer in (("ada", THINKS + WRONG), ("bob", RIGHT), ("cyd", RIGHT)):
        room.upload(student, answer)
    room.kill()
    with ExitStack() as lock:
        lock.enter_context(locked_gradebook(room.course))

        def free(process: "subprocess.Popen[str]") -> None:
            assert process.stderr is not None
            assert "is in use: the server starts when it is free" in process.stderr.readline()
            lock.close()

        room.start(free)
    assert [room.mark(student) for student in ("ada", "bob", "cyd")] == [PART, FULL, FULL]
    assert room.record("early").read_bytes() == graded
    again = upload(room.url, room.tokens["bob"], room.notebook(RIGHT), LAB)
    assert (again.status, again.json["id"]) == (200, room.sent["bob"])
    uploads = [line for line in history.read(room.course)[0] if line.action == "upload"]
    assert len(uploads) == len(room.accepted)


def test_a_mark_given_again_beside_the_server_reaches_the_student(room: Class) -> None:
    assert room.now("ada")["points"] == PART
    check = room.course.solutions / LAB / "checks" / "q1.py"
    fixed = check.read_text().replace('"codes of 8 bits", 45', '"codes of 8 bits", 40')
    check.write_text(fixed.replace('"a zero-point of 0", 15', '"a zero-point of 0", 20'))
    room.release()
    sandbox = [] if SANDBOXED else ["--no-sandbox"]
    words = ["-m", "autograder", "regrade", LAB, "--question", "Q1", "--course", str(room.course.root), *sandbox]
    done = subprocess.run([*warm.command(), *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert (room.now("ada")["points"], room.now("bob")["points"]) == (PART + 5, FULL)
    assert room.stored("ada") == PART + 5


def test_honest_notebooks_are_graded_before_those_that_hang(room: Class) -> None:
    for student in HANGING:
        room.upload(student, SLEEPS if student.startswith("sleeps") else SPINS)
    for student in HONEST:
        room.upload(student)
    assert [room.mark(student) for student in HONEST] == [FULL] * len(HONEST)
    assert {room.now(student)["state"] for student in HANGING} <= set(NOT_FINAL)
