"""The stream: nobody waits for somebody else's endless loop, and nobody loses a mark by it."""

from concurrent.futures import BrokenExecutor, Executor, Future
from types import SimpleNamespace

import pytest

from autograder.grade import stream
from autograder.grade.job import Job, JobResult
from autograder.grade.limits import Limits
from autograder.grade.pool import DIED, QueuedJob
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers
from autograder.grade.stream import MOST_SLOW, NO_TIME, SLOW_SECONDS, TRIES, Stream, processes
from autograder.grade.submission import Submission

LAB = SimpleNamespace(name="lab1", limits=Limits(), stamp={"release": "r"})


class Machine(Executor):
    """Runs what a test lets finish.

    Attributes:
        running: the jobs that run, by student.
        started: whose jobs were started, in order.
    """

    def __init__(self):
        self.running, self.started, self.broken = {}, [], False

    def submit(self, function, job):
        if self.broken:
            raise BrokenExecutor
        future = Future()
        self.running[job.submission.student] = (future, job)
        self.started.append(job.submission.student)
        return future

    def start(self, lab):
        self.broken = False
        return self

    def finish(self, student, waited_out=False):
        future, job = self.running.pop(student)
        record = GradingRecord(student, "lab1", "hash", job.seed, "r", "")
        future.set_result(JobResult(record, "notebook", waited_out))

    def die(self):
        self.broken, dead, self.running = True, self.running, {}
        for future, _ in dead.values():
            future.set_exception(BrokenExecutor())


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(stream.time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def jobs(machine, clock):
    return Stream(Workers(machine.start, processes(2)), 2)


def add(jobs, *students):
    for student in students:
        jobs.add(QueuedJob(Job(Submission(student), b"", Limits(), 7, True), None), LAB)


def done(jobs):
    return {queued.job.submission.student: result for queued, result in jobs.results(0)}


def test_as_many_as_there_are_cores_run_in_order(jobs, machine):
    add(jobs, "ada", "bob", "cyd", "dan")
    assert machine.started == ["ada", "bob"] and not jobs.has_room
    machine.finish("bob")
    assert list(done(jobs)) == ["bob"] and machine.started == ["ada", "bob", "cyd"]
    for student in ("ada", "cyd"):
        machine.finish(student)
    assert set(done(jobs)) == {"ada", "cyd"} and machine.started[-1] == "dan"
    machine.finish("dan")
    assert list(done(jobs)) == ["dan"] and jobs.is_idle and jobs.has_room


def test_who_hangs_leaves_the_place_to_others(jobs, machine, clock):
    add(jobs, "slow", "slower", "ada", "bob")
    clock.seconds += SLOW_SECONDS + 1
    assert done(jobs) == {} and machine.started == ["slow", "slower", "ada", "bob"]
    for student in ("ada", "bob"):
        machine.finish(student)
    assert set(done(jobs)) == {"ada", "bob"}, "others are graded meanwhile"


def test_not_more_are_slow_at_a_time_than_there_are_processes_for(jobs, machine, clock):
    for number in range(3 * MOST_SLOW):
        add(jobs, f"slow{number}")
        clock.seconds += SLOW_SECONDS + 1
    assert len(machine.running) == processes(2)


def test_what_waited_too_long_beside_others_is_repeated_alone(jobs, machine):
    add(jobs, "ada", "bob")
    machine.finish("ada", waited_out=True)
    assert done(jobs) == {}
    machine.finish("bob")
    assert list(done(jobs)) == ["bob"] and machine.started == ["ada", "bob", "ada"]
    machine.finish("ada", waited_out=True)
    assert done(jobs)["ada"].waited_out, "now it is its own fault"


def test_a_repetition_does_not_wait_for_ever_for_a_quiet_moment(jobs, machine, clock):
    """Under constant load it was never repeated, and the student had no mark until the night."""
    add(jobs, "ada", "bob")
    machine.finish("ada", waited_out=True)
    others = [f"other{number}" for number in range(200)]
    for number, other in enumerate(others):
        add(jobs, other)
        clock.seconds += 1
        machine.finish("bob" if not number else others[number - 1])
        done(jobs)
        if "ada" in machine.running:
            break
    assert number <= stream.PATIENCE + 2
    machine.finish("ada")
    assert not done(jobs)["ada"].record.reason


def test_who_waited_too_long_each_time_is_told_so(jobs, machine, clock):
    add(jobs, "ada", "bob")
    for _ in range(TRIES):
        machine.finish("ada", waited_out=True)
        assert done(jobs) == {}
        clock.seconds += stream.PATIENCE + 1
        assert done(jobs) == {} and "ada" in machine.running, "repeated beside bob"
    machine.finish("ada", waited_out=True)
    assert done(jobs)["ada"].record.reason == NO_TIME and not NO_TIME.count("\n")


def test_when_a_process_dies_the_others_have_their_marks(jobs, machine):
    add(jobs, "ada", "killer")
    machine.die()
    assert done(jobs) == {}
    while not jobs.is_idle:
        if "killer" in machine.running:
            machine.die()
        for student in list(machine.running):
            machine.finish(student)
        for student, result in done(jobs).items():
            assert (result.record.reason == DIED) == (student == "killer")
            assert bool(result.record.sha256) == (student == "ada"), "what could not be graded is tried again"
    assert machine.started.count("ada") == 2


def test_what_comes_after_a_death_runs_in_new_processes(jobs, machine):
    add(jobs, "ada")
    machine.finish("ada")
    machine.broken = True
    add(jobs, "bob")
    machine.finish("bob")
    assert set(done(jobs)) == {"ada", "bob"}
