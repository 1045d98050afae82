"""Links for a mail merge: one for everybody who has none; what is in use or not mailed yet is never lost unasked."""

import csv
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.serve.tokens import Person, Role, Tokens
from tests.autograder.test_cli import run

ADA, BOB, WANG = (
    Student("S1", "Ada", "Lovelace", "ada@x.edu"),
    Student("S2", "=Bob", "Kurz", "bob@x.edu"),
    Student("S3", "", "王小明"),
)
URL = "https://x.edu/labs"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    course = Course.at(tmp_path_factory.mktemp("links") / "course")
    gradebook.enter_roster(course, [ADA, BOB, WANG])
    (course.root / "rules.toml").write_text(f'timezone = "UTC"\n[serve]\nurl = "{URL}"\nlinks_expire = 2099-02-01\n')
    return course


@pytest.fixture
def course(made, tmp_path):
    import shutil

    shutil.copytree(made.root, tmp_path / "course")
    return Course.at(tmp_path / "course")


def roster(course, *arguments):
    done = run("roster", *arguments, "--course", course.root)
    assert "Traceback" not in done.stderr
    return done


def rows(course):
    with course.links.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def signed_in(course):
    """Whom the links of the table let in."""
    return [Tokens(course).person(row["link"].removeprefix(f"{URL}/#")) for row in rows(course)]


def test_everybody_gets_a_link_once(course):
    done = roster(course, "--links")
    assert done.returncode == 0, done.stderr
    assert [list(row.values())[:4] for row in rows(course)] == [
        ["S1", "Ada", "Lovelace", "ada@x.edu"],
        ["S2", "'=Bob", "Kurz", "bob@x.edu"],  # no formula
        ["S3", "", "王小明", ""],
    ]
    assert list(rows(course)[0]) == ["student_id", "first_name", "last_name", "email", "link"]
    assert signed_in(course) == [Person(id_, Role.STUDENT) for id_ in ("S1", "S2", "S3")]
    assert stat.S_IMODE(course.links.stat().st_mode) == 0o600
    assert (
        "3 students; they work until 2099-02-01 23:59:59" in done.stdout
        and "no email on the roster for: S3" in done.stdout
    )
    before = course.links.read_bytes()
    again = roster(course, "--links")
    assert again.returncode == 0 and course.links.read_bytes() == before
    assert "no link was made, because they have a link that works: S1, S2, S3" in again.stdout
    assert "--renew" in again.stdout


def test_no_link_is_on_the_screen(course):
    assert "qlab_" not in roster(course, "--links").stdout


def test_links_that_were_not_mailed_are_not_overwritten(course):
    assert roster(course, "--links", "--only", "S1").returncode == 0
    before = course.links.read_bytes()
    done = roster(course, "--links")
    assert done.returncode == 2 and "still has links that work (1)" in done.stderr
    assert course.links.read_bytes() == before and signed_in(course) == [Person("S1", Role.STUDENT)]
    assert set(Tokens(course).issued(Role.STUDENT)) == {"S1"}
    course.links.unlink()
    done = roster(course, "--links")
    assert done.returncode == 0 and [row["student_id"] for row in rows(course)] == ["S2", "S3"]
    assert "not in the file, because they have a link that works: S1" in done.stdout


def test_renewed_links_replace_the_former_ones_at_once(course):
    roster(course, "--links")
    server = Tokens(course)
    former = [row["link"].removeprefix(f"{URL}/#") for row in rows(course)]
    assert all(map(server.person, former))
    course.links.unlink()
    assert roster(course, "--links", "--renew", "--only", "bob@x.edu").returncode == 0
    assert [server.person(token) for token in former] == [Person("S1", Role.STUDENT), None, Person("S3", Role.STUDENT)]
    assert signed_in(course) == [Person("S2", Role.STUDENT)]
    assert roster(course, "--links", "--renew").returncode == 0
    assert [server.person(token) for token in former] == [None] * 3 and None not in signed_in(course)


def test_expired_links_are_made_again_and_counted(course):
    Tokens(course).issue(["S1", "S2"], Role.STUDENT, datetime.now(UTC) - timedelta(days=1))
    done = roster(course, "--links")
    assert done.returncode == 0 and "2 of them had a link that has expired" in done.stdout
    assert None not in signed_in(course) and len(rows(course)) == 3


def test_a_member_of_staff_gets_a_link_on_the_screen(course):
    done = roster(course, "--staff", "Prof. Lin")
    (link,) = [line for line in done.stdout.splitlines() if line.startswith(f"{URL}/#qlab_")]
    token = link.removeprefix(f"{URL}/#")
    assert Tokens(course).person(token) == Person("Prof. Lin", Role.STAFF) and not course.links.exists()
    again = roster(course, "--staff", "Prof. Lin")
    assert again.returncode == 2 and "has a link that works: --renew" in again.stderr and "qlab_" not in again.stdout
    assert roster(course, "--staff", "Prof. Lin", "--renew").returncode == 0
    assert Tokens(course).person(token) is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--links", "--only", "nobody"], "nobody on the roster is called “nobody”"),
        (["--renew"], "add --links"),
        (["--only", "S1"], "add --links"),
        (["--links", "--staff", "x"], "give one of them"),
        (["--links", "--dry-run"], "give one of them"),
        (["--staff", " "], "needs a name"),
        (["--staff", "a\x1b[1mb"], "needs a name"),
        (["--links", "students.csv"], "give one of them"),
    ],
)
def test_a_wrong_call_is_one_sentence(arguments, says, course):
    done = roster(course, *arguments)
    assert done.returncode == 2 and says in done.stderr and not (course.root / "served").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", 'add url = "https://'),
        ("[serve]\nlinks_expire = 2020-01-01", 'add url = "https://'),
        (f'[serve]\nurl = "{URL}"\nlinks_expire = 2020-01-01', "links_expire in rules.toml has passed"),
        ("[serve]\nurls = 1", "urls is not a setting"),
    ],
)
def test_rules_that_allow_no_link(text, says, course):
    (course.root / "rules.toml").write_text(text)
    for arguments in (["--links"], ["--staff", "Lin"]):
        done = roster(course, *arguments)
        assert done.returncode == 2 and says in done.stderr and not (course.root / "served").exists()


def test_nobody_is_on_the_roster(tmp_path):
    course = Course.at(tmp_path / "course")
    (course.root / "rules.toml").write_text(f'[serve]\nurl = "{URL}"\n')
    done = roster(course, "--links")
    assert done.returncode == 2 and "autograder roster students.csv" in done.stderr
    assert roster(course, "--links", "--course", Path(tmp_path / "none")).returncode == 2
