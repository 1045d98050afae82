"""Lines are only ever added to the history, whole ones, and they name nobody."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograder.course_folder import history
from autograder.course_folder.history import FORGOTTEN, Keys, Line
from autograder.course_folder.layout import Course
from autograder.errors import UserError


@pytest.fixture
def course(tmp_path):
    return Course.at(tmp_path)


def line(number, **changes):
    fields = {"action": "grade", "changes": {"q1": [None, 4.0]}, "detail": {"file": "00"}, **changes}
    return Line(f"id{number}", "2026-10-12T20:33:00Z", "lab1", "key", **fields)


def test_lines_are_added_and_read_again(course):
    history.append(course, [line(1), line(2, by="k2")])
    history.append(course, [])
    history.append(course, [line(3, changes={}, detail={})])
    assert history.read(course) == ([line(1), line(2, by="k2"), line(3, changes={}, detail={})], 0)
    assert len(course.history.read_text().splitlines()) == 3


def test_a_line_that_was_added_twice_counts_once(course):
    history.append(course, [line(1), line(2)])
    history.append(course, [line(2), line(3)])
    assert [each.id for each in history.read(course)[0]] == ["id1", "id2", "id3"]


@pytest.mark.parametrize("rest", ['{"id": "id2", "at"', "[]", "{}", '{"id": 1}', "\x00\x00", '{"id": "x", "at": 5}'])
def test_half_a_line_damages_no_other(course, rest):
    history.append(course, [line(1)])
    with course.history.open("a") as file:
        file.write(rest)
    history.append(course, [line(3)])
    assert history.read(course) == ([line(1), line(3)], 1)


def test_a_full_disk_leaves_no_half_line(course, monkeypatch):
    history.append(course, [line(1)])
    before, write = course.history.read_bytes(), os.write

    def full(file, content):
        if len(content) < 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content[:40])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UserError, match=r"No space left on device.*the marks are stored"):
        history.append(course, [line(2)])
    assert course.history.read_bytes() == before
    monkeypatch.undo()
    history.append(course, [line(2)])
    assert history.read(course) == ([line(1), line(2)], 0)


def test_long_lines_of_several_writers_stay_whole(course):
    many = [[line(f"{who}-{number}", detail={"file": "x" * 5000}) for number in range(20)] for who in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda lines: [history.append(course, [each]) for each in lines], many))
    lines, damaged = history.read(course)
    assert damaged == 0 and {each.id for each in lines} == {each.id for lines in many for each in lines}


def test_keys_are_random_and_kept_in_one_file(course, tmp_path):
    keys = Keys.of(course)
    ada, grader = keys.student("ada"), keys.grader("ada")
    assert keys.student("ada") == ada != grader and keys.grader("") == ""
    keys.write()
    again = Keys.of(course)
    assert (again.name_of(ada), again.name_of(grader), again.name_of("0"), again.name_of("")) == (
        *("ada", "ada", FORGOTTEN, ""),
    )
    other = Keys.of(Course.at(tmp_path / "other"))
    assert other.student("ada") != ada and len(ada) == 16


@pytest.mark.parametrize("text", ["", "{", "[]", '{"students": 5}', '{"people": {}}'])
def test_damaged_keys_are_one_sentence(course, text):
    course.history_keys.write_text(text)
    with pytest.raises(UserError, match=r"history_keys\.json cannot be read"):
        Keys.of(course)


def test_a_line_is_one_line_of_ascii(course):
    history.append(course, [line(1, detail={"file": "\u2028 王\n"})])
    (text,) = course.history.read_bytes().splitlines()
    assert text.isascii() and json.loads(text)["detail"]["file"] == "\u2028 王\n"
