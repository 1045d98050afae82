"""Reads the body of an upload: not too large, not too slow, not too many at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from autograder.serve.intake import LARGEST
from autograder.serve.refusals import RefusedError
from autograder.serve.throttle import Throttle

READ_SECONDS = 60.0  # for one upload
MOST_AT_A_TIME = 32  # uploads that are read, of everybody
MOST_OF_ONE = 2  # of one person
BURST, PER_MINUTE = 20, 20.0  # uploads of one person, refused ones too
TOO_LARGE = f"the file is larger than {LARGEST // 2**20} MB: clear its outputs and try again."


class Uploads:
    """Reads the bodies of uploads."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(MOST_AT_A_TIME)
        self._reading: Counter[str] = Counter()
        self._throttle = Throttle(BURST, PER_MINUTE)

    async def read(self, request: Request, student: str) -> bytes:
        """The body of a request.

        Raises:
            RefusedError: it is too large or too slow, or the student sends too many.
        """
        if int(_length(request)) > LARGEST:
            raise RefusedError(413, TOO_LARGE)
        async with self.place(student):
            try:
                async with asyncio.timeout(READ_SECONDS):
                    return await _body(request)
            except TimeoutError as error:
                raise RefusedError(408, f"the upload took longer than {READ_SECONDS:.0f} s: try again.") from error
            except ClientDisconnect as error:
                raise RefusedError(400, "the connection was lost: nothing was accepted; try again.") from error

    @asynccontextmanager
    async def place(self, student: str) -> AsyncIterator[None]:
        """A place among those who upload.

        Raises:
            RefusedError: the student has too many already, or there is none within a while.
        """
        if seconds := self._throttle.take(student):
            raise RefusedError(429, "you upload faster than a person can: wait a moment.", seconds)
        if self._reading[student] >= MOST_OF_ONE:
            raise RefusedError(429, "another upload of yours is still on its way: wait for it.", 5)
        self._reading[student] += 1
        try:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    await self._places.acquire()
            except TimeoutError as error:
                raise RefusedError(503, "too many upload at this moment: try again in a minute.", 30) from error
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._reading[student] -= 1
            if not self._reading[student]:
                del self._reading[student]


def _length(request: Request) -> str:
    text = request.headers.get("content-length", "0")
    return text if text.isascii() and text.isdigit() and len(text) < 20 else str(LARGEST + 1)


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise RefusedError(413, TOO_LARGE)
        parts.append(part)
    return b"".join(parts)
