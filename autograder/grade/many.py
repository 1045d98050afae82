"""A class: every submission to its record, one after the other; what is graded already is not graded again."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.course import Course
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab
from autograder.grade.one import Graded, file_hash, grade_submission
from autograder.grade.record import Record
from autograder.grade.run import Limits


@dataclass(frozen=True)
class ClassResult:
    """The records of a class, and how many of them were made now."""

    records: list[Record]
    graded_now: int

    @property
    def students(self) -> list[str]:
        """Those who have a mark."""
        return [record.student for record in self.records if record.cells]


def grade_class(
    course: Course,
    lab: GradedLab,
    students: Sequence[str],
    limits: Limits,
    store: Callable[[Record, bool], None],
    *,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> ClassResult:
    """Grade what these students handed in for a lab; records and graded notebooks are written as each is done.

    Args:
        students: whose; each has a submission.
        store: puts a record into the gradebook; told whether the student had handed in something else before.
        force: grade again what has not changed, with the seeds of before.
        progress: told of each student when it is done.
    """
    records, graded_now, resubmitted = [], 0, set()
    submitted = course.submitted(lab.name)
    for student in students:
        path, before = submitted[student], Record.read(course.record(lab.name, student))
        sha256 = file_hash(path)
        if before is not None and before.sha256 != sha256:
            resubmitted.add(student)
        if before is not None and not force and _still_holds(before, sha256, lab):
            records.append(before)
        else:
            seed = before.seed if before is not None else secrets.randbits(31)
            graded = _grade_whatever_happens(student, path, lab, limits, seed)
            write_notebook(course, graded)
            # The record comes last: what it stands for is in the gradebook, whenever we are stopped.
            store(graded.record, student in resubmitted)
            graded.record.write(course.record(lab.name, student))
            records.append(graded.record)
            graded_now += 1
        progress(student)
    return ClassResult(records, graded_now)


def _grade_whatever_happens(student: str, path: Path, lab: GradedLab, limits: Limits, seed: int) -> Graded:
    """A record in any case: a fault of the grader itself must not cost the others their marks."""
    try:
        return grade_submission(student, path, lab, limits, seed)
    except UserError:
        raise  # a full disk, say: it will not get better with the next one
    except Exception as error:
        reason = f"the grader itself failed on it ({type(error).__name__}: {error}): please report this."
        # Without the file's hash the record never counts as done, so that the next run tries again.
        return Graded(Record(student, lab.name, "", seed, lab.stamp.get("release", ""), "", reason=reason), None)


def _still_holds(record: Record, sha256: str, lab: GradedLab) -> bool:
    same_lab = (record.release, record.version) == (lab.stamp.get("release"), lab.stamp.get("version"))
    return bool(sha256) and record.sha256 == sha256 and same_lab


def write_notebook(course: Course, graded: Graded) -> None:
    """The graded notebook where formgrader and feedback look for it; none where the file could not be read."""
    target = course.autograded(graded.record.lab, graded.record.student)
    if graded.notebook is not None:
        write_atomic(target, nbformat.writes(graded.notebook))
    else:
        target.unlink(missing_ok=True)
