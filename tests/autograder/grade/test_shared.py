"""What a group handed in is graded once, and every member has what that gave; so it is when a question is regraded."""

from dataclasses import replace

import pytest

from autograder import gradebook
from autograder.course_folder.roster import Student
from autograder.files import write_atomic
from autograder.grade import grade_class as grading
from autograder.grade import regrade as regrading
from autograder.grade.grade_class import grade_class
from autograder.grade.job import JobResult
from autograder.grade.lab import GradedLab
from autograder.grade.record import CellGrade, GradingRecord
from autograder.grade.regrade import Regrading
from autograder.grade.shared import units
from tests.autograder.conftest import LAB

PEOPLE = [Student(name, group=group) for name, group in zip("abcdef", ["X", "X", "x", "Y", "Y", ""], strict=True)]


class FakePool:
    """Grades without running anything, and remembers whom; each try gives another number of points."""

    graded: list[str] = []  # noqa: RUF012
    points = 0.0

    def __init__(self, lab, workers):
        self.lab = lab

    def run(self, jobs):
        for queued in list(jobs):
            submission = queued.job.submission
            self.graded.append(submission.student)
            FakePool.points += 0.25
            cells = (CellGrade("q1-check", "Q1", self.points, 15.0), CellGrade("q6", "Q6", None, 20.0))
            stamp = self.lab.stamp
            record = GradingRecord(
                submission.student,
                LAB,
                submission.sha256,
                queued.job.seed,
                stamp["release"],
                stamp["version"],
                cells=cells,
            )
            yield queued, JobResult(record, f"graded for {submission.student}")


@pytest.fixture
def enrolled(course, monkeypatch):
    """a, b and c have one file, and so have d and f, who are in no group together; e has another."""
    gradebook.enter_roster(course, PEOPLE)
    for student, text in zip("abcdef", "AAADED", strict=True):
        hand_in(course, student, text)
    FakePool.graded.clear()
    for module in (grading, regrading):
        monkeypatch.setattr(module, "Pool", FakePool)
    return course


def hand_in(course, student, text):
    cell = {"cell_type": "markdown", "metadata": {}, "source": text, "id": "x"}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    write_atomic(course.submission_folder(LAB, student) / f"{LAB}.ipynb", str(notebook).replace("'", '"'))


def grade(course, students=None, **options):
    FakePool.graded.clear()
    with gradebook.open_writer(course) as writer:
        who = students or list(course.submitted(LAB))
        result = grade_class(course, GradedLab.of(LAB, course), who, None, writer.store, **options)
    return result, list(FakePool.graded)


def records(course):
    return {student: GradingRecord.read(course.record(LAB, student)) for student in "abcdef"}


def test_a_group_is_graded_once_and_all_have_the_same(enrolled):
    result, graded = grade(enrolled)
    assert graded == ["a", "d", "e", "f"] and (result.graded_now, result.copied, result.unchanged) == (4, 2, 0)
    found = records(enrolled)
    assert replace(found["b"], student="a") == replace(found["c"], student="a") == found["a"]
    assert enrolled.autograded(LAB, "c").read_text() == "graded for a"
    points = {student: cells["q1-check"].points for student, cells in gradebook.marks(enrolled, LAB).items()}
    assert points["a"] == points["b"] == points["c"] and len(points) == 6


def test_grading_again_grades_nothing(enrolled):
    grade(enrolled)
    before = enrolled.gradebook.read_bytes()
    result, graded = grade(enrolled)
    assert not graded and result.unchanged == 4 and not result.copied and enrolled.gradebook.read_bytes() == before


def test_one_member_alone_brings_the_others_along(enrolled):
    result, graded = grade(enrolled, ["c"])
    assert len(graded) == 1 and result.copied == 2 and records(enrolled)["b"] is not None
    assert units(enrolled, LAB, ["c", "b", "f"]) == [("a", "b", "c"), ("f",)]


def test_a_newcomer_gets_what_the_group_has_and_nothing_is_graded(enrolled):
    hand_in(enrolled, "a", "own")  # first in the alphabet, and not in the unit
    grade(enrolled)
    hand_in(enrolled, "a", "A")
    result, graded = grade(enrolled)
    found = records(enrolled)
    assert not graded and result.copied == 1 and found["a"].resubmitted
    assert replace(found["a"], student="b", resubmitted=False) == found["b"]


def test_a_member_with_another_file_is_graded_alone(enrolled):
    grade(enrolled)
    hand_in(enrolled, "b", "alone")
    result, graded = grade(enrolled)
    assert graded == ["b"] and not result.copied
    assert records(enrolled)["b"].cells != records(enrolled)["a"].cells == records(enrolled)["c"].cells


def test_a_file_that_cannot_be_read_is_nobodys_together(enrolled):
    for student in "ab":
        (enrolled.submission_folder(LAB, student) / f"{LAB}.ipynb").unlink()
    assert ("a",) in units(enrolled, LAB, "abc") and ("b",) in units(enrolled, LAB, "abc")


def test_a_question_is_regraded_once_for_all(enrolled):
    grade(enrolled)
    FakePool.graded.clear()
    with gradebook.open_writer(enrolled) as writer:
        work = Regrading(enrolled, GradedLab.of(LAB, enrolled), "Q1", sandboxed=False, store=writer.store)
        work.run(list(enrolled.submitted(LAB)), None)
    assert FakePool.graded == ["a", "d", "e", "f"] and work.result.graded == 6
    found = records(enrolled)
    assert replace(found["b"], student="a") == found["a"] and replace(found["c"], student="a") == found["a"]
    changes = {change.student: change.after for change in work.result.changes}
    assert changes["a"] == changes["b"] == changes["c"] and set(changes) == set("abcdef")
