"""The rest of a refused body is read, but not forever."""

import asyncio

import pytest

from autograder.serve import unread
from autograder.serve.unread import MOST, UnreadBody
from tests import loops


def answered(length, parts, *, reads=0, headers=(), never=False):
    """What an application that reads so many parts and then answers sends, and how many parts were taken."""
    taken = []

    async def receive():
        if len(taken) == parts and never:
            await asyncio.sleep(60)
        taken.append(len(taken))
        return {"type": "http.request", "body": b"x", "more_body": len(taken) < parts or never}

    sent = []

    async def send(message):
        sent.append((message["type"], len(taken)))

    async def app(scope, receive, send):
        for _ in range(reads):
            await receive()
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    scope = {"type": "http", "headers": [(b"content-length", str(length).encode()), *headers]}
    loops.run(UnreadBody(app)(scope, receive, send))
    return sent


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_the_rest_is_read_before_the_answer(reads):
    assert answered(3, 3, reads=reads) == [("http.response.start", 3), ("http.response.body", 3)]


def test_without_a_body_nothing_is_waited_for():
    assert answered(0, 0, never=True)[0] == ("http.response.start", 0)


def test_what_is_far_too_large_or_waits_itself_is_not_read():
    assert answered(MOST + 1, 3)[0] == ("http.response.start", 0)
    assert answered(3, 3, headers=[(b"expect", b"100-continue")])[0] == ("http.response.start", 0)


def test_a_slow_client_gets_its_answer_all_the_same(monkeypatch):
    monkeypatch.setattr(unread, "SECONDS", 0.05)
    assert answered(5, 2, never=True)[0] == ("http.response.start", 2)
