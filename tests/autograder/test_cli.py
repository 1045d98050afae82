"""Every mistake of a user ends in one sentence and an exit code."""

import contextlib
import io
import sqlite3
import subprocess
import sys
import types

import pytest

from autograder import cli
from autograder.__main__ import main
from autograder.cli import exit_code
from autograder.collect.sample_class import write_submissions
from autograder.commands.grade import _why_different
from autograder.course_folder.layout import Course
from autograder.errors import StoppedError, UserError
from autograder.grade.lab import GradedLab
from autograder.grade.record import CellGrade, GradingRecord
from qlab.check.outcome import Outcome
from tests import warm
from tests.autograder.conftest import LAB
from tests.conftest import REPOSITORY


def run(*arguments, **options):
    command = [*warm.command(), "-m", "autograder.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def run_here(*arguments):
    """The same in this process, for tests in which the process is not the point: it saves seconds per command."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = cli.exit_code(lambda: cli.app([*map(str, arguments)], prog_name="autograder"))
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["grade", "nolab"], "is not a lab: choose one of lab1_linear_quantization"),
        (["grade", "lab1"], "run autograder release lab1_linear_quantization"),
        (["grade", "lecture"], "lecture is not graded"),
        (["collect", "lecture", "a.zip"], "lecture is not graded"),
        (["feedback", "lecture"], "lecture is not graded"),
        (["export", "lecture", "--to", "moodle"], "lecture is not graded"),
        (["grade", "lab1", "--explain"], "--explain needs --student"),
        (["export"], "no gradebook yet"),
        (["feedback", "lab1"], "run autograder release"),
        (["collect", "lab1", "a.zip"], "run autograder release"),
        (["roster", "none.csv"], "none.csv cannot be read"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(arguments, says, tmp_path):
    Course.at(tmp_path)
    done = run(*arguments, "--course", tmp_path)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_a_mistyped_course_is_an_error_and_not_created(tmp_path):
    done = run("grade", "lab1", "--course", tmp_path / "curse")
    assert done.returncode == 2 and "there is no course in" in done.stderr and not (tmp_path / "curse").exists()


def test_a_folder_that_is_no_course_stays_as_it_is(tmp_path):
    done = run("grade", "lab1", "--course", tmp_path)
    assert done.returncode == 2 and "there is no course in" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_demo_does_not_overwrite_a_students_file(course):
    path = course.root / "submitted" / "ada" / LAB / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    done = run("demo", "--course", course.root)
    assert done.returncode == 2 and "does not belong to the sample class" in done.stderr and path.read_text() == "{}"


def test_ctrl_c_while_loading_gives_no_traceback(monkeypatch, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    loading = types.ModuleType("autograder.cli")
    loading.__getattr__ = interrupt
    monkeypatch.setitem(sys.modules, "autograder.cli", loading)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130 and "stopped; nothing was written" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["corrupt", "deleted", "locked"])
def test_a_gradebook_that_cannot_be_used_is_one_sentence(course, damage):
    write_submissions(GradedLab.of(LAB, course), course)
    if damage == "corrupt":
        course.gradebook.write_bytes(b"no database" * 1000)
    elif damage == "deleted":
        course.gradebook.unlink()
    with sqlite3.connect(course.gradebook if damage == "locked" else ":memory:") as other:
        other.execute("BEGIN EXCLUSIVE")
        done = run("grade", "lab1", "--course", course.root, "--student", "hana")
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr[-2000:]
    assert ("is in use" if damage == "locked" else "backups/") in done.stderr


def test_a_course_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    done = run("export", "--course", tmp_path / "file")
    assert done.returncode == 2 and "name the folder of a course" in done.stderr


def test_nothing_handed_in(course):
    done = run("grade", "lab1", "--course", course.root)
    assert done.returncode == 2 and f"submitted/<student>/{LAB}" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        *("new", "lint", "release", "roster", "collect", "grade", "regrade", "essays", "report", "similar", "feedback"),
        *("export", "gradesheet", "history", "forget", "demo", "receipt"),
    ],
)
def test_every_command_has_help_with_an_example(command):
    done = run(command, "--help")
    assert done.returncode == 0 and f"Example: autograder {command}" in " ".join(done.stdout.split())


def test_an_unknown_command():
    assert run("dance").returncode == 2


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (UserError("do this."), 2, "do this."),
        (StoppedError("3 of 5 are left."), 130, "3 of 5 are left"),
        (ModuleNotFoundError("no", name="nbgrader"), 2, "pip install -e '.[grade]'"),
        (ModuleNotFoundError("no", name="cryptography.hazmat"), 2, "pip install -e '.[grade,serve]'"),
        (OSError(5, "Input/output error", "marks.csv"), 1, "marks.csv: Input/output error"),
        (OSError(13, "Permission denied", "backups"), 2, "backups: Permission denied: give permission"),
        (OSError(28, "No space left on device", "solutions/checks.py"), 2, "autograder: the disk is full: make room"),
    ],
)
def test_errors_end_without_a_traceback(error, code, says, capsys):
    def fail():
        raise error

    assert exit_code(fail) == code and says in capsys.readouterr().err


def record_of(fails, points=0.0, sha256="a", release="r"):
    outcome = Outcome("Q1", "f", points, 5.0, fails=(fails,))
    return GradingRecord(
        "ada", "lab1", sha256, 1, release, "v", cells=(CellGrade("q1-check", "Q1", points, 5.0, outcome=outcome),)
    )


@pytest.mark.parametrize(
    ("replay", "why"),
    [
        (record_of("wrong", 3.0, sha256="b"), "the file has changed"),
        (record_of("wrong", 3.0, release="s"), "the lab has changed"),
        (record_of("your answer cell was stopped: it ran longer than 10 seconds"), "time: q1-check reached its limit"),
        (record_of("the check was stopped: it waited longer than 30 seconds"), "time: q1-check reached its limit"),
        (record_of("wrong", 3.0), "the same file and lab do not give the same each time"),
    ],
)
def test_explain_says_why_a_replay_gives_other_marks(replay, why):
    assert why in _why_different(record_of("", 5.0), replay)


@pytest.mark.slow
@pytest.mark.xdist_group("class")
def test_explain_replays_a_record(graded):
    done = run("grade", "lab1", "--course", graded.course.root, "--student", "chen", "--explain")
    assert done.returncode == 0, done.stderr
    assert (
        "the zero-point is truncated instead of rounded" in done.stdout
        and "gives the same marks as the record: 59" in done.stdout
    )


@pytest.mark.slow
@pytest.mark.xdist_group("class")
def test_grade_prints_the_table_and_its_exit_code_says_that_a_mark_is_missing(graded):
    done = run("grade", "lab1", "--course", graded.course.root)
    assert done.returncode == 3 and "0 graded now" in done.stdout and "ends in the middle" in done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("class")
def test_grade_of_one_student_shows_and_judges_that_student_alone(graded):
    for student, code in (("ada", 0), ("noor", 3)):
        done = run("grade", "lab1", "--course", graded.course.root, "--student", student)
        rows = [line.split()[0] for line in done.stdout.splitlines() if line.split()[:1] == [student] or "–" in line]
        assert done.returncode == code and rows == [student]
        assert "chen" not in done.stdout and len(graded.course.marks.read_text("utf-8").splitlines()) == 17


@pytest.mark.parametrize(
    "command",
    [
        "autograder --help",
        "autograder grade --help",
        "qlab --help",
        "qlab labs",
        "qlab submit --help",
        "qlab --version",
    ],
)
def test_a_help_text_and_the_list_of_labs_import_nothing_that_takes_long(command):
    program, *arguments = command.split()
    code = (
        f"import sys; from {program}.cli import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit as stop: assert not stop.code\n"
        "print([name for name in ('torch', 'numpy', 'nbformat', 'nbgrader', 'IPython') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert process.stdout.splitlines()[-1] == "[]", process.stderr


def test_reading_what_checks_once_said_takes_no_torch():
    code = (
        "import sys\n"
        "from autograder.export import lms\n"
        "from autograder.report import class_report, feedback, marks\n"
        "print([name for name in ('torch', 'IPython') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert process.stdout.splitlines()[-1] == "[]", process.stderr
