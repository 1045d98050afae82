"""Marks given by hand stay."""

import os
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from nbgrader.api import get_alembic_version

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.errors import UserError
from autograder.grade.record import CellGrade, GradingRecord
from tests.autograder.conftest import LAB


def record(points=9.0, essay=None):
    cells = (
        CellGrade("q1-check", "Q1", points, 15.0),
        CellGrade("q6", "Q6", essay, 20.0, answered=essay is None),
    )
    return GradingRecord("ada", LAB, "0" * 64, 1, "r", "v", cells=cells)


def mark_by_hand(course, cell, points, comment=""):
    with gradebook.open_gradebook(course) as book:
        grade = book.find_grade(cell, LAB, LAB, "ada")
        grade.manual_score, grade.needs_manual_grade = points, False
        if comment:
            book.find_comment(cell, LAB, LAB, "ada").manual_comment = comment
        book.db.commit()


def marks(course):
    return gradebook.marks(course, LAB)["ada"]


def test_storing_twice_changes_nothing(course):
    gradebook.store(course, [record()])
    once = marks(course)
    gradebook.store(course, [record()])
    assert marks(course) == once and once["q1-check"].points == 9 and once["q6"].waiting


def test_marks_given_by_hand_stay_when_the_same_is_graded_again(course):
    gradebook.store(course, [record()])
    mark_by_hand(course, "q6", 17.5, "well argued")
    mark_by_hand(course, "q1-check", 12.0)
    gradebook.store(course, [record(points=6.0)])
    assert (marks(course)["q6"].points, marks(course)["q6"].waiting) == (17.5, False)
    assert marks(course)["q6"].comment == "well argued"
    assert marks(course)["q1-check"].points == 12.0


def test_marks_given_by_hand_have_to_be_looked_at_again_after_another_file(course):
    gradebook.store(course, [record()])
    mark_by_hand(course, "q6", 17.5)
    gradebook.store(course, [replace(record(), resubmitted=True)])
    assert (marks(course)["q6"].points, marks(course)["q6"].waiting) == (17.5, True)


def test_an_empty_essay_gets_0_and_is_not_pending(course):
    gradebook.store(course, [record(essay=0.0)])
    assert (marks(course)["q6"].points, marks(course)["q6"].waiting, marks(course)["q6"].comment) == (0.0, False, "")


def test_a_backup_is_the_database_as_it_was(course):
    gradebook.store(course, [record()])
    copy = gradebook.back_up(course)
    gradebook.store(course, [record(points=1.0)])
    with sqlite3.connect(copy) as database:
        stored = [row[0] for row in database.execute("select auto_score from grade where auto_score is not null")]
    assert 9.0 in stored and 1.0 not in stored


def test_whatever_is_put_in_its_place_is_what_is_read(course):
    gradebook.store(course, [record()])
    copy = gradebook.back_up(course)
    gradebook.store(course, [record(points=1.0)])
    course.gradebook.write_bytes(copy.read_bytes())
    assert marks(course)["q1-check"].points == 9
    course.gradebook.write_bytes(b"")
    assert gradebook.marks(course, LAB) == {} and gradebook.roster(course) == []
    course.gradebook.unlink()
    gradebook.prepare(course)
    assert gradebook.marks(course, LAB) == {} and gradebook.roster(course) == []
    copy.replace(course.gradebook)
    assert marks(course)["q1-check"].points == 9


def test_a_gradebook_that_is_open_can_be_opened_again(course):
    gradebook.store(course, [record()])
    with gradebook.open_gradebook(course) as book:
        assert marks(course)["q1-check"].points == 9
        assert book.find_submission(LAB, "ada").student_id == "ada"


def test_only_the_newest_backups_stay(course):
    for _ in range(gradebook.MAX_BACKUPS + 3):
        gradebook.back_up(course)
    assert len(list((course.root / "backups").iterdir())) == gradebook.MAX_BACKUPS


@pytest.mark.slow
def test_a_new_database_has_nbgraders_own_version_and_takes_no_command(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # the command alembic is there
    nbgraders_own = get_alembic_version()
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a command was run"))
    new = Course.at(tmp_path)
    gradebook.prepare(new)
    gradebook.prepare(new)
    with sqlite3.connect(new.gradebook) as database:
        assert database.execute("select version_num from alembic_version").fetchall() == [(nbgraders_own,)]


def test_no_database_no_marks_no_backup(tmp_path):
    empty = Course.at(tmp_path)
    assert gradebook.marks(empty, LAB) == {} and gradebook.back_up(empty) is None


@pytest.mark.parametrize("lab", ["lab9"])
def test_a_lab_that_was_never_released_has_no_marks(course, lab):
    assert gradebook.marks(course, lab) == {}


def test_two_who_have_the_gradebook_open_at_once_do_not_disturb_each_other(course):
    gradebook.store(course, [record()])
    with gradebook.open_gradebook(course) as outer:
        grade = outer.find_grade("q6", LAB, LAB, "ada")
        assert marks(course)["q6"].waiting
        grade.manual_score, grade.needs_manual_grade = 3.0, False
        outer.db.commit()
    assert marks(course)["q6"].points == 3.0


def test_another_database_in_the_same_place_is_looked_at_anew(course):
    gradebook.store(course, [record()])
    assert gradebook.roster(course)
    course.gradebook.write_bytes(b"")  # the same inode, and no table
    assert gradebook.roster(course) == [] and gradebook.marks(course, LAB) == {}


def test_groups_are_those_of_the_roster_in_the_lab(course):
    people = [Student("ada", group="A"), Student("bob", group="B"), Student("eve"), Student("ivan", group="A")]
    gradebook.enter_roster(course, people)
    gradebook.set_lab_groups(course, LAB, {"bob": "A", "eve": "C", "gone": "A"})
    slow = {each.id: each.group for each in gradebook.roster_in_lab(course, LAB) if each.group}
    assert gradebook.groups_in_lab(course, LAB) == slow == {"ada": "A", "bob": "A", "eve": "C", "ivan": "A"}


def test_one_students_marks_and_penalties_are_those_among_all(course):
    gradebook.store(course, [record(), replace(record(4.0), student="bob")])
    everybody = gradebook.marks(course, LAB)
    assert set(everybody) == {"ada", "bob"}
    assert all(gradebook.marks(course, LAB, student) == {student: cells} for student, cells in everybody.items())


def test_a_daily_backup_is_made_once_a_day(course):
    gradebook.store(course, [record()])
    for _ in range(2):
        gradebook.back_up_daily(course)
    (first,) = (course.root / "backups").iterdir()
    os.utime(first, (0, first.stat().st_mtime - 90_000))
    gradebook.back_up_daily(course)
    assert len(list((course.root / "backups").iterdir())) == 2


def test_a_database_that_is_damaged_anywhere_is_recognized(course):
    gradebook.store(course, [record()])
    gradebook.check(course)
    size = course.gradebook.stat().st_size
    with course.gradebook.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    with pytest.raises(UserError, match=r"is damaged.*copy the newest file of backups/ over it"):
        gradebook.check(course)
