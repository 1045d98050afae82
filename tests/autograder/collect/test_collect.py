"""The whole of collect on a course: what lies where afterwards, what the table says, and that nothing is ever lost."""

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from nbgrader.utils import parse_utc

from autograder import gradebook
from autograder.cli import exit_code
from autograder.collect import store
from autograder.collect.collection import CollectOptions, collect, format_duration, refusal_lines
from autograder.deductions import late
from autograder.errors import StoppedError, UserError
from tests import warm
from tests.autograder.collect.conftest import STUDENTS, notebook, tarred, zipped
from tests.autograder.conftest import LAB

ZONE = "Asia/Taipei"
DUE = "2026-10-12 12:00"


@pytest.fixture
def enrolled(course):
    """The released course with its students."""
    gradebook.enter_roster(course, STUDENTS)
    return course


@pytest.fixture
def run(enrolled, tmp_path):
    """Collects an archive of these files, with a table of one time for everybody if there is one, and reports."""

    def run(files, when="2026-10-12 11:00:00", name="all.zip", **options):
        path = tmp_path / name
        path.write_bytes(files if isinstance(files, bytes) else zipped(files, when or "2026-11-01 09:00:00"))
        if when is not None:
            options["times"] = tmp_path / "times.csv"
            options["times"].write_text("id,time\n" + "".join(f"{student.id},{when}\n" for student in STUDENTS))
        return collect(enrolled, LAB, [path], CollectOptions(**{"timezone": ZONE, "deadline": DUE, **options}))

    return run


def tree(course, *folders):
    files = {}
    for folder in folders or ("submitted", "kept"):
        for path in (course.root / folder).rglob("*"):
            if path.is_file():
                files[str(path.relative_to(course.root))] = path.read_bytes()
    return files


def test_a_submission_is_where_nbgrader_looks_for_it(enrolled, run):
    report = run({"S102 王小明/随便.ipynb": notebook(), "S102 王小明/报告.pdf": b"%PDF"})
    folder = f"submitted/S102/{LAB}"
    assert tree(enrolled) == {
        f"{folder}/{LAB}.ipynb": notebook(),
        f"{folder}/{LAB}.pdf": b"%PDF",
        f"{folder}/timestamp.txt": b"2026-10-12 03:00:00.000000 UTC",
    }
    assert parse_utc("2026-10-12 03:00:00.000000 UTC") == datetime(2026, 10, 12, 3)
    (row,) = report.rows
    assert (row.student, row.when, row.late, row.remark) == ("S102 王小明", "2026-10-12 11:00:00 table", "", "")
    assert "S101 Ada Lovelace" in report.missing and len(report.missing) == len(STUDENTS) - 1


def test_late_is_after_the_deadline_and_not_at_it(run):
    assert run({"S101/a.ipynb": notebook()}, "2026-10-12 12:00:00").rows[0].late == ""
    assert run({"S102/a.ipynb": notebook()}, "2026-10-12 12:00:02").rows[0].late == "2 s"
    assert run({"S103/a.ipynb": notebook()}, "2026-10-14 13:00:00").rows[0].late == "2 d 1 h"


def test_the_deadline_is_stored_in_the_gradebook_in_utc(enrolled, run):
    run({"S101/a.ipynb": notebook()})
    assert gradebook.deadline(enrolled, LAB) == datetime(2026, 10, 12, 4, tzinfo=UTC)
    assert run({"S102/a.ipynb": notebook()}, "2026-10-12 13:00:00", deadline="").rows[0].late == "1 h"
    run({"S102/a.ipynb": notebook()}, deadline="2026-10-12T12:00+02:00")
    assert gradebook.deadline(enrolled, LAB) == datetime(2026, 10, 12, 10, tzinfo=UTC)


def test_an_extension_counts(enrolled, run):
    with gradebook.open_gradebook(enrolled) as book:
        book.add_submission(LAB, "S101")
        book.grant_extension(LAB, "S101", hours=2)
    assert gradebook.extensions(enrolled, LAB) == {"S101": timedelta(hours=2)}
    report = run({"S101/a.ipynb": notebook(), "S102/a.ipynb": notebook()}, "2026-10-12 13:00:00")
    assert [row.late for row in report.rows] == ["", "1 h"]


def test_without_a_time_only_the_lms_can_call_a_submission_late(enrolled, run):
    report = run({"lovelaceada_LATE_7001_1_a.ipynb": notebook(), "王小明_7002_2_a.ipynb": notebook()}, when=None)
    assert [row.late for row in report.rows] == ["yes, says the LMS", "?"]
    assert not (enrolled.submission_folder(LAB, "S101") / "timestamp.txt").exists() and "--times" in report.notes[1]


def test_a_dry_run_writes_nothing_and_reports_the_same(enrolled, run):
    files = {"S101/a.ipynb": notebook(), "S102/../x.ipynb": b"", "no.ipynb": notebook()}
    before = {path: path.stat().st_mtime_ns for path in enrolled.root.rglob("*")}
    dry = run(files, dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in enrolled.root.rglob("*")} == before
    wet = run(files)
    dry_report, wet_report = (
        (report.rows, [file.reason for file in report.refused], report.missing) for report in (dry, wet)
    )
    assert dry_report == wet_report and len(wet.refused) == 2


def test_collecting_again_changes_nothing(enrolled, run):
    run({"S101/a.ipynb": notebook()})
    before = tree(enrolled)
    again = run({"S101/a.ipynb": notebook()})
    assert tree(enrolled) == before and again.counts == {store.UNCHANGED: 1}


def test_a_newer_submission_replaces_the_earlier_one_which_goes_to_kept(enrolled, run):
    run({"S101/a.ipynb": notebook("old"), "S101/a.pdf": b"%PDF old"}, "2026-10-12 10:00:00")
    enrolled.submission_folder(LAB, "S101").joinpath("by hand.txt").write_text("a TA's note")
    old = tree(enrolled, "submitted")
    again = run({"S101/a.ipynb": notebook("new")}, "2026-10-12 11:00:00")
    assert again.counts == {store.REPLACED: 1} and "kept/" in again.rows[0].remark
    assert set(tree(enrolled, "submitted").values()) == {notebook("new"), b"2026-10-12 03:00:00.000000 UTC"}
    assert sorted(tree(enrolled, "kept").values()) == sorted(old.values())


def test_an_older_submission_goes_to_kept(enrolled, run):
    run({"S101/a.ipynb": notebook("new")}, "2026-10-12 11:00:00")
    before = tree(enrolled, "submitted")
    again = run({"S101/a.ipynb": notebook("old")}, "2026-10-12 10:00:00")
    assert again.counts == {store.OLDER: 1} and tree(enrolled, "submitted") == before
    assert notebook("old") in tree(enrolled, "kept").values()
    run({"S101/a.ipynb": notebook("old")}, "2026-10-12 10:00:00")
    assert len(tree(enrolled, "kept")) == 2  # the notebook and its time: once


def test_nobodys_own_archive_replaces_the_work_of_another(enrolled, run):
    run({"S102/lab1.ipynb": notebook("hers")}, "2026-10-11 10:00:00")
    before = tree(enrolled)
    for files in ({"S102/lab1.ipynb": notebook("forged")}, {"x_S102_attempt_2026-10-12-01-00-00_a.ipynb": notebook()}):
        report = run(files, "2026-10-12 01:00:00", name="Lab1_S101_Ada.zip")
        assert tree(enrolled) == before and not report.rows
        (refused,) = report.refused
        assert "S101 Ada Lovelace" in refused.reason and "S102" in refused.reason
    assert run({"S102/lab1.ipynb": notebook("later")}, "2026-10-12 02:00:00").counts == {store.REPLACED: 1}
    assert enrolled.submitted(LAB)["S102"].read_bytes() == notebook("later")


@pytest.mark.parametrize("when", ["2037-01-01 00:00:00", "2107-01-01 00:00:00"])
def test_a_date_to_come_is_told_and_a_later_submission_replaces_it(when, enrolled, run):
    report = run(zipped({"S104/lab1.ipynb": notebook("dated")}, when), when=None, deadline="2108-01-01 00:00")
    assert (report.rows[0].when, report.rows[0].late) == ("unknown", "?")
    assert "is still to come: not counted" in report.rows[0].remark
    later = zipped({"S104/lab1.ipynb": notebook("later")}, "2026-10-12 02:00:00")
    assert run(later, when=None).counts == {store.REPLACED: 1}
    assert enrolled.submitted(LAB)["S104"].read_bytes() == notebook("later")


def test_a_date_to_come_that_was_believed_before_is_believed_no_more(enrolled, run):
    run({"S104/lab1.ipynb": notebook("dated")})
    stamp = enrolled.submission_folder(LAB, "S104") / "timestamp.txt"
    stamp.write_text(late.timestamp(datetime(2037, 1, 1, tzinfo=UTC)))
    assert run({"S104/lab1.ipynb": notebook("later")}).counts == {store.REPLACED: 1}


def test_many_files_refused_alike_in_one_students_archive_are_one_line(run):
    inner = zipped({f"{number}.rar": b"" for number in range(30)})
    report = run({"S101/a.zip": inner, "S102/x.rar": b"", "S103/x.rar": b""})
    lines = refusal_lines(report.refused)
    assert len(report.refused) == 32 and len(lines) == 3 and lines[0].endswith("(and 29 more there)")


def test_so_are_those_in_an_archive_of_one_student_and_no_others(run):
    report = run({f"S101/{number}.rar": b"" for number in range(30)} | {"1.rar": b"", "2.rar": b"", "S102.rar": b""})
    lines = refusal_lines(report.refused)
    assert len(report.refused) == 33 and len(lines) == 4 and lines[0].endswith("(and 29 more there)")


def test_of_several_submissions_in_one_download_the_newest_counts(enrolled, run):
    stem = "x_S101_attempt_2026-10-12-{}-00-00_a.ipynb"
    files = {stem.format("09"): notebook("1"), stem.format("11"): notebook("3"), stem.format("10"): notebook("2")}
    report = run(files, when=None)
    assert enrolled.submitted(LAB)["S101"].read_bytes() == notebook("3")
    superseded = tree(enrolled, "kept")
    assert {notebook("1"), notebook("2")} <= set(superseded.values()) and notebook("3") not in superseded.values()
    assert "3 submissions, the newest counts" in report.rows[0].remark


def test_files_that_the_lab_came_with_are_skipped(run):
    report = run(
        {"S101/a.ipynb": notebook(), "S101/checks/q1.py": b"", "S101/figures/mapping.png": b"", "S101/my.txt": b""}
    )
    assert report.rows[0].remark == "left out: my.txt"


def test_students_with_neither_notebook_nor_pdf_are_listed_with_what_they_submitted(run):
    report = run({"S101/lab1.docx": b"", "S102/a.ipynb": notebook()})
    assert "S101 Ada Lovelace (left out: lab1.docx)" in report.missing
    assert "S103 Анна Каренина" in report.missing
    again = run({"S102/lab1.docx": b"", **{f"x{number}.txt": b"" for number in range(5)}})
    assert again.notes[-1].startswith("left out, neither notebook nor PDF: ") and again.notes[-1].endswith(
        " and 1 more"
    )
    assert run({"S102/lab1.docx": b""}).notes[-1] == "left out, neither notebook nor PDF: lab1.docx of S102"


def test_of_two_notebooks_side_by_side_none_is_lost(enrolled, run):
    report = run({"S101/a.ipynb": notebook("1"), "S101/b.ipynb": notebook("2")})
    assert notebook("1") in tree(enrolled, "kept").values() and enrolled.submitted(LAB)[
        "S101"
    ].read_bytes() == notebook("2")
    assert "the newest counts: b.ipynb" in report.rows[0].remark


def test_a_full_disk_leaves_the_previous_submission(enrolled, run, monkeypatch):
    run({"S101/a.ipynb": notebook("old")}, "2026-10-12 10:00:00")
    before = tree(enrolled)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("qlab.files.os.replace", full)
        with pytest.raises(UserError, match="make room"):
            run({"S101/a.ipynb": notebook("new")}, "2026-10-12 11:00:00")
    assert tree(enrolled) == before and not list(enrolled.root.glob(".collect-*"))


def test_after_ctrl_c_the_same_command_goes_on(enrolled, run, monkeypatch):
    files = {"S101/a.ipynb": notebook(), "S102/a.ipynb": notebook()}
    with monkeypatch.context() as patch:
        put = store.SubmissionStore.put

        def interrupt(self, student, result):
            if student == "S102":
                raise KeyboardInterrupt
            return put(self, student, result)

        patch.setattr(store.SubmissionStore, "put", interrupt)
        with pytest.raises(StoppedError, match="1 of 2 are collected"):
            run(files)
    assert set(enrolled.submitted(LAB)) == {"S101"}
    assert run(files).counts == {store.NEW: 1, store.UNCHANGED: 1}


def test_ctrl_c_while_reading_writes_nothing(enrolled, run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("autograder.collect.archives.split_path", interrupt)
        with pytest.raises(StoppedError, match="nothing was written"):
            run({"S101/a.ipynb": notebook()})
    assert not tree(enrolled) and gradebook.deadline(enrolled, LAB) is None


def test_the_list_of_missing_students_says_whose_file_was_refused(run):
    report = run({"S101/a.rar": b"Rar!", "王小明_7002_assignsubmission_file/a.7z": b"7z", "a.rar": b"Rar!"})
    assert {"S101 Ada Lovelace (a file was not collected)", "S102 王小明 (a file was not collected)"} <= set(
        report.missing
    )
    assert "S103 Анна Каренина" in report.missing and not report.rows and len(report.refused) == 3


def test_a_whole_archive_that_is_damaged_is_one_line(enrolled, run):
    report = run(b"not a zip", name="Lab1_S101_Ada.zip")
    assert [file.reason for file in report.refused] == [
        "it is damaged, or not the kind of archive that its name says: download it again, or ask for it"
    ]
    assert not report.rows and "S101 Ada Lovelace (a file was not collected)" in report.missing


def test_file_names_cannot_control_the_terminal(run, capsys):
    report = run({"S101/\x1b[31mred[bold]x.ipynb": notebook(), "S102/\x1b]0;t\x07.rar": b""})
    report.show(terminal=False)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "[bold]x" in shown and "not collected: 1" in shown


def test_rules_toml_sets_the_time_zone(enrolled, run):
    (enrolled.root / "rules.toml").write_text('timezone = "America/New_York"\n')
    run({"S101/a.ipynb": notebook()}, "2026-10-12 11:00:00", timezone="", deadline="")
    assert late.read_timestamp(enrolled.submission_folder(LAB, "S101")) == datetime(2026, 10, 12, 15, tzinfo=UTC)


def test_without_a_time_zone_times_are_this_machines(enrolled, run):
    report = run({"S101/a.ipynb": notebook()}, timezone="", deadline="")
    assert "this machine's time" in report.notes[0] and "no deadline" in report.notes[0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"deadline": "soon"}, "is not a date and time"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"deadline": "2026-13-01"}, "is not a date and time"),
    ],
)
def test_a_wrong_call_is_one_sentence(enrolled, run, options, says):
    with pytest.raises(UserError, match=says):
        run({"S101/a.ipynb": notebook()}, **options)
    assert not tree(enrolled)


def test_an_id_in_the_gradebook_that_is_a_path_is_ignored(enrolled, run):
    with gradebook.open_gradebook(enrolled) as book:
        book.add_student("../../S900")
    report = run({"S900/a.ipynb": notebook(), "S101/a.ipynb": notebook()})
    assert list(enrolled.submitted(LAB)) == ["S101"] and len(report.refused) == 1


def test_without_a_roster(course, tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"S101/a.ipynb": notebook()}))
    with pytest.raises(UserError, match=r"autograder roster students\.csv"):
        collect(course, LAB, [tmp_path / "a.zip"], CollectOptions())


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "1 s"), (61, "1 min 1 s"), (90061, "1 d 1 h"), (86400, "1 d")])
def test_durations(seconds, text):
    assert format_duration(seconds) == text


def command(*arguments):
    line = [*warm.command(), "-m", "autograder.cli", "collect", "lab1", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"})


@pytest.mark.slow
def test_the_command_and_its_exit_codes(enrolled, tmp_path):
    (tmp_path / "good.tar.gz").write_bytes(tarred({"x_S101_attempt_2026-10-12-04-00-00_a.ipynb": notebook()}))
    (tmp_path / "bad.zip").write_bytes(b"not a zip")
    done = command(tmp_path / "good.tar.gz", "--course", enrolled.root, "--deadline", "2026-10-12 03:00")
    assert done.returncode == 0 and "collected: 1 new" in done.stdout and "1 h" in done.stdout, done.stderr
    done = command(tmp_path / "good.tar.gz", tmp_path / "bad.zip", "--course", enrolled.root)
    assert done.returncode == 3 and "1 unchanged" in done.stdout and "bad.zip: it is damaged" in done.stdout
    for wrong, says in ((tmp_path / "none.zip", "does not exist"), ("", "")):
        done = command(wrong, "--course", enrolled.root) if wrong else command("--course", enrolled.root)
        assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_a_gradebook_that_cannot_be_used_is_one_sentence(enrolled, tmp_path, capsys):
    enrolled.gradebook.write_bytes(b"no database" * 1000)
    (tmp_path / "a.zip").write_bytes(zipped({"S101/a.ipynb": notebook()}))
    assert exit_code(lambda: collect(enrolled, LAB, [tmp_path / "a.zip"], CollectOptions())) == 2
    assert "backups/" in capsys.readouterr().err


@pytest.mark.parametrize("files", [{"readme.txt": b""}, {"S101/lab1.docx": b""}])
def test_a_download_without_a_notebook_is_told(run, files, capsys):
    report = run(files)
    report.show(terminal=False)
    assert not report.is_complete and "name the file or folder that you downloaded" in capsys.readouterr().out
