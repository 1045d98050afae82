"""Messages between the judge and a student's process, over a socket.

A message is a dictionary of plain data. On the wire it is a frame: the lengths of all that follows, a text of JSON, and
the buffers with the bytes of tensors and arrays. The lengths come first so that a reader can refuse a frame that is too
large before it allocates anything, whoever sent it.
"""

import json
import socket
import struct
import time
from typing import Any

from autograder.grade.codec import (
    MAX_BUFFERS,
    MAX_MESSAGE,
    Buffers,
    MakeHandle,
    WireError,
    clean,
    no_handle,
    pack,
    unpack,
)

MAX_TEXT = 4 * 2**20  # bytes of JSON: enough for a list of some hundred thousand numbers

HEAD = struct.Struct(">II")  # length of the text, number of buffers
LENGTH = struct.Struct(">Q")  # of one buffer


class ChannelClosedError(Exception):
    """The other side has closed the channel, or is gone."""


class ChannelTimeoutError(Exception):
    """The other side did not send or read a message in time."""


def encode(message: dict[str, Any], make_handle: MakeHandle = no_handle) -> bytes:
    """A message as a frame.

    Raises:
        WireError: it contains something that cannot cross.
    """
    buffers = Buffers()
    try:
        text = json.dumps({key: pack(value, buffers, make_handle) for key, value in message.items()}).encode()
    except (RecursionError, MemoryError) as error:
        raise WireError("it is too large or nested too deeply") from error
    if len(text) > MAX_TEXT:
        raise WireError(f"it has more than {MAX_TEXT // 2**20} MB of numbers and text in lists")
    data = [buffer for buffer in buffers.buffers if buffer is not None]
    lengths = b"".join(LENGTH.pack(len(buffer)) for buffer in data)
    return b"".join((HEAD.pack(len(text), len(data)), lengths, text, *data))


class Channel:
    """Sends and receives messages over a socket: dictionaries with strings as keys and values that `pack` takes."""

    def __init__(self, connection: socket.socket):
        self.connection = connection

    def send(self, message: dict[str, Any], seconds: float | None = None) -> None:
        """Send a message.

        Args:
            message: what to send.
            seconds: how long the other side may take to read it; by default, forever.

        Raises:
            WireError: it contains something that cannot cross; nothing was sent.
            ChannelClosedError, ChannelTimeoutError: the other side is gone or does not read. Part of the message may
                have been sent, so the channel is unusable from here on.
        """
        self.send_encoded(encode(message), seconds)

    def send_encoded(self, message: bytes, seconds: float | None = None) -> None:
        """Send a frame that `encode` made; see `send`."""
        try:
            self.connection.settimeout(seconds)
            self.connection.sendall(message)
        except TimeoutError as error:
            raise ChannelTimeoutError from error
        except OSError as error:
            raise ChannelClosedError from error

    def receive(self, seconds: float | None = None) -> dict[str, Any]:
        """The next message.

        Args:
            seconds: how long to wait until all of it is here; by default, forever.

        Raises:
            WireError: what came is not a valid message.
            ChannelClosedError, ChannelTimeoutError: no whole message came.
        """
        until = None if seconds is None else time.monotonic() + seconds
        length, count = HEAD.unpack(self._read(HEAD.size, until))
        if length > MAX_TEXT or count > MAX_BUFFERS:
            raise WireError("a message is too large")
        lengths = [size for (size,) in LENGTH.iter_unpack(self._read(LENGTH.size * count, until))]
        if sum(lengths) > MAX_MESSAGE:
            raise WireError("a message is too large")
        text = self._read(length, until)
        buffers = Buffers(self._read(size, until) for size in lengths)
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WireError("a message cannot be read") from error
        if not isinstance(message, dict):
            raise WireError("a message is not a dictionary")
        return {clean(key): unpack(value, buffers) for key, value in message.items()}

    def _read(self, size: int, until: float | None) -> bytes:
        data = bytearray(size)
        view, received = memoryview(data), 0
        while received < size:
            # One deadline for the whole message, so that a sender cannot drip it byte by byte forever.
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise ChannelTimeoutError
            try:
                self.connection.settimeout(left)
                count = self.connection.recv_into(view[received:])
            except TimeoutError as error:
                raise ChannelTimeoutError from error
            except OSError as error:
                raise ChannelClosedError from error
            if not count:
                raise ChannelClosedError
            received += count
        return bytes(data)

    def close(self) -> None:
        """Close the socket, which the other side notices."""
        self.connection.close()
