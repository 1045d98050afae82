"""Clones: the commit is shown, its date decides no lateness, and may choose the commit on request."""

import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from autograder import gradebook
from autograder.collect.clones import clones_in
from autograder.collect.collection import CollectOptions, collect
from autograder.course_folder.roster import Student
from autograder.deductions.extensions import Extension, grant
from autograder.deductions.handing_in import handing_in
from autograder.errors import UserError
from tests.autograder.collect.conftest import notebook
from tests.autograder.conftest import LAB

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
DUE = "2026-10-12 23:59"
COMMITS = {"2026-10-10T10:00:00Z": "draft", "2026-10-12T20:00:00Z": "in time", "2026-10-14T20:00:00Z": "late"}


def git(folder, *arguments, date="2026-10-01T00:00:00Z"):
    identity = ("-c", "user.name=x", "-c", "user.email=x@x.invalid", "-c", "commit.gpgsign=false")
    environment = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date, "PATH": "/usr/bin:/bin:/usr/local/bin"}
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, env=environment)


def clone(folder, commits=COMMITS):
    """A repository with these commits of lab1.ipynb, in this order."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    for date, text in commits.items():
        (folder / "lab1.ipynb").write_bytes(notebook(text))
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", text, date=date)
    return folder


@pytest.fixture
def enrolled(course):
    gradebook.enter_roster(course, [Student("S101", "Ada", "Weber", "ada@uni.invalid", "adaweber"),
                                    Student("S102", "Bela", "Novak", "bela@uni.invalid", "bela-novak")])  # fmt: skip
    return course


@pytest.fixture
def run(enrolled, tmp_path):
    def run(**options):
        sources = [tmp_path / "lab1-submissions"]
        return collect(enrolled, LAB, sources, CollectOptions(**{"deadline": DUE, "timezone": "UTC", **options}))

    return run


def test_what_is_checked_out_counts_and_its_commit_is_shown(enrolled, run, tmp_path):
    clone(tmp_path / "lab1-submissions" / "lab1-adaweber")
    clone(tmp_path / "lab1-submissions" / "lab1-bela-novak")
    report = run()
    assert [(row.when, row.late) for row in report.rows] == [("unknown", "?")] * 2 and report.is_complete
    assert all("2026-10-14 20:00:00 by the student's own clock" in row.remark for row in report.rows)
    assert enrolled.submitted(LAB)["S101"].read_bytes() == notebook("late")
    assert not (enrolled.submission_folder(LAB, "S101") / "timestamp.txt").exists()
    assert any("own clock" in remark for remark in handing_in(enrolled, LAB)["S101"].remarks)


def test_on_request_the_last_commit_before_the_students_own_deadline_counts(enrolled, run, tmp_path):
    clone(tmp_path / "lab1-submissions" / "lab1-adaweber")
    clone(tmp_path / "lab1-submissions" / "lab1-bela-novak")
    grant(enrolled, LAB, {"S102": Extension(until=datetime(2026, 10, 20, tzinfo=UTC))})
    report = run(by_commit_date=True)
    assert enrolled.submitted(LAB)["S101"].read_bytes() == notebook("in time")
    assert enrolled.submitted(LAB)["S102"].read_bytes() == notebook("late")
    assert "the last before the deadline by that clock" in report.rows[0].remark and report.rows[0].when == "unknown"


def test_if_all_commits_are_later_the_first_counts_and_that_is_said(enrolled, run, tmp_path):
    clone(tmp_path / "lab1-submissions" / "lab1-adaweber", {"2026-10-13T10:00:00Z": "1", "2026-10-14T10:00:00Z": "2"})
    report = run(by_commit_date=True)
    assert enrolled.submitted(LAB)["S101"].read_bytes() == notebook("1")
    assert "the first after the deadline by that clock" in report.rows[0].remark


def test_a_clone_of_nobody_is_refused_and_an_empty_one_harms_nobody(run, tmp_path):
    clone(tmp_path / "lab1-submissions" / "lab1-stranger")
    clone(tmp_path / "lab1-submissions" / "lab1-adaweber", {})
    for by_commit_date in (False, True):
        report = run(by_commit_date=by_commit_date)
        assert not report.rows and "called lab1-stranger or lab1.ipynb" in report.refused[0].reason


def test_a_link_in_a_commit_is_refused(run, tmp_path):
    folder = clone(tmp_path / "lab1-submissions" / "lab1-adaweber", {})
    (folder / "lab1.ipynb").symlink_to("/etc/passwd")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "link")
    for by_commit_date in (False, True):
        report = run(by_commit_date=by_commit_date)
        assert not report.rows and "it is a link" in report.refused[0].reason


def test_nothing_that_a_clone_configures_is_run(run, tmp_path):
    folder = clone(tmp_path / "lab1-submissions" / "lab1-adaweber")
    bait = tmp_path / "ran"
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "diff.external", "core.editor"):
        git(folder, "config", key, f"touch {bait}")
    git(folder, "config", "log.showSignature", "true")
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "remote.origin.url", f"ext::touch {bait}")
    git(folder, "config", "extensions.partialClone", "origin")
    for by_commit_date in (False, True):
        run(by_commit_date=by_commit_date)
    # Git would fetch what it misses: first the files of the commit, then everything.
    tree = subprocess.run(["git", "rev-parse", "HEAD~1^{tree}"], cwd=folder, capture_output=True, text=True, check=True)
    name = tree.stdout.strip()
    (folder / ".git" / "objects" / name[:2] / name[2:]).unlink()
    assert [file.reason for file in run(by_commit_date=True).refused] == [
        "git cannot read it: clone the repository again"
    ]
    shutil.rmtree(folder / ".git" / "objects")
    (folder / ".git" / "objects").mkdir()
    run(by_commit_date=True)
    assert not bait.exists()


@pytest.mark.parametrize(("options", "says"), [
    ({"deadline": ""}, "needs a deadline"), ({}, "is for folders with clones"),
])  # fmt: skip
def test_a_wrong_call_is_one_sentence(options, says, run, tmp_path):
    (tmp_path / "lab1-submissions").mkdir()
    with pytest.raises(UserError, match=says):
        run(by_commit_date=True, **options)


def test_only_a_folder_with_a_git_folder_is_a_clone(tmp_path):
    clone(tmp_path / "a" / "b", {})
    (tmp_path / "a" / "c").mkdir()
    (tmp_path / "a" / "c" / ".git").write_text("gitdir: /etc")
    assert list(clones_in(tmp_path / "a")) == [("a", "b")] and clones_in(tmp_path / "none") == {}
    assert list(clones_in(tmp_path / "a" / "b")) == [("b",)]
