"""The report counts what it says, names nobody in an example, and is one page that needs nothing."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.report.class_report import (
    BINS,
    HIDDEN_NAME,
    ClassReport,
    anonymous,
    class_report,
    without_comments,
    write_page,
)
from tests.autograder.classes import LAB, STUB, kept, record, released_course, small_lab
from tests.autograder.test_cli import run

HOSTILE = "<script>alert(1)"  # without a slash: an id is a file's name


@pytest.fixture
def course(tmp_path):
    return released_course(tmp_path / "course")


def reported(course) -> ClassReport:
    return class_report(course, small_lab())


def test_questions_are_counted_by_all_some_none_and_waiting(course):
    for student, q1, essay in (("a", 10, None), ("b", 4, None), ("c", 0, 0.0)):
        kept(course, record(student, q1=q1, essay=essay))
    q1, q2, q3 = reported(course).questions
    assert (q1.name, q1.title, q1.full, q1.part, q1.none, q1.waiting) == ("Q1", "double", 1, 1, 1, 0)
    assert q1.mean == pytest.approx(14 / 3) and q2.mean == 5
    assert (q3.full, q3.none, q3.waiting, q3.mean) == (0, 1, 2, 0)


def test_totals_and_who_is_not_final(course):
    kept(course, record("a", essay=None))
    kept(course, record("b", q1=0, essay=0.0))
    kept(course, record("c", cells=(), reason="it ends in the middle"))
    report = reported(course)
    assert (report.students, report.totals, report.unfinished, report.out_of) == (3, (5, 15), 1, 35)
    assert report.mean == report.median == 10
    assert [note.students for note in report.needs_person if "ends in the middle" in note.text] == [("c",)]


@given(st.lists(st.floats(-5, 40), min_size=1))
def test_every_total_is_in_one_bar(totals):
    report = ClassReport("", "", 0, 35, tuple(totals), 0, (), (), (), (0, 0), (), (), (), ())
    assert sum(report.histogram) == len(totals) and len(report.histogram) == BINS


def test_full_marks_are_in_the_last_bar_and_nothing_in_the_first():
    report = ClassReport("", "", 0, 35, (0.0, 3.5, 35.0), 0, (), (), (), (0, 0), (), (), (), ())
    assert report.histogram == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_mistakes_are_counted_by_name_with_hint_and_the_shortest_answer(course):
    long, short = "def double(x):\n    y = x\n    return y / 2", "def double(x):\n    return x / 2"
    kept(course, record("a", q1=2), {"q1": long})
    kept(course, record("b", q1=2), {"q1": short})
    kept(course, record("c", q2=0), {"q2": "half = 2"})
    first, second = reported(course).mistakes
    assert (first.question, first.name, first.count, first.hint) == ("Q1", "halved", 2, "think about halved")
    assert (first.example, second.example) == (short, "half = 2")


def test_an_answer_that_was_left_as_it_was_is_no_example(course):
    kept(course, record("a", q1=0), {"q1": STUB})
    kept(course, record("b", q1=0))  # no notebook at all
    assert [mistake.example for mistake in reported(course).mistakes] == [""]


def test_an_example_names_nobody(course, monkeypatch):
    person = Student("s4711", "Ana María", "Ñúñez", "ana@example.org")
    monkeypatch.setattr(gradebook, "roster", lambda _: [person])
    answer = '# Ñúñez, s4711\ndef double(x):  # mine, Ana María\n    """By ana maría ñúñez (S4711)"""\n    return x / 2'
    kept(course, record("s4711", q1=0), {"q1": answer})
    (mistake,) = reported(course).mistakes
    assert "return x / 2" in mistake.example and HIDDEN_NAME in mistake.example
    assert not re.search("s4711|ana|ñúñez", mistake.example, re.IGNORECASE)


def test_a_name_inside_of_a_word_is_no_name():
    assert anonymous("banana = ana_1 + ana", ["ana"]) == f"banana = {HIDDEN_NAME}_1 + {HIDDEN_NAME}"


@pytest.mark.parametrize(
    ("source", "kept"),
    [("x = '#1'  # one", "x = '#1'"), ("# all", ""), ("def f(:  # Ada", "def f(:"), ("x = 1", "x = 1")],
)
def test_comments_are_taken_out_and_strings_stay(source, kept):
    assert without_comments(source) == kept


def test_a_long_example_is_cut(course):
    kept(course, record("a", q1=0), {"q1": "\n".join(f"x = {number}" for number in range(200))})
    assert reported(course).mistakes[0].example.splitlines()[-1] == HIDDEN_NAME


def test_remarks_are_told_apart(course):
    remarks = (
        "the check cell q2-check was missing and was put back",
        "the cell q1 ended with NameError: no",
        "it took more than 60 seconds: what comes after them was not run",
        "the check q1-check failed by itself: KeyError",
    )
    for student in ("a", "b"):
        kept(course, record(student, essay=0.0, remarks=remarks, sandboxed=False))
    report = reported(course)
    assert [(note.text, note.students) for note in report.repaired] == [(remarks[0], ("a", "b"))]
    assert [note.text for note in report.ended] == list(remarks[1:3])
    assert [note.text for note in report.needs_person] == ["graded without a sandbox", remarks[3]]


def test_what_the_rules_take_off_is_told_and_missing_in_the_total(course, monkeypatch):
    monkeypatch.setattr(gradebook, "penalties", lambda _, lab: {"a": 4.0})
    kept(course, record("a", essay=0.0))
    kept(course, record("b", essay=0.0))
    report = reported(course)
    assert report.totals == (11, 15)
    assert [(note.text, note.students) for note in report.taken_off] == [("handed in late", ("a",))]


def test_hundreds_of_different_remarks_stay_readable(course):
    for number in range(100):
        kept(course, record(f"s{number}", remarks=(f"the cell own-{number} ended with ValueError",)))
    ended = reported(course).ended
    assert len(ended) == 41 and ended[-1].text.startswith("and 60 more") and len(ended[-1].students) == 60


def test_the_times_are_of_the_labs_cells_that_matter(course):
    for student, took in (("a", 0.2), ("b", 0.4), ("c", 3.0)):
        kept(course, record(student, seconds={"q1": 0.01, "q1-check": took, "own-7": 9.0}))
    report = reported(course)
    assert [(time.cell, time.median, time.longest) for time in report.times] == [("q1-check", 0.4, 3.0)]
    assert report.seconds == (pytest.approx(9.41), pytest.approx(12.01))


def test_the_page_needs_no_network_and_no_script_and_escapes_everything(course, tmp_path):
    kept(course, record(HOSTILE, q1=0, remarks=(HOSTILE,)), {"q1": f"x = '{HOSTILE}'"})
    page = write_page(reported(course), tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page and page.count("&lt;script&gt;") >= 3 and "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|https?://", page)
    assert "prefers-color-scheme: dark" in page and "@media print" in page


def test_a_class_without_a_mark_has_a_page(course, tmp_path):
    kept(course, record("c", cells=(), reason="it ends in the middle", seconds={}))
    page = write_page(reported(course), tmp_path / "page.html").read_text("utf-8")
    assert "Nobody has a mark yet." in page and "None was recognized." in page and "ends in the middle" in page


def test_the_command_writes_the_page_and_prints_the_same_as_json(course):
    kept(course, record("a", q1=2), {"q1": "def double(x):\n    return x / 2"})
    done = run("report", "lab1", "--course", course.root)
    page = course.class_report(LAB).read_text("utf-8")
    assert done.returncode == 0 and f"reports/{LAB}.html" in done.stdout
    told = json.loads(run("report", "lab1", "--course", course.root, "--json").stdout)
    assert (told["totals"], told["mean"], sum(told["histogram"])) == ([7], 7, 1)
    assert told["mistakes"][0]["name"] == "halved" and "halved" in page and "return x / 2" in page


def test_nothing_graded_is_told(course):
    done = run("report", "lab1", "--course", course.root)
    assert done.returncode == 2 and "run autograder grade" in done.stderr and not course.class_report(LAB).exists()


def test_not_released_is_told(tmp_path):
    Course.at(tmp_path)
    done = run("report", "lab1", "--course", tmp_path)
    assert done.returncode == 2 and "run autograder release" in done.stderr
