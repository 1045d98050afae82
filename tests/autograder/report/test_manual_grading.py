"""What is to be graded by hand is listed, with as many words as its writer would count."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import gradebook
from autograder.gradebook import CellMark
from autograder.report.manual_grading import count_words, pending_answers
from tests.autograder.classes import LAB, record, released_course, save
from tests.autograder.test_cli import run


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("Weights don't change; activations do.", 5),
        ("**bold**, _soft_ and `code`", 4),
        ("量化误差很小", 6),
        ("int8 量化", 3),
        ("Квантование — это просто", 3),
        ("0.5 and 1e-3", 3),
        ("see [the paper](https://arxiv.org/abs/1712.05877) https://x.org/y", 3),
        ("![a picture](attachment:plot.png)", 0),
        ("<br> one\n\n- two", 2),
    ],
)
def test_words_are_counted_as_people_count_them(text, words):
    assert count_words(text) == words


@given(st.lists(st.text("abcxyzäßéж", min_size=1)))
def test_words_between_spaces_count(words):
    assert count_words(" ".join(words)) == len(words)


@pytest.fixture
def course(tmp_path, monkeypatch):
    course = released_course(tmp_path / "course")
    marks = {
        "bo": {"q3": CellMark(None, 20, True), "q1-check": CellMark(10, 10, False)},
        "al": {"q3": CellMark(12, 20, True, by_hand=True), "q1-check": CellMark(1, 10, True)},
        "cy": {"q3": CellMark(0, 20, False)},
    }
    monkeypatch.setattr(gradebook, "marks", lambda _, lab: marks if lab == LAB else {})
    save(course, record("al"), {"q3": "four words of mine", "q1": "x"})
    return course


def test_pending_answers_are_sorted_by_question_with_words_and_file(course):
    pending = list(pending_answers(course, LAB))
    assert [(answer.cell, answer.student, answer.words, answer.again) for answer in pending] == [
        ("q1-check", "al", None, False),  # a check has no words
        ("q3", "al", 4, True),
        ("q3", "bo", None, False),  # there is no notebook
    ]
    assert pending[1].file == course.autograded(LAB, "al") and pending[1].out_of == 20


def test_without_a_gradebook_the_command_says_so(tmp_path):
    course = released_course(tmp_path)
    done = run("essays", "--course", course.root)
    assert done.returncode == 2 and "no gradebook yet" in done.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("class")
def test_the_command_lists_the_class(graded):
    # Wide enough for a file beside its answer.
    done = run("essays", "lab1", "--course", graded.course.root, env={**os.environ, "COLUMNS": "400"})
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:-1]]
    expected = {(c, s["id"]) for s in graded.students.values() for c in s.get("read_by_hand", [])}
    assert {(row[1], row[2]) for row in rows} == expected and len(rows) == len(expected)
    assert all(row[-1] == str(graded.course.autograded("lab1_linear_quantization", row[2])) for row in rows)
    assert f"{len(expected)} to be graded by hand, from 3 submissions" in done.stdout


@pytest.mark.slow
def test_nothing_to_grade_by_hand(course, released):
    done = run("essays", "--course", released.root)
    assert done.returncode == 0 and done.stdout.strip() == "nothing to grade by hand"
