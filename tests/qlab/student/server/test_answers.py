import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlab.student.server.answers import NotOurs, read_attempt, read_attempts_left, read_detail, read_json
from tests.qlab.student.server.fake_server import RIGHT, TOKEN, WRONG

GOOD = {
    "id": "aT-1", "lab": "lab1", "number": 1, "file": "0" * 64, "received": "2026-11-30T12:00:00Z", "state": "graded",
    "place": None, "message": "", "points": 24.0, "out_of": 35, "outcomes": [RIGHT.to_json(), WRONG.to_json()],
    "page": "https://a.edu/1",
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "detail"]), inner, max_size=9),
    max_leaves=12,
)


def test_an_attempt_is_read_with_its_outcomes():
    attempt = read_attempt(read_json(json.dumps(GOOD).encode()))
    assert attempt.outcomes == (RIGHT, WRONG) and (attempt.points, attempt.out_of) == (24, 35)
    assert attempt.final and not attempt.right
    waiting = read_attempt(GOOD | {"state": "waiting", "place": 3, "points": None, "outcomes": []})
    assert not waiting.final and waiting.place == 3


@pytest.mark.parametrize(
    "change",
    [
        {"state": "eaten"}, {"id": "../../x"}, {"id": ""}, {"number": "many"}, {"points": "all"}, {"points": [1]},
        {"outcomes": [{"question": "Q1"}]}, {"outcomes": 5}, {"place": {}}, {"out_of": True}, {"number": 1e999},
    ],
)  # fmt: skip
def test_what_is_no_attempt_is_not_ours(change):
    with pytest.raises(NotOurs):
        read_attempt(GOOD | change)


@pytest.mark.parametrize("missing", ["id", "number", "file", "state", "place", "points", "out_of"])
def test_an_attempt_has_all_its_fields(missing):
    with pytest.raises(NotOurs):
        read_attempt({name: value for name, value in GOOD.items() if name != missing})


@given(JSON)
def test_whatever_arrives_is_read_or_not_ours(data):
    for read in (read_attempt, read_attempts_left):
        try:
            read(GOOD | data if isinstance(data, dict) else data)
        except NotOurs:
            continue
    assert isinstance(read_detail(json.dumps(data).encode()), str)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000, b"NaN", b'{"points": Infinity}'])
def test_what_is_no_json_is_not_ours(body):
    with pytest.raises(NotOurs):
        read_json(body)
    assert read_detail(body) == ""


def test_texts_lose_what_a_terminal_obeys_and_every_token():
    body = json.dumps({"detail": f"a\x1b]0;title\x07 {TOKEN}\u202e\nb {'long ' * 1000}"}).encode()
    detail = read_detail(body)
    assert detail.startswith("a]0;title qlab_… b long") and len(detail) < 2_001


def test_attempts_left_may_be_unlimited():
    labs = [{"lab": "lab1", "attempts_left": 3}, {"lab": "lab2", "attempts_left": None}]
    assert read_attempts_left(labs) == {"lab1": 3, "lab2": None}
