"""The report counts correctly, its examples name nobody, and its page is self-contained."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.grade.record import CellGrade
from autograder.report.class_report import (
    BINS,
    ClassReport,
    class_report,
    write_page,
)
from autograder.report.examples import HIDDEN, anonymize, without_comments
from tests.autograder.classes import LAB, STUB, record, released_course, save, small_lab
from tests.autograder.test_cli import run

HOSTILE = "<script>alert(1)"  # without a slash, because an id is a file name


@pytest.fixture
def course(tmp_path):
    return released_course(tmp_path / "course")


def report_on(course) -> ClassReport:
    return class_report(course, small_lab())


def test_questions_count_students_with_all_some_no_and_pending_points(course):
    for student, q1, essay in (("a", 10, None), ("b", 4, None), ("c", 0, 0.0)):
        save(course, record(student, q1=q1, essay=essay))
    q1, q2, q3 = report_on(course).questions
    assert (q1.name, q1.title, q1.full, q1.part, q1.none, q1.waiting) == ("Q1", "double", 1, 1, 1, 0)
    assert q1.mean == pytest.approx(14 / 3) and q2.mean == 5
    assert (q3.full, q3.none, q3.waiting, q3.mean) == (0, 1, 2, 0)


def test_the_checked_part_of_a_question_counts_while_another_part_waits(course, tmp_path):
    for student, checked in (("a", 5), ("b", 5), ("c", 2)):
        cells = (CellGrade("q4-check", "Q4", checked, 5), CellGrade("q4-text", "Q4", None, 10))
        save(course, record(student, cells=cells))
    save(course, record("d", cells=(CellGrade("q4-check", "Q4", 0, 5), CellGrade("q4-text", "Q4", 0.0, 10))))
    (q4,) = report_on(course).questions
    assert (q4.mean, q4.out_of, q4.so_far, q4.so_far_out_of) == (3, 15, 4, 5)
    assert (q4.full, q4.part, q4.none, q4.waiting) == (0, 0, 1, 3)
    page = write_page(report_on(course), tmp_path / "page.html").read_text("utf-8")
    assert "3 / 15" in page and "so far 4 / 5" in page and page.count("checked part only") == 1


def test_a_question_without_a_checked_part_has_nothing_so_far(course, tmp_path):
    save(course, record("a", essay=None))
    q3 = report_on(course).questions[2]
    assert (q3.mean, q3.so_far, q3.so_far_out_of, q3.waiting) == (None, None, 0, 1)
    assert "so far" not in write_page(report_on(course), tmp_path / "page.html").read_text("utf-8")


def test_totals_and_how_many_are_not_final(course):
    save(course, record("a", essay=None))
    save(course, record("b", q1=0, essay=0.0))
    save(course, record("c", cells=(), reason="it ends in the middle"))
    report = report_on(course)
    assert (report.students, report.totals, report.unfinished, report.out_of) == (3, (5, 15), 1, 35)
    assert report.mean == report.median == 10
    assert [note.students for note in report.needs_person if "ends in the middle" in note.text] == [("c",)]


@given(st.lists(st.floats(-5, 40), min_size=1))
def test_every_total_is_in_one_bin(totals):
    report = ClassReport("", "", 0, 35, tuple(totals), 0, (), (), (), (0, 0), (), (), (), ())
    assert sum(report.histogram) == len(totals) and len(report.histogram) == BINS


def test_full_marks_are_in_the_last_bin_and_zero_is_in_the_first():
    report = ClassReport("", "", 0, 35, (0.0, 3.5, 35.0), 0, (), (), (), (0, 0), (), (), (), ())
    assert report.histogram == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_mistakes_are_counted_by_name_with_hint_and_the_shortest_answer(course):
    long, short = "def double(x):\n    y = x\n    return y / 2", "def double(x):\n    return x / 2"
    save(course, record("a", q1=2), {"q1": long})
    save(course, record("b", q1=2), {"q1": short})
    save(course, record("c", q2=0), {"q2": "half = 2"})
    first, second = report_on(course).mistakes
    assert (first.question, first.name, first.count, first.hint) == ("Q1", "halved", 2, "think about halved")
    assert (first.example, second.example) == (short, "half = 2")


def test_an_unchanged_stub_is_no_example(course):
    save(course, record("a", q1=0), {"q1": STUB})
    save(course, record("b", q1=0))  # no notebook at all
    assert [mistake.example for mistake in report_on(course).mistakes] == [""]


def test_an_example_names_nobody(course, monkeypatch):
    person = Student("s4711", "Ana María", "Ñúñez", "ana@example.org")
    monkeypatch.setattr(gradebook, "roster", lambda _: [person])
    answer = '# Ñúñez, s4711\ndef double(x):  # mine, Ana María\n    """By ana maría ñúñez (S4711)"""\n    return x / 2'
    save(course, record("s4711", q1=0), {"q1": answer})
    (mistake,) = report_on(course).mistakes
    assert "return x / 2" in mistake.example and HIDDEN in mistake.example
    assert not re.search("s4711|ana|ñúñez", mistake.example, re.IGNORECASE)


def test_a_name_inside_a_word_stays():
    assert anonymize("banana = ana_1 + ana", ["ana"]) == f"banana = {HIDDEN}_1 + {HIDDEN}"


@pytest.mark.parametrize(
    ("source", "rest"),
    [("x = '#1'  # one", "x = '#1'"), ("# all", ""), ("def f(:  # Ada", "def f(:"), ("x = 1", "x = 1")],
)
def test_comments_are_removed_and_strings_stay(source, rest):
    assert without_comments(source) == rest


def test_a_long_example_is_cut(course):
    save(course, record("a", q1=0), {"q1": "\n".join(f"x = {number}" for number in range(200))})
    assert report_on(course).mistakes[0].example.splitlines()[-1] == HIDDEN


def test_remarks_go_to_their_sections(course):
    remarks = (
        "the check cell q2-check was missing and was put back",
        "the cell q1 ended with NameError: no",
        "it took more than 60 seconds: what comes after them was not run",
        "the check q1-check failed by itself: KeyError",
    )
    for student in ("a", "b"):
        save(course, record(student, essay=0.0, remarks=remarks, sandboxed=False))
    report = report_on(course)
    assert [(note.text, note.students) for note in report.repaired] == [(remarks[0], ("a", "b"))]
    assert [note.text for note in report.ended] == list(remarks[1:3])
    assert [note.text for note in report.needs_person] == ["graded without a sandbox", remarks[3]]


def test_deductions_are_listed_and_reduce_the_total(course, monkeypatch):
    monkeypatch.setattr(gradebook, "penalties", lambda _, lab: {"a": 4.0})
    save(course, record("a", essay=0.0))
    save(course, record("b", essay=0.0))
    report = report_on(course)
    assert report.totals == (11, 15)
    assert [(note.text, note.students) for note in report.taken_off] == [("handed in late", ("a",))]


def test_hundreds_of_different_remarks_stay_readable(course):
    for number in range(100):
        save(course, record(f"s{number}", remarks=(f"the cell own-{number} ended with ValueError",)))
    ended = report_on(course).ended
    assert len(ended) == 41 and ended[-1].text.startswith("and 60 more") and len(ended[-1].students) == 60


def test_times_are_listed_for_the_labs_slow_cells(course):
    for student, seconds in (("a", 0.2), ("b", 0.4), ("c", 3.0)):
        save(course, record(student, seconds={"q1": 0.01, "q1-check": seconds, "own-7": 9.0}))
    report = report_on(course)
    assert [(time.cell, time.median, time.longest) for time in report.times] == [("q1-check", 0.4, 3.0)]
    assert report.seconds == (pytest.approx(9.41), pytest.approx(12.01))


def test_the_page_needs_no_network_and_no_script_and_escapes_everything(course, tmp_path):
    save(course, record(HOSTILE, q1=0, remarks=(HOSTILE,)), {"q1": f"x = '{HOSTILE}'"})
    page = write_page(report_on(course), tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page and page.count("&lt;script&gt;") >= 3 and "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|https?://", page)
    assert "prefers-color-scheme: dark" in page and "@media print" in page


OBEYED = "\x1b[2J\x9b31m\u202e\x07"  # by a terminal, which would clear itself, write red, backwards, and ring


def test_neither_the_page_nor_the_json_holds_what_a_terminal_would_obey(course, tmp_path):
    student = f"eve{OBEYED}"
    save(course, record(student, q1=0, remarks=(f"late{OBEYED}",)), {"q1": f"def double(x):\n    return '{OBEYED}'"})
    save(course, record(f"zoe{OBEYED}", cells=(), reason=f"no notebook{OBEYED}"))
    report = report_on(course)
    for text in (report.text(), write_page(report, tmp_path / "page.html").read_text("utf-8")):
        assert "eve" in text and "late" in text and "no notebook" in text
        assert not set(text) & set("\x1b\x9b\u202e\x07") and "u001b" not in text


def test_a_class_without_a_mark_has_a_page(course, tmp_path):
    save(course, record("c", cells=(), reason="it ends in the middle", seconds={}))
    page = write_page(report_on(course), tmp_path / "page.html").read_text("utf-8")
    assert "Nobody has a mark yet." in page and "No mistake was recognized." in page and "ends in the middle" in page


@pytest.mark.slow
def test_the_command_writes_the_page_and_prints_the_same_as_json(course):
    save(course, record("a", q1=2), {"q1": "def double(x):\n    return x / 2"})
    done = run("report", "lab1", "--course", course.root)
    page = course.class_report(LAB).read_text("utf-8")
    assert done.returncode == 0 and f"reports/{LAB}.html" in done.stdout
    printed = json.loads(run("report", "lab1", "--course", course.root, "--json").stdout)
    assert (printed["totals"], printed["mean"], sum(printed["histogram"])) == ([7], 7, 1)
    assert printed["mistakes"][0]["name"] == "halved" and "halved" in page and "return x / 2" in page


def test_without_any_grades_the_command_says_so(course):
    done = run("report", "lab1", "--course", course.root)
    assert done.returncode == 2 and "run autograder grade" in done.stderr and not course.class_report(LAB).exists()


def test_an_unreleased_lab_is_one_sentence(tmp_path):
    Course.at(tmp_path)
    done = run("report", "lab1", "--course", tmp_path)
    assert done.returncode == 2 and "run autograder release" in done.stderr
