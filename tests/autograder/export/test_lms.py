"""Exports have the columns that imports expect; no student's text becomes a formula, no mark is erased."""

import csv
import io

import openpyxl
import pytest

from autograder import gradebook
from autograder.course_folder.roster import Student
from autograder.export.lms import write_canvas, write_moodle
from autograder.report.marks import FORMULA_STARTS, as_csv
from tests.autograder.classes import LAB, record, released_course, save
from tests.autograder.test_cli import run

PEOPLE = [
    Student("s1", "Ada", "Lovelace", "ada@example.org", "901"),
    Student("s2", "", "王小明", "", "xiaoming"),
    Student("s3", "=HYPERLINK(1)", "@Eve"),
]


@pytest.fixture
def course(tmp_path, monkeypatch):
    course = released_course(tmp_path / "course")
    monkeypatch.setattr(gradebook, "roster", lambda _: PEOPLE)
    for student, points in (("s1", 10), ("s2", 2.5), ("s3", 0)):
        save(course, record(student, q1=points, essay=0.0))
    return course


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_moodles_columns(course):
    result = write_moodle(course, LAB, "Lab 1")
    assert read(result.path) == [
        ["First name", "Last name", "ID number", "Email address", "Lab 1"],
        ["Ada", "Lovelace", "s1", "ada@example.org", "15"],
        ["", "王小明", "s2", "", "7.5"],
        ["'=HYPERLINK(1)", "'@Eve", "s3", "", "5"],
    ]
    assert (result.rows, result.without_mark, result.not_final, result.unnamed) == (3, (), (), ())


def test_canvas_columns_are_those_that_its_importer_expects(course):
    header, possible, *rows = read(write_canvas(course, LAB, "Lab 1 (4711)").path)
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lab 1 (4711)"]
    assert "Points Possible" in possible[0] and possible[5] == "35"
    assert rows[0] == ["Lovelace, Ada", "901", "s1", "", "", "15"]
    assert rows[1] == ["王小明", "", "s2", "xiaoming", "", "7.5"]


@pytest.mark.parametrize("write", [write_moodle, write_canvas])
def test_students_without_a_mark_are_left_out_and_listed(course, write):
    save(course, record("s2", cells=(), reason="it ends in the middle"))
    save(course, record("s4", essay=None))
    result = write(course, LAB, "Lab 1")
    assert (result.without_mark, result.not_final, result.unnamed) == (("s2",), ("s4",), ("s4",))
    assert not any("s2" in row for row in read(result.path)) and any("s4" in row for row in read(result.path))


def test_students_collected_but_not_graded_yet_are_listed(course):
    for student in ("s1", "s5"):
        course.submission_folder(LAB, student).mkdir(parents=True)
    assert write_moodle(course, LAB, "Lab 1").without_mark == ("s5",)


def test_numbers_stay_numbers_and_formulas_become_text():
    text = as_csv([["-1.5", "1e-05", "=1+1", "+49", "-x", "@a", "\t=b", "plain"]])
    (row,) = csv.reader(io.StringIO(text))
    assert row == ["-1.5", "1e-05", "'=1+1", "'+49", "'-x", "'@a", "'=b", "plain"]
    assert not any(cell.startswith(FORMULA_STARTS) for cell in row[2:])


def test_a_workbook_contains_numbers_and_text_but_no_formula(tmp_path):
    from autograder.export.xlsx import workbook

    rows = [["student_id", "Q1 /10", "remarks"], ["007", "7.5", "=1+1"], ["=cmd", "", "a\x07b"]]
    sheet = openpyxl.load_workbook(io.BytesIO(workbook(rows))).active
    assert [[cell.value for cell in row] for row in sheet] == [
        ["student_id", "Q1 /10", "remarks"],
        ["007", 7.5, "=1+1"],
        ["=cmd", None, "a b"],
    ]
    assert all(cell.data_type in "sn" for row in sheet for cell in row) and sheet.freeze_panes == "B2"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--to", "moodle"], "which lab?"),
        (["lab1", "--to", "xlsx", "--column", "Lab 1"], "goes with --to moodle or canvas"),
        (["--to", "word"], "word"),
        (["nolab", "--to", "canvas"], "is not a lab"),
        (["lab1", "--to", "canvas"], "no gradebook yet"),
    ],
)
def test_wrong_calls_are_one_sentence(course, arguments, says):
    done = run("export", *arguments, "--course", course.root)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not list(course.root.glob("marks*"))


@pytest.mark.slow
def test_nobody_has_a_mark_yet(released, tmp_path):
    done = run("export", "lab1", "--to", "moodle", "--course", released.root)
    assert done.returncode == 2 and "run autograder grade" in done.stderr and not list(released.root.glob("marks_*"))


@pytest.mark.slow
@pytest.mark.xdist_group("class")
def test_the_commands_write_the_class(graded):
    root = graded.course.root
    for to, name in (("xlsx", "marks.xlsx"), ("moodle", "marks_lab1_moodle.csv"), ("canvas", "marks_lab1_canvas.csv")):
        done = run("export", *([] if to == "xlsx" else ["lab1"]), "--to", to, "--course", root)
        assert done.returncode == 0 and name in done.stdout, done.stderr
    assert "because they have no mark: noor" in done.stdout and "graded by hand: ada, bela, chen" in done.stdout
    marks = {row["student_id"]: row["lab1 total /100"] for row in csv.DictReader((root / "marks.csv").open())}
    moodle = {row[2]: row[4] for row in read(root / "marks_lab1_moodle.csv")[1:]}
    assert moodle == {student: total for student, total in marks.items() if total}
    sheet = openpyxl.load_workbook(root / "marks.xlsx").active
    column = [cell.value for cell in sheet[1]].index("lab1 total /100")
    assert {row[0].value: row[column].value for row in list(sheet)[1:]} == {
        student: float(total) if total else None for student, total in marks.items()
    }
