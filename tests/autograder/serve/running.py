"""Real servers for tests: the command itself in a process of its own, and a client for its interface."""

import json
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autograder import gradebook
from autograder.collect.sample_class import write_submissions
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.grade.lab import GradedLab
from autograder.serve.tokens import Role, Tokens
from tests.autograder.conftest import LAB
from tests.conftest import SANDBOXED

NOT_FINAL = ("waiting", "grading")
ANY_CERTIFICATE = ssl._create_unverified_context()


def enrol(course: Course, *students: str) -> dict[str, str]:
    """Put students on the roster; returns their tokens."""
    gradebook.enter_roster(course, [Student(each, each, "X") for each in students])
    return Tokens(course).issue(students, Role.STUDENT, datetime.now(UTC) + timedelta(days=1))


def submissions(course: Course, folder: Path) -> dict[str, bytes]:
    """Notebooks of the sample class that can be read, by name; nothing of them is left in the course."""
    apart = Course.at(folder / "class")
    write_submissions(GradedLab.of(LAB, course), apart)
    found = {student: path.read_bytes() for student, path in apart.submitted(LAB).items() if path.is_file()}
    return {student: content for student, content in found.items() if _is_notebook(content)}


def _is_notebook(content: bytes) -> bool:
    try:
        return json.loads(content)["nbformat"] == 4 and b"while True" not in content
    except (ValueError, KeyError, TypeError):
        return False


def command(course: Course, *options: object, module: str = "autograder") -> list[str]:
    """The command that serves a course at a free port."""
    sandbox = () if SANDBOXED else ("--no-sandbox",)
    words = ("-m", module, "serve", "--course", course.root, "--port", 0, "--workers", 1, *sandbox, *options)
    return [sys.executable, *map(str, words)]


@dataclass
class Running:
    """A server that runs.

    Attributes:
        process: its own.
        said: what it printed until it served.
        port: where it listens.
    """

    process: "subprocess.Popen[str]"
    said: str
    port: int

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
        """Stop it; returns its exit code, how many seconds that took, and what it said on stderr."""
        began = time.monotonic()
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, time.monotonic() - began, errors


@contextmanager
def serving(
    course: Course,
    *options: object,
    module: str = "autograder",
    meanwhile: "Callable[[subprocess.Popen[str]], None]" = lambda _: None,
) -> Iterator[Running]:
    """Serve a course until the context ends; `meanwhile` is called when the process has begun."""
    words = command(course, *options, module=module)
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            meanwhile(process)
            yield _running(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=60)


def _running(process: "subprocess.Popen[str]") -> Running:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Ctrl-C"):
            return Running(process, said, int(said.split("://127.0.0.1:")[1].split()[0]))
    raise AssertionError(f"it did not start: {said}{process.communicate()[1]}")


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, content: bytes | None = None, **headers: str) -> Answer:
    """Send a request, a POST if it has content; redirects are not followed. `_` in a header's name stands for `-`."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=ANY_CERTIFICATE))
    try:
        with opener.open(urllib.request.Request(url, content, names), timeout=60) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def upload(url: str, token: str, content: bytes, lab: str = LAB) -> Answer:
    """Hand in a notebook at the server below `url`."""
    kind = "application/x-ipynb+json"
    return ask(f"{url}/api/labs/{lab}/attempts", content, Authorization=f"Bearer {token}", Content_Type=kind)


def mark(url: str, token: str, attempt: str, seconds: float = 120) -> dict[str, Any]:
    """What becomes of an attempt."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer: dict[str, Any] = ask(f"{url}/api/attempts/{attempt}", Authorization=f"Bearer {token}").json
        if answer["state"] not in NOT_FINAL:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"no mark within {seconds} s: {answer}")
