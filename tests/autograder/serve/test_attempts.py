"""The files of attempts: none is lost, none gets the number of another."""

import errno
import os
import shutil
from datetime import UTC, datetime

import pytest

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.serve.attempts import Attempt, Attempts, State, new_id


@pytest.fixture
def attempts(tmp_path):
    return Attempts(Course(tmp_path))


def attempt(number=1, **changes):
    return Attempt(
        new_id(), "lab1", "ada", number, "f" * 64, datetime(2026, 10, 12, number % 24, tzinfo=UTC), **changes
    )


def test_an_attempt_is_read_back_as_it_was_written(attempts, tmp_path):
    questions, mistakes = {"Q1": (1.5, 2.0), "Q3": (None, 20.0)}, {"Q1": ("halved",)}
    written = attempt(state=State.GRADED, graded=datetime.now(UTC), questions=questions, mistakes=mistakes)
    attempts.add(written)
    assert Attempts(Course(tmp_path)).find(written.id) == attempts.find(written.id) == written
    assert (written.points, written.out_of, written.waiting) == (1.5, 22, ["Q3"])
    assert attempts.find("other") is None and attempts.of("lab1", "bob") == ()


def test_a_change_counts_at_once_and_what_is_deleted_stays_deleted(attempts, tmp_path):
    first = attempt()
    attempts.add(first)
    assert attempts.unfinished() == [first]
    attempts.change(first, state=State.GRADED)
    assert attempts.of("lab1", "ada")[0].state == State.GRADED and attempts.unfinished() == []
    shutil.rmtree(tmp_path / "served")
    attempts.change(first, state=State.WAITING)
    assert attempts.of("lab1", "ada") == () and attempts.find(first.id) is None and not (tmp_path / "served").exists()


def test_the_ten_thousandth_attempt_is_the_newest(attempts):
    for number in (9998, 9999, 10000, 10001):
        attempts.add(attempt(number))
    assert [each.number for each in attempts.of("lab1", "ada")] == [9998, 9999, 10000, 10001]
    assert attempts.next_number("lab1", "ada") == 10002


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"format": 99}', b'{"format": 1}'])
def test_a_damaged_file_keeps_its_number(attempts, tmp_path, content):
    for number in (1, 2):
        attempts.add(attempt(number))
    (tmp_path / "served/attempts/lab1/ada/0002.json").write_bytes(content)
    fresh = Attempts(Course(tmp_path))
    assert [each.number for each in fresh.of("lab1", "ada")] == [1] and fresh.next_number("lab1", "ada") == 3


def test_files_that_cannot_be_opened_just_now_are_not_taken_for_missing(attempts, tmp_path, monkeypatch):
    """With too many open files there seemed to be no attempt, and the next one overwrote the first."""
    attempts.add(attempt())

    def fail(*_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("pathlib.Path.read_bytes", fail)
    with pytest.raises(UserError, match="Too many open files"):
        Attempts(Course(tmp_path))
    monkeypatch.setattr("pathlib.Path.iterdir", fail)
    with pytest.raises(UserError):
        attempts.next_number("lab1", "ada")


@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("step", [0, 1])
def test_on_a_full_disk_nothing_is_accepted(attempts, tmp_path, monkeypatch, name, step):
    calls, original = [], getattr(os, name)

    def full(*arguments):
        calls.append(arguments)
        if len(calls) > step:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments)

    monkeypatch.setattr(os, name, full)
    if (name, step) == ("replace", 1):
        attempts.add(attempt())
        return
    with pytest.raises(UserError, match="No space left"):
        attempts.add(attempt())
    monkeypatch.undo()
    assert Attempts(Course(tmp_path)).of("lab1", "ada") == () and not list(tmp_path.rglob("*.json"))
