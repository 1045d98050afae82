"""A forgotten person is in no file of the course any more; everybody else's marks and history stay."""

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autograder import gradebook
from autograder.course_folder import history
from autograder.course_folder.forget import forget, is_known, left, traces
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.deductions.extensions import Extension, grant
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.report.mark_history import update
from autograder.report.marks import write_marks
from autograder.serve.tokens import Role, Tokens
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


def test_what_people_wrote_is_found_and_stays(course):
    named, other = course.root / "notes.txt", course.root / "others.txt"
    write_atomic(named, "<td>S1, S[1]</td>")
    write_atomic(other, "<td>S1, S[1]0</td>")
    joint = course.submission_folder(LAB, BOB.id) / "joint.ipynb"
    write_atomic(joint, "by Bob and Ada Lovelace")
    forget(course, ADA.id)
    rest = left(course, ADA)
    assert rest.by_people == (named,) and rest.work_of_others == (joint,)


def test_a_page_about_a_lab_is_removed_although_it_names_nobody(course):
    # An anonymous example may be the student's answer.
    pages = [course.class_report(LAB), course.similarity_report(LAB), course.essays(LAB, 1)]
    other = course.class_report("lab2_integer_only")
    for page in (*pages, other):
        write_atomic(page, "<p>x = 1</p>")
    forget(course, ADA.id)
    assert [page for page in (*pages, other) if page.is_file()] == [other]


STEPS = (
    "_remove_unfinished", "made_with", "_remove_link", "Tokens.forget", "extensions.forget", "graders.forget",
    "_remove", "Keys.write", "gradebook.forget", "write_marks",
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_after_it_was_stopped_the_same_call_goes_on(step, course, monkeypatch):
    write_atomic(course.class_report(LAB), "Lovelace")
    write_atomic(course.links, f"student_id,link\n{ADA.id},x\n{BOB.id},y\n")
    Tokens(course).issue([ADA.id, BOB.id], Role.STUDENT, datetime.now(UTC) + timedelta(days=1))

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"autograder.course_folder.forget.{step}", stop)
        with pytest.raises(KeyboardInterrupt):
            forget(course, ADA.id)
    assert is_known(course, ADA.id) or step == "write_marks"
    forget(course, ADA.id)
    assert not is_known(course, ADA.id) and files_with(course, ADA.id, "Lovelace", ADA.email) == []
    assert is_known(course, BOB.id) and set(Tokens(course).issued(Role.STUDENT)) == {BOB.id}
    assert course.links.read_text().split() == ["student_id,link", "S1,y"]


def test_a_gradebook_in_use_is_one_sentence_and_nothing_is_removed(course, monkeypatch):
    monkeypatch.setattr(
        gradebook.sqlite3, "connect", lambda *a, connect=sqlite3.connect, **o: connect(*a, **o | {"timeout": 0.1})
    )
    with sqlite3.connect(course.gradebook) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UserError, match=r"is in use: close the formgrader"):
            forget(course, ADA.id)
        other.rollback()
    assert len(traces(course, ADA.id)) == 5
    forget(course, ADA.id)
    assert traces(course, ADA.id) == []


def test_a_backup_that_is_damaged_is_one_sentence(course):
    (backup,) = (course.root / "backups").iterdir()
    backup.write_bytes(b"no database" * 1000)
    with pytest.raises(UserError, match=r"backups/.*delete it, or mend it, then run this again"):
        forget(course, ADA.id)
    assert is_known(course, ADA.id)
    backup.unlink()
    forget(course, ADA.id)
    assert not is_known(course, ADA.id)


def test_a_member_of_staff_loses_the_link(course):
    Tokens(course).issue(["Prof. Lin"], Role.STAFF, datetime.now(UTC) + timedelta(days=1))
    done = run("forget", "Prof. Lin", "--yes", "--course", course.root)
    assert done.returncode == 0 and "removed Prof. Lin" in done.stdout, done.stderr
    assert not Tokens(course).has("Prof. Lin") and len(traces(course, ADA.id)) == 5


def test_the_command_asks_first(course):
    done = run("forget", ADA.id, "--course", course.root)
    assert done.returncode == 0 and "Nothing was removed" in done.stdout and len(traces(course, ADA.id)) == 5
    assert f"submitted/{ADA.id}" in done.stdout
    done = run("forget", ADA.id, "--yes", "--course", course.root)
    assert done.returncode == 0 and "removed S[1]" in done.stdout and traces(course, ADA.id) == [], done.stderr
    assert ADA.id not in course.marks.read_text()
    done = run("forget", "nobody", "--yes", "--course", course.root)
    assert done.returncode == 2 and "nothing in" in done.stderr and "Traceback" not in done.stderr
