"""The history has every grade, regrade, mark given by hand, late penalty and extension, each once."""

import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from autograder import gradebook
from autograder.course_folder import history
from autograder.course_folder.history import Keys
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.course_folder.settings import Timezone
from autograder.deductions import late
from autograder.deductions.extensions import Extension, grant
from autograder.errors import UserError
from autograder.report.mark_history import mark_history, update
from tests.autograder.classes import LAB, LAB2, add_labs, grade, mark_by_hand
from tests.autograder.test_cli import run

DUE = datetime(2026, 10, 12, 15, 59, tzinfo=UTC)
UTC_TIME = Timezone("UTC")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    course = Course.at(tmp_path_factory.mktemp("history") / "course")
    add_labs(course, LAB, LAB2)
    gradebook.enter_roster(course, [Student("S101", "Ada", "Lovelace", "ada@x.edu"), Student("S102", "Bob", "Kurz")])
    return course


@pytest.fixture
def course(released, tmp_path, monkeypatch):
    shutil.copytree(released.root, tmp_path / "course")
    monkeypatch.setattr("getpass.getuser", lambda: "hwang")
    return Course.at(tmp_path / "course")


def rows(course, student="S101", lab=LAB):
    return [(row.what, row.marks, row.by) for row in mark_history(course, lab, student, UTC_TIME).rows]


def test_the_life_of_a_mark(course):
    gradebook.set_deadline(course, LAB, DUE)
    grade(course, LAB, "S101", 4, 5)
    update(course)
    mark_by_hand(course, LAB, "S101", 12.5)
    mark_by_hand(course, LAB, "S101", 13)
    mark_by_hand(course, LAB, "S101", 13, extra=1)
    update(course)
    grant(course, LAB, {"S101": Extension(longer=timedelta(days=7)), "S102": Extension(until=DUE)})
    update(course)
    grade(course, LAB, "S101", 10, 5, action="regrade Q1", release="r2")
    update(course)
    grant(course, LAB, {"S101": None})
    update(course)
    update(course)
    assert rows(course) == [
        ("graded, file 000000000000", "q1-check – → 4, q2-check – → 5", "hwang"),
        ("mark given by hand", "q3 – → 12.5", ""),
        ("mark given by hand", "q3 12.5 → 13", ""),
        ("extra points given by hand", "q3 – → 1", ""),
        ("extension", "none → 7d", "hwang"),
        ("regraded Q1, file 000000000000", "q1-check 4 → 10", "hwang"),
        ("extension", "7d → none", "hwang"),
    ]
    assert rows(course, "S102") == [("extension", "none → 2026-10-12 15:59:00", "hwang")]
    assert rows(course, lab=LAB2) == [] and mark_history(course, LAB, "S101", UTC_TIME).unexplained == {}


def test_a_late_penalty_a_resubmission_and_a_file_that_cannot_be_read(course):
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + '\nc = get_config()\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    gradebook.set_deadline(course, LAB, DUE)
    grade(course, LAB, "S101", 4, 5, 0.0)
    folder = course.submission_folder(LAB, "S101")
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(late.timestamp(DUE + timedelta(hours=1)))
    late.update(course, LAB)
    grade(course, LAB, "S101", 4, 5, 0.0, sha256="1" * 64)
    grade(course, LAB, "S101", cells=(), reason="Ada's file ends in the middle", sha256="2" * 64)
    grade(course, LAB, "S101", cells=(), reason="Ada's file ends in the middle", sha256="2" * 64)
    update(course)
    assert rows(course) == [
        ("graded, file 000000000000", "q1-check – → 4, q2-check – → 5, q3 – → 0", "hwang"),
        ("late penalty", "– → 9", ""),
        ("graded, file 111111111111", "no change", "hwang"),
        ("graded, no mark: the submission could not be read, file 222222222222", "no change", "hwang"),
    ]
    assert "Ada" not in course.history.read_text()


def test_marks_by_another_program_and_from_before_the_history_are_told_apart(course):
    with gradebook.open_gradebook(course) as book:
        book.add_submission(LAB, "S101")
        book.find_grade("q1-check", LAB, LAB, "S101").auto_score = 3
        book.db.commit()
    update(course)
    with gradebook.open_gradebook(course) as book:  # as nbgrader autograde does
        book.find_grade("q1-check", LAB, LAB, "S101").auto_score = 5
        book.db.commit()
    update(course)
    assert rows(course) == [
        ("found when the history began", "q1-check – → 3", ""),
        ("points of a check changed by another program", "q1-check 3 → 5", ""),
    ]


def test_no_line_names_anybody(course):
    grade(course, LAB, "S101", 4, 5)
    mark_by_hand(course, LAB, "S101", 12.5)
    grant(course, LAB, {"S101": Extension(longer=timedelta(days=7))})
    update(course)
    text = course.history.read_text()
    assert not any(name in text for name in ("S101", "Ada", "ada", "hwang"))
    keys = Keys.of(course)
    assert set(keys.students) == {"S101"} and set(keys.graders) == {"hwang"}


def test_a_restored_backup_is_told(course):
    grade(course, LAB, "S101", 4, 5)
    backup = gradebook.back_up(course)
    mark_by_hand(course, LAB, "S101", 12.5)
    update(course)
    shutil.copy(backup, course.gradebook)
    update(course)
    assert mark_history(course, LAB, "S101", UTC_TIME).unexplained == {"q3": None}
    mark_by_hand(course, LAB, "S101", 12.5)
    update(course)
    assert mark_history(course, LAB, "S101", UTC_TIME).unexplained == {}
    assert [what for what, _, _ in rows(course)].count("graded, file 000000000000") == 1


def test_several_graders_at_once_lose_and_double_nothing(course):
    students = [f"T{number}" for number in range(12)]
    for student in students:
        grade(course, LAB, student, 4, 5)

    def work(student):
        mark_by_hand(course, LAB, student, 7)
        update(course)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, students))
    lines, damaged = history.read(course)
    assert damaged == 0 and len(lines) == 2 * len(students) == len(course.history.read_text().splitlines())
    assert all(len(rows(course, student)) == 2 for student in students)


def test_a_full_disk_loses_no_mark_and_no_line(course, monkeypatch):
    grade(course, LAB, "S101", 4, 5)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UserError, match="make room"):
        update(course)
    monkeypatch.undo()
    assert gradebook.marks(course, LAB)["S101"]["q1-check"].points == 4 and not history.read(course)[0]
    mark_by_hand(course, LAB, "S101", 7)
    update(course)
    assert [what for what, _, _ in rows(course)] == ["graded, file 000000000000", "mark given by hand"]


def test_stopped_between_the_history_and_the_gradebook_nothing_counts_twice(course, monkeypatch):
    grade(course, LAB, "S101", 4, 5)
    mark_by_hand(course, LAB, "S101", 7)

    def stopped(course, lines, append=history.append):
        append(course, lines)
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "append", stopped)
    with pytest.raises(KeyboardInterrupt):
        update(course)
    monkeypatch.undo()
    update(course)
    assert len(course.history.read_text().splitlines()) == 4 and len(rows(course)) == 2


def test_the_command(course):
    grade(course, LAB, "S101", 4, 5)
    done = run("history", "lab1", "ada@x.edu", "--course", course.root)
    assert done.returncode == 0, done.stderr
    assert "S101 Ada Lovelace, lab1_linear_quantization; times in" in done.stdout
    assert "graded" in done.stdout and "q1-check – → 4" in done.stdout and "hwang" in done.stdout
    assert "nothing has happened yet" in run("history", "lab2", "S101", "--course", course.root).stdout


def test_wrong_calls_of_the_command_are_one_sentence(course, tmp_path):
    done = run("history", "lab1", "S999", "--course", course.root)
    assert done.returncode == 2 and "“S999” is not one student of the roster" in done.stderr
    Course.at(tmp_path / "empty")
    assert "no gradebook yet" in run("history", "lab1", "S101", "--course", tmp_path / "empty").stderr
