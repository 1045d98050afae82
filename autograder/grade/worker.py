"""The work of one grading process. From one submission to the next it keeps a fork server, and a judge per lab."""

import pickle
import threading
from dataclasses import replace
from functools import lru_cache

import torch
from nbformat.v4 import nbjson

from autograder.errors import UserError
from autograder.grade.grade_submission import GradedSubmission, grade_submission
from autograder.grade.job import Job, JobResult
from autograder.grade.judge import Judge
from autograder.grade.judge_limits import JudgeTimeError, judge_limits
from autograder.grade.lab import GradedLab
from autograder.grade.library import Library
from autograder.grade.limits import MB, Limits
from autograder.grade.record import GradingRecord
from autograder.grade.student_process import Connection, ForkServerGoneError
from autograder.grade.wire import ChannelClosedError
from autograder.grade.zygote import close_fork_server, fork_server

# A Dask worker may have several threads, but the judge imports every lab's modules under the same names.
_one_at_a_time = threading.Lock()
TOO_MUCH = "its text or the values of its answers are far larger than they have to be. Make them smaller."


def prepare(lab: bytes, sandboxed: bool) -> None:
    """Have the judge and the fork server for a lab; processes that are forked later share both.

    Raises:
        NoSandboxError: there can be no sandbox.
    """
    with _one_at_a_time:
        _, judge = _judge(lab)
        fork_server(sandboxed).prepare(judge.library)


def grade(job: Job) -> JobResult:
    """Grade one submission in this process. If the grader itself fails, the record says so, and others go on.

    Raises:
        UserError: nothing can be graded here, whatever the submission.
    """
    with _one_at_a_time:
        lab, judge = _judge(job.lab)
        fork_server(job.sandboxed).prepare(judge.library)  # here, or it would inherit the limits below
        reason, sha256 = "", job.submission.sha256
        try:
            with judge_limits(job.limits.judge_seconds, job.limits.judge_memory):
                graded = _grade(job, lab, judge)
                text = None if graded.notebook is None else nbjson.writes(graded.notebook)
        except UserError:
            raise
        except JudgeTimeError:
            reason = f"judging it took more than {job.limits.judge_seconds:g} seconds of processor time: {TOO_MUCH}"
        except MemoryError:
            reason = f"judging it took more than {job.limits.judge_memory // MB} MB of memory: {TOO_MUCH}"
        except Exception as error:
            reason = f"the grader itself failed on it ({type(error).__name__}: {error}): please report this."
            sha256 = ""  # without a hash the record never counts as up to date, so that the next run tries again
        if reason:
            _judge.cache_clear()  # it was left in the middle of something
            release, version = lab.stamp.get("release", ""), lab.stamp.get("version", "")
            record = GradingRecord(job.submission.student, lab.name, sha256, job.seed, release, version, reason=reason)
            graded, text = GradedSubmission(record, None), None
    record = replace(graded.record, sandboxed=job.sandboxed).for_people()
    return JobResult(record, text, graded.waited_out)


def _grade(job: Job, lab: GradedLab, judge: Judge) -> GradedSubmission:
    def connect(limits: Limits, library: Library) -> Connection:
        try:
            return fork_server(job.sandboxed).connect(limits, library)
        except ChannelClosedError as error:
            raise ForkServerGoneError from error

    try:
        return grade_submission(job.submission, lab, job.limits, job.seed, connect, judge, job.reseed)
    except ForkServerGoneError:
        close_fork_server(job.sandboxed)
        return grade_submission(job.submission, lab, job.limits, job.seed, connect, judge, job.reseed)


@lru_cache(maxsize=16)
def _judge(packed: bytes) -> tuple[GradedLab, Judge]:
    torch.set_num_threads(1)  # several workers with a thread per core each would only wait for each other
    lab: GradedLab = pickle.loads(packed)
    return lab, Judge(lab)
