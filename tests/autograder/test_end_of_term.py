"""A term of 300 students: three small labs from three LMSs, groups, extensions, and the sheet checked number by number.

Everything that comes out is computed here from what went in, without a line of the grader's.
"""

import csv
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import openpyxl
import pytest

from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.release.build import release
from autograder.release.new import new_lab
from tests.autograder.classes import TEN_PERCENT_A_DAY
from tests.autograder.export.formulas import Evaluator
from tests.autograder.test_cli import run
from tests.conftest import REPOSITORY, SANDBOXED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("end_of_term")]

STUDENTS, MEMBERS = 300, 3
LAB11, LAB12, LAB13 = "lab11_alone", "lab12_canvas", "lab13_blackboard"
NAMES = (("Ada", "Lovelace"), ("小龍", "李"), ("Анна", "Каренина"))
DEADLINE = "2026-10-12 23:59"
IN_TIME, LATE = "Monday, 12 October 2026, 8:33 PM", "Wednesday, 14 October 2026, 8:33 PM"
EXTENDED = "2026-10-15"
RULES = """
timezone = "Asia/Taipei"
group_labs = ["lab12", "lab13"]
[weights]
lab11 = 40
[[best]]
labs = ["lab12", "lab13"]
count = 1
weight = 60
[total]
rounding = "half up"
decimals = 1
[grades]
A = 85
B = 65.5
C = 40
F = 0
"""
GRADES = {"A": "85", "B": "65.5", "C": "40", "F": "0"}
RIGHT = "def real_values(codes, scale, zero_point):\n    return scale * (codes.double() - zero_point)"
ADDED = RIGHT.replace("- zero_point", "+ zero_point")
POINTS = {"right": 60, "wrong": 15, "late": 60, "extended": 60, "blank": 0}  # by checks


def student(number):
    return f"S{number:03}"


def name(number):
    first, last = NAMES[number % 3]
    return f"{first}{number}", last


def alone(number):
    """What a student does in the lab that everybody does alone."""
    return {5: "wrong", 6: "late", 7: "extended", 8: "missing", 9: "blank"}.get(number % 10, "right")


def together(number, lab):
    """What a student's group does in a lab of groups."""
    group = number // MEMBERS
    if lab == LAB12:
        return {2: "wrong", 4: "missing"}.get(group % 5, "right")
    return {1: "late", 3: "wrong"}.get(group % 7, "right")


def kind(lab, number):
    return alone(number) if lab == LAB11 else together(number, lab)


def essay(lab, number):
    """The points of the text, which a person gives: to each student alone, or to a group."""
    if kind(lab, number) in ("missing", "blank"):
        return Fraction()
    return Fraction(number * 7 % 81, 2) if lab == LAB11 else Fraction(number // MEMBERS % 41)


def expected(lab, number):
    """Points, points off and total, as they have to be in the sheet; None for nothing."""
    what = kind(lab, number)
    if what == "missing":
        return None, None, Fraction()
    points = POINTS[what] + essay(lab, number)
    # The Moodle submissions are two days late, those of Blackboard one.
    off = points * Fraction(2 if lab == LAB11 else 1, 10) if what == "late" else None
    return points, off, points - (off or 0)


def expected_total(number):
    alone_, *groups = (expected(lab, number)[2] for lab in (LAB11, LAB12, LAB13))
    exact = Fraction(40, 100) * alone_ + Fraction(60, 100) * max(groups)
    decimal = Decimal(exact.numerator) / Decimal(exact.denominator)
    total = decimal.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return total, next(grade for grade, lowest in GRADES.items() if total >= Decimal(lowest))


def work(course, lab, number):
    """What a student hands in."""
    notebook = json.loads((course.release(lab) / f"{lab}.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        question = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if question == "q1" and kind(lab, number) != "blank":
            cell["source"] = ADDED if kind(lab, number) == "wrong" else RIGHT
        elif question == "q2" and kind(lab, number) != "blank":
            cell["source"] = f"Words of number {number}."
    return json.dumps(notebook).encode()


def handed_in(lab):
    """Who hands in: everybody alone, or one member of each group, another one in each lab."""
    members = range(STUDENTS) if lab == LAB11 else range(0 if lab == LAB12 else 1, STUDENTS, MEMBERS)
    return [number for number in members if kind(lab, number) != "missing"]


def entry(lab, number):
    """The name that the lab's LMS gives a file."""
    if lab == LAB11:
        return f"{' '.join(name(number))}_{41000 + number}_assignsubmission_file/{lab}.ipynb"
    if lab == LAB12:
        return f"student{number}_{70000 + number}_{900000 + number}_{lab}.ipynb"
    day = 13 if kind(lab, number) == "late" else 12
    return f"Lab 13_{student(number).lower()}_attempt_2026-10-{day}-20-00-00_{lab}.ipynb"


def download(course, lab):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in handed_in(lab):
            archive.writestr(zipfile.ZipInfo(entry(lab, number), (2026, 11, 1, 9, 0, 0)), work(course, lab, number))
    return target.getvalue()


def write_table(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def read_table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mark_by_hand(course, lab):
    """As somebody in the formgrader does; of a group, one member's answer only."""
    query = """
        UPDATE grade SET manual_score = ?, needs_manual_grade = 0 WHERE id = (
            SELECT grade.id FROM grade
            JOIN base_cell AS cell ON cell.id = grade.cell_id
            JOIN submitted_notebook AS notebook ON notebook.id = grade.notebook_id
            JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
            JOIN assignment ON assignment.id = submission.assignment_id
            WHERE assignment.name = ? AND submission.student_id = ? AND cell.name = 'q2'
        )
    """
    with closing(sqlite3.connect(course.gradebook)) as database, database:
        for number in handed_in(lab):
            if kind(lab, number) != "blank":
                database.execute(query, [float(essay(lab, number)), lab, student(number)])


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The three labs, released; the rules; a penalty of ten per cent a day."""
    place = Course.at(tmp_path_factory.mktemp("term") / "course")
    for lab in (LAB11, LAB12, LAB13):
        new_lab(lab, "A small lab", place.solutions, {})
        release(lab, place, labs=None)
    config = place.root / "nbgrader_config.py"
    write_atomic(config, config.read_text() + TEN_PERCENT_A_DAY)
    write_atomic(place.root / "rules.toml", RULES)
    return place


def test_the_sheet_of_a_term(course, tmp_path):
    def call(*arguments, code=0):
        done = run(*arguments, "--course", course.root, cwd=REPOSITORY)
        assert done.returncode == code and "Traceback" not in done.stderr, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    people = [
        (student(n), *name(n), f"s{n}@x.edu", 70000 + n, f"Group {n // MEMBERS}", f"T{n % 5}") for n in range(STUDENTS)
    ]
    header = ("id", "first name", "last name", "email", "LMS ID", "group", "section")
    call("roster", write_table(tmp_path / "students.csv", header, people))

    worksheet = [
        (
            f"Participant {41000 + n}",
            " ".join(name(n)),
            student(n),
            LATE if alone(n) in ("late", "extended") else IN_TIME,
        )
        for n in handed_in(LAB11)
    ]
    header = ("Identifier", "Full name", "ID number", "Last modified (submission)")
    times = ("--times", write_table(tmp_path / "worksheet.csv", header, worksheet))
    for lab in (LAB11, LAB12, LAB13):
        archive = tmp_path / f"{lab}.zip"
        archive.write_bytes(download(course, lab))
        call("collect", lab, archive, "--deadline", DEADLINE, *(times if lab == LAB11 else ()))
    extended = [(student(n), EXTENDED) for n in range(STUDENTS) if alone(n) == "extended"]
    call("extend", LAB11, write_table(tmp_path / "extensions.csv", ("id", "extension"), extended))

    for lab in (LAB11, LAB12, LAB13):
        call("grade", lab, *([] if SANDBOXED else ["--no-sandbox"]))
        mark_by_hand(course, lab)
    call("export")
    said = call("gradesheet")
    assert f"{STUDENTS} students" in said and "not final" not in said and "no mark" not in said
    check_sheet(read_table(course.root / "gradesheet.csv"))
    call("gradesheet", "--to", "xlsx")
    check_workbook(course.root / "gradesheet.xlsx")
    call("gradesheet", "--to", "moodle", "--column", "total=Course total")
    assert {row["ID number"]: row["Course total"] for row in read_table(course.root / "gradesheet_moodle.csv")} == {
        student(n): f"{expected_total(n)[0]}" for n in range(STUDENTS)
    }
    assert len(read_table(course.marks)) == STUDENTS

    life = call("history", LAB11, student(6))
    assert all(
        text in life for text in ("graded", "q1-check – → 60", "mark given by hand", "q2 – → 21", "late penalty")
    )
    assert "extension" in call("history", LAB11, student(7)) and "mark given by hand" in call(
        "history", LAB12, student(2)
    )
    call("forget", student(6), "--yes")
    assert student(6) not in {row["student_id"] for row in read_table(course.marks)}
    call("gradesheet")
    check_sheet(read_table(course.root / "gradesheet.csv"), without=6)


def check_sheet(rows, without=None):
    numbers = [number for number in range(STUDENTS) if number != without]
    assert [row["student_id"] for row in rows] == [student(number) for number in numbers]
    for number, row in zip(numbers, rows, strict=True):
        assert (row["first name"], row["last name"]) == name(number)
        assert (row["group"], row["section"]) == (f"Group {number // MEMBERS}", f"T{number % 5}")
        for lab, short in ((LAB11, "lab11"), (LAB12, "lab12"), (LAB13, "lab13")):
            points, off, total = (row[f"{short} {what}"] for what in ("points /100", "off", "total"))
            found = tuple(Fraction(text) if text else None for text in (points, off, total))
            assert found == expected(lab, number), (row["student_id"], lab)
        assert bool(row["lab11 extension"]) == (alone(number) == "extended")
        assert (Decimal(row["total %"]), row["grade"]) == expected_total(number), row


def check_workbook(path):
    book = openpyxl.load_workbook(path)
    evaluator = Evaluator(book)
    columns = {cell.value: cell.column_letter for cell in book["grades"][1]}
    for number in range(STUDENTS):
        total, grade = (evaluator.value("grades", f"{columns[what]}{number + 2}") for what in ("total %", "grade"))
        assert (Decimal(repr(total)), grade) == expected_total(number), student(number)
