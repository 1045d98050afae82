"""Grades submissions as they come in, for as long as they come; nobody waits for somebody else's endless loop.

A class is graded by `pool`, which knows when it is done and can then repeat alone what others may have disturbed. Here
nobody knows when the next submission comes. So what waited too long is repeated while there is nothing else to do, or
after a while beside others, and what comes meanwhile is graded beside it: the repetition then only counts if it did not
wait again.
"""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass

from autograder.grade.job import JobResult
from autograder.grade.lab import GradedLab
from autograder.grade.pool import DIED, TRIES_ALONE, QueuedJob, without_mark
from autograder.grade.scheduler import Workers

SLOW_SECONDS = 5.0  # a submission that takes longer leaves its place to others
MOST_SLOW = 6  # submissions that may do so at the same time
PATIENCE = 30.0  # seconds that a repetition waits for a moment without others; then it takes a place among them
TRIES = 3  # of repeating what waited too long, when others came each time
NO_TIME = "it waited longer than it may each time, perhaps because the server was busy: hand it in again later."


def processes(cores: int) -> int:
    """How many processes a stream on so many cores needs, slow submissions included."""
    return cores + MOST_SLOW


@dataclass
class _Running:
    """A job that runs.

    Attributes:
        queued, lab: the job.
        started: when, by the monotonic clock.
        alone: whether nothing else has run beside it so far.
        tries: how often it has been repeated.
        ended: when it has to be repeated, since when.
    """

    queued: QueuedJob
    lab: GradedLab
    started: float
    alone: bool
    tries: int
    ended: float = 0.0


class Stream:
    """Grades submissions of any lab, several at a time, in the order in which they were added.

    Args:
        workers: the processes; there must be `processes(cores)` of them to let slow submissions run beside others.
        cores: how many submissions run at a time while none is slow.
    """

    def __init__(self, workers: Workers, cores: int):
        self._workers = workers
        self._cores = cores
        self._executor = workers.start(b"")
        self._waiting: deque[tuple[QueuedJob, GradedLab]] = deque()
        self._running: dict[Future[JobResult], _Running] = {}
        self._again: deque[_Running] = deque()

    @property
    def has_room(self) -> bool:
        """Whether another submission would start at once."""
        return len(self._running) < self._places() and not self._waiting

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing left to do."""
        return not (self._waiting or self._running or self._again)

    def _places(self) -> int:
        now = time.monotonic()
        slow = sum(now - job.started > SLOW_SECONDS for job in self._running.values())
        return self._cores + min(slow, MOST_SLOW)

    def add(self, queued: QueuedJob, lab: GradedLab) -> None:
        """Grade a submission as soon as there is a place."""
        self._waiting.append((queued, lab))
        self._start()

    def _start(self) -> None:
        if self._again and len(self._running) < self._places() and time.monotonic() - self._again[0].ended > PATIENCE:
            self._repeat()
        while self._waiting and len(self._running) < self._places():
            queued, lab = self._waiting.popleft()
            self._submit(_Running(queued, lab, time.monotonic(), not self._running, 0))
        if self._again and not self._running:
            self._repeat()

    def _repeat(self) -> None:
        again = self._again.popleft()
        self._submit(_Running(again.queued, again.lab, time.monotonic(), not self._running, again.tries + 1))

    def _submit(self, job: _Running) -> None:
        from autograder.grade.worker import grade  # not before: it imports torch

        for other in self._running.values():
            other.alone = False
        try:
            future = self._executor.submit(grade, job.queued.job)
        except BrokenExecutor:
            self._executor = self._workers.start(b"")
            future = self._executor.submit(grade, job.queued.job)
        self._running[future] = job

    def results(self, seconds: float) -> Iterator[tuple[QueuedJob, JobResult]]:
        """What is finished, waiting at most so long for the first of it."""
        self._start()
        finished, _ = wait(self._running, seconds, FIRST_COMPLETED)
        for future in [future for future in self._running if future in finished]:
            job = self._running.pop(future)
            result = self._result(future, job)
            if result is not None:
                yield job.queued, result
        self._start()

    def _result(self, future: "Future[JobResult]", job: _Running) -> JobResult | None:
        """What a job gave; None if it is repeated, because others may have disturbed it."""
        try:
            result = future.result()
        except BrokenExecutor:
            # Whatever ran when a process died may have killed it, so each is tried again by itself.
            if job.alone and job.tries >= TRIES_ALONE:
                return without_mark(job.queued.job, job.lab, DIED)
            self._later(job)
            return None
        if not result.waited_out or (job.alone and job.tries):
            return result
        if job.tries >= TRIES:
            return without_mark(job.queued.job, job.lab, NO_TIME)
        self._later(job)
        return None

    def _later(self, job: _Running) -> None:
        job.ended = time.monotonic()
        self._again.append(job)
