"""Messages between the judge and a student's process.

A message is a dictionary of plain data: on the wire a line of JSON, and the bytes of tensors and arrays behind it.
"""

import json
import socket
import struct
import time
from typing import Any

from autograder.grade.codec import (
    LARGEST_MESSAGE,
    MOST_BUFFERS,
    Keep,
    Parts,
    WireError,
    clean,
    no_handle,
    pack,
    unpack,
)

LARGEST_TEXT = 4 * 2**20  # bytes of JSON: a list of some hundred thousand numbers

HEAD = struct.Struct(">II")
LENGTH = struct.Struct(">Q")


class ClosedError(Exception):
    """The other side is gone."""


class LateError(Exception):
    """No answer came in time."""


def encode(message: dict[str, Any], keep: Keep = no_handle) -> bytes:
    """A message as it goes over the wire.

    Raises:
        WireError: it holds what cannot cross.
    """
    parts = Parts()
    try:
        text = json.dumps({key: pack(value, parts, keep) for key, value in message.items()}).encode()
    except (RecursionError, MemoryError) as error:
        raise WireError("it is too large or nested too deeply") from error
    if len(text) > LARGEST_TEXT:
        raise WireError(f"it has more than {LARGEST_TEXT // 2**20} MB of numbers and text in lists")
    buffers = [buffer for buffer in parts.buffers if buffer is not None]
    sizes = b"".join(LENGTH.pack(len(buffer)) for buffer in buffers)
    return b"".join((HEAD.pack(len(text), len(buffers)), sizes, text, *buffers))


class Channel:
    """Messages over a socket: dictionaries with names for keys and values that `pack` takes."""

    def __init__(self, connection: socket.socket):
        self.connection = connection

    def send(self, message: dict[str, Any], seconds: float | None = None) -> None:
        """Send a message.

        Args:
            seconds: how long the other side may take to read it; for ever by default.

        Raises:
            WireError: it holds what cannot cross; nothing was sent.
            ClosedError, LateError: the other side is gone, or does not read; nothing can be sent any more.
        """
        self.send_encoded(encode(message), seconds)

    def send_encoded(self, message: bytes, seconds: float | None = None) -> None:
        """Send what `encode` made; see `send`."""
        try:
            self.connection.settimeout(seconds)
            self.connection.sendall(message)
        except TimeoutError as error:
            raise LateError from error
        except OSError as error:
            raise ClosedError from error

    def receive(self, seconds: float | None = None) -> dict[str, Any]:
        """The next message.

        Args:
            seconds: how long to wait for all of it; for ever by default.

        Raises:
            WireError: what came is no message.
            ClosedError, LateError: none came.
        """
        until = None if seconds is None else time.monotonic() + seconds
        length, count = HEAD.unpack(self._read(HEAD.size, until))
        if length > LARGEST_TEXT or count > MOST_BUFFERS:
            raise WireError("a message is too large")
        sizes = [size for (size,) in LENGTH.iter_unpack(self._read(LENGTH.size * count, until))]
        if sum(sizes) > LARGEST_MESSAGE:
            raise WireError("a message is too large")
        text = self._read(length, until)
        parts = Parts(self._read(size, until) for size in sizes)
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WireError("a message cannot be read") from error
        if not isinstance(message, dict):
            raise WireError("a message is no dictionary")
        return {clean(key): unpack(value, parts) for key, value in message.items()}

    def _read(self, size: int, until: float | None) -> bytes:
        data = bytearray(size)
        view, have = memoryview(data), 0
        while have < size:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise LateError
            try:
                self.connection.settimeout(left)
                got = self.connection.recv_into(view[have:])
            except TimeoutError as error:
                raise LateError from error
            except OSError as error:
                raise ClosedError from error
            if not got:
                raise ClosedError
            have += got
        return bytes(data)

    def close(self) -> None:
        """Close the socket; the other side sees it."""
        self.connection.close()
