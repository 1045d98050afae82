"""Reading uploads: too large, too slow, too many, or lost on the way is a sentence, and gives its place back."""

import asyncio

import pytest
from starlette.requests import Request

from autograder.serve import uploads
from autograder.serve.intake import LARGEST
from autograder.serve.refusals import RefusedError
from autograder.serve.uploads import BURST, MOST_AT_A_TIME, MOST_OF_ONE, TOO_LARGE, Uploads
from tests import loops

LOST = object()
PART = 2**20


def request(*parts, length=None, pause=0.0):
    """A request whose body comes in these parts; `LOST` is a connection that ends."""
    left = list(parts)

    async def receive():
        await asyncio.sleep(pause)
        part = left.pop(0)
        if part is LOST:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    made = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)
    made.state.left = left
    return made


def refused(reading, made, student="ada"):
    with pytest.raises(RefusedError) as found:
        loops.run(reading.read(made, student))
    return found.value


def test_a_body_is_read_whole():
    assert loops.run(Uploads().read(request(b"ab", b"", b"cd", length=4), "ada")) == b"abcd"
    assert loops.run(Uploads().read(request(b"x" * LARGEST, length=LARGEST), "ada")) == b"x" * LARGEST


@pytest.mark.parametrize("length", [LARGEST + 1, 2 * 2**30, "-1", "many", "9" * 40, "²"])
def test_a_body_that_says_it_is_too_large_is_not_read(length):
    made = request(b"x", length=length)
    error = refused(Uploads(), made)
    assert (error.status, error.sentence) == (413, TOO_LARGE) and made.state.left == [b"x"]


@pytest.mark.parametrize("length", [None, 10])
def test_reading_stops_where_it_becomes_too_large_whatever_was_said(length):
    made = request(*[b"x" * PART] * 20, length=length)
    error = refused(Uploads(), made)
    assert (error.status, error.sentence) == (413, TOO_LARGE)
    assert len(made.state.left) == 20 - LARGEST // PART - 1


def test_a_slow_body_is_given_up(monkeypatch):
    monkeypatch.setattr(uploads, "READ_SECONDS", 0.05)
    reading = Uploads()
    error = refused(reading, request(b"a", b"b", pause=1))
    assert error.status == 408 and "took longer than" in error.sentence and not reading._reading


def test_a_lost_connection_accepts_nothing():
    reading = Uploads()
    error = refused(reading, request(b"a", LOST))
    assert error.status == 400 and "nothing was accepted" in error.sentence and not reading._reading


def test_one_person_has_a_few_at_a_time_and_others_are_not_held_up():
    async def several():
        reading, arrived = Uploads(), asyncio.Event()

        async def hold():
            async with reading.place("ada"):
                await arrived.wait()

        held = [asyncio.create_task(hold()) for _ in range(MOST_OF_ONE)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError) as found:
            await reading.read(request(b"a"), "ada")
        assert await reading.read(request(b"b"), "bob") == b"b"
        arrived.set()
        await asyncio.gather(*held)
        assert await reading.read(request(b"a"), "ada") == b"a"
        return found.value

    error = loops.run(several())
    assert (error.status, error.retry_after) == (429, 5) and "still on its way" in error.sentence


def test_when_all_places_are_taken_one_waits_and_then_is_refused(monkeypatch):
    monkeypatch.setattr(uploads, "READ_SECONDS", 0.05)

    async def crowd():
        reading, over = Uploads(), asyncio.Event()

        async def hold(student):
            async with reading.place(student):
                await over.wait()

        held = [asyncio.create_task(hold(f"s{number}")) for number in range(MOST_AT_A_TIME)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError) as found:
            await reading.read(request(b"a"), "ada")
        waiting = asyncio.create_task(reading.read(request(b"a"), "ada"))
        await asyncio.sleep(0)
        over.set()
        assert await waiting == b"a"
        await asyncio.gather(*held)
        assert not reading._reading
        return found.value

    error = loops.run(crowd())
    assert (error.status, error.retry_after) == (503, 30)


def test_who_uploads_without_a_pause_is_told_to_wait():
    reading = Uploads()
    for _ in range(BURST):
        refused(reading, request(b"a", LOST))
    error = refused(reading, request(b"a"))
    assert error.status == 429 and "faster than a person" in error.sentence and error.retry_after
    assert loops.run(reading.read(request(b"b"), "bob")) == b"b"
