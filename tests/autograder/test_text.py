"""Text that students wrote, as people see it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grade.record import CellGrade, GradingRecord
from autograder.text import clean, first_few
from qlab.check.outcome import Outcome, Picture

ESCAPES = ["\x1b[2J", "\x1b]0;title\x07", "\x1b]52;c;QUFB\x1b\\", "\x1bc", "\x1bP1$r\x1b\\", "\x9b", "\x07", "\x7f"]


@pytest.mark.parametrize("escape", [*ESCAPES, "\u202e", "\u2066", "\u200f", "\x85", "\ud800"])
def test_what_only_a_terminal_would_obey_is_gone(escape):
    assert clean(f"before{escape}after\n\tend") == "beforeafter\n\tend"


@given(st.text())
def test_clean_text_can_be_printed_and_stays_so(text):
    shown = clean(text)
    assert clean(shown) == shown and len(shown) <= len(text)
    assert not any((ord(letter) < 32 and letter not in "\n\t") or 0x7F <= ord(letter) <= 0x9F for letter in shown)
    shown.encode("utf-8")


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))))
def test_what_people_can_see_stays(text):
    assert clean(text) == text


def test_long_text_is_cut():
    assert clean("x" * 100, 10) == "x" * 8 + " …" and clean("x" * 10, 10) == "x" * 10
    assert first_few(("a" * 20,) * 5, 2, 10) == ("a" * 8 + " …",) * 2 + ("and 3 more remarks",)


def test_a_record_is_cleaned_everywhere_but_in_the_students_id():
    bad = "a\x1b[8mb\u202e"
    outcome = Outcome(
        "Q1", bad, 0, 1, (bad,), (bad,), (bad,), bad, bad, (bad,), bad, Picture(bad, (bad,), ((bad,),), ((0, 0),))
    )
    cells = (CellGrade("q1-check", "Q1", 0.0, 1.0, outcome=outcome),)
    record = GradingRecord(
        bad,
        "lab1",
        "",
        1,
        "r",
        "v",
        submitted_release=bad,
        cells=cells,
        remarks=(bad,) * 30,
        reason=bad,
        seconds={bad: 1.0},
    ).for_people()
    assert record.student == bad
    text = record.text().split('"lab"')[1]  # behind the student's id
    assert "\\u001b" not in text and "\u202e" not in text and record.seconds == {"ab": 1.0}
    assert len(record.remarks) == 21 and set(record.remarks[:20]) == {"ab"}
