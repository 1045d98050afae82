"""A class: every submission to its record, several at a time; what is graded already is not graded again."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab
from autograder.grade.pool import Pool, Waiting
from autograder.grade.record import Record
from autograder.grade.scheduler import Start
from autograder.grade.submission import Submission
from autograder.grade.worker import Done, Job, pack


@dataclass
class ClassResult:
    """How many submissions were graded now, and how many had been before."""

    graded_now: int = 0
    unchanged: int = 0


def grade_class(
    course: Course,
    lab: GradedLab,
    students: Sequence[str],
    start: Start,
    store: Callable[[Record], None],
    *,
    sandboxed: bool = True,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> ClassResult:
    """Grade what these students handed in for a lab; each record is written, and then stored, as soon as it is there.

    Args:
        course, lab: see there.
        students: whose; each has a submission.
        start: starts an executor.
        store: puts a record into the gradebook; storing one twice changes nothing.
        sandboxed: whether students' code runs in a sandbox.
        force: grade again what has not changed, with the seeds of before.
        progress: told of each student when it is done.
    """
    return _Class(course, lab, start, store, sandboxed, force, progress).grade(students)


@dataclass
class _Class:
    course: Course
    lab: GradedLab
    start: Start
    store: Callable[[Record], None]
    sandboxed: bool
    force: bool
    progress: Callable[[str], None]

    def __post_init__(self) -> None:
        self.result = ClassResult()
        self.packed = pack(self.lab)
        self.submitted = self.course.submitted(self.lab.name)

    def grade(self, students: Sequence[str]) -> ClassResult:
        for one, done in Pool(self.lab, self.start).run(self._to_grade(students)):
            self._keep(done, one)
        return self.result

    def _to_grade(self, students: Sequence[str]) -> Iterator[Waiting]:
        """The jobs, one after the other; a record that still holds is stored, in case it was not yet."""
        for student in students:
            submission = Submission.read(student, self.submitted[student])
            before = Record.read(self.course.record(self.lab.name, student))
            if before is not None and not self.force and self._still_holds(before, submission):
                self.result.unchanged += 1
                self.store(before)
                self.progress(student)
                continue
            seed = before.seed if before is not None else secrets.randbits(31)
            job = Job(submission, self.packed, self.lab.limits, seed, self.sandboxed)
            yield Waiting(job, before)

    def _still_holds(self, record: Record, submission: Submission) -> bool:
        same_lab = (record.release, record.version) == (self.lab.stamp.get("release"), self.lab.stamp.get("version"))
        same_file = bool(record.sha256) and record.sha256 == submission.sha256
        return same_file and same_lab and record.sandboxed >= self.sandboxed

    def _keep(self, done: Done, one: Waiting) -> None:
        """The notebook, then the record, then the gradebook, which is filled from records whenever we are stopped."""
        resubmitted = one.before is not None and one.before.sha256 != one.job.submission.sha256
        record = replace(done.record, resubmitted=resubmitted)
        target = self.course.autograded(record.lab, record.student)
        if done.notebook is not None:
            write_atomic(target, done.notebook)
            self._show_figures(target)
        else:
            target.unlink(missing_ok=True)
        path = self.course.record(record.lab, record.student)
        record.write(path)
        # Stored as its file holds it, so that the same record is recognized at the next run.
        self.store(Record.read(path) or record)
        self.result.graded_now += 1
        self.progress(record.student)

    def _show_figures(self, notebook: Path) -> None:
        """The lab's figures beside a graded notebook, for whoever reads it in formgrader; one copy serves all."""
        figures, link = self.course.release(self.lab.name) / "figures", notebook.with_name("figures")
        if figures.is_dir() and not link.exists():
            with suppress(OSError):  # without them it can be read all the same
                link.symlink_to(os.path.relpath(figures, link.parent))
