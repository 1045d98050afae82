"""Runs jobs several at a time: submits them, submits them again if the pool breaks, and yields results as they come."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from autograder.grade.lab import GradedLab
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Start
from autograder.grade.worker import Job, JobResult, grade

MAX_IN_FLIGHT = 16  # jobs submitted and not finished: enough for a small cluster, little memory here
MAX_TRIES = 3


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue.

    Attributes:
        job: what to do.
        before: the student's record from an earlier grading, if there is one.
        tries: how often the job was submitted.
    """

    job: Job
    before: GradingRecord | None
    tries: int = 1


class Pool:
    """Runs the jobs of one lab."""

    def __init__(self, lab: GradedLab, start: Start):
        self._lab = lab
        self._start = start
        self._executor: Executor | None = None
        self._in_flight: dict[Future[JobResult], QueuedJob] = {}

    def run(self, jobs: Iterable[QueuedJob]) -> Iterator[tuple[QueuedJob, JobResult]]:
        """Every job with its result, in the order in which they finish; jobs are only taken as there is room."""
        for queued in jobs:
            self._submit(queued)
            while len(self._in_flight) >= MAX_IN_FLIGHT:
                yield from self._collect()
        while self._in_flight:
            yield from self._collect()

    def _submit(self, queued: QueuedJob) -> None:
        if self._executor is None:
            self._executor = self._start()
        try:
            future = self._executor.submit(grade, queued.job)
        except BrokenProcessPool:
            self._executor = self._start()
            future = self._executor.submit(grade, queued.job)
        self._in_flight[future] = queued

    def _collect(self) -> Iterator[tuple[QueuedJob, JobResult]]:
        """The finished jobs; those that a broken pool lost are submitted again."""
        finished, _ = wait(self._in_flight, return_when=FIRST_COMPLETED)
        for future in finished:
            queued = self._in_flight.pop(future)
            try:
                result = future.result()
            except BrokenProcessPool:
                yield from self._retry(queued)
            else:
                yield queued, result

    def _retry(self, queued: QueuedJob) -> Iterator[tuple[QueuedJob, JobResult]]:
        """Submit a job again. Any job in flight when a worker died may be what killed it, hence MAX_TRIES."""
        if queued.tries < MAX_TRIES:
            self._submit(replace(queued, tries=queued.tries + 1))
            return
        reason = f"the process that graded it died {MAX_TRIES} times: please report this."
        stamp = self._lab.stamp
        student = queued.job.submission.student
        record = GradingRecord(
            student, self._lab.name, "", queued.job.seed, stamp.get("release", ""), "", reason=reason
        )
        yield queued, JobResult(record, None)
