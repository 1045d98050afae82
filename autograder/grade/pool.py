"""Several jobs at a time: handed out, handed out again where a pool breaks, given back as they are done."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from autograder.grade.lab import GradedLab
from autograder.grade.record import Record
from autograder.grade.scheduler import Start
from autograder.grade.worker import Done, Job, grade

AT_A_TIME = 16  # jobs handed out and not yet done: enough for a small cluster, little memory here
MOST_TRIES = 3


@dataclass(frozen=True)
class Waiting:
    """A job to be done, what its student's record was before, and how often it was handed out."""

    job: Job
    before: Record | None
    tries: int = 1


class Pool:
    """Does the jobs of one lab."""

    def __init__(self, lab: GradedLab, start: Start):
        self._lab = lab
        self._start = start
        self._executor: Executor | None = None
        self._waiting: dict[Future[Done], Waiting] = {}

    def run(self, jobs: Iterable[Waiting]) -> Iterator[tuple[Waiting, Done]]:
        """Every job with what became of it, in the order in which they are done; jobs are taken as there is room."""
        for one in jobs:
            self._hand_out(one)
            while len(self._waiting) >= AT_A_TIME:
                yield from self._collect()
        while self._waiting:
            yield from self._collect()

    def _hand_out(self, one: Waiting) -> None:
        if self._executor is None:
            self._executor = self._start()
        try:
            future = self._executor.submit(grade, one.job)
        except BrokenProcessPool:
            self._executor = self._start()
            future = self._executor.submit(grade, one.job)
        self._waiting[future] = one

    def _collect(self) -> Iterator[tuple[Waiting, Done]]:
        """What is done; where the pool broke, what was in it is handed out again."""
        done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
        for future in done:
            one = self._waiting.pop(future)
            try:
                result = future.result()
            except BrokenProcessPool:
                yield from self._once_more(one)
            else:
                yield one, result

    def _once_more(self, one: Waiting) -> Iterator[tuple[Waiting, Done]]:
        """Whoever was at work when a worker died may have been the reason: three times is enough."""
        if one.tries < MOST_TRIES:
            self._hand_out(replace(one, tries=one.tries + 1))
            return
        reason = f"the process that graded it died {MOST_TRIES} times: please report this."
        stamp = self._lab.stamp
        student = one.job.submission.student
        record = Record(student, self._lab.name, "", one.job.seed, stamp.get("release", ""), "", reason=reason)
        yield one, Done(record, None)
