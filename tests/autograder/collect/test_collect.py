"""The whole of collect on a course: what lies where afterwards, what the table says, and that nothing is ever lost."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from nbgrader.utils import parse_utc

from autograder import gradebook, late
from autograder.cli import _guarded
from autograder.collect import place
from autograder.collect.collection import Wanted, collect, span
from autograder.errors import StoppedError, UserError
from tests.autograder.collect.conftest import STUDENTS, notebook, tarred, zipped
from tests.autograder.conftest import LAB

ZONE = "Asia/Taipei"
DUE = "2026-10-12 12:00"


@pytest.fixture
def taught(course):
    """The released course with its students."""
    gradebook.enter_roster(course, STUDENTS)
    return course


@pytest.fixture
def run(taught, tmp_path):
    """Collects an archive of these files and gives what was found."""

    def collected(files, when="2026-10-12 11:00:00", name="all.zip", **wanted):
        path = tmp_path / name
        path.write_bytes(files if isinstance(files, bytes) else zipped(files, when))
        return collect(taught, LAB, [path], Wanted(**{"timezone": ZONE, "deadline": DUE, **wanted}))

    return collected


def tree(course, *folders):
    found = {}
    for folder in folders or ("submitted", "kept"):
        for path in (course.root / folder).rglob("*"):
            if path.is_file():
                found[str(path.relative_to(course.root))] = path.read_bytes()
    return found


def test_a_submission_lies_where_nbgrader_looks_for_it(taught, run):
    found = run({"S102 王小明/随便.ipynb": notebook(), "S102 王小明/报告.pdf": b"%PDF"})
    folder = f"submitted/S102/{LAB}"
    assert tree(taught) == {
        f"{folder}/{LAB}.ipynb": notebook(),
        f"{folder}/{LAB}.pdf": b"%PDF",
        f"{folder}/timestamp.txt": b"2026-10-12 03:00:00.000000 UTC",
    }
    assert parse_utc("2026-10-12 03:00:00.000000 UTC") == datetime(2026, 10, 12, 3)
    (row,) = found.rows
    assert (row.student, row.when, row.late, row.remark) == ("S102 王小明", "2026-10-12 11:00:00 archive", "", "")
    assert "S101 Ada Lovelace" in found.missing and len(found.missing) == len(STUDENTS) - 1


def test_late_is_after_the_deadline_and_not_at_it(run):
    assert run({"S101/a.ipynb": notebook()}, "2026-10-12 12:00:00").rows[0].late == ""
    assert run({"S102/a.ipynb": notebook()}, "2026-10-12 12:00:02").rows[0].late == "2 s"
    assert run({"S103/a.ipynb": notebook()}, "2026-10-14 13:00:00").rows[0].late == "2 d 1 h"


def test_the_deadline_is_kept_in_the_gradebook_with_its_zone(taught, run):
    run({"S101/a.ipynb": notebook()})
    assert gradebook.deadline(taught, LAB) == datetime(2026, 10, 12, 4, tzinfo=UTC)
    assert run({"S102/a.ipynb": notebook()}, "2026-10-12 13:00:00", deadline="").rows[0].late == "1 h"
    run({"S102/a.ipynb": notebook()}, deadline="2026-10-12T12:00+02:00")
    assert gradebook.deadline(taught, LAB) == datetime(2026, 10, 12, 10, tzinfo=UTC)


def test_an_extension_counts(taught, run):
    with gradebook.opened(taught) as book:
        book.add_submission(LAB, "S101")
        book.grant_extension(LAB, "S101", hours=2)
    assert gradebook.extensions(taught, LAB) == {"S101": timedelta(hours=2)}
    found = run({"S101/a.ipynb": notebook(), "S102/a.ipynb": notebook()}, "2026-10-12 13:00:00")
    assert [row.late for row in found.rows] == ["", "1 h"]


def test_without_a_time_nobody_is_called_late_but_by_the_lms(taught, run):
    found = run(
        {"lovelaceada_LATE_7001_1_a.ipynb": notebook(), "王小明_7002_2_a.ipynb": notebook()}, "2026-10-20 00:00:00"
    )
    assert [row.late for row in found.rows] == ["yes, says the LMS", "?"]
    assert not (taught.handed_in(LAB, "S101") / "timestamp.txt").exists() and "--times" in found.said[1]


def test_a_dry_run_writes_nothing_and_says_the_same(taught, run):
    files = {"S101/a.ipynb": notebook(), "S102/../x.ipynb": b"", "no.ipynb": notebook()}
    before = {path: path.stat().st_mtime_ns for path in taught.root.rglob("*")}
    dry = run(files, dry=True)
    assert {path: path.stat().st_mtime_ns for path in taught.root.rglob("*")} == before
    wet = run(files)
    told = [(one.rows, [bad.reason for bad in one.refused], one.missing) for one in (dry, wet)]
    assert told[0] == told[1] and len(wet.refused) == 2


def test_collecting_again_changes_nothing(taught, run):
    run({"S101/a.ipynb": notebook()})
    before = tree(taught)
    again = run({"S101/a.ipynb": notebook()})
    assert tree(taught) == before and again.became == {place.UNCHANGED: 1}


def test_a_newer_one_replaces_and_the_earlier_is_kept(taught, run):
    run({"S101/a.ipynb": notebook("old"), "S101/a.pdf": b"%PDF old"}, "2026-10-12 10:00:00")
    taught.handed_in(LAB, "S101").joinpath("by hand.txt").write_text("a TA's note")
    old = tree(taught, "submitted")
    again = run({"S101/a.ipynb": notebook("new")}, "2026-10-12 11:00:00")
    assert again.became == {place.REPLACED: 1} and "kept/" in again.rows[0].remark
    assert set(tree(taught, "submitted").values()) == {notebook("new"), b"2026-10-12 03:00:00.000000 UTC"}
    assert sorted(tree(taught, "kept").values()) == sorted(old.values())


def test_an_older_one_does_not_replace_and_is_kept(taught, run):
    run({"S101/a.ipynb": notebook("new")}, "2026-10-12 11:00:00")
    before = tree(taught, "submitted")
    again = run({"S101/a.ipynb": notebook("old")}, "2026-10-12 10:00:00")
    assert again.became == {place.OLDER: 1} and tree(taught, "submitted") == before
    assert notebook("old") in tree(taught, "kept").values()
    run({"S101/a.ipynb": notebook("old")}, "2026-10-12 10:00:00")
    assert len(tree(taught, "kept")) == 2  # the notebook and its time: once


def test_twice_in_one_download_the_newest_counts_and_the_others_are_kept(taught, run):
    stem = "x_S101_attempt_2026-10-12-{}-00-00_a.ipynb"
    found = run({stem.format("09"): notebook("1"), stem.format("11"): notebook("3"), stem.format("10"): notebook("2")})
    assert taught.submitted(LAB)["S101"].read_bytes() == notebook("3")
    kept = tree(taught, "kept")
    assert {notebook("1"), notebook("2")} <= set(kept.values()) and notebook("3") not in kept.values()
    assert "3 submissions, the newest counts" in found.rows[0].remark


def test_what_the_lab_came_with_is_passed_over(run):
    found = run(
        {"S101/a.ipynb": notebook(), "S101/checks/q1.py": b"", "S101/figures/mapping.png": b"", "S101/my.txt": b""}
    )
    assert found.rows[0].remark == "left out: my.txt"


def test_who_handed_in_neither_notebook_nor_pdf_is_named_with_what_came(run):
    found = run({"S101/lab1.docx": b"", "S102/a.ipynb": notebook()})
    assert "S101 Ada Lovelace (left out: lab1.docx)" in found.missing
    assert "S103 Анна Каренина" in found.missing
    again = run({"S102/lab1.docx": b"", **{f"x{number}.txt": b"" for number in range(5)}})
    assert again.said[-1].startswith("left out, neither notebook nor PDF: ") and again.said[-1].endswith(" and 1 more")
    assert run({"S102/lab1.docx": b""}).said[-1] == "left out, neither notebook nor PDF: lab1.docx of S102"


def test_two_notebooks_side_by_side_lose_none(taught, run):
    found = run({"S101/a.ipynb": notebook("1"), "S101/b.ipynb": notebook("2")})
    assert notebook("1") in tree(taught, "kept").values() and taught.submitted(LAB)["S101"].read_bytes() == notebook(
        "2"
    )
    assert "the newest counts: b.ipynb" in found.rows[0].remark


def test_a_full_disk_leaves_the_submission_of_before(taught, run, monkeypatch):
    run({"S101/a.ipynb": notebook("old")}, "2026-10-12 10:00:00")
    before = tree(taught)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("qlab.files.os.replace", full)
        with pytest.raises(UserError, match="make room"):
            run({"S101/a.ipynb": notebook("new")}, "2026-10-12 11:00:00")
    assert tree(taught) == before and not list(taught.root.glob(".collect-*"))


def test_ctrl_c_says_what_is_collected_and_the_same_command_goes_on(taught, run, monkeypatch):
    files = {"S101/a.ipynb": notebook(), "S102/a.ipynb": notebook()}
    with monkeypatch.context() as patch:
        put = place.Places.put

        def stops(self, student, gathered):
            if student == "S102":
                raise KeyboardInterrupt
            return put(self, student, gathered)

        patch.setattr(place.Places, "put", stops)
        with pytest.raises(StoppedError, match="1 of 2 are collected"):
            run(files)
    assert set(taught.submitted(LAB)) == {"S101"}
    assert run(files).became == {place.NEW: 1, place.UNCHANGED: 1}


def test_ctrl_c_while_reading_writes_nothing(taught, run, monkeypatch):
    def stops(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("autograder.collect.sources._safe", stops)
        with pytest.raises(StoppedError, match="nothing was written"):
            run({"S101/a.ipynb": notebook()})
    assert not tree(taught) and gradebook.deadline(taught, LAB) is None


def test_whose_file_was_refused_is_told_where_those_stand_who_handed_in_nothing(run):
    found = run({"S101/a.rar": b"Rar!", "王小明_7002_assignsubmission_file/a.7z": b"7z", "a.rar": b"Rar!"})
    assert {"S101 Ada Lovelace (a file was not taken)", "S102 王小明 (a file was not taken)"} <= set(found.missing)
    assert "S103 Анна Каренина" in found.missing and not found.rows and len(found.refused) == 3


def test_a_whole_archive_that_is_damaged_is_one_line(taught, run):
    found = run(b"not a zip", name="Lab1_S101_Ada.zip")
    assert [one.reason for one in found.refused] == [
        "it is damaged, or not the kind of archive that its name says: download it again, or ask for it"
    ]
    assert not found.rows and "S101 Ada Lovelace (a file was not taken)" in found.missing


def test_names_of_files_cannot_draw_on_the_terminal(run, capsys):
    found = run({"S101/\x1b[31mred[bold]x.ipynb": notebook(), "S102/\x1b]0;t\x07.rar": b""})
    found.show(terminal=False)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "[bold]x" in shown and "not taken: 1" in shown


def test_rules_toml_names_the_zone(taught, run):
    (taught.root / "rules.toml").write_text('timezone = "America/New_York"\n')
    run({"S101/a.ipynb": notebook()}, "2026-10-12 11:00:00", timezone="", deadline="")
    assert late.read_timestamp(taught.handed_in(LAB, "S101")) == datetime(2026, 10, 12, 15, tzinfo=UTC)


def test_times_of_this_machine_where_nobody_names_a_zone(taught, run):
    found = run({"S101/a.ipynb": notebook()}, timezone="", deadline="")
    assert "this machine's time" in found.said[0] and "no deadline" in found.said[0]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"deadline": "soon"}, "is no point in time"),
        ({"timezone": "Mars/Olympus"}, "is no time zone"),
        ({"deadline": "2026-13-01"}, "is no point in time"),
    ],
)
def test_a_wrong_call_is_one_sentence(taught, run, wanted, says):
    with pytest.raises(UserError, match=says):
        run({"S101/a.ipynb": notebook()}, **wanted)
    assert not tree(taught)


def test_an_id_of_the_gradebook_that_leads_elsewhere_is_nobodys(taught, run):
    with gradebook.opened(taught) as book:
        book.add_student("../../S900")
    found = run({"S900/a.ipynb": notebook(), "S101/a.ipynb": notebook()})
    assert list(taught.submitted(LAB)) == ["S101"] and len(found.refused) == 1


def test_without_a_roster(course, tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"S101/a.ipynb": notebook()}))
    with pytest.raises(UserError, match=r"autograder roster students\.csv"):
        collect(course, LAB, [tmp_path / "a.zip"], Wanted())


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "1 s"), (61, "1 min 1 s"), (90061, "1 d 1 h"), (86400, "1 d")])
def test_spans(seconds, text):
    assert span(seconds) == text


def command(*arguments):
    line = [sys.executable, "-m", "autograder.cli", "collect", "lab1", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"})


@pytest.mark.slow
def test_the_command_and_its_exit_codes(taught, tmp_path):
    (tmp_path / "good.tar.gz").write_bytes(tarred({"S101/a.ipynb": notebook()}))
    (tmp_path / "bad.zip").write_bytes(b"not a zip")
    done = command(tmp_path / "good.tar.gz", "--course", taught.root, "--deadline", "2026-10-12 03:00")
    assert done.returncode == 0 and "collected: 1 new" in done.stdout and "1 h" in done.stdout, done.stderr
    done = command(tmp_path / "good.tar.gz", tmp_path / "bad.zip", "--course", taught.root)
    assert done.returncode == 3 and "1 unchanged" in done.stdout and "bad.zip: it is damaged" in done.stdout
    for wrong, says in ((tmp_path / "none.zip", "is not there"), ("", "")):
        done = command(wrong, "--course", taught.root) if wrong else command("--course", taught.root)
        assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_a_gradebook_that_cannot_be_used_is_told(taught, tmp_path, capsys):
    taught.gradebook.write_bytes(b"no database" * 1000)
    (tmp_path / "a.zip").write_bytes(zipped({"S101/a.ipynb": notebook()}))
    assert _guarded(lambda: collect(taught, LAB, [tmp_path / "a.zip"], Wanted())) == 2
    assert "backups/" in capsys.readouterr().err
