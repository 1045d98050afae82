"""A token lets in the person whom it was made for, until it is replaced or expires; the file lets in nobody."""

import json
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.serve.tokens import Person, Role, Tokens

NOW = datetime(2026, 10, 12, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ADA, BOB = Person("ada", Role.STUDENT), Person("bob", Role.STUDENT)


@pytest.fixture
def course(tmp_path):
    return Course.at(tmp_path / "course")


@pytest.fixture
def tokens(course):
    return Tokens(course, lambda: NOW)


def test_a_token_lets_in_its_person_only(tokens):
    made = tokens.issue(["ada", "bob"], Role.STUDENT, LATER)
    assert {id_: tokens.person(token) for id_, token in made.items()} == {"ada": ADA, "bob": BOB}
    assert all(token.startswith("qlab_") and len(token) == 48 for token in made.values())
    for wrong in ("", made["ada"][:-1], made["ada"] + "x", made["ada"].upper(), "qlab_", "é" * 40, "x" * 10**6):
        assert tokens.person(wrong) is None


def test_the_file_holds_no_token_and_is_the_owners_alone(tokens):
    made = tokens.issue(["ada", "bob"], Role.STUDENT, LATER)
    text = tokens.path.read_text()
    assert "ada" in text and not any(token in text or token[5:] in text for token in made.values())
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600


def test_a_new_token_replaces_the_former_one_of_that_role(tokens, course):
    first = tokens.issue(["ada", "bob"], Role.STUDENT, LATER)
    staff = tokens.issue(["ada"], Role.STAFF, LATER)["ada"]
    server = Tokens(course, lambda: NOW)
    assert server.person(first["ada"]) == ADA
    second = tokens.issue(["ada"], Role.STUDENT, LATER)
    assert server.person(first["ada"]) is None  # it reads again what changed
    assert server.person(second["ada"]) == ADA and server.person(first["bob"]) == BOB
    assert server.person(staff) == Person("ada", Role.STAFF)


def test_without_renew_whoever_has_a_token_keeps_it(tokens, course):
    first = tokens.issue(["ada"], Role.STUDENT, LATER)
    assert set(tokens.issue(["ada", "bob"], Role.STUDENT, LATER, renew=False)) == {"bob"}
    assert tokens.person(first["ada"]) == ADA
    then = Tokens(course, lambda: LATER)  # both have expired
    assert set(then.issue(["ada", "bob"], Role.STUDENT, LATER + timedelta(1), renew=False)) == {"ada", "bob"}


def test_a_token_expires(tokens, course):
    token = tokens.issue(["ada"], Role.STUDENT, LATER)["ada"]
    assert Tokens(course, lambda: LATER - timedelta(seconds=1)).person(token) == ADA
    then = Tokens(course, lambda: LATER)
    assert then.person(token) is None and not then.mentioned_in(token)
    assert then.has_expired(then.issued(Role.STUDENT)["ada"])


def test_a_person_is_forgotten_in_every_role(tokens):
    made = [tokens.issue(["ada"], role, LATER)["ada"] for role in Role]
    bob = tokens.issue(["bob"], Role.STUDENT, LATER)["bob"]
    tokens.forget("ada")
    assert [tokens.person(token) for token in made] == [None, None] and tokens.person(bob) == BOB
    assert "ada" not in tokens.path.read_text()
    tokens.forget("ada")


def test_forgetting_where_nobody_has_a_token_writes_nothing(tokens):
    tokens.forget("ada")
    assert not tokens.path.parent.exists()


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """Tokens, and the only one that works."""
    tokens = Tokens(Course.at(tmp_path_factory.mktemp("one")), lambda: NOW)
    return tokens, tokens.issue(["ada"], Role.STUDENT, LATER)["ada"]


@given(before=st.text(), after=st.text(alphabet="qlab_-xyz9 \n\"'"))
def test_a_token_is_found_wherever_it_is(one, before, after):
    tokens, token = one
    assert tokens.mentioned_in(before + token + after)
    assert tokens.mentioned_in(f"{before}qlab_{token}{after}".encode("utf-8", "replace"))
    assert not tokens.mentioned_in(before + token.swapcase() + after)


def test_what_is_not_delivered_does_not_begin_to_work(tokens):
    first = tokens.issue(["ada"], Role.STUDENT, LATER)["ada"]
    seen = {}

    def fail(new):
        seen.update(new)
        assert tokens.person(first) == ADA
        raise UserError("the disk is full")

    with pytest.raises(UserError, match="full"):
        tokens.issue(["ada"], Role.STUDENT, LATER, deliver=fail)
    assert tokens.person(first) == ADA and tokens.person(seen["ada"]) is None


ISSUE = """
import sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
from autograder.course_folder.layout import Course
from autograder.serve.tokens import Role, Tokens
tokens = Tokens(Course(Path(sys.argv[1])))
for number in range(20):
    tokens.issue([f"{sys.argv[2]}{number}"], Role.STUDENT, datetime.now(UTC) + timedelta(days=1))
"""


def test_issuers_at_the_same_time_lose_nothing_of_each_other(course):
    with ThreadPoolExecutor(3) as pool:
        for done in pool.map(
            lambda name: run([sys.executable, "-c", ISSUE, course.root, name], capture_output=True, text=True), "abc"
        ):
            assert done.returncode == 0, done.stderr
    assert set(Tokens(course).issued(Role.STUDENT)) == {f"{name}{number}" for name in "abc" for number in range(20)}


def test_threads_read_while_tokens_are_issued(tokens):
    token, wrong, done = tokens.issue(["ada"], Role.STUDENT, LATER)["ada"], [], threading.Event()

    def read():
        while not done.is_set():
            if tokens.person(token) != ADA:
                wrong.append("lost")

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for number in range(50):
            tokens.issue([f"b{number}"], Role.STUDENT, LATER)
        done.set()
        [reader.result() for reader in readers]
    assert wrong == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 2, "tokens": []}', b'{"format": 1, "tokens": [{"id": "ada"}]}',
     json.dumps({"format": 1, "tokens": [{"id": "ada", "role": "king", "issued": "2026-10-12T12:00:00+00:00",
                                          "expires": "2026-10-12T12:00:00+00:00", "sha256": "0"}]}).encode(),
     json.dumps({"format": 1, "tokens": [{"id": "ada", "role": "staff", "issued": "2026-10-12T12:00:00",
                                          "expires": "2026-10-12T12:00:00", "sha256": "0"}]}).encode()],
)  # fmt: skip
def test_a_damaged_file_is_one_sentence_and_is_not_overwritten(content, tokens):
    tokens.path.parent.mkdir()
    tokens.path.write_bytes(content)
    for use in (lambda: tokens.person("qlab_"), lambda: tokens.issue(["ada"], Role.STUDENT, LATER)):
        with pytest.raises(UserError, match=r"tokens\.json cannot be read .*autograder roster --links"):
            use()
    assert tokens.path.read_bytes() == content
