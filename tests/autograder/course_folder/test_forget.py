"""A forgotten person is in no file of the course any more; everybody else's marks and history stay."""

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from autograder import gradebook
from autograder.course_folder import history
from autograder.course_folder.forget import forget, still_naming, traces
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.deductions.extensions import Extension, grant
from autograder.files import write_atomic
from autograder.report.mark_history import update
from autograder.report.marks import write_marks
from tests.autograder.classes import LAB, add_labs, grade, mark_by_hand
from tests.autograder.test_cli import run

ADA, BOB = Student("S[1]", "Ada", "Lovelace", "ada@x.edu"), Student("S1", "Bob", "Kurz")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    course = Course.at(tmp_path_factory.mktemp("forget") / "course")
    add_labs(course, LAB)
    gradebook.enter_roster(course, [ADA, BOB])
    for student in (ADA.id, BOB.id):
        grade(course, LAB, student, 4, 5)
        mark_by_hand(course, LAB, student, 7)
        own = (course.submission_folder(LAB, student) / "x.ipynb", course.feedback(LAB, student))
        for path in (*own, course.handed_in(LAB, student)):
            write_atomic(path, "x")
        write_atomic(course.superseded(LAB, student) / "then" / "x.ipynb", "x")
    grant(course, LAB, {ADA.id: Extension(longer=timedelta(days=7))})
    gradebook.back_up(course)
    update(course)
    mark_by_hand(course, LAB, ADA.id, 8)  # waits for the history
    write_marks(course)
    return course


@pytest.fixture
def course(made, tmp_path):
    shutil.copytree(made.root, tmp_path / "course")
    return Course.at(tmp_path / "course")


def files_with(course: Course, *texts: str) -> list[Path]:
    paths = [path for path in course.root.rglob("*") if path.is_file()]
    return [path for path in paths if any(text.encode() in path.read_bytes() for text in texts)]


def test_nothing_of_the_person_is_left(course):
    assert traces(course, ADA.id) and len(files_with(course, ADA.id, "Lovelace")) >= 4
    before = history.read(course)[0]
    forget(course, ADA.id)
    write_marks(course)
    assert traces(course, ADA.id) == [] and files_with(course, ADA.id, "Lovelace", ADA.email) == []
    assert history.read(course)[0][: len(before)] == before
    forget(course, ADA.id)  # as after it was stopped


def test_everybody_else_stays(course):
    keys = history.Keys.of(course)
    forget(course, ADA.id)
    assert len(traces(course, BOB.id)) == 5
    assert {cell: mark.points for cell, mark in gradebook.marks(course, LAB)[BOB.id].items()} == {
        "q1-check": 4, "q2-check": 5, "q3": 7,
    }  # fmt: skip
    assert [student.id for student in gradebook.roster(course)] == [BOB.id]
    assert history.Keys.of(course).students == {BOB.id: keys.students[BOB.id]}
    (backup,) = (course.root / "backups").iterdir()
    with sqlite3.connect(backup) as database:
        assert database.execute("SELECT DISTINCT student_id FROM submitted_assignment").fetchall() == [(BOB.id,)]
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_pages_that_name_the_person_are_found(course):
    named, other = course.root / "reports" / f"{LAB}.html", course.root / "reports" / "other.html"
    write_atomic(named, "<td>S1, S[1]</td>")
    write_atomic(other, "<td>S1, S[1]0</td>")
    forget(course, ADA.id)
    assert still_naming(course, ADA) == [course.marks, named]


@pytest.mark.parametrize("text", ["Lovelace,Ada,0", '"Lovelace", "Ada"', "Ada\tLovelace", "<b>Lovelace, Ada</b>"])
def test_a_table_without_ids_still_names_the_person(text, tmp_path):
    course = Course.at(tmp_path / "course")
    write_atomic(course.root / "gradesheet_blackboard.csv", text)
    assert still_naming(course, ADA) and not still_naming(course, Student("S2", "Adam", "Love", "", "700"))


def test_the_command_asks_first(course):
    done = run("forget", ADA.id, "--course", course.root)
    assert done.returncode == 0 and "Nothing was removed" in done.stdout and len(traces(course, ADA.id)) == 5
    assert f"submitted/{ADA.id}" in done.stdout
    done = run("forget", ADA.id, "--yes", "--course", course.root)
    assert done.returncode == 0 and "removed S[1]" in done.stdout and traces(course, ADA.id) == [], done.stderr
    assert ADA.id not in course.marks.read_text()
    done = run("forget", "nobody", "--yes", "--course", course.root)
    assert done.returncode == 2 and "nothing in" in done.stderr and "Traceback" not in done.stderr
