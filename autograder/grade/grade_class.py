"""Grades a class: every submission to its record, several at a time; what has not changed is not graded again."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.grade.job import Job, JobResult, Reseed, pack
from autograder.grade.lab import GradedLab
from autograder.grade.pool import Pool, QueuedJob
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers
from autograder.grade.submission import Submission


@dataclass
class ClassResult:
    """How many submissions were graded now, and how many were up to date."""

    graded_now: int = 0
    unchanged: int = 0


def grade_class(
    course: Course,
    lab: GradedLab,
    students: Sequence[str],
    workers: Workers,
    store: Callable[[GradingRecord], None],
    *,
    sandboxed: bool = True,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> ClassResult:
    """Grade these students' submissions; each record is written and stored as soon as there is one.

    Args:
        course, lab: where, and which lab.
        students: whose submissions; each must have one.
        workers: the processes that grade.
        store: stores a record in the gradebook; storing one twice changes nothing.
        sandboxed: whether students' code runs in a sandbox.
        force: also grade what has not changed, with the seeds of before.
        progress: called with each student who is done.
    """
    return _Class(course, lab, workers, store, sandboxed, force, progress).grade(students)


@dataclass
class _Class:
    course: Course
    lab: GradedLab
    workers: Workers
    store: Callable[[GradingRecord], None]
    sandboxed: bool
    force: bool
    progress: Callable[[str], None]

    def __post_init__(self) -> None:
        self.result = ClassResult()
        self.packed = pack(self.lab)
        self.submitted = self.course.submitted(self.lab.name)

    def grade(self, students: Sequence[str]) -> ClassResult:
        for queued, result in Pool(self.lab, self.workers).run(self._jobs(students)):
            self._save(result, queued)
        return self.result

    def _jobs(self, students: Sequence[str]) -> Iterator[QueuedJob]:
        """The jobs. A record that is up to date needs none, but is stored again, in case the last run was stopped."""
        for student in students:
            submission = Submission.read(student, self.submitted[student])
            before = GradingRecord.read(self.course.record(self.lab.name, student))
            if before is not None and not self.force and self._up_to_date(before, submission):
                self.result.unchanged += 1
                self.store(before)
                self.progress(student)
                continue
            new = secrets.randbits(31)
            seed, reseed = (new, None) if before is None else (before.seed, Reseed(before.answers, new))
            yield QueuedJob(Job(submission, self.packed, self.lab.limits, seed, self.sandboxed, reseed), before)

    def _up_to_date(self, record: GradingRecord, submission: Submission) -> bool:
        same_lab = (record.release, record.version) == (self.lab.stamp.get("release"), self.lab.stamp.get("version"))
        same_file = bool(record.sha256) and record.sha256 == submission.sha256
        return same_file and same_lab and record.sandboxed >= self.sandboxed

    def _save(self, result: JobResult, queued: QueuedJob) -> None:
        """Write the notebook, then the record, then the gradebook: wherever we are stopped, the next run goes on."""
        resubmitted = queued.before is not None and queued.before.sha256 != queued.job.submission.sha256
        record = replace(result.record, resubmitted=resubmitted)
        target = self.course.autograded(record.lab, record.student)
        if result.notebook is not None:
            write_atomic(target, result.notebook)
            self._link_figures(target)
        else:
            target.unlink(missing_ok=True)
        path = self.course.record(record.lab, record.student)
        record.write(path)
        # Stored as it was read back, so that the next run recognizes the same record by its digest.
        self.store(GradingRecord.read(path) or record)
        self.result.graded_now += 1
        self.progress(record.student)

    def _link_figures(self, notebook: Path) -> None:
        """Link the lab's figures beside a graded notebook, for whoever reads it in the formgrader."""
        figures, link = self.course.release(self.lab.name) / "figures", notebook.with_name("figures")
        if figures.is_dir() and not link.exists():
            with suppress(OSError):  # the notebook can be read without them
                link.symlink_to(os.path.relpath(figures, link.parent))
