"""Runs jobs several at a time, and once more alone what others may have disturbed; yields results as they come."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from autograder.grade.job import Job, JobResult
from autograder.grade.lab import GradedLab
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers

MAX_IN_FLIGHT = 16  # jobs submitted and not finished: enough for a small cluster, little memory here
TRIES_ALONE = 2
DIED = f"the process that graded it died {TRIES_ALONE} times, with no other submission beside it: please report this."
NO_TIME = (
    "it waited longer than it may, perhaps because the machine was busy, and there was no time left to try it again "
    "alone: run the same command again."
)


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue.

    Attributes:
        job: what to do.
        before: the student's record from an earlier grading, if there is one.
        partners: the others who have the same submission.
    """

    job: Job
    before: GradingRecord | None
    partners: tuple[str, ...] = ()


class Pool:
    """Runs the jobs of one lab."""

    def __init__(self, lab: GradedLab, workers: Workers):
        self._lab = lab
        self._workers = workers
        self._executor: Executor | None = None
        self._in_flight: dict[Future[JobResult], QueuedJob] = {}
        self._alone: list[QueuedJob] = []

    def run(self, jobs: Iterable[QueuedJob]) -> Iterator[tuple[QueuedJob, JobResult]]:
        """Every job with its result, in the order in which they finish; jobs are only taken as there is room."""
        for queued in jobs:
            self._in_flight[self._submit(queued)] = queued
            while len(self._in_flight) >= MAX_IN_FLIGHT:
                yield from self._collect()
        while self._in_flight:
            yield from self._collect()
        yield from self._run_alone()

    def _submit(self, queued: QueuedJob) -> "Future[JobResult]":
        if self._executor is None:
            self._executor = self._workers.start(queued.job.lab)
        from autograder.grade.worker import grade  # not before: it imports torch

        try:
            return self._executor.submit(grade, queued.job)
        except BrokenProcessPool:
            self._executor = self._workers.start(queued.job.lab)
            return self._executor.submit(grade, queued.job)

    def _collect(self) -> Iterator[tuple[QueuedJob, JobResult]]:
        """The finished jobs, but for those that may have been disturbed.

        Any job in flight when a worker died may be what killed it. Whatever was stopped because it waited may have
        waited for a processor that others kept busy.
        """
        finished, _ = wait(self._in_flight, return_when=FIRST_COMPLETED)
        for future in [future for future in self._in_flight if future in finished]:
            queued = self._in_flight.pop(future)
            try:
                result = future.result()
            except BrokenProcessPool:
                self._alone.append(queued)
                continue
            if result.waited_out:
                self._alone.append(queued)
            else:
                yield queued, result

    def _run_alone(self) -> Iterator[tuple[QueuedJob, JobResult]]:
        """The results of jobs that were disturbed, one after another, while nothing else runs."""
        longest = self._lab.limits.wall_seconds
        last_start = time.monotonic() + 2 * longest * self._workers.count - longest
        for queued in self._alone:
            if time.monotonic() > last_start:
                yield queued, self._without_mark(queued, NO_TIME)
            else:
                yield queued, self._result_alone(queued)

    def _result_alone(self, queued: QueuedJob) -> JobResult:
        for _ in range(TRIES_ALONE):
            try:
                return self._submit(queued).result()
            except BrokenProcessPool:
                continue
        return self._without_mark(queued, DIED)

    def _without_mark(self, queued: QueuedJob, reason: str) -> JobResult:
        return without_mark(queued.job, self._lab, reason)


def without_mark(job: Job, lab: GradedLab, reason: str) -> JobResult:
    """The result of a job that could not be done; without a hash it never counts as up to date."""
    release = lab.stamp.get("release", "")
    return JobResult(GradingRecord(job.submission.student, lab.name, "", job.seed, release, "", reason=reason), None)
