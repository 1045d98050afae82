"""The grade sheet: everybody is in it, its numbers are nbgrader's, and its formulas give the numbers of the table."""

import csv
import io
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import openpyxl
import pytest
from nbgrader.plugins import CsvExportPlugin

from autograder import gradebook
from autograder.cli import exit_code
from autograder.commands.app import app
from autograder.course_folder.grading_rules import GradingRules, Rounding
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.deductions import late
from autograder.deductions.extensions import Extension, grant
from autograder.deductions.handing_in import CollectNote, digest
from autograder.errors import UserError
from autograder.export.course_total import CourseTotal
from autograder.export.gradesheet import GradeSheet, LabMark, SheetRow, grade_sheet
from autograder.export.gradesheet_columns import EXACT, TOTAL, table
from autograder.export.gradesheet_lms import blackboard_table, brightspace_table, canvas_table, moodle_table
from autograder.export.gradesheet_xlsx import workbook
from autograder.report.marks import as_csv
from tests.autograder.classes import LAB, LAB2, LAB3, add_labs, grade, mark_by_hand
from tests.autograder.export.formulas import Evaluator
from tests.autograder.test_cli import run

LABS = (LAB, LAB2, LAB3)
PEOPLE = [
    Student("S1", "Ada", "Lovelace", "ada@x.edu", "901", "", "Mon"),
    Student("S2", "", "王小明", "", "xiaoming", "g7", "Tue"),
    Student("S3", "=HYPERLINK(1)", "@Eve", "+e@x.edu"),
    Student("S4", "Nemo", "Nobody"),
]
DUE = datetime(2026, 10, 12, 15, 59, tzinfo=UTC)
ALL = """
timezone = "UTC"
[weights]
lab1 = 40
[[best]]
labs = ["lab2", "lab3"]
count = 1
weight = 60
[total]
rounding = "half up"
decimals = 1
[grades]
"A+" = 90
A = 80
B = 60.5
F = 0
"""
TEN_PERCENT = """
from nbgrader.plugins import LateSubmissionPlugin


class TenPercent(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score * 0.1


c = get_config()
c.AssignLatePenalties.plugin_class = TenPercent
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three labs: S1 has all, S2 is late and waits, S3 has one only, S4 none; S5 is on no roster."""
    course = Course.at(tmp_path_factory.mktemp("sheet") / "course")
    add_labs(course, *LABS)
    gradebook.enter_roster(course, PEOPLE)
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + TEN_PERCENT)
    grade(course, LAB, "S1", 10, 5)
    mark_by_hand(course, LAB, "S1", 13.3)
    grade(course, LAB2, "S1", 3.3, 5, 0.0)
    grade(course, LAB3, "S1", 10, 5, 0.0)
    mark_by_hand(course, LAB3, "S1", 4.0, cell="q2-check", extra=1.5)
    grade(course, LAB, "S2", 7, 0.1)
    grade(course, LAB3, "S2", 10, 10 / 3, 0.0)
    grade(course, LAB2, "S3", 1, 1, 0.0)
    grade(course, LAB2, "S5", 10, 5, 0.0)
    gradebook.set_deadline(course, LAB, DUE)
    folder = course.submission_folder(LAB, "S2")
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(late.timestamp(DUE + timedelta(hours=1)))
    late.update(course, LAB)
    return course


@pytest.fixture
def course(made, tmp_path):
    """A copy, to change at will."""
    shutil.copytree(made.root, tmp_path / "course")
    return Course.at(tmp_path / "course")


def rules(course, text):
    (course.root / "rules.toml").write_text(text, "utf-8")
    return grade_sheet(course)


def by_student(rows):
    header, *rest = rows
    return {row[0]: dict(zip(header, row, strict=True)) for row in rest}


def test_everybody_is_in_the_sheet_with_every_number(course):
    header, *rows = table(rules(course, ALL))
    assert header == [
        *("student_id", "last name", "first name", "email", "lms id", "section", "group"),
        *("lab1 points /35", "lab1 off", "lab1 extension", "lab1 total"),
        *("lab2 points /35", "lab2 off", "lab2 extension", "lab2 total"),
        *("lab3 points /35", "lab3 off", "lab3 extension", "lab3 total"),
        *("lab1 %", "lab2 %", "lab3 %", "best 1 of lab2 lab3 %", EXACT, TOTAL, "grade", "remarks"),
    ]
    assert rows[0] == [
        *("S1", "Lovelace", "Ada", "ada@x.edu", "901", "Mon", ""),
        *("28.3", "", "", "28.3", "8.3", "", "", "8.3", "15.5", "", "", "15.5"),
        *("80.857142857", "23.714285714", "44.285714286", "44.285714286", "58.914285714", "58.9", "F", ""),
    ]
    assert rows[1] == [
        *("S2", "王小明", "", "", "xiaoming", "Tue", "g7"),
        *("7.1", "0.71", "", "6.39", "", "", "", "0", "13.333333333", "", "", "13.333333333"),
        *("18.257142857", "0", "38.095238095", "38.095238095", "30.16", "30.2", "F"),
        "lab1: 0.71 points off: handed in late; Q3 still to be graded by hand; lab2: nothing handed in",
    ]
    assert rows[3][:7] == ["S4", "Nobody", "Nemo", "", "", "", ""] and rows[3][-3:-1] == ["0.0", "F"]
    assert rows[3][-1] == "; ".join(f"lab{number}: nothing handed in" for number in (1, 2, 3))
    assert rows[4][0] == "S5" and rows[4][14] == "15" and len(rows) == 5


def nbgraders_export(course, path):
    with gradebook.open_gradebook(course) as book:
        CsvExportPlugin(to=str(path)).export(book)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_numbers_are_those_of_nbgraders_own_export(course, tmp_path):
    ours = by_student(table(rules(course, "")))
    theirs = nbgraders_export(course, tmp_path / "grades.csv")
    assert {(row["assignment"], row["student_id"]) for row in theirs} == {(lab, who) for lab in LABS for who in ours}
    for row in theirs:
        lab, mine = row["assignment"].split("_")[0], ours[row["student_id"]]
        assert float(mine[f"{lab} points /35"] or 0) == pytest.approx(float(row["raw_score"]), abs=1e-8)
        assert float(mine[f"{lab} off"] or 0) == pytest.approx(float(row["late_submission_penalty"]), abs=1e-8)
        assert float(mine[f"{lab} total"]) == pytest.approx(float(row["score"]), abs=1e-8)
        assert float(row["max_score"]) == 35


def test_a_lab_that_stock_nbgrader_graded_is_in_the_sheet(course):
    for path in (course.root / "records").glob("*/*.json"):
        path.unlink()
    sheet = by_student(table(rules(course, ALL)))
    assert sheet["S1"]["lab1 total"] == "28.3" and sheet["S2"]["lab1 total"] == "6.39"
    assert "0.71 points off: handed in late; Q3 still to be graded by hand" in sheet["S2"]["remarks"]


def values(sheet):
    """The workbook's values, its formulas evaluated; as the table has them, by student and header."""
    book = openpyxl.load_workbook(io.BytesIO(workbook(sheet)))
    evaluator = Evaluator(book)
    header, *rows = [[evaluator.value("grades", cell.coordinate) for cell in row] for row in book["grades"]]
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


RULES = {
    "by points": "",
    "all": ALL,
    "half even": ALL.replace("half up", "half even"),
    "best 2 of 3": '[[best]]\nlabs = ["lab3", "lab1", "lab2"]\ncount = 2\nweight = 100\n[total]\ndecimals = 0',
    "bonus, maximum": '[weights]\nlab1 = 100\n[bonus]\nlab2 = 33.3\n[total]\nmaximum = 100\nrounding = "half even"',
    "bonus by points": "[bonus]\nlab2 = 20\n[total]\ndecimals = 3",
    "a lab that nobody has": "[weights]\nlab1 = 50\nlab7 = 50",
}


@pytest.mark.parametrize("text", RULES.values(), ids=RULES)
def test_the_formulas_give_the_numbers_of_the_table(course, text):
    sheet = rules(course, text)
    computed = values(sheet)
    for student, row in by_student(table(sheet)).items():
        for header, expected in row.items():
            value = computed[student][header]
            if header in (TOTAL, EXACT):
                assert Decimal(repr(float(value))) == Decimal(expected), (student, header)
            elif isinstance(value, str):
                assert value == expected
            else:
                assert float(value or 0) == pytest.approx(float(expected or 0), abs=1e-8), (student, header)


@pytest.mark.parametrize("rounding", Rounding)
def test_totals_halfway_are_rounded_alike_by_formulas_and_table(rounding):
    # 0.35 points are one per cent: the totals are 0.05 %, 0.15 %, 0.25 % and so on, each halfway between two tenths.
    points = {f"S{number:03}": Fraction(175 + 350 * number, 10**4) for number in range(200)}
    course_rules, out_of = GradingRules({LAB: Decimal(100)}, rounding=rounding, decimals=1), {LAB: Fraction(35)}
    total = CourseTotal(course_rules, out_of)
    rows = [SheetRow(Student(who), {LAB: LabMark(mark)}, total.of({LAB: mark})) for who, mark in points.items()]
    computed = values(GradeSheet(course_rules, out_of, tuple(rows)))
    assert all(computed[row.student.id][TOTAL] == float(row.total.rounded) for row in rows)
    assert all(row.total.exact * 100 % 10 == 5 for row in rows)
    ups = sum(row.total.rounded > row.total.exact for row in rows)
    assert ups == (200 if rounding is Rounding.HALF_UP else 100)


def test_whoever_computes_no_formulas_sees_their_results(course):
    content = io.BytesIO(workbook(rules(course, ALL)))
    computed, stored = values(rules(course, ALL)), openpyxl.load_workbook(content, data_only=True)["grades"]
    header, *rows = [[cell.value for cell in row] for row in stored]
    for row in rows:
        for name, value in zip(header, row, strict=True):
            expected = computed[row[0]][name]
            assert value == (pytest.approx(expected) if isinstance(expected, float) else expected), (row[0], name)


def test_the_workbook_computes_totals_and_no_students_text_is_a_formula(course):
    book = openpyxl.load_workbook(io.BytesIO(workbook(rules(course, ALL))))
    grades = {cell.value: cell.column_letter for cell in book["grades"][1]}
    first = {header: book["grades"][f"{letter}2"].value for header, letter in grades.items()}
    points, off = grades["lab1 points /35"], grades["lab1 off"]
    assert first["lab1 total"] == f"=MAX(0,{points}2-{off}2)"
    assert first["lab1 %"] == f"=100*{grades['lab1 total']}2/rules!$B$2"
    assert first[TOTAL].startswith("=ROUND(") and first["grade"].startswith("=LOOKUP(")
    hostile = book["grades"][4]
    assert [cell.value for cell in hostile[1:4]] == ["@Eve", "=HYPERLINK(1)", "+e@x.edu"]
    assert all(cell.data_type == "s" for cell in hostile[1:4])
    assert [cell.value for cell in book["rules"]["C"]][1:3] == [40, None]
    assert book["rules"]["D3"].value == "best 1 of lab2 lab3 %"


def test_in_the_csv_no_students_text_is_a_formula(course):
    rows = list(csv.reader(io.StringIO(as_csv(table(rules(course, ALL))))))
    assert rows[3][1:4] == ["'@Eve", "'=HYPERLINK(1)", "'+e@x.edu"]


def test_an_extension_shows_the_students_own_deadline(course):
    grant(course, LAB, {"S4": Extension(longer=timedelta(days=7))})
    sheet = by_student(table(rules(course, 'timezone = "Asia/Taipei"')))
    assert sheet["S4"]["lab1 extension"] == "2026-10-19 23:59:00" and sheet["S1"]["lab1 extension"] == ""


def test_what_was_handed_in_without_a_mark_is_empty_and_told(course):
    grade(course, LAB2, "S4", cells=(), reason="it ends in the middle")
    course.submission_folder(LAB3, "S4").mkdir(parents=True)
    sheet = rules(course, ALL)
    row = by_student(table(sheet))["S4"]
    assert (row["lab1 total"], row["lab2 total"], row["lab3 total"]) == ("0", "", "")
    assert "lab2: no mark: it ends in the middle; lab3: handed in, not graded yet" in row["remarks"]
    assert values(sheet)["S4"]["lab2 total"] is None and values(sheet)["S4"][TOTAL] == 0
    assert "S4" not in {line[2] for line in moodle_table(sheet, {})}


def test_late_by_an_unknown_amount_is_told_and_asks_for_a_person(course):
    folder = course.submission_folder(LAB2, "S3")
    folder.mkdir(parents=True)
    CollectNote(digest(folder), "LMS", late=True, lms="Canvas").write(course.handed_in(LAB2, "S3"))
    assert "late by an unknown amount, nothing taken off" in by_student(table(rules(course, ALL)))["S3"]["remarks"]
    done = run("gradesheet", "--course", course.root)
    assert done.returncode == 3 and "late by an unknown amount, nothing taken off: S3; run autograder" in done.stdout


def test_lms_tables_have_everybody_who_can_be_graded(course):
    sheet = rules(course, ALL)
    assert moodle_table(sheet, {})[:3] == [
        ["First name", "Last name", "ID number", "Email address", "lab1", "lab2", "lab3", "total"],
        ["Ada", "Lovelace", "S1", "ada@x.edu", "28.3", "8.3", "15.5", "58.9"],
        ["", "王小明", "S2", "", "6.39", "0", "13.333333333", "30.2"],
    ]
    assert canvas_table(sheet, {"total": "Course total (99)", LAB2: "Lab 2 (98)"})[:3] == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Course total (99)", "Lab 2 (98)"],
        ["    Points Possible", "", "", "", "", "100", "35"],
        ["Lovelace, Ada", "901", "S1", "", "", "58.9", "8.3"],
    ]
    assert brightspace_table(sheet, {"total": "Total"})[:2] == [
        ["OrgDefinedId", "Total Points Grade", "End-of-Line Indicator"],
        ["S1", "58.9", "#"],
    ]
    assert blackboard_table(sheet, {"total": "Total |4711"})[:3] == [
        ["Last Name", "First Name", "Username", "Total |4711"],
        ["Lovelace", "Ada", "901", "58.9"],
        ["王小明", "", "xiaoming", "30.2"],
    ]
    with pytest.raises(UserError, match="lab9 is not in the sheet: choose from lab1, lab2, lab3, total"):
        moodle_table(sheet, {"lab9": "x"})


def test_a_lab_without_any_mark_is_not_imported(course):
    sheet = rules(course, RULES["a lab that nobody has"])
    assert sheet.unmarked == ("lab7_sensitivity",) and "lab7" not in moodle_table(sheet, {})[0]


@pytest.mark.parametrize(
    ("arguments", "text", "says"),
    [
        ([], "[weights]\nlab9 = 100", "names lab9, which is no lab of this course"),
        ([], "weihgts = 1", "weihgts is not a setting"),
        (["--to", "xlsx", "--column", "total=T"], "", "goes with --to moodle or another LMS"),
        (["--to", "moodle", "--column", "total"], "", "gives no title"),
        (["--to", "moodle", "--column", "lab9=x"], "", "lab9 is not in the sheet"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_writes_nothing(course, arguments, text, says):
    (course.root / "rules.toml").write_text(text)
    done = run("gradesheet", *arguments, "--course", course.root)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not list(course.root.glob("gradesheet*"))


@pytest.mark.slow
def test_the_command_writes_every_format_and_says_what_is_not_final(course):
    (course.root / "rules.toml").write_text(ALL)
    for to, name in (
        ("csv", "gradesheet.csv"),
        ("xlsx", "gradesheet.xlsx"),
        ("brightspace", "gradesheet_brightspace.csv"),
    ):
        done = run("gradesheet", "--to", to, "--course", course.root)
        assert done.returncode == 0 and f"{name}, 5 students" in done.stdout, done.stderr
        assert "still to be graded by hand: S2" in done.stdout and (course.root / name).is_file()
    course.submission_folder(LAB3, "S4").mkdir(parents=True)
    done = run("gradesheet", "--course", course.root)
    assert done.returncode == 3 and "has no mark (counts as 0): S4" in done.stdout


def test_before_any_mark_the_command_says_that_the_totals_are_0(tmp_path, capsys):
    course = Course.at(tmp_path / "course")
    add_labs(course, LAB)
    gradebook.enter_roster(course, PEOPLE[:1])
    assert exit_code(lambda: app(["gradesheet", "--to", "moodle", "--course", str(course.root)])) == 0
    said = capsys.readouterr().out
    assert "1 student\n" in said and "every total is 0" in said


def test_nobody_has_less_than_nothing():
    assert LabMark(Fraction(3), Fraction(5)).total == 0 and LabMark(Fraction(5), Fraction(3)).total == 2
