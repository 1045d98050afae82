"""When students handed in, until when they could, and which submission counts: in tables, reports and feedback."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from autograder import gradebook
from autograder.cli import exit_code
from autograder.collect.collection import CollectOptions, collect
from autograder.collect.counting import Count
from autograder.commands import grade
from autograder.commands.app import app
from autograder.course_folder.roster import Student
from autograder.deductions import late
from autograder.deductions.extensions import Extension, deadlines, grant
from autograder.deductions.handing_in import CollectNote, digest, handing_in
from autograder.files import write_atomic
from autograder.report.class_report import class_report, write_page
from autograder.report.feedback import write_feedback
from autograder.report.marks import class_marks, write_marks
from autograder.report.terminal import Summary
from tests.autograder import classes
from tests.autograder.collect.conftest import notebook, zipped
from tests.autograder.conftest import LAB
from tests.autograder.deductions.test_late import A_DAY, configure

DUE = "2026-10-12 23:59"
PEOPLE = [
    Student("S101", "Ada", "Weber", "ada@uni.invalid", "70101"),
    Student("S102", "Bela", "Novak", "", "70102"),
    Student("S103", "", "王小明", "wang@uni.invalid"),
    Student("S104", "Wei", "Li"),
    Student("S105", "Wei", "Li"),
]
TWO = {"weberada_70101_1_lab1.ipynb": "on time", "novakbela_LATE_70102_2_lab1.ipynb": "late"}


@pytest.fixture
def desk(course):
    """A course with 10 % off for each day, in Taipei."""
    gradebook.enter_roster(course, PEOPLE)
    configure(course, A_DAY)
    (course.root / "rules.toml").write_text('timezone = "Asia/Taipei"\n')
    return course


@pytest.fixture
def run(desk, tmp_path):
    """Collects these files and stores a record with 15 points for each student; returns the report."""

    def run(files=TWO, **options):
        path = tmp_path / "download.zip"
        path.write_bytes(zipped({name: notebook(text) for name, text in files.items()}, "2026-11-01 09:00:00"))
        report = collect(desk, LAB, [path], CollectOptions(**{"deadline": DUE, **options}))
        for student in desk.submitted(LAB):
            record = classes.record(student)
            record.write(desk.record(LAB, student))
            # The course has the real lab, and the made-up one only the first question's name in common.
            gradebook.store(desk, [replace(record, cells=record.cells[:1])])
        late.update(desk, LAB)
        return report

    return run


def row(desk, student):
    return next(row for row in class_marks(desk, LAB) if row.record.student == student)


def page(desk, student):
    write_feedback(desk, classes.small_lab())
    return desk.feedback(LAB, student).read_text("utf-8")


def test_late_by_an_unknown_amount_takes_nothing_off_and_asks_for_a_person(desk, run, capsys):
    run()
    assert handing_in(desk, LAB)["S102"].unsettled and not handing_in(desk, LAB)["S101"].unsettled
    assert row(desk, "S102").deductions == () and gradebook.penalties(desk, LAB) == {}
    assert "late, says Canvas, but not by how much: run autograder extend" in row(desk, "S102").remarks
    summary = Summary.of(class_marks(desk, LAB))
    summary.show()
    assert summary.unsettled == ["S102"] and "nothing taken off: S102" in capsys.readouterr().out
    report = class_report(desk, classes.small_lab())
    assert ("S102",) in [note.students for note in report.needs_person if "late by an unknown amount" in note.text]
    assert ("S101",) in [note.students for note in report.handed_in if "counts as in time" in note.text]
    assert "by how much is not known, and so nothing was taken off" in page(desk, "S102")
    assert write_marks(desk).read_text("utf-8").count("but not by how much") == 1


@pytest.mark.parametrize(("extension", "penalized"), [("7d", False), ("2026-11-20", False)])
def test_an_extension_settles_it_everywhere(extension, penalized, desk, run, capsys):
    run()
    assert exit_code(lambda: app(["extend", "lab1", "S102", extension, "--course", str(desk.root)])) == 0
    assert "S102 Bela Novak: until 2026-1" in capsys.readouterr().out
    assert not handing_in(desk, LAB)["S102"].unsettled and (gradebook.penalties(desk, LAB) != {}) == penalized
    assert "extended to 2026-1" in row(desk, "S102").remarks and "Yours was extended to 2026-1" in page(desk, "S102")
    report = class_report(desk, classes.small_lab())
    assert [note.students for note in report.handed_in if note.text.startswith("extended to")] == [("S102",)]
    assert "Handing in" in write_page(report, desk.class_report(LAB)).read_text("utf-8")


def test_a_table_settles_it_and_the_penalty_follows(desk, run, tmp_path):
    run()
    (tmp_path / "times.csv").write_text("id,time\nS102,2026-10-14 12:00\n")
    run(times=tmp_path / "times.csv")
    assert not handing_in(desk, LAB)["S102"].unsettled
    assert gradebook.penalties(desk, LAB)["S102"] == pytest.approx(0.2 * 10)
    assert "Handed in on 2026-10-14 12:00:00. The deadline was 2026-10-12 23:59:00." in page(desk, "S102")
    grant(desk, LAB, {"S102": Extension(longer=timedelta(days=1))})
    late.update(desk, LAB)
    assert gradebook.penalties(desk, LAB)["S102"] == pytest.approx(0.1 * 10)
    assert gradebook.extensions(desk, LAB) == {"S102": timedelta(days=1)}  # nbgrader knows it, and so does its export
    grant(desk, LAB, {"S102": None})
    late.update(desk, LAB)
    assert gradebook.penalties(desk, LAB)["S102"] == pytest.approx(0.2 * 10) and not gradebook.extensions(desk, LAB)


def test_a_time_that_the_gradebook_believed_before_is_believed_no_more(desk, run):
    run()
    stamp = desk.submission_folder(LAB, "S101") / "timestamp.txt"
    stamp.write_text(late.timestamp(datetime(2026, 11, 1, tzinfo=UTC)))
    late.update(desk, LAB)
    assert gradebook.penalties(desk, LAB)
    stamp.unlink()
    late.update(desk, LAB)
    assert not gradebook.penalties(desk, LAB)


def test_which_submission_counts_is_shown_everywhere(desk, run):
    name = "x_S101_attempt_2026-10-{}-12-00-00_lab1.ipynb"
    run({name.format(day): day for day in ("11", "14")}, count=Count.IN_TIME)
    assert desk.submitted(LAB)["S101"].read_bytes() == notebook("11") and not gradebook.penalties(desk, LAB)
    assert "counted: in time" in row(desk, "S101").remarks
    assert "The last submission before the deadline counts, or else the first after it." in page(desk, "S101")
    notes = class_report(desk, classes.small_lab()).handed_in
    assert [note.students for note in notes if note.text.startswith("the last submission before")] == [("S101",)]


def test_a_note_about_other_files_does_not_count(desk, run):
    run()
    path, folder = desk.handed_in(LAB, "S102"), desk.submission_folder(LAB, "S102")
    assert CollectNote.read(path, folder).late and CollectNote.read(path, folder).digest == digest(folder)
    write_atomic(folder / f"{LAB}.ipynb", notebook("by hand"))
    assert CollectNote.read(path, folder) is None and not handing_in(desk, LAB)["S102"].unsettled
    for text in ("", "[]", "{}", '{"format": 99}'):
        path.write_text(text)
        assert CollectNote.read(path, folder) is None


def extend(desk, *arguments):
    return exit_code(lambda: app(["extend", "lab1", *map(str, arguments), "--course", str(desk.root)]))


@pytest.mark.parametrize(("who", "until", "says"), [
    ("S999", "7d", "nobody on the roster"), ("Li Wei", "7d", "S104 Wei Li or S105 Wei Li: name the id"),
    ("S101", "soon", "write 7d"), ("S101", "", "how long?"), ("S101", "2026-10-01", "is not after the deadline"),
    ("no.csv", "", "cannot be read"),
])  # fmt: skip
def test_a_wrong_call_is_one_sentence_and_changes_nothing(who, until, says, desk, capsys):
    gradebook.set_deadline(desk, LAB, datetime(2026, 10, 12, 15, 59, tzinfo=UTC))
    assert extend(desk, who, *([until] if until else [])) == 2
    assert says in capsys.readouterr().err and not desk.extensions.exists()


@pytest.mark.parametrize("who", ["S101", "s101", "ada@uni.invalid", "Ada Weber", "Weber Ada", "70101"])
def test_a_student_is_found_by_id_email_name_or_number(who, desk):
    gradebook.set_deadline(desk, LAB, datetime(2026, 10, 12, 15, 59, tzinfo=UTC))
    assert extend(desk, who, "7d") == 0
    assert deadlines(desk, LAB) == {"S101": datetime(2026, 10, 19, 15, 59, tzinfo=UTC)}


def test_a_whole_table_of_extensions(desk, tmp_path, capsys):
    gradebook.set_deadline(desk, LAB, datetime(2026, 10, 12, 15, 59, tzinfo=UTC))
    table = tmp_path / "extensions.csv"
    table.write_text("id,name,extension\nS101,Ada Weber,7d\n,王小明,2026-10-20 12:00\nS102,Bela Novak,\n", "utf-8-sig")
    assert extend(desk, table) == 0
    assert deadlines(desk, LAB) == {"S101": datetime(2026, 10, 19, 15, 59, tzinfo=UTC),
                                    "S103": datetime(2026, 10, 20, 4, tzinfo=UTC)}  # fmt: skip
    assert "2 extensions" in capsys.readouterr().out
    table.write_text("email;days\nada@uni.invalid;3\n")
    assert extend(desk, table) == 0
    assert deadlines(desk, LAB)["S101"] == datetime(2026, 10, 15, 15, 59, tzinfo=UTC) and extend(desk) == 0
    assert extend(desk, "S101", "none") == 0 and set(deadlines(desk, LAB)) == {"S103"}


@pytest.mark.parametrize(("text", "says"), [
    ("id,extension\nS101,7d\nS999,7d\n", "line 3: nobody on the roster is called S999"),
    ("id,extension\nS101,7d\nS102,soon\n", "line 3: “soon” is no extension"),
    ("id,name,extension\nS101,Bela Novak,7d\n", "line 2: it names S101 Ada Weber and S102 Bela Novak"),
    ("id,extension\nS101,7d\nS101,8d\n", "line 3: S101 has another extension above. Nothing was changed."),
    ("id,mark\nS101,7\n", "no column of extensions"), ("id,extension\nS101,\n", "grants nothing"),
])  # fmt: skip
def test_a_table_with_a_wrong_line_grants_nothing(text, says, desk, tmp_path, capsys):
    (tmp_path / "extensions.csv").write_text(text)
    assert extend(desk, tmp_path / "extensions.csv") == 2
    assert says in capsys.readouterr().err and not desk.extensions.exists()


def test_without_a_deadline_an_extension_waits_for_one(desk, run, capsys):
    assert extend(desk, "S101", "7d") == 0 and "7d after the deadline, once there is one" in capsys.readouterr().out
    report = run()
    assert "extended to 2026-10-19 23:59:00" in report.rows[0].remark


@pytest.mark.parametrize(("unsettled", "code"), [([], 0), (["S102"], 3)])
def test_grade_ends_with_3_while_anybody_is_late_by_an_unknown_amount(unsettled, code, desk, monkeypatch):
    monkeypatch.setattr(grade, "grade_lab", lambda *_: Summary(students=1, unsettled=unsettled))
    assert exit_code(lambda: app(["grade", "lab1", "--course", str(desk.root)])) == code


@pytest.mark.parametrize(("files", "times", "code"), [
    ({"weberada_70101_1_lab1.ipynb": ""}, "", 0), (TWO, "", 3), (TWO, "S102,2026-10-14 12:00", 0),
    (TWO, "S102,someday", 3), ({"weberada_70101_1_lab1.ipynb": ""}, "S101,10/11/2026", 3),
])  # fmt: skip
def test_collect_ends_with_3_until_everything_is_settled(files, times, code, desk, tmp_path):
    (tmp_path / "download.zip").write_bytes(zipped({name: notebook() for name in files}, "2026-11-01 09:00:00"))
    (tmp_path / "times.csv").write_text(f"id,time\n{times}\n")
    options = ["--times", str(tmp_path / "times.csv")] if times else []
    line = ["collect", "lab1", str(tmp_path / "download.zip"), "--deadline", DUE, "--course", str(desk.root), *options]
    assert exit_code(lambda: app(line)) == code
