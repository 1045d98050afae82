"""What is left of a body when a request is refused is read and thrown away, so that the sentence arrives.

A connection that is closed while the other side still sends is reset, and with it goes the answer: a browser then says
that the connection was lost, and nginx that there is no server.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 16 * 2**20  # bytes: more than anybody may send; whoever announces more is not waited for
SECONDS = 10.0


class UnreadBody:
    """Reads the rest of a body before an application's answer is sent."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or not _is_expected(dict(scope["headers"])):
            await self._app(scope, receive, send)
            return
        more = True

        async def counted() -> Message:
            nonlocal more
            message = await receive()
            more = message.get("more_body", False)  # of a lost connection, too, nothing more comes
            return message

        async def after_the_body(message: Message) -> None:
            if message["type"] == "http.response.start" and more:
                await _read_rest(counted, lambda: more)
            await send(message)

        await self._app(scope, counted, after_the_body)


def _is_expected(headers: dict[bytes, bytes]) -> bool:
    """Whether a body comes that is worth the wait; who waits for “100 Continue” sends none before."""
    length = headers.get(b"content-length", b"0")
    return b"expect" not in headers and length.isdigit() and 0 < int(length[:20]) <= MOST


async def _read_rest(receive: Receive, is_more: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            while is_more():
                await receive()
    except TimeoutError:
        return
