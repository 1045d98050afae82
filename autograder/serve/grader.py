"""The process that grades what the server accepts, as `autograder grade` would: the same records, the same gradebook.

It is told on its standard input which submissions to look at, a line of JSON for each, and says on its standard output
what has become of them. It keeps nothing in memory that matters: what it is asked again after a crash, it looks up.
"""

import argparse
import json
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.deductions import late
from autograder.errors import UserError
from autograder.files import SharedLock, locked
from autograder.grade.job import JobResult, pack
from autograder.grade.lab import GradedLab
from autograder.grade.lab_grading import LabGrading
from autograder.grade.pool import QueuedJob
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers, scheduler
from autograder.grade.shared import units
from autograder.grade.stream import Stream, processes
from autograder.grade.zygote import fork_server, hide_from_students
from autograder.report import mark_history
from autograder.report.marks import write_marks
from autograder.serve.course_view import released_labs

POLL_SECONDS = 0.05  # how long a finished submission may wait for us to see it
RETRY_SECONDS = 5.0  # after a locked gradebook or a full disk
LEFT_BEHIND_SECONDS = 60.0
TIDY_SECONDS = 20.0  # marks.csv and the history are at most so old while there is always something to grade
TIDY_SHARE = 0.05  # of the time, at most, that goes into them: for a large class they take seconds
NICENESS = 5  # so that pages answer while a class is graded


@dataclass
class _Desk:
    """What is to be done.

    Attributes:
        asked: submissions to look at, in order: lab and student.
        busy: whose submissions are being graded, and who asked for it.
        untidy: labs whose marks changed since marks.csv was written.
    """

    asked: deque[tuple[str, str]] = field(default_factory=deque)
    busy: dict[tuple[str, str], str] = field(default_factory=dict)
    untidy: dict[str, None] = field(default_factory=dict)


class Grader:
    """Grades what it is asked to until its input ends.

    Args:
        course: where.
        workers: the processes that grade.
        cores: how many submissions are graded at a time.
        sandboxed: whether students' code runs in a sandbox.
        say: told what becomes of submissions.
    """

    def __init__(
        self, course: Course, workers: Workers, cores: int, *, sandboxed: bool, say: Callable[..., None] | None = None
    ):
        self._course = course
        self._say = say or _say
        self._writing = SharedLock(course.writers[1])
        self._sandboxed = sandboxed
        self._labs: dict[str, tuple[tuple[int, ...], LabGrading]] = {}
        self._desk = _Desk()
        self._stream = Stream(workers, cores)
        self._requests: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._retry_at: dict[str, float] = {}  # by lab: one that was taken back must not stop the others
        self._tidy_at = 0.0  # not before
        self._busy_since = time.monotonic()

    def run(self) -> None:
        """Grade until the standard input ends."""
        threading.Thread(target=self._read_requests, daemon=True).start()
        self._say("ready")
        while self._take_requests():
            self.work(POLL_SECONDS)
        if self._desk.untidy:
            self._tidy()

    def ask(self, lab: str, student: str) -> None:
        """Have a submission looked at by `work`."""
        self._desk.asked.append((lab, student))

    def work(self, seconds: float) -> None:
        """Do what can be done now, waiting at most so long for a submission that is being graded."""
        self._start_jobs()
        for queued, result in self._stream.results(seconds):
            self._finish(queued, result)
        if self._desk.untidy and self._may_tidy():
            self._tidy()

    def _read_requests(self) -> None:
        rest = b""
        # Not through sys.stdin: its lock would be taken for good in the workers, which are forked meanwhile.
        while content := os.read(0, 65536):
            *lines, rest = (rest + content).split(b"\n")
            for request in map(json.loads, lines):
                self._requests.put((request["lab"], request["student"]))
        self._requests.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to be graded."""
        return self._stream.is_idle and not self._desk.asked

    def _take_requests(self) -> bool:
        """Take in what was asked meanwhile, waiting if there is nothing else to do; False at the input's end."""
        has_work = not self.is_idle
        try:
            request = self._requests.get(timeout=RETRY_SECONDS) if not has_work else self._requests.get_nowait()
            while True:
                if request is None:
                    return False
                self.ask(*request)
                request = self._requests.get_nowait()
        except queue.Empty:
            if has_work and self._stream.is_idle:
                time.sleep(POLL_SECONDS)  # waiting for the disk or the gradebook
            return True

    def _start_jobs(self) -> None:
        """Start on what was asked, as long as there is room; a student's next submission waits for the one before."""
        for _ in range(len(self._desk.asked)):
            if not self._stream.has_room:
                return
            lab, student = self._desk.asked.popleft()
            if (lab, student) in self._desk.busy or time.monotonic() < self._retry_at.get(lab, 0.0):
                self._desk.asked.append((lab, student))
                continue
            try:
                self._start(lab, student)
            except (UserError, OSError) as error:
                self._postpone(lab, student, str(error))

    def _start(self, lab: str, student: str) -> None:
        if not self._course.submission_folder(lab, student).is_dir():  # taken away, or forgotten
            self._say("graded", lab=lab, student=student, asked=True)
            return
        grading = self._grading(lab)
        unit = units(self._course, lab, [student])[0]
        found = grading.job(unit)
        if isinstance(found, QueuedJob):
            self._desk.busy |= {(lab, member): student for member in unit}
            self._say("grading", lab=lab, student=student)
            self._stream.add(found, grading.lab)
            return
        with self._writing.held():
            self._store(found)
            self._share(found, [other for other in unit if other != found.student], student)

    def _postpone(self, lab: str, student: str, why: str) -> None:
        self._desk.asked.append((lab, student))
        self._retry_at[lab] = time.monotonic() + RETRY_SECONDS
        self._say("problem", text=why)

    def _finish(self, queued: QueuedJob, result: JobResult) -> None:
        lab = result.record.lab
        unit = (result.record.student, *queued.partners)
        asker, *_ = [self._desk.busy.pop((lab, member)) for member in unit]
        try:
            with self._writing.held():
                there = [each for each in unit if self._course.submission_folder(lab, each).is_dir()]
                if there != list(unit):  # somebody was forgotten meanwhile: nothing of theirs is written again
                    for student in dict.fromkeys((asker, *there[:1])):
                        self.ask(lab, student)
                    return
                record = self._grading(lab).save(queued, result)
                self._share(record, queued.partners, asker)
        except (UserError, OSError) as error:
            self._postpone(lab, asker, str(error))

    def _share(self, record: GradingRecord, partners: Sequence[str], asker: str) -> None:
        """Give partners the same marks, and say who is graded; the answer to a request is said once."""
        self._desk.untidy[record.lab] = None
        for partner in partners:
            self._grading(record.lab).copy(record, partner)
        if self._is_late(record.lab, record.student):
            late.update(self._course, record.lab)  # now, because the student is about to see the mark
        for student in (record.student, *partners):
            self._say("graded", lab=record.lab, student=student, asked=student == asker)

    def _is_late(self, lab: str, student: str) -> bool:
        """Whether it was handed in after the lab's deadline, whoever may do that."""
        due = gradebook.deadline(self._course, lab)
        when = late.read_timestamp(self._course.submission_folder(lab, student))
        return due is not None and when is not None and when > due

    def _grading(self, lab: str) -> LabGrading:
        """The lab as it is released now."""
        folders = (self._course.source(lab), self._course.release(lab))
        version = tuple((folder / f"{lab}.ipynb").stat().st_mtime_ns for folder in folders)
        known = self._labs.get(lab)
        if known is None or known[0] != version:
            grading = LabGrading(self._course, GradedLab.of(lab, self._course), self._store, sandboxed=self._sandboxed)
            known = self._labs[lab] = (version, grading)
        return known[1]

    def _store(self, record: GradingRecord) -> None:
        """Store a record in the gradebook; if that is locked, whoever asked is answered later, and not before."""
        gradebook.store(self._course, [record])

    def _may_tidy(self) -> bool:
        now = time.monotonic()
        if self.is_idle:
            self._busy_since = now
        return now > self._tidy_at and (self.is_idle or now - self._busy_since > TIDY_SECONDS)

    def _tidy(self) -> None:
        """What `autograder grade` does after a class: late penalties, marks.csv, the history."""
        labs, self._desk.untidy = list(self._desk.untidy), {}
        began = time.monotonic()
        try:
            with self._writing.held():
                for lab in labs:
                    late.update(self._course, lab)
                write_marks(self._course)
                gradebook.back_up_daily(self._course)
                mark_history.update(self._course)
            self._say("tidy")
        except (UserError, OSError) as error:
            self._desk.untidy |= dict.fromkeys(labs)
            self._say("problem", text=str(error))
        self._busy_since = now = time.monotonic()
        self._tidy_at = now + (now - began) / TIDY_SHARE


def _say(event: str, **details: str | bool) -> None:
    print(json.dumps({"event": event, **details}), flush=True)


def _prepare(labs: Iterable[GradedLab], *, sandboxed: bool) -> None:
    """Have judges and fork servers for these labs, before the workers are forked that share them."""
    from autograder.grade.worker import prepare  # imports torch, while the fork server does so on another core

    for lab in labs:
        prepare(pack(lab), sandboxed)


def main() -> None:
    """Grade for the server that started this."""
    parser = argparse.ArgumentParser(prog="autograder.serve.grader")
    parser.add_argument("course", type=Path)
    parser.add_argument("--scheduler", default="")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--no-sandbox", action="store_true")
    options = parser.parse_args()
    cores, sandboxed = options.workers or os.cpu_count() or 1, not options.no_sandbox
    course = Course(options.course)
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server hears Ctrl-C too, and lets us finish
    hide_from_students(course.root)
    try:
        _run(course, options.scheduler, cores, sandboxed=sandboxed)
    except UserError as error:
        _say("failed", text=str(error))
        sys.exit(2)


def _run(course: Course, address: str, cores: int, *, sandboxed: bool) -> None:
    with ExitStack() as stack:
        # One that the server before has left behind may still be writing; its workers hold this lock too.
        stack.enter_context(locked(course.root / "served" / "grader.lock", LEFT_BEHIND_SECONDS))
        workers = stack.enter_context(scheduler(address, sandboxed, processes(cores)))
        if not address:
            fork_server(sandboxed, wait=False)
            _prepare((GradedLab.of(lab, course) for lab in released_labs(course)), sandboxed=sandboxed)
        Grader(course, workers, workers.count if address else cores, sandboxed=sandboxed).run()


if __name__ == "__main__":
    main()
