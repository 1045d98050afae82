"""The grading process, in this one: what it says of each submission, and what it does when something is in the way."""

import json
import shutil
import threading
from collections import deque
from contextlib import ExitStack
from dataclasses import replace

import pytest

from autograder import gradebook
from autograder.course_folder import history
from autograder.errors import UserError
from autograder.grade.record import GradingRecord
from autograder.serve import grader as grading
from autograder.serve.grader import Grader
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import Judges, gradebook_locked, notebook, points_of


class Process:
    """A grading process in which a test does each step.

    Attributes:
        said: the events, in order.
        judges: who grades.
    """

    def __init__(self, course, cores=1):
        self.course, self.judges, self.said = course, Judges(), []
        self.grader = Grader(course, self.judges.workers(), cores, sandboxed=False, say=self._hear)
        self.grader._tidy_at = float("inf")

    def _hear(self, event, **details):
        self.said.append((event, *details.values()))

    def submit(self, student, content):
        path = self.course.submission_folder(LAB, student) / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def work(self):
        """Do what can be done, waiting for nothing."""
        self.grader._retry_at.clear()
        for _ in range(3):
            self.grader.work(0)

    def record(self, student):
        return GradingRecord.read(self.course.record(LAB, student))

    def stored(self, student):
        """The points in the gradebook, of Q1 and Q2."""
        marks = gradebook.marks(self.course, LAB).get(student, {})
        return tuple(marks[cell].points for cell in ("q1-check", "q2-check")) if marks else None


@pytest.fixture
def process(served):
    return Process(served)


def test_a_submission_is_graded_stored_and_announced(process):
    process.submit("ada", notebook(1))
    process.grader.ask(LAB, "ada")
    process.work()
    assert process.said == [("grading", LAB, "ada"), ("graded", LAB, "ada", True)]
    assert process.record("ada").sha256 and process.stored("ada") == points_of(notebook(1)) and process.grader.is_idle


def test_what_is_graded_already_is_not_graded_again(process):
    """As after a crash between the record and the gradebook, or beside `autograder grade`."""
    process.submit("ada", notebook(1))
    process.grader.ask(LAB, "ada")
    process.work()
    before, process.said = process.course.record(LAB, "ada").read_bytes(), []
    again = Process(process.course)
    again.grader.ask(LAB, "ada")
    again.work()
    assert again.said == [("graded", LAB, "ada", True)] and not again.judges.seen
    assert process.course.record(LAB, "ada").read_bytes() == before


def test_a_submission_that_is_gone_is_answered(process):
    process.grader.ask(LAB, "ada")
    process.work()
    assert process.said == [("graded", LAB, "ada", True)] and process.record("ada") is None


def test_nothing_is_written_of_somebody_who_was_forgotten_meanwhile(process):
    process.submit("ada", notebook(1))
    judge = process.judges.judge

    def forgetting(job):
        shutil.rmtree(process.course.submission_folder(LAB, "ada"))
        return judge(job)

    process.judges.judge = forgetting
    process.grader.ask(LAB, "ada")
    process.work()
    assert process.record("ada") is None and process.stored("ada") is None
    assert process.said[-1] == ("graded", LAB, "ada", True) and process.grader.is_idle


def test_a_gradebook_that_is_locked_when_grading_ends_is_filled_later(process, impatient):
    process.submit("ada", notebook(1))
    process.grader.ask(LAB, "ada")
    judge, locked = process.judges.judge, ExitStack()

    def locking(job):
        locked.enter_context(gradebook_locked(process.course))
        return judge(job)

    process.judges.judge = locking
    # It may be free again a moment later: a mark of 0 was shown when the next look at it succeeded.
    process.grader._is_late = lambda *_: False
    with locked:
        process.grader.work(0)
        process.work()
        assert process.record("ada").sha256 and not process.grader.is_idle
        assert {event for event, *_ in process.said} == {"grading", "problem"} and "is in use" in process.said[-1][1]
    process.work()
    assert process.stored("ada") == points_of(notebook(1)) and len(process.judges.seen) == 1
    assert process.said[-1] == ("graded", LAB, "ada", True) and process.grader.is_idle


def test_a_result_that_cannot_be_written_is_asked_for_again(process, monkeypatch):
    process.submit("ada", notebook(1))
    labs = process.grader._grading(LAB)
    save, failures = labs.save, [UserError("the disk is full: make room.")]
    monkeypatch.setattr(labs, "save", lambda *arguments: save(*arguments) if not failures else _raise(failures.pop()))
    process.grader.ask(LAB, "ada")
    process.grader.work(0)
    assert process.said == [("grading", LAB, "ada"), ("problem", "the disk is full: make room.")]
    assert not process.grader.is_idle
    process.work()
    assert process.said[-1] == ("graded", LAB, "ada", True) and process.stored("ada") == points_of(notebook(1))


def _raise(error):
    raise error


def test_a_second_request_waits_for_the_first(process):
    process.submit("ada", notebook(1))
    for _ in range(2):
        process.grader.ask(LAB, "ada")
    process.work()
    assert [event for event, *_ in process.said] == ["grading", "graded", "graded"] and len(process.judges.seen) == 1


def test_partners_with_the_same_file_are_graded_once(one_lab, group_course, tmp_path):
    shutil.copytree(group_course.root, tmp_path / "groups")
    process = Process(replace(group_course, root=tmp_path / "groups"))
    for student in ("ada", "bob"):
        process.submit(student, notebook(1))
    process.grader.ask(LAB, "bob")
    process.work()
    assert len(process.judges.seen) == 1 and process.stored("ada") == process.stored("bob") == points_of(notebook(1))
    answered = {student: asked for event, _, student, *rest in process.said if event == "graded" for asked in rest}
    assert answered == {"ada": False, "bob": True}, "the request was Bob's, and is answered once"


def test_after_a_while_marks_and_history_are_written(process, monkeypatch):
    process.submit("ada", notebook(1))
    process.grader.ask(LAB, "ada")
    process.work()
    assert not process.course.marks.is_file()
    process.grader._tidy_at = 0.0
    monkeypatch.setattr(grading, "write_marks", lambda _: _raise(OSError("no room")))
    process.work()
    assert process.said[-1] == ("problem", "no room") and process.grader._desk.untidy
    monkeypatch.undo()
    process.grader._tidy_at = 0.0
    process.work()
    assert process.said[-1] == ("tidy",) and not process.grader._desk.untidy
    assert "ada" in process.course.marks.read_text("utf-8-sig")
    assert [line.action for line in history.read(process.course)[0]].count("grade") == 1


def test_requests_come_in_pieces_and_their_end_ends_it(process, monkeypatch):
    for student in ("ada", "bob"):
        process.submit(student, notebook(student))
    lines = "".join(json.dumps({"lab": LAB, "student": student}) + "\n" for student in ("ada", "bob")).encode()
    pieces = deque([lines[:9], lines[9:60], lines[60:]])

    graded = threading.Event()
    hear = process._hear

    def say(event, **details):
        hear(event, **details)
        if [each[2] for each in process.said if each[0] == "graded"] == ["ada", "bob"]:
            graded.set()

    process.grader._say = say

    def read(_, size):
        if pieces:
            return pieces.popleft()
        assert graded.wait(60)
        return b""

    monkeypatch.setattr(grading.os, "read", read)
    process.grader.run()
    assert process.said[0] == ("ready",) and process.stored("ada") == points_of(notebook("ada"))
    assert process.said[-1] == ("tidy",), "marks.csv is written before it ends"
