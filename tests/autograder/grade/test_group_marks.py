"""A mark that a person gives one member of a group reaches the others, and no mark is ever overwritten unsaid."""

from dataclasses import replace

import pytest

from autograder import gradebook
from autograder.collect.moves import move
from autograder.course_folder.roster import Student
from autograder.deductions import late
from autograder.files import write_atomic
from autograder.grade import group_marks
from autograder.grade.record import CellGrade, GradingRecord
from autograder.grade.shared import graded_units, partners
from autograder.report.marks import class_marks
from tests.autograder.conftest import LAB

PEOPLE = [
    Student("S1", group="A"),
    Student("S2", group="a"),
    Student("S3", group="B"),
    Student("S4", group="B"),
    Student("S5"),
]
SAME, OTHER = "1" * 64, "2" * 64


def graded(course, *students, file=SAME, points=9.0, resubmitted=False):
    """These students' submission is graded: Q1 by a check, Q6 waits for a person."""
    cells = (CellGrade("q1-check", "Q1", points, 15.0), CellGrade("q6", "Q6", None, 20.0))
    for student in students:
        record = GradingRecord(student, LAB, file, 1, "r", "v", cells=cells, resubmitted=resubmitted)
        record.write(course.record(LAB, student))
        gradebook.store(course, [record])
    late.update(course, LAB)


def mark(course, student, points, comment=None, cell="q6", extra=None):
    """What formgrader does when a person marks a cell."""
    with gradebook.open_gradebook(course) as book:
        grade = book.find_grade(cell, LAB, LAB, student)
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = points, extra, points is None
        if comment is not None:
            book.find_comment(cell, LAB, LAB, student).manual_comment = comment
        book.db.commit()
    late.update(course, LAB)


def marks(course, cell="q6"):
    return {student: cells[cell].points for student, cells in gradebook.marks(course, LAB).items()}


@pytest.fixture
def pair(course):
    """Both groups are graded; within a group, all have the same file."""
    gradebook.enter_roster(course, PEOPLE)
    graded(course, "S1", "S2")
    graded(course, "S3", "S4", file=OTHER)
    return course


def test_a_mark_and_a_comment_reach_the_partner_whoever_is_marked(pair):
    mark(pair, "S2", 12.0, "well argued", extra=1.0)
    assert marks(pair) == {"S1": 13.0, "S2": 13.0, "S3": None, "S4": None}
    both = [gradebook.marks(pair, LAB)[student]["q6"] for student in ("S1", "S2")]
    assert both[0] == both[1] and both[0].comment == "well argued" and not both[0].waiting and both[0].by_hand
    mark(pair, "S1", 15.0)
    assert marks(pair)["S2"] == 15.0
    mark(pair, "S2", None)
    assert marks(pair)["S1"] is None and gradebook.marks(pair, LAB)["S1"]["q6"].waiting
    mark(pair, "S1", 4.0, cell="q1-check")
    assert marks(pair, "q1-check") == {"S1": 4.0, "S2": 4.0, "S3": 9.0, "S4": 9.0}


def test_nothing_changes_if_nothing_was_marked(pair):
    mark(pair, "S1", 12.0)
    before = pair.gradebook.read_bytes()
    group_marks.share(pair, LAB)
    assert pair.gradebook.read_bytes() == before and not list(group_marks.disagreements(pair, LAB))


def test_two_different_marks_are_told_and_neither_is_lost(pair):
    with gradebook.open_gradebook(pair) as book:
        for student, points in (("S1", 10.0), ("S2", 12.0)):
            grade = book.find_grade("q6", LAB, LAB, student)
            grade.manual_score, grade.needs_manual_grade = points, False
        book.db.commit()
    late.update(pair, LAB)
    assert (marks(pair)["S1"], marks(pair)["S2"]) == (10.0, 12.0)
    assert list(group_marks.disagreements(pair, LAB)) == [
        "q6: one submission has different marks by hand (S1 10, S2 12): make them equal in formgrader"
    ]
    mark(pair, "S1", 12.0)
    assert marks(pair)["S1"] == marks(pair)["S2"] == 12.0 and not list(group_marks.disagreements(pair, LAB))
    mark(pair, "S2", 11.0)
    assert marks(pair)["S1"] == 11.0


def test_members_with_different_files_have_marks_of_their_own(pair):
    mark(pair, "S1", 12.0)
    graded(pair, "S2", file="3" * 64, resubmitted=True)
    assert marks(pair)["S2"] == 12.0 and gradebook.marks(pair, LAB)["S2"]["q6"].waiting  # to be looked at again
    mark(pair, "S2", 5.0)
    assert marks(pair)["S1"] == 12.0 and partners(pair, LAB) == {"S3": ("S4",), "S4": ("S3",)}


def test_a_new_file_of_the_group_has_to_be_read_again_and_one_mark_is_enough(pair):
    mark(pair, "S1", 12.0)
    graded(pair, "S1", "S2", file="3" * 64, resubmitted=True)
    assert all(gradebook.marks(pair, LAB)[student]["q6"].waiting for student in ("S1", "S2"))
    mark(pair, "S2", 14.0)
    assert marks(pair)["S1"] == 14.0 and not gradebook.marks(pair, LAB)["S1"]["q6"].waiting


def test_a_member_who_moves_in_gets_the_groups_marks_and_takes_none_along(pair):
    mark(pair, "S1", 12.0)
    mark(pair, "S3", 3.0)
    gradebook.set_lab_groups(pair, LAB, {"S3": "A"})
    graded(pair, "S3", resubmitted=True)
    assert marks(pair) == {"S1": 12.0, "S2": 12.0, "S3": 12.0, "S4": 3.0}
    assert graded_units(pair, LAB) == [("S1", "S2", "S3")]
    mark(pair, "S3", 13.0)
    assert marks(pair) == {"S1": 13.0, "S2": 13.0, "S3": 13.0, "S4": 3.0}


def test_a_member_who_moves_out_keeps_nothing_of_the_groups(pair):
    for student in ("S1", "S2"):
        write_atomic(pair.submission_folder(LAB, student) / f"{LAB}.ipynb", '{"cells": [], "nbformat": 4}')
    mark(pair, "S1", 12.0)
    list(move(pair, LAB, {"S2": "-"}, dry_run=False))
    assert "S2" not in marks(pair) and marks(pair)["S1"] == 12.0
    assert "S2" not in {row.record.student for row in class_marks(pair, LAB)}


def test_old_marks_of_two_who_become_a_group_are_not_mixed(course):
    gradebook.enter_roster(course, [replace(person, group="") for person in PEOPLE])
    graded(course, "S1", file="3" * 64)
    graded(course, "S2", file=OTHER)
    mark(course, "S1", 10.0)
    mark(course, "S2", 12.0)
    gradebook.enter_roster(course, PEOPLE)
    graded(course, "S1", "S2", resubmitted=True)
    assert (marks(course)["S1"], marks(course)["S2"]) == (10.0, 12.0)
    assert [text.split(":")[0] for text in group_marks.disagreements(course, LAB)] == ["q6"]
    mark(course, "S1", 11.0)
    assert marks(course)["S2"] == 11.0


def test_every_member_has_a_row_that_says_with_whom(pair):
    rows = {row.record.student: row for row in class_marks(pair, LAB)}
    assert rows["S1"].partners == ("S2",) and rows["S1"].together == "handed in with S2"
    assert len(rows) == 4


def test_students_without_a_group_who_have_equal_files_are_no_unit(course):
    gradebook.enter_roster(course, [replace(person, group="") for person in PEOPLE])
    graded(course, "S1", "S2", "S5")
    mark(course, "S1", 12.0)
    assert marks(course)["S2"] is None and graded_units(course, LAB) == []
