"""Grades a class: every submission to its record, several at a time; what has not changed is not graded again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from autograder.course_folder.layout import Course
from autograder.grade.lab import GradedLab
from autograder.grade.lab_grading import LabGrading
from autograder.grade.pool import Pool, QueuedJob
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers
from autograder.grade.shared import units


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
    grading, result = LabGrading(course, lab, store, sandboxed=sandboxed, force=force), ClassResult()

    def share(record: GradingRecord, partners: Sequence[str]) -> None:
        progress(record.student)
        for partner in partners:
            result.copied += grading.copy(record, partner)
            progress(partner)

    def jobs() -> Iterator[QueuedJob]:
        """The jobs. A record that is up to date needs none, but is stored again, in case the last run was stopped."""
        for unit in units(course, lab.name, students):
            found = grading.job(unit)
            if isinstance(found, QueuedJob):
                yield found
                continue
            result.unchanged += 1
            store(found)
            share(found, [other for other in unit if other != found.student])

    for queued, job_result in Pool(lab, workers).run(jobs()):
        record = grading.save(queued, job_result)
        result.graded_now += 1
        share(record, queued.partners)
    return result
