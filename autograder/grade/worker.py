"""What a grading process keeps from one submission to the next: a warm process for students, a judge for each lab."""

import pickle
import threading
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from nbformat.v4 import nbjson

from autograder.errors import UserError
from autograder.grade.grade_submission import Graded, grade_submission
from autograder.grade.judge import Judge
from autograder.grade.lab import GradedLab
from autograder.grade.limits import Limits
from autograder.grade.record import Record
from autograder.grade.student_process import WarmProcessGoneError
from autograder.grade.submission import Submission
from autograder.grade.wire import Channel, ClosedError
from autograder.grade.zygote import forget_warm_process, warm_process

_one_at_a_time = threading.Lock()  # a Dask worker may have several threads; the judge's modules have one name each


@dataclass(frozen=True)
class Job:
    """One submission to grade, as it is sent to whoever grades it.

    Attributes:
        submission, limits, seed: see `grade_submission`.
        lab: the lab, pickled once for the whole class: it comes from us, as the code does.
        sandboxed: whether the student's code runs in a sandbox.
    """

    submission: Submission
    lab: bytes
    limits: Limits
    seed: int
    sandboxed: bool


@dataclass(frozen=True)
class Done:
    """A submission, graded: the record, and the notebook's text for graders and feedback; None where there is none."""

    record: Record
    notebook: str | None


def grade(job: Job) -> Done:
    """Grade one submission here; a fault of the grader itself becomes the record's reason, and costs nobody else.

    Raises:
        UserError: nothing can be graded here; it will not get better with the next submission.
    """
    with _one_at_a_time:
        lab, judge = _judge(job.lab)
        try:
            graded = _grade(job, lab, judge)
            text = None if graded.notebook is None else nbjson.writes(graded.notebook)
        except UserError:
            raise
        except Exception as error:
            reason = f"the grader itself failed on it ({type(error).__name__}: {error}): please report this."
            # Without a hash the record never counts as done, so that the next run tries again.
            graded = Graded(Record(job.submission.student, lab.name, "", job.seed, "", "", reason=reason), None)
            text = None
    return Done(replace(graded.record, sandboxed=job.sandboxed), text)


def _grade(job: Job, lab: GradedLab, judge: Judge) -> Graded:
    def connect(limits: Limits) -> Channel:
        try:
            return warm_process(job.sandboxed).connect(limits)
        except ClosedError as error:
            raise WarmProcessGoneError from error

    try:
        return grade_submission(job.submission, lab, job.limits, job.seed, connect, judge)
    except WarmProcessGoneError:
        forget_warm_process(job.sandboxed)
        return grade_submission(job.submission, lab, job.limits, job.seed, connect, judge)


def pack(lab: GradedLab) -> bytes:
    """A lab as it is sent in a job."""
    return pickle.dumps(lab)


@lru_cache(maxsize=4)
def _judge(packed: bytes) -> tuple[GradedLab, Judge]:
    torch.set_num_threads(1)  # several of us at once, each with as many threads as cores, only wait for each other
    lab: GradedLab = pickle.loads(packed)
    return lab, Judge(lab)
