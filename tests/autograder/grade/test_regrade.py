"""After a check is fixed, its question is graded again: nothing else changes, least of all marks given by hand."""

import ast
import hashlib
import json
import shutil
from dataclasses import replace

import nbformat
import pytest

from autograder import gradebook
from autograder.collect.sample_class import write_submissions
from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.grade.grade_class import grade_class
from autograder.grade.lab import GradedLab
from autograder.grade.record import GradingRecord
from autograder.grade.regrade import NEW_FILE, NOT_GRADED, RegradeResult, Regrading, find_question, merge
from autograder.grade.scheduler import Workers, scheduler
from autograder.report.marks import class_marks
from tests.autograder.classes import outcome, record, small_lab
from tests.autograder.conftest import LAB
from tests.autograder.test_cli import run
from tests.conftest import SANDBOXED

STUDENTS = ["ada", "bela", "chen", "fay", "noor"]
RIGHT, WRONG = "reference=value(12.5)", "reference=value(12.0)"


def with_check(course: Course, old: str, new: str, release: str) -> GradedLab:
    """The lab after an edit of its checks, released."""
    path = course.source(LAB) / "checks" / "q4.py"
    assert path.read_text("utf-8").count(old) == 1
    write_atomic(path, path.read_text("utf-8").replace(old, new))
    notebook = course.release(LAB) / f"{LAB}.ipynb"
    stamped = nbformat.read(notebook, as_version=4)
    stamped.metadata.qlab.release = release
    write_atomic(notebook, nbformat.writes(stamped))
    return GradedLab.of(LAB, course)


@pytest.fixture(scope="module")
def wrongly_graded(released, tmp_path_factory) -> Course:
    """Five students, graded by a check of Q4 that was wrong; ada's text and bela's Q4 marked by hand; now fixed."""
    root = tmp_path_factory.mktemp("regrade") / "course"
    shutil.copytree(released.root, root)
    course = Course.at(root)
    write_submissions(GradedLab.of(LAB, course), course)
    for student in set(course.submitted(LAB)) - set(STUDENTS):
        shutil.rmtree(root / "submitted" / student)
    lab = with_check(course, RIGHT, WRONG, "wrong0")
    with scheduler("", sandboxed=SANDBOXED, workers=1) as workers, gradebook.open_writer(course) as writer:
        grade_class(course, lab, STUDENTS, workers, writer.store, sandboxed=SANDBOXED)
    with gradebook.open_gradebook(course) as book:
        for student, cell, points in (("ada", "q4-calculation", 8.0), ("bela", "q4-check", 4.0)):
            grade = book.find_grade(cell, LAB, LAB, student)
            grade.manual_score, grade.needs_manual_grade = points, False
        book.find_comment("q4-calculation", LAB, LAB, "ada").manual_comment = "well put"
        book.db.commit()
    with_check(course, WRONG, RIGHT, "fixed0")
    return course


@pytest.fixture
def course(wrongly_graded, tmp_path) -> Course:
    shutil.copytree(wrongly_graded.root, tmp_path / "course")
    return Course.at(tmp_path / "course")


def regraded(course, *, dry_run=False, students=STUDENTS) -> RegradeResult:
    with scheduler("", sandboxed=SANDBOXED, workers=1) as workers, gradebook.open_writer(course) as writer:
        store = None if dry_run else writer.store
        work = Regrading(course, GradedLab.of(LAB, course), "Q4", sandboxed=SANDBOXED, store=store)
        work.run(students, workers)
    return work.result


def in_one_module(folder):
    """Makes the checks one module, checks.py, as courses were released once."""
    package = folder / "checks"
    files = ["_common.py", *sorted(path.name for path in package.glob("q*.py")), "__init__.py"]
    statements = [one for name in files for one in ast.parse((package / name).read_text("utf-8")).body]
    own = [one for one in statements if not (isinstance(one, ast.ImportFrom) and one.level)]
    shutil.rmtree(package)
    (folder / "checks.py").write_text(ast.unparse(ast.Module(own, [])), "utf-8")


def everything(course):
    paths = sorted(path for path in course.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def cells_of(course, student):
    return json.loads(course.autograded(LAB, student).read_text("utf-8"))["cells"]


slow = [pytest.mark.slow, pytest.mark.xdist_group("regrade")]


class TestAfterTheFix:
    pytestmark = slow

    def test_only_this_question_changes_and_marks_given_by_hand_stay(self, course):
        before = gradebook.marks(course, LAB)
        totals = {row.record.student: row.total for row in class_marks(course, LAB)}
        found = regraded(course)
        after = gradebook.marks(course, LAB)
        changes = [(c.student, c.before, c.after, c.total_before, c.total_after) for c in found.changes]
        assert changes == [("ada", 8, 13, 78, 83), ("chen", 0, 5, 54, 59)]
        assert (found.graded, found.by_hand) == (4, ["bela"]) and "ends in the middle" in found.left_out["noor"]
        for student, cells in before.items():
            for cell, mark in cells.items():
                fixed = student in ("ada", "chen") and cell == "q4-check"
                assert after[student][cell] == (replace(mark, points=5.0) if fixed else mark)
        now = {row.record.student: row.total for row in class_marks(course, LAB)}
        assert now == {**totals, **{c.student: c.total_after for c in found.changes}}

    def test_record_and_notebook_of_changed_students_say_so(self, course):
        old = {student: GradingRecord.read(course.record(LAB, student)) for student in STUDENTS}
        notebooks = {student: cells_of(course, student) for student in ("ada", "fay")}
        regraded(course)
        for student in ("ada", "fay"):
            new, was = GradingRecord.read(course.record(LAB, student)), old[student]
            assert (new.release, new.seed, new.sha256) == ("fixed0", was.seed, was.sha256)
            told = [remark for remark in new.remarks if remark not in was.remarks]
            assert told == (["Q4 was graded again after its check was fixed"] if student == "ada" else [])
            others = [(a, b) for a, b in zip(new.cells, was.cells, strict=True) if a.question != "Q4"]
            assert all(a == b for a, b in others) and len(others) >= 6
            cells = cells_of(course, student)
            changed = [a["id"] for a, b in zip(cells, notebooks[student], strict=True) if a != b]
            assert changed == (["q4-check"] if student == "ada" else [])

    def test_the_next_grading_and_a_second_regrading_change_nothing(self, course):
        regraded(course)

        def never(lab):
            raise AssertionError("graded again")

        lab, stored = GradedLab.of(LAB, course), []
        marked = STUDENTS[:-1]
        result = grade_class(course, lab, marked, Workers(never, 1), stored.append, sandboxed=SANDBOXED)
        assert result.unchanged == len(marked)
        before = everything(course)
        assert regraded(course).changes == []
        changed = {path.name for path, digest in everything(course).items() if before.get(path) != digest}
        # What a record says of time is measured anew.
        assert changed <= {"gradebook.db", *(f"{student}.json" for student in marked)}

    def test_a_course_whose_checks_are_one_module_is_graded_alike(self, course, tmp_path):
        shutil.copytree(course.root, tmp_path / "once")
        once = Course.at(tmp_path / "once")
        (once.source(LAB) / "checks.py").write_text("left there by a release of before")
        assert GradedLab.of(LAB, once).modules == GradedLab.of(LAB, course).modules
        for folder in (once.source(LAB), once.release(LAB)):
            in_one_module(folder)
        assert set(GradedLab.of(LAB, once).modules) == {"checks", "provided"}
        found, found_once = regraded(course), regraded(once)
        assert found.changes and found == found_once
        for student in STUDENTS[:-1]:
            cells, cells_once = (GradingRecord.read(place.record(LAB, student)).cells for place in (course, once))
            assert cells == cells_once

    def test_a_dry_run_says_the_same_and_writes_nothing(self, course):
        before = everything(course)
        done = run("regrade", "lab1", "--question", "q4", "--dry-run", "--course", course.root, *no_sandbox())
        assert done.returncode == 0, done.stderr
        assert everything(course) == before
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["ada", "8", "13", "+5", "78", "83"] in lines and ["chen", "0", "5", "+5", "54", "59"] in lines
        assert "Q4: 4 graded again, 2 would change, +10 points in all" in done.stdout and "noor" in done.stdout

    def test_the_command_writes_the_marks(self, course):
        done = run("regrade", "lab1", "--question", "Q4", "--course", course.root, *no_sandbox())
        assert (
            done.returncode == 0 and "2 changed" in done.stdout and "keep their marks given by hand" in done.stdout
        ), done.stderr
        assert "lab1 Q4 /10" in course.marks.read_text("utf-8").splitlines()[0]
        assert (course.root / "backups").is_dir()

    def test_students_with_a_new_file_or_without_a_grade_are_left_out(self, course):
        path = course.submitted(LAB)["ada"]
        path.write_text(path.read_text("utf-8").replace("12.5", "25") + "\n", "utf-8")
        course.record(LAB, "chen").unlink()
        found = regraded(course, students=["ada", "chen"])
        assert found.left_out == {"ada": NEW_FILE, "chen": NOT_GRADED} and (found.graded, found.changes) == (0, [])


def no_sandbox():
    return [] if SANDBOXED else ["--no-sandbox"]


def test_an_unknown_question_lists_the_known_ones():
    with pytest.raises(UserError, match=r"no question “Q9” with a check: choose one of Q1, Q2"):
        find_question(small_lab(), "Q9")
    with pytest.raises(UserError, match="has no question “Q3” with a check"):
        find_question(small_lab(), "Q3")  # graded by hand
    assert find_question(small_lab(), " q2 ") == "Q2"


def test_remarks_about_the_questions_cells_are_replaced():
    broken = ("the check q1-check failed by itself: KeyError", "the cell q2 ended with NameError", "a note")
    before = record("a", q1=0, remarks=broken, seconds={"q1-check": 1.0, "q2": 2.0}, resubmitted=True)
    now = record("a", q1=10, q2=0, remarks=("the cell q1 was stopped: slow",), seconds={"q1-check": 3.0, "q2": 4.0})
    found = merge(before, replace(now, release="new"), "Q1")
    assert found.remarks == ("the cell q2 ended with NameError", "a note", "the cell q1 was stopped: slow")
    assert found.seconds == {"q1-check": 3.0, "q2": 2.0} and found.release == "new" and not found.resubmitted
    assert [grade.points for grade in found.cells] == [10, 5, None]


def test_a_question_that_the_fix_split_into_two_cells_is_merged_completely():
    before, now = record("a", q1=4), record("a", q1=6)
    extra = replace(now.cells[0], cell="q1-more-check", points=3.0, outcome=outcome("Q1", 3, 5))
    found = merge(before, replace(now, cells=(*now.cells, extra)), "Q1")
    assert found.marks() == {"q1-check": 6, "q2-check": 5, "q3": None, "q1-more-check": 3.0}
