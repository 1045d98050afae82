"""What is sent to a grading process and what comes back. Importing this imports no torch: often nothing is graded."""

import pickle
from dataclasses import dataclass

from autograder.grade.lab import GradedLab
from autograder.grade.limits import Limits
from autograder.grade.record import GradingRecord
from autograder.grade.submission import Submission


@dataclass(frozen=True)
class Reseed:
    """Another seed, for who hands in again: no other try at an answer is worth anything if luck decides.

    Attributes:
        answers: the hash of the answers that were graded before; the seed of before stays if they are still the same.
        seed: the new one.
    """

    answers: str
    seed: int


@dataclass(frozen=True)
class Job:
    """One submission to grade, as it is sent to a grading process.

    Attributes:
        submission, limits, seed, reseed: see `grade_submission`.
        lab: the lab, pickled once for the whole class. Unpickling is safe here, because the bytes are our own.
        sandboxed: whether the student's code runs in a sandbox.
    """

    submission: Submission
    lab: bytes
    limits: Limits
    seed: int
    sandboxed: bool
    reseed: Reseed | None = None


@dataclass(frozen=True)
class JobResult:
    """What grading a submission gave.

    Attributes:
        record: with the marks.
        notebook: for graders and feedback; None if it could not be read.
        waited_out: whether it was stopped by a limit of wall time, which may be the fault of others on the machine.
    """

    record: GradingRecord
    notebook: str | None
    waited_out: bool = False


def pack(lab: GradedLab) -> bytes:
    """A lab as a job carries it."""
    return pickle.dumps(lab)
