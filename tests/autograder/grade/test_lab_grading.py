"""A lab of a course that several grade at once: whoever is behind never overwrites whoever is ahead."""

import json

import nbformat
import pytest

from autograder.course_folder.layout import Course
from autograder.grade.job import JobResult
from autograder.grade.lab import GradedLab
from autograder.grade.lab_grading import LabGrading
from autograder.grade.pool import QueuedJob
from autograder.grade.record import GradingRecord
from tests.autograder.classes import LAB, released_course, small_lab


@pytest.fixture
def course(tmp_path):
    return released_course(tmp_path)


def hand_in(course: Course, answer: str) -> None:
    notebook = nbformat.from_dict(json.loads(json.dumps(small_lab().released)))
    notebook.cells[1].source = answer
    path = course.submission_folder(LAB, "ada") / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook))


def grading(course, stored):
    return LabGrading(course, GradedLab.of(LAB, course), stored.append, sandboxed=False)


def result(queued: QueuedJob, seed: int = 1) -> JobResult:
    record = GradingRecord("ada", LAB, queued.job.submission.sha256, seed, "r", "v", sandboxed=False)
    return JobResult(record, "a notebook")


def test_a_record_that_is_up_to_date_is_no_job(course):
    stored = []
    hand_in(course, "x")
    lab = grading(course, stored)
    queued = lab.job(["ada"])
    assert isinstance(queued, QueuedJob)
    record = lab.save(queued, result(queued))
    assert stored == [record] and not record.resubmitted
    assert lab.job(["ada"]) == record
    hand_in(course, "y")
    again = lab.job(["ada"])
    assert isinstance(again, QueuedJob) and lab.save(again, result(again)).resubmitted


def test_the_mark_of_an_older_file_never_replaces_that_of_the_newer_one(course):
    """A batch that had read the older file wrote its mark over what the server had given for the newer one."""
    batch, server = grading(course, []), grading(course, [])
    hand_in(course, "old")
    slow = batch.job(["ada"])
    hand_in(course, "new")
    quick = server.job(["ada"])
    newest = server.save(quick, result(quick))
    assert batch.save(slow, result(slow)) == newest
    assert GradingRecord.read(course.record(LAB, "ada")) == newest
    assert course.autograded(LAB, "ada").read_text() == "a notebook"


def test_of_two_who_grade_the_same_file_record_and_gradebook_have_the_same(course):
    first, second = [], []
    hand_in(course, "x")
    one, other = grading(course, first), grading(course, second)
    jobs = one.job(["ada"]), other.job(["ada"])
    one.save(jobs[0], result(jobs[0], 1))
    other.save(jobs[1], result(jobs[1], 2))
    assert second[-1] == GradingRecord.read(course.record(LAB, "ada"))
