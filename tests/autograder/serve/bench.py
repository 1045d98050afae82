"""A course to try the server on, graded in this process by a judge that takes no time."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.grade.job import Job, JobResult
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers
from autograder.serve.attempts import Attempt
from autograder.serve.grader import Grader
from autograder.serve.queue import GraderOptions
from autograder.serve.service import Service
from autograder.serve.tokens import Role, Tokens
from tests.autograder.classes import LAB, add_labs, record, released_course, small_lab

STUDENTS = ("ada", "bob", "cyd")
START = datetime(2026, 10, 12, 8, 0, tzinfo=UTC)


def make_course(root: Path, students: tuple[Student, ...] = tuple(map(Student, STUDENTS)), rules: str = "") -> Course:
    """The small lab, released, and a roster of students who have links."""
    course = released_course(root)
    add_labs(course, LAB)
    gradebook.enter_roster(course, students)
    if rules:
        (root / "rules.toml").write_text(rules)
    Tokens(course).issue([each.id for each in students], Role.STUDENT, datetime(2100, 1, 1, tzinfo=UTC))
    return course


def notebook(answer: object) -> bytes:
    """A submission: the lab with an answer."""
    lab = json.loads(nbformat.writes(small_lab().released))
    lab["cells"][1]["source"] = f"def double(x):\n    return {answer}"
    return json.dumps(lab).encode()


def points_of(content: bytes) -> tuple[int, int]:
    """What the judge gives for a file: something else for every file, and always the same."""
    number = hashlib.sha256(content).digest()[0]
    return number % 11, number % 6


def judged(job: Job) -> JobResult:
    """What the judge says of a job; a notebook with the word HOPELESS in it has no mark."""
    content, student = job.submission.content, job.submission.student
    changes: dict[str, Any] = {"sha256": job.submission.sha256, "seed": job.seed, "sandboxed": job.sandboxed}
    if job.submission.reason or b"HOPELESS" in content:
        reason = job.submission.reason or "it is hopeless."
        return JobResult(GradingRecord(student, LAB, job.submission.sha256, job.seed, "r", "v", reason=reason), None)
    return JobResult(replace(record(student, *points_of(content)), **changes), content.decode())


class Judges(Executor):
    """Judges at once, in this process.

    Attributes:
        seen: the files that were judged, in order.
        judge: how.
    """

    def __init__(self, judge: Callable[[Job], JobResult] = judged):
        self.seen: list[tuple[str, bytes]] = []
        self.judge = judge

    def submit(self, function: Any, job: Job) -> "Future[JobResult]":  # type: ignore[override]
        """Judge."""
        self.seen.append((job.submission.student, job.submission.content))
        future: Future[JobResult] = Future()
        future.set_result(self.judge(job))
        return future

    def workers(self) -> Workers:
        """As the grader gets them."""
        return Workers(lambda _: self, 1)


class Queue:
    """Stands for the queue and the grading process behind it: grades when `work` is called, or at once."""

    def __init__(self, course: Course, graded: Callable[[str, str], None], judges: Judges, *, at_once: bool = True):
        self.problem = ""
        self.grader = Grader(course, judges.workers(), 1, sandboxed=False, say=self._hear)
        self.at_once = at_once
        self.tidy, self.grader._tidy = self.grader._tidy, lambda: None  # type: ignore[method-assign]
        self._graded = graded
        self._asked: dict[tuple[str, str], int] = {}

    def ask(self, lab: str, student: str) -> None:
        """As `GradingQueue.ask`."""
        self._asked[lab, student] = self._asked.get((lab, student), 0) + 1
        self.grader.ask(lab, student)
        if self.at_once:
            self.work()

    def work(self) -> None:
        """Grade what was asked for."""
        for _ in range(50):
            self.grader.work(0)
            if self.grader.is_idle:
                break
        self.grader.work(0)

    def place(self, lab: str, student: str) -> int | None:
        """As `GradingQueue.place`."""
        return 1 if (lab, student) in self._asked else None

    def start(self) -> None:
        """Nothing has to be started."""

    def close(self) -> None:
        """Nothing has to be stopped."""

    def __len__(self) -> int:
        return len(self._asked)

    def _hear(self, event: str, **details: Any) -> None:
        if event == "problem":
            self.problem = details["text"]
        if event != "graded":
            return
        key = details["lab"], details["student"]
        if details["asked"] and key in self._asked:
            self._asked[key] -= 1
            if not self._asked[key]:
                del self._asked[key]
        self._graded(*key)


@dataclass
class Bench:
    """A service without threads: what it has to do is done by `settle`.

    Attributes:
        course: whose.
        service: what is tested.
        queue, judges: stand for its grading process.
        now: the time.
    """

    course: Course
    now: datetime = START
    judges: Judges = field(default_factory=Judges)
    at_once: bool = True

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the service, as after a crash if there was one before."""
        self.service = Service(self.course, GraderOptions(sandboxed=False))
        self.service.clock.now = lambda: self.now  # type: ignore[method-assign]
        self.service.intake._clock = lambda: self.now
        self.service._chores.start = lambda: None  # type: ignore[method-assign]
        self.queue = Queue(self.course, self.service.take_marks, self.judges, at_once=self.at_once)
        self.service.queue = self.queue  # type: ignore[assignment]
        self.service.start()

    def upload(self, student: str, answer: object, lab: str = LAB) -> Attempt:
        """Hand in, and return the attempt; time goes on."""
        content = answer if isinstance(answer, bytes) else notebook(answer)
        attempt, _ = self.service.submit(student, lab, content, self.now)
        self.now += timedelta(seconds=1)
        return attempt

    def settle(self) -> None:
        """Do everything that is to be done."""
        for _ in range(100):
            self.service._chores._retry_at = 0.0
            self.queue.grader._retry_at.clear()
            self.queue.work()
            chores = self.service._chores
            before = chores._new.qsize()
            chores.step(0)
            if not (before or chores._new.qsize() or chores._failed or self.queue):
                break
        self.queue.tidy()

    def states(self, student: str) -> list[str]:
        """The states of a student's attempts."""
        return [str(each.state) for each in self.service.attempts.of(LAB, student)]

    def submitted(self, student: str) -> bytes:
        """The notebook that counts."""
        return (self.course.submission_folder(LAB, student) / f"{LAB}.ipynb").read_bytes()

    def everything_kept(self) -> set[bytes]:
        """The notebooks of everybody, those too that do not count."""
        folders = [self.course.root / name for name in ("submitted", "kept", "served/inbox")]
        return {path.read_bytes() for folder in folders for path in folder.rglob("*.ipynb")}


@contextmanager
def gradebook_locked(course: Course) -> Iterator[None]:
    """Somebody else has the gradebook for themselves."""
    import sqlite3

    other = sqlite3.connect(course.gradebook, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.rollback()
        other.close()
