"""One lab of a course: which submissions have to be graded, and where what that gives is written."""

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

from autograder.course_folder.layout import Course
from autograder.files import locked, write_atomic
from autograder.grade.job import Job, JobResult, Reseed, pack
from autograder.grade.lab import GradedLab
from autograder.grade.pool import QueuedJob
from autograder.grade.record import GradingRecord
from autograder.grade.shared import same_result
from autograder.grade.submission import Submission


class LabGrading:
    """Makes jobs of a lab's submissions, and writes their results into the course folder and the gradebook.

    Args:
        course, lab: where, and which lab.
        store: stores a record in the gradebook; storing one twice changes nothing.
        sandboxed: whether students' code runs in a sandbox.
        force: also grade what has not changed, with the seeds of before.
    """

    def __init__(
        self,
        course: Course,
        lab: GradedLab,
        store: Callable[[GradingRecord], None],
        *,
        sandboxed: bool = True,
        force: bool = False,
    ):
        self.course = course
        self.lab = lab
        self._store = store
        self._sandboxed = sandboxed
        self._force = force
        self._packed = pack(lab)

    def job(self, unit: Sequence[str]) -> QueuedJob | GradingRecord:
        """What there is to do for a student, or for several who have the same submission.

        Returns:
            A job, or the record if it is up to date.
        """
        submission, before = self._leader(unit)
        partners = tuple(other for other in unit if other != submission.student)
        if before is not None and not self._force and self._up_to_date(before, submission):
            return before
        new = secrets.randbits(31)
        seed, reseed = (new, None) if before is None else (before.seed, Reseed(before.answers, new))
        job = Job(submission, self._packed, self.lab.limits, seed, self._sandboxed, reseed)
        return QueuedJob(job, before, partners)

    def _leader(self, unit: Sequence[str]) -> tuple[Submission, GradingRecord | None]:
        """The submission that is graded for all of these: one with an up-to-date record, or else the first."""
        for student in unit:
            submission, before = self._read(student)
            if len(unit) == 1 or (before is not None and self._up_to_date(before, submission)):
                return submission, before
        return self._read(unit[0])

    def _read(self, student: str) -> tuple[Submission, GradingRecord | None]:
        path = self.course.submission_folder(self.lab.name, student) / f"{self.lab.name}.ipynb"
        return Submission.read(student, path), GradingRecord.read(self.course.record(self.lab.name, student))

    def _up_to_date(self, record: GradingRecord, submission: Submission) -> bool:
        same_lab = (record.release, record.version) == (self.lab.stamp.get("release"), self.lab.stamp.get("version"))
        same_file = bool(record.sha256) and record.sha256 == submission.sha256
        return same_file and same_lab and record.sandboxed >= self._sandboxed

    def save(self, queued: QueuedJob, result: JobResult) -> GradingRecord:
        """Write the notebook, then the record, then the gradebook: wherever we are stopped, the next run goes on."""
        lab, student = result.record.lab, result.record.student
        path = self.course.record(lab, student)
        with writing_records(self.course, lab):
            if not self._is_outdated(queued, path):
                self._write(replace(result.record, resubmitted=_is_other_file(queued.before, queued)), result.notebook)
            # Stored as it was read back, so that the next run recognizes the same record by its digest.
            stored = GradingRecord.read(path) or result.record
        self._store(stored)
        return stored

    def _is_outdated(self, queued: QueuedJob, path: Path) -> bool:
        """Whether somebody else has graded what is in submitted/ now, and we what was there before."""
        now = GradingRecord.read(path)
        if now is None or now == queued.before or now.sha256 == queued.job.submission.sha256:
            return False
        return self._up_to_date(now, self._read(now.student)[0])

    def _write(self, record: GradingRecord, notebook: str | None) -> None:
        target = self.course.autograded(record.lab, record.student)
        if notebook is not None:
            write_atomic(target, notebook)
            self._link_figures(target)
        else:
            target.unlink(missing_ok=True)
        record.write(self.course.record(record.lab, record.student))

    def copy(self, record: GradingRecord, partner: str) -> bool:
        """Give a submission's marks to a partner, as `save` does; returns whether the partner had others."""
        source = self.course.autograded(record.lab, record.student)
        path = self.course.record(record.lab, partner)
        before = GradingRecord.read(path)
        differs = before is None or not same_result(before, record)
        if differs:
            target = self.course.autograded(record.lab, partner)
            if source.is_file():
                write_atomic(target, source.read_text("utf-8"))
                self._link_figures(target)
            else:
                target.unlink(missing_ok=True)
            resubmitted = before is not None and before.sha256 != record.sha256
            replace(record, student=partner, resubmitted=resubmitted).write(path)
        self._store(GradingRecord.read(path) or replace(record, student=partner))
        return differs

    def _link_figures(self, notebook: Path) -> None:
        """Link the lab's figures beside a graded notebook, for whoever reads it in the formgrader."""
        figures, link = self.course.release(self.lab.name) / "figures", notebook.with_name("figures")
        if figures.is_dir() and not link.exists():
            with suppress(OSError):  # the notebook can be read without them
                link.symlink_to(os.path.relpath(figures, link.parent))


def _is_other_file(before: GradingRecord | None, queued: QueuedJob) -> bool:
    """Whether another file was graded before."""
    return before is not None and before.sha256 != queued.job.submission.sha256


def writing_records(course: Course, lab: str) -> AbstractContextManager[None]:
    """Keeps others from writing records of a lab: a batch and a server may grade it at the same time."""
    return locked(course.record(lab, "").with_name(".lock"))
