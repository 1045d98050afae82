"""One week of a term: sixty students with names in three scripts, from release to regraded totals known beforehand."""

import csv
import io
import json
import re
import shlex
import zipfile

import nbformat
import pytest

from autograder import gradebook
from autograder.collect.sample_class import written_answers
from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.release.build import release
from qlab.cells import grade_id
from tests.autograder.classes import TEN_PERCENT_A_DAY
from tests.autograder.conftest import LAB
from tests.autograder.test_cli import run
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("term")]

STUDENTS = 60
NAMES = (("Ada", "Lovelace"), ("小龍", "李"), ("Анна", "Каренина"))
DEADLINE, EARLY, LATE = "2026-10-12 23:59", "2026-10-12-20-00-00", "2026-10-13-11-00-00"
ESSAY = 10.0  # points that every Q6 gets by hand
Q4_WRONG, Q4_RIGHT = "reference=value(12.0)", "reference=value(12.5)"


def student(number):
    return f"S{number:03}"


def name(number):
    first, last = NAMES[number % 3]
    return f"{first}{number}", last


def kind(number):
    return {1: "Q5 wrong", 3: "Q1 blank", 5: "late", 7: "twice", 9: "missing"}.get(number % 10, "right")


def expected(number, *, q4):
    """The total with the essay's points, with or without those of Q4."""
    lost = {"Q5 wrong": 10, "Q1 blank": 15}.get(kind(number), 0)
    total = 75 - (0 if q4 else 5) - lost + ESSAY
    return 0.9 * total if kind(number) == "late" else total


def work(lab, number, *, finished=True):
    """What a student submits."""
    notebook = nbformat.from_dict(json.loads(json.dumps(lab)))
    right = {answer.question: answer.source for answer in reversed(written_answers(LAB)) if answer.right}
    for cell in notebook.cells:
        question = grade_id(cell)
        if not finished or (question == "q1" and kind(number) == "Q1 blank"):
            continue
        cell.source = right.get(question, cell.source)
        if question == "q5" and kind(number) == "Q5 wrong":
            cell.source = "M0, n = 0.5, 1"
        if question == "q6":
            cell.source = f"Words of number {number}."
    return nbformat.writes(notebook).encode()


def lms_zip(lab):
    """A download as Blackboard names it, with the time of each attempt in its name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(STUDENTS):
            when = LATE if kind(number) == "late" else EARLY
            entry = f"Lab 1_{student(number).lower()}_attempt_{{}}_{LAB}.ipynb"
            if kind(number) == "twice":
                archive.writestr(entry.format("2026-10-10-08-00-00"), work(lab, number, finished=False))
            if kind(number) != "missing":
                archive.writestr(entry.format(when), work(lab, number))
    return target.getvalue()


def call(*arguments, code=0, folder=REPOSITORY):
    done = run(*arguments, cwd=folder)
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Released, with a wrong check of Q4 that nobody has noticed yet."""
    place = Course.at(tmp_path_factory.mktemp("term") / "course")
    release(LAB, place, labs=None)
    edit_checks(place, Q4_RIGHT, Q4_WRONG)
    config = place.root / "nbgrader_config.py"
    write_atomic(config, config.read_text() + TEN_PERCENT_A_DAY)
    return place


def edit_checks(course, old, new):
    """Edit the lab's checks in the course, and stamp that as another release."""
    path, notebook = course.source(LAB) / "checks" / "q4.py", course.release(LAB) / f"{LAB}.ipynb"
    assert path.read_text("utf-8").count(old) == 1
    write_atomic(path, path.read_text("utf-8").replace(old, new))
    stamped = nbformat.read(notebook, as_version=4)
    stamped.metadata.qlab.release = f"release with {new[-5:-1]}"
    write_atomic(notebook, nbformat.writes(stamped))


def read_essays(course):
    """As somebody in the formgrader does."""
    with gradebook.open_gradebook(course) as book:
        for number in range(STUDENTS):
            if kind(number) != "missing":
                grade = book.find_grade("q6", LAB, LAB, student(number))
                grade.manual_score, grade.needs_manual_grade = ESSAY, False
        book.db.commit()


def totals(course):
    with course.marks.open(newline="", encoding="utf-8-sig") as file:
        return {
            row["student_id"]: float(row["lab1 total /100"]) for row in csv.DictReader(file) if row["lab1 total /100"]
        }


def submitting():
    return [number for number in range(STUDENTS) if kind(number) != "missing"]


def test_the_week(course, tmp_path):
    lab = nbformat.read(course.release(LAB) / f"{LAB}.ipynb", as_version=4)
    roster, archive, options = tmp_path / "students.csv", tmp_path / "download.zip", ("--course", course.root)
    rows = [(student(n), student(n).lower(), *name(n), f"s{n}@x.edu") for n in range(STUDENTS)]
    table = [("id", "username", "first name", "last name", "email"), *rows]
    roster.write_text("".join(",".join(row) + "\n" for row in table), "utf-8-sig")
    archive.write_bytes(lms_zip(lab))

    call("roster", roster, *options)
    output = call("collect", "lab1", archive, "--deadline", DEADLINE, "--timezone", "Asia/Taipei", *options)
    assert all(name(number)[1] in output for number in range(3))
    assert len(list((course.root / "submitted").glob(f"*/{LAB}/{LAB}.ipynb"))) == len(submitting())
    assert len(list((course.root / "kept" / LAB).glob("*/*"))) == sum(kind(n) == "twice" for n in range(STUDENTS))

    call("grade", "lab1", *options)
    waiting = call("essays", "lab1", *options)
    assert all(student(number) in waiting for number in submitting())
    read_essays(course)
    call("export", *options)
    assert totals(course) == pytest.approx({student(n): expected(n, q4=False) for n in submitting()})

    edit_checks(course, Q4_WRONG, Q4_RIGHT)
    changed = call("regrade", "lab1", "--question", "Q4", *options)
    assert all(student(number) in changed for number in submitting())
    after = {student(n): expected(n, q4=True) for n in submitting()}
    call("export", *options)
    assert totals(course) == pytest.approx(after)

    life = call("history", "lab1", student(5), *options)
    assert [word for word in ("graded, file", "late penalty", "given by hand", "regraded Q4") if word not in life] == []

    report = json.loads(call("report", "lab1", "--json", *options))
    text = json.dumps(report)
    assert "blanks left" in text and str(len(submitting())) in text
    call("report", "lab1", *options)
    assert (course.root / "reports" / f"{LAB}.html").is_file()

    call("feedback", "lab1", *options)
    call("feedback", "lab1", "--zip", "plain", *options)
    assert len(list((course.root / "feedback").glob(f"*/{LAB}/*.html"))) == len(submitting())
    call("export", "lab1", "--to", "moodle", *options)
    (moodle,) = [path for path in course.root.rglob("*moodle*.csv") if "submitted" not in path.parts]
    with moodle.open(newline="", encoding="utf-8-sig") as file:
        grades = list(csv.DictReader(file))
    column = next(key for key in grades[0] if key not in ("First name", "Last name", "ID number", "Email address"))
    assert {row["ID number"]: float(row[column]) for row in grades} == pytest.approx(after)


def test_the_week_on_the_page_for_teaching_assistants(tmp_path):
    page = (REPOSITORY / "docs" / "teaching-assistants.md").read_text("utf-8")
    week = page.split("## The week in order")[1].split("\n## ")[0]
    commands = [shlex.split(line, comments=True) for line in re.findall(r"^autograder (.+)$", week, re.MULTILINE)]
    people = [("S101", "Ada", "Lovelace"), ("S102", "Anna", "Karenina"), ("S103", "Ivan", "Ilyich")]
    table = "".join(f"{','.join(person)},{person[0].lower()}@x.edu\n" for person in people)
    (tmp_path / "students.csv").write_text(f"id,first name,last name,email\n{table}", "utf-8")
    course = tmp_path / "course"
    for command in commands:
        said = call(*command, "--course", course, folder=tmp_path)
        if command[0] == "release":
            lab = nbformat.read(Course.at(course).release(LAB) / f"{LAB}.ipynb", as_version=4)
            with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
                for number, (_, first, last) in enumerate(people):
                    folder = f"{first} {last}_{4711 + number}_assignsubmission_file"
                    archive.writestr(f"{folder}/{LAB}.ipynb", work(lab, number))
    assert len(commands) > 12 and "graded, file" in said
    assert {path.parts[-3] for path in course.glob("feedback/*/*/*.html")} == {"S101", "S102", "S103"}
