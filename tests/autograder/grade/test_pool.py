"""The pool: whose result may be the fault of another submission is graded once more, alone."""

from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import pytest

from autograder.grade import pool
from autograder.grade.job import Job, JobResult
from autograder.grade.limits import Limits
from autograder.grade.pool import DIED, NO_TIME, Pool, QueuedJob
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers
from autograder.grade.submission import Submission

LIMITS = Limits(submission_seconds=10.0, wall_factor=3.0)
LAB = SimpleNamespace(name="lab1", limits=LIMITS, stamp={"release": "r"})
STUDENTS = ("ada", "bob", "cyd", "dan")


def result(job, waited_out=False):
    record = GradingRecord(job.submission.student, "lab1", "hash", job.seed, "r", "", reason="")
    return JobResult(record, "notebook", waited_out)


class Machine:
    """Stands for the machine: executors that break when the culprit's job runs, and with it all jobs beside it."""

    def __init__(self, culprit="", waiting=(), always_waiting=()):
        self.culprit = culprit
        self.waiting = set(waiting)
        self.always_waiting = always_waiting
        self.runs = []  # of each job, with those that were beside it
        self.started = 0

    def start(self, lab):
        self.started += 1
        return Beside(self)


class Beside(Executor):
    """Runs the jobs that are beside each other once nobody submits any more."""

    def __init__(self, machine):
        self.machine = machine
        self.pending = {}
        self.broken = False

    def submit(self, function, job):
        if self.broken:
            raise BrokenProcessPool
        future = Waited(self)
        self.pending[job.submission.student] = (future, job)
        return future

    def run(self):
        beside, self.pending = self.pending, {}
        self.broken = self.machine.culprit in beside
        for student, (future, job) in beside.items():
            self.machine.runs.append((student, len(beside)))
            if self.broken:
                future.set_exception(BrokenProcessPool())
            else:
                late = student in self.machine.waiting | set(self.machine.always_waiting)
                self.machine.waiting.discard(student)
                future.set_result(result(job, late))


class Waited(Future):
    def __init__(self, executor):
        super().__init__()
        self.executor = executor

    def result(self, timeout=None):
        if not self.done():
            self.executor.run()
        return super().result(timeout)


@pytest.fixture(autouse=True)
def waits_run_what_is_pending(monkeypatch):
    def wait(futures, return_when):
        for future in futures:
            if not future.done():
                future.executor.run()
        return {future for future in futures if future.done()}, set()

    monkeypatch.setattr(pool, "wait", wait)


def graded(machine, workers=2):
    jobs = [QueuedJob(Job(Submission(student), b"", LIMITS, 7, True), None) for student in STUDENTS]
    return {
        queued.job.submission.student: done for queued, done in Pool(LAB, Workers(machine.start, workers)).run(jobs)
    }


def test_of_those_beside_a_job_that_kills_its_process_only_the_culprit_has_no_mark():
    machine = Machine(culprit="cyd")
    results = graded(machine)
    assert {student: done.record.reason for student, done in results.items()} == dict.fromkeys(STUDENTS, "") | {
        "cyd": DIED
    }
    assert results["cyd"].record.sha256 == "", "the next run tries again"
    alone = machine.runs[len(STUDENTS) :]
    assert alone == [("ada", 1), ("bob", 1), ("cyd", 1), ("cyd", 1), ("dan", 1)]


def test_what_waited_too_long_is_graded_once_more_alone():
    machine = Machine(waiting=["bob"])
    results = graded(machine)
    assert not any(done.waited_out or done.record.reason for done in results.values())
    assert machine.runs[len(STUDENTS) :] == [("bob", 1)]


def test_what_waits_too_long_alone_too_keeps_that_result():
    machine = Machine(always_waiting=["bob"])
    results = graded(machine)
    assert results["bob"].waited_out and results["bob"].record.sha256 == "hash"
    assert machine.runs[len(STUDENTS) :] == [("bob", 1)]


@pytest.mark.parametrize(("workers", "repeated"), [(1, 1), (2, 3)])
def test_all_repeats_together_take_at_most_twice_the_wall_limit_for_each_worker(monkeypatch, workers, repeated):
    now = iter(range(0, 10_000, 26))  # each repeat takes almost the wall limit of 30 seconds
    monkeypatch.setattr(pool.time, "monotonic", lambda: next(now))
    results = graded(Machine(always_waiting=STUDENTS), workers)
    without = [student for student, done in results.items() if done.record.reason == NO_TIME]
    assert without == list(STUDENTS[repeated:]) and all(not results[student].record.sha256 for student in without)
