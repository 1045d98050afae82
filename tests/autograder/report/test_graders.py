"""Everybody who reads gets a fair share, which stays the same while answers are read and others come late."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import gradebook
from autograder.course_folder.roster import Student
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.report.graders import divide, forget, share_out
from autograder.report.manual_grading import PendingAnswer, hand_counts, pending_answers
from tests.autograder.classes import LAB, record, released_course, save, small_lab
from tests.autograder.test_cli import run

PLACES = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 400)), min_size=1, max_size=40)


def answers(sizes, prefix="s"):
    """So many answers of each student, with so many words each."""
    return [
        PendingAnswer(LAB, f"{prefix}{number:03}", f"Q{question}", f"q{question}", 10, words, Path())
        for number, (count, words) in enumerate(sizes)
        for question in range(count)
    ]


def loads(pending, shares, count):
    load = Counter(shares[answer.student] for answer in pending)
    return [load[grader] for grader in range(1, count + 1)]


@given(PLACES, st.integers(1, 6))
def test_shares_differ_by_less_than_a_submission(sizes, count):
    pending = answers(sizes)
    shares = divide(pending, {}, count)
    load = loads(pending, shares, count)
    assert set(shares) == {answer.student for answer in pending} and max(load) - min(load) <= 3


@given(PLACES, PLACES, st.integers(1, 6), st.sets(st.integers(0, 39)))
def test_what_was_divided_stays_when_some_is_read_and_some_comes_late(sizes, late, count, read):
    pending = answers(sizes)
    shares = divide(pending, {}, count)
    left = [answer for number, answer in enumerate(pending) if number not in read] + answers(late, "late")
    again = divide(left, shares, count)
    assert {student: again[student] for student in shares} == shares
    assert divide(left, again, count) == again


@given(PLACES, st.integers(1, 4))
def test_another_reader_takes_over_a_fair_share_and_one_who_leaves_gives_it_to_the_others(sizes, count):
    pending = answers(sizes)
    before = divide(pending, {}, count)
    more = divide(pending, before, count + 1)
    load = loads(pending, more, count + 1)
    assert max(load) - min(load) <= 3
    assert all(
        more[student] in (grader, count + 1) or count == 1 for student, grader in before.items() if grader > count
    )
    fewer = divide(pending, more, count)
    assert set(fewer.values()) <= set(range(1, count + 1))
    assert all(fewer[student] == grader for student, grader in more.items() if grader <= count)


def test_of_equal_numbers_the_words_are_divided():
    pending = answers([(1, 400), (1, 100), (1, 390), (1, 110)])
    shares = divide(pending, {}, 2)
    words = Counter()
    for answer in pending:
        words[shares[answer.student]] += answer.words
    assert max(words.values()) - min(words.values()) <= 20


def test_partners_stay_with_whoever_had_one_of_them():
    pending = [PendingAnswer(LAB, "a", "Q3", "q3", 20, 5, Path(), partners=("b",))]
    assert divide(pending, {"b": 2}, 3) == {"a": 2}


@pytest.fixture
def read_by_hand(tmp_path):
    """Ten students with a text each; two of them are a group and handed in one file."""
    course = released_course(tmp_path / "course")
    (tmp_path / "course" / "source").mkdir(exist_ok=True)
    people = [
        Student(f"s{number}", group="A" if number < 2 else "", section="Mon" if number % 2 else "Tue")
        for number in range(10)
    ]
    gradebook.enter_roster(course, people)
    with gradebook.open_gradebook(course) as book:
        book.add_assignment(LAB)
        book.add_notebook(LAB, LAB)
        for name, points in (("q1-check", 10), ("q2-check", 5), ("q3", 20)):
            book.add_grade_cell(name, LAB, LAB, max_score=points, cell_type="code")
        book.add_solution_cell("q3", LAB, LAB)
    for number in range(10):
        file = "f" * 64 if number < 2 else f"{number:064}"
        saved = save(course, replace(record(f"s{number}"), sha256=file), {"q3": "word " * (10 + number)})
        gradebook.store(course, [saved])
    return course


def test_pages_link_into_formgrader(read_by_hand):
    pending = list(pending_answers(read_by_hand, LAB))
    assert len(pending) == 9 and pending[0].students == "s0 s1"
    shares = share_out(read_by_hand, small_lab(), pending, 2, "https://hub.x.edu/user/ta/")
    ids = gradebook.notebook_ids(read_by_hand, LAB)
    links = [link for share in shares for link in re.findall(r'href="([^"]+)"', share.path.read_text())]
    assert set(links) == {
        f"https://hub.x.edu/user/ta/formgrader/submissions/{ids[each.student]}/#q3" for each in pending
    }
    assert len(links) == 9 and sorted(len(share.answers) for share in shares) == [4, 5]
    (count,) = hand_counts(read_by_hand, LAB)
    assert (count.cell, count.read, count.left) == ("q3", 0, 9)


def test_the_table_of_shares_is_kept_and_one_that_cannot_be_read_is_told(read_by_hand):
    pending = list(pending_answers(read_by_hand, LAB))
    share_out(read_by_hand, small_lab(), pending, 3, "")
    table = read_by_hand.graders(LAB)
    before = table.read_text()
    again = share_out(read_by_hand, small_lab(), pending[3:], 3, "")
    assert table.read_text() == before and sum(len(share.answers) for share in again) == 6
    share_out(read_by_hand, small_lab(), pending, 2, "")
    assert len(list((read_by_hand.root / "reports").glob("*_essays_*.html"))) == 2
    write_atomic(table, "student_id,grader\ns0,first\n")
    with pytest.raises(UserError, match="delete it to divide anew"):
        share_out(read_by_hand, small_lab(), pending, 3, "")


def test_a_forgotten_student_is_in_no_table(read_by_hand):
    share_out(read_by_hand, small_lab(), list(pending_answers(read_by_hand, LAB)), 2, "")
    forget(read_by_hand, "s3")
    assert "s3" not in read_by_hand.graders(LAB).read_text() and "s4" in read_by_hand.graders(LAB).read_text()


@pytest.mark.slow
def test_the_command_counts_per_question_and_divides(read_by_hand):
    with gradebook.open_gradebook(read_by_hand) as book:
        grade = book.find_grade("q3", LAB, LAB, "s1")
        grade.manual_score, grade.needs_manual_grade = 12.0, False
        book.db.commit()
    done = run("essays", "lab1", "--split", "3", "--course", read_by_hand.root)
    assert done.returncode == 0, done.stderr
    assert "share 3 of 3: 2 answers from 2 submissions" in done.stdout
    assert "8 to be graded by hand" in done.stdout and "lab1 q3: 1 of 9 read, 8 left" in done.stdout
    assert gradebook.marks(read_by_hand, LAB)["s0"]["q3"].points == 12.0
    done = run("essays", "lab1", "--section", "mon", "--course", read_by_hand.root)
    assert "s3" in done.stdout and "s2" not in done.stdout
    for arguments, says in (
        (["--section", "Fri"], "its sections are Mon, Tue"),
        (["--split", "-1"], "not a number of people"),
    ):
        done = run("essays", "lab1", *arguments, "--course", read_by_hand.root)
        assert done.returncode == 2 and says in done.stderr
