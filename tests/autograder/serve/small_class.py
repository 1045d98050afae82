"""A small class on a server whose grading a test does itself: quick, and no process is started."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from starlette.testclient import TestClient

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.files import write_atomic
from autograder.serve.access import file_hash
from autograder.serve.app import create_app
from autograder.serve.attempts import Attempt, State
from autograder.serve.queue import GraderOptions
from autograder.serve.service import Service
from autograder.serve.sign_in import COOKIE
from autograder.serve.tokens import Role
from tests.autograder.classes import LAB, add_labs, record, released_course, small_lab

ADA, BOB = Student("ada", "Ada", "Lovelace", "ada@x.edu"), Student("bob", "Bob", "Kurz", "bob@x.edu", group="G1")
CLEO = Student("cleo", "Cleo", "Lang", "cleo@x.edu", group="G1")
TEACHER = "Prof. Lin"
RULES = 'timezone = "UTC"\n'
PAGE = {"Accept": "text/html"}


class QueueByHand:
    """A queue from which nobody takes anything: a test says what is graded, and when."""

    problem = ""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str]] = []
        self.running: tuple[str, str] | None = None

    def start(self) -> None:
        """Nothing is to be started."""

    def close(self) -> None:
        """Nothing runs."""

    def ask(self, lab: str, student: str) -> None:
        if (lab, student) not in self.waiting:
            self.waiting.append((lab, student))

    def place(self, lab: str, student: str) -> int | None:
        if (lab, student) == self.running:
            return 0
        return self.waiting.index((lab, student)) + 1 if (lab, student) in self.waiting else None


class SmallClass:
    """A course on a server.

    Args:
        root: the course folder, which is made.
        rules: rules.toml.
        students: the roster.
        app_root: the path that a proxy hands on.
    """

    def __init__(self, root: Path, rules: str = RULES, students: tuple[Student, ...] = (ADA, BOB, CLEO)):
        self.course: Course = released_course(root)
        add_labs(self.course, LAB)
        gradebook.enter_roster(self.course, students)
        (root / "rules.toml").write_text(rules, "utf-8")
        self.service = Service(self.course, GraderOptions())
        self.queue = QueueByHand()
        self.service.queue = self.queue  # type: ignore[assignment]
        self.app = create_app(self.service)
        expires = datetime.now(UTC) + timedelta(days=1)
        ids = [student.id for student in students]
        self.tokens = self.service.tokens.issue(ids, Role.STUDENT, expires)
        self.tokens |= self.service.tokens.issue([TEACHER], Role.STAFF, expires)

    def client(self, who: str = "", root_path: str = "", **headers: str) -> TestClient:
        """A browser in which somebody is signed in."""
        cookies = {COOKIE: self.tokens[who]} if who else {}
        return TestClient(
            self.app, "http://testserver", root_path=root_path, cookies=cookies, headers={**PAGE, **headers},
            follow_redirects=False, raise_server_exceptions=False,
        )  # fmt: skip

    def upload(self, who: str, content: bytes | None = None) -> Attempt:
        """Hand in as a script of ours does, and wait until it is placed."""
        own = notebook(f"# of {who}") if content is None else content
        headers = {"Content-Type": "application/x-ipynb+json", "Sec-Fetch-Site": "same-origin"}
        answer = self.client(who).post(f"/api/labs/{LAB}/attempts", content=own, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return self.placed(answer.json()["id"])

    def placed(self, attempt_id: str) -> Attempt:
        """The attempt once it is in submitted/."""
        for _ in range(500):
            attempt = self.service.attempts.find(attempt_id)
            if attempt is not None and attempt.state != State.RECEIVED:
                return attempt
            time.sleep(0.01)
        raise AssertionError("it was not placed")

    def grade(self, who: str, *points: Any, answers: dict[str, str] | None = None, **changes: Any) -> None:
        """Grade what counts for somebody, and tell the server, as the grading process does."""
        submitted = self.course.submission_folder(LAB, who) / f"{LAB}.ipynb"
        graded = replace(record(who, *points), **{"sha256": file_hash(submitted), **changes}).for_people()
        graded.write(self.course.record(LAB, who))
        with gradebook.open_writer(self.course) as writer:
            writer.store(graded)
        if answers is not None:
            write_atomic(self.course.autograded(LAB, who), notebook("", answers).decode())
        self.queue.waiting = [each for each in self.queue.waiting if each != (LAB, who)]
        self.service.take_marks(LAB, who)
        noted = threading.Event()
        self.service._chores.add((LAB, who), noted.set)
        assert noted.wait(20)


def notebook(remark: str, answers: dict[str, str] | None = None) -> bytes:
    """The small lab, filled in."""
    made = nbformat.from_dict(small_lab().released)
    for cell in made.cells:
        cell.source = (answers or {}).get(cell.id, cell.source)
    made.cells[0].source = f"{made.cells[0].source}\n{remark}"
    return nbformat.writes(made).encode()


@contextmanager
def small_class(
    root: Path, rules: str = RULES, students: tuple[Student, ...] = (ADA, BOB, CLEO)
) -> Iterator[SmallClass]:
    """A small class whose server runs."""
    made = SmallClass(root, rules, students)
    made.service.start()
    try:
        yield made
    finally:
        made.service.close()
