"""A server of official marks, and students who upload to it: both for measuring, on the same machine."""

import csv
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.serve.tokens import Role, Tokens

START_SECONDS = 120.0
NOT_FINAL = ("waiting", "grading")
NO_LIMIT = "[serve]\nattempts_per_day = 0\n"


class UploadFailedError(Exception):
    """An upload was refused or its answer makes no sense."""


@dataclass(frozen=True)
class Server:
    """A running `autograder serve`.

    Attributes:
        process: the server's own process.
        port: where it listens on 127.0.0.1.
        tokens: everybody's token, by student.
    """

    process: "subprocess.Popen[str]"
    port: int
    tokens: Mapping[str, str]

    def processes(self) -> list[psutil.Process]:
        """The server, its grader, and everything below them."""
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def memory_mb(self) -> float:
        """Resident memory of all its processes, in MB of 10^6 bytes; what they share counts once."""
        return sum(map(_proportional_kib, self.processes())) * 1024 / 1e6

    def cpu_seconds(self) -> float:
        """CPU time of all its processes that live, and of those below them that have ended and were waited for."""
        return sum(map(_cpu_seconds, self.processes()))


def _proportional_kib(process: psutil.Process) -> int:
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text("utf-8")
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def serving(course: Course, students: Sequence[str], log: Path) -> Iterator[Server]:
    """Serve a course in which these students are on the roster, without a limit of attempts.

    Args:
        course: released.
        students: their ids.
        log: where the server's own messages go.
    """
    _enter(course, students)
    write_atomic(course.root / "rules.toml", NO_LIMIT)
    tokens = Tokens(course).issue(students, Role.STUDENT, datetime.now(UTC) + timedelta(days=1))
    command = [sys.executable, "-m", "autograder", "serve", "--course", str(course.root), "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (
        log.open("w", encoding="utf-8") as messages,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, text=True, env=environment) as process,
    ):
        try:
            yield Server(process, _port(process, log), tokens)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _enter(course: Course, students: Sequence[str]) -> None:
    table = course.root.parent / "students.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "first name", "last name"], *([each, each, "X"] for each in students)])
    command = [sys.executable, "-m", "autograder", "roster", str(table), "--course", str(course.root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _port(process: "subprocess.Popen[str]", log: Path) -> int:
    """The port in the line that says where it serves."""
    assert process.stdout is not None
    for line in process.stdout:
        if "http://127.0.0.1:" in line:
            return int(line.split("http://127.0.0.1:")[1].split()[0].split("/")[0])
    raise UploadFailedError(f"the server did not start:\n{log.read_text('utf-8')[-2000:]}")


class Student:
    """A student's connection to the server, kept open."""

    def __init__(self, server: Server, student: str, lab: str):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        self._headers = {"Authorization": f"Bearer {server.tokens[student]}"}
        self._lab = lab

    def __enter__(self) -> "Student":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def upload(self, notebook: bytes) -> str:
        """Hand in a notebook; returns the attempt's id."""
        headers = {**self._headers, "Content-Type": "application/x-ipynb+json"}
        attempt: str = self._ask("POST", f"/api/labs/{self._lab}/attempts", notebook, headers)["id"]
        return attempt

    def attempt(self, attempt: str) -> dict[str, Any]:
        """What has become of an attempt."""
        return self._ask("GET", f"/api/attempts/{attempt}", None, self._headers)

    def wait_for_mark(self, attempt: str, poll_seconds: float) -> dict[str, Any]:
        """Ask again and again until there is a mark."""
        while (now := self.attempt(attempt))["state"] in NOT_FINAL:
            time.sleep(poll_seconds)
        return now

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        try:
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()  # it was idle for too long
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        if response.status not in (200, 201):
            raise UploadFailedError(f"{method} {path}: {response.status} {answer.get('detail')}")
        return answer
