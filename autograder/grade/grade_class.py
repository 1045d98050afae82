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
from autograder.grade.shared import same_result, units
from autograder.grade.submission import Submission


@dataclass
class ClassResult:
    """How many submissions were graded now, how many were up to date, and how many students got a partner's marks."""

    graded_now: int = 0
    unchanged: int = 0
    copied: int = 0


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
        students: whose submissions; each must have one. Their partners in a group who have the same one come along.
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
        self.partners: dict[str, list[str]] = {}

    def grade(self, students: Sequence[str]) -> ClassResult:
        for queued, result in Pool(self.lab, self.workers).run(self._jobs(students)):
            self._save(result, queued)
        return self.result

    def _jobs(self, students: Sequence[str]) -> Iterator[QueuedJob]:
        """The jobs. A record that is up to date needs none, but is stored again, in case the last run was stopped."""
        for unit in units(self.course, self.lab.name, students):
            submission, before = self._leader(unit)
            self.partners[submission.student] = [other for other in unit if other != submission.student]
            if before is not None and not self.force and self._up_to_date(before, submission):
                self.result.unchanged += 1
                self.store(before)
                self.progress(submission.student)
                self._copy(before)
                continue
            new = secrets.randbits(31)
            seed, reseed = (new, None) if before is None else (before.seed, Reseed(before.answers, new))
            yield QueuedJob(Job(submission, self.packed, self.lab.limits, seed, self.sandboxed, reseed), before)

    def _leader(self, unit: Sequence[str]) -> tuple[Submission, GradingRecord | None]:
        """The submission that is graded for all of these: one with an up-to-date record, or else the first."""
        for student in unit:
            submission = Submission.read(student, self.submitted[student])
            before = GradingRecord.read(self.course.record(self.lab.name, student))
            if len(unit) == 1 or (before is not None and self._up_to_date(before, submission)):
                return submission, before
        first = Submission.read(unit[0], self.submitted[unit[0]])
        return first, GradingRecord.read(self.course.record(self.lab.name, unit[0]))

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
        stored = GradingRecord.read(path) or record
        self.store(stored)
        self.result.graded_now += 1
        self.progress(record.student)
        self._copy(stored)

    def _copy(self, record: GradingRecord) -> None:
        """Give a submission's marks to the partners, as `_save` does."""
        source = self.course.autograded(record.lab, record.student)
        for partner in self.partners.get(record.student, ()):
            path = self.course.record(record.lab, partner)
            before = GradingRecord.read(path)
            if before is None or not same_result(before, record):
                target = self.course.autograded(record.lab, partner)
                if source.is_file():
                    write_atomic(target, source.read_text("utf-8"))
                    self._link_figures(target)
                else:
                    target.unlink(missing_ok=True)
                resubmitted = before is not None and before.sha256 != record.sha256
                replace(record, student=partner, resubmitted=resubmitted).write(path)
                self.result.copied += 1
            self.store(GradingRecord.read(path) or replace(record, student=partner))
            self.progress(partner)

    def _link_figures(self, notebook: Path) -> None:
        """Link the lab's figures beside a graded notebook, for whoever reads it in the formgrader."""
        figures, link = self.course.release(self.lab.name) / "figures", notebook.with_name("figures")
        if figures.is_dir() and not link.exists():
            with suppress(OSError):  # the notebook can be read without them
                link.symlink_to(os.path.relpath(figures, link.parent))
