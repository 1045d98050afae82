"""HTTP with patience that ends: a client that sends its headers or its body too slowly loses its connection."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 20.0  # from the end of one request to the end of the next one's headers
BODY_SECONDS = 150.0  # for a body, whoever reads it; uploads have less, and then an answer that says so


class PatientProtocol(H11Protocol):
    """uvicorn's, which by itself waits forever for headers and bodies that come byte by byte."""

    _deadline: asyncio.TimerHandle | None = None
    _awaited: str = ""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.access_log = False  # whatever anybody configures: addresses of attempts open pages

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take in what came, and wait for the rest."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._wait("", 0)
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self._wait("headers", HEADER_SECONDS)
        elif self.conn.their_state is h11.SEND_BODY:
            self._wait("body", BODY_SECONDS)
        else:
            self._wait("", 0)

    def _wait(self, what: str, seconds: float) -> None:
        """Wait at most so long for something; what is waited for already gets no more time."""
        if what == self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._awaited = what
        self._deadline = self.loop.call_later(seconds, self.transport.close) if what else None
