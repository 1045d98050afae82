"""The server's side of grading: what waits in which order, the process that grades, and what it says."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autograder.course_folder.layout import Course
from autograder.errors import UserError

START_SECONDS = 180.0
PAUSE_SECONDS = 1.0  # before a grader that ended is started again; twice as long each time that it ends at once
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class GraderOptions:
    """How to grade.

    Attributes:
        scheduler: a Dask scheduler's address; "" for this machine.
        workers: how many submissions at a time on this machine; 0 for one per core.
        sandboxed: run students' code in a sandbox.
    """

    scheduler: str = ""
    workers: int = 0
    sandboxed: bool = True

    def command(self, course: Course) -> list[str]:
        """The command of the grading process."""
        options = ["--scheduler", self.scheduler] if self.scheduler else []
        options += ["--workers", str(self.workers)] if self.workers else []
        options += [] if self.sandboxed else ["--no-sandbox"]
        return [sys.executable, "-m", "autograder.serve.grader", str(course.root), *options]


@dataclass
class _Waiting:
    """A student's submissions that wait: how often grading was asked for, and whether it has begun."""

    asked: int = 0
    running: bool = False


class GradingQueue:
    """What waits to be graded, in order, and the process that does it, which is started again whenever it ends.

    Args:
        command: starts the process.
        graded: called with a lab and a student whenever there is a record, from a thread of its own.
    """

    def __init__(self, command: list[str], graded: Callable[[str, str], None]):
        self._command = command
        self._graded = graded
        self._lock = threading.Condition()
        self._waiting: dict[tuple[str, str], _Waiting] = {}  # in order
        self._process: subprocess.Popen[str] | None = None
        self._ready = False
        self._closed = False
        self._failed = ""
        self.problem = ""

    def start(self) -> None:
        """Start the grading process, and return when it is ready.

        Raises:
            UserError: there can be no sandbox, or it does not start.
        """
        threading.Thread(target=self._keep_running, daemon=True).start()
        with self._lock:
            self._lock.wait_for(lambda: self._ready or self._failed, START_SECONDS)
            if not self._ready:
                raise UserError(self._failed or f"the grading process did not start within {START_SECONDS:g} s.")

    def close(self) -> None:
        """End the grading process. What it had not finished is asked for again at the next start."""
        with self._lock:
            self._closed = True
            process, is_ready = self._process, self._ready
        if process is not None and process.stdin is not None:
            if not is_ready:
                process.kill()  # it still loads, and would not notice for seconds
            with suppress(OSError):  # it has ended, and what was sent to it last is in its successor's list
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def ask(self, lab: str, student: str) -> None:
        """Have a submission graded."""
        with self._lock:
            self._waiting.setdefault((lab, student), _Waiting()).asked += 1
            if self._ready:
                self._send(lab, student)

    def place(self, lab: str, student: str) -> int | None:
        """The place in the queue: 1 is the next, 0 is being graded now; None if it does not wait."""
        with self._lock:
            if (lab, student) not in self._waiting:
                return None
            if self._waiting[lab, student].running:
                return 0
            before = list(self._waiting).index((lab, student))
            return 1 + sum(not each.running for each in list(self._waiting.values())[:before])

    def __len__(self) -> int:
        return len(self._waiting)

    def _send(self, lab: str, student: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"lab": lab, "student": student}) + "\n")
            self._process.stdin.flush()
        except OSError:
            self._ready = False  # it has ended; `_keep_running` asks its successor

    def _keep_running(self) -> None:
        pause = PAUSE_SECONDS
        while not self._closed:
            started = time.monotonic()
            self._run()
            if self._closed or self._failed:
                return
            pause = PAUSE_SECONDS if time.monotonic() - started > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            self.problem = f"the grading process ended; it is started again in {pause:.0f} s."
            time.sleep(pause)

    def _run(self) -> None:
        """Run the grading process until it ends."""
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        with self._lock:
            self._process = process
            if self._closed:
                process.kill()
        assert process.stdout is not None
        for line in process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue  # something that a library prints
            self._hear(event)
        process.wait()
        with self._lock:
            self._ready = False

    def _hear(self, event: dict[str, Any]) -> None:
        kind, key = event.get("event", ""), (event.get("lab", ""), event.get("student", ""))
        with self._lock:
            if kind == "ready":
                self._ready, self.problem = True, ""
                for again in list(self._waiting):
                    self._waiting[again] = _Waiting(1)
                    self._send(*again)
                self._lock.notify_all()
            elif kind == "grading" and key in self._waiting:
                self._waiting[key].running = True
            elif kind == "failed" and not self.problem:
                # Only its first start may fail for good: later the machine has shown that it can.
                self._failed = event["text"]
                self._lock.notify_all()
            elif kind == "problem":
                self.problem = event["text"]
            elif kind in ("graded", "tidy"):
                self.problem = ""
                if event.get("asked") and (waiting := self._waiting.get(key)) is not None:
                    waiting.asked, waiting.running = waiting.asked - 1, False
                    if not waiting.asked:
                        del self._waiting[key]
        if kind == "graded":
            self._graded(*key)
