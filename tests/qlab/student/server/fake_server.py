"""A small server that keeps the contract of a course's server, and breaks it where a test says so."""

import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qlab.check.outcome import Outcome

TOKEN = "qlab_" + "Ab3_-" * 8 + "xyz"
RIGHT = Outcome("Q1", "get_scale_and_zero_point", 15, 15, holds=("the scale",))
WRONG = Outcome("Q2", "linear_quantize", 9, 20, fails=("the zero-point",), cause="the zero-point has the wrong sign")

Fault = Callable[["Handler"], None]


class FakeServer(ThreadingHTTPServer):
    """One student, one lab per name, below /labs; `faults` are used up one per upload, `look_faults` one per look."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.scheme = "http" if tls is None else "https"
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.attempts: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.look_faults: list[Fault] = []
        self.receipt_faults: list[Fault] = []
        self.labs_faults: list[Fault] = []
        self.refuses_early = False
        self.looks_until_graded = 1
        self.outcomes: tuple[Outcome, ...] = (RIGHT,)
        self.mark: dict[str, Any] = {"state": "graded", "points": 15.0, "out_of": 15.0, "message": ""}
        self.attempts_left: int | None = 9

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/labs"

    @property
    def link(self) -> str:
        return f"{self.address}/#{TOKEN}"

    @property
    def uploads(self) -> list[bytes]:
        return [body for method, *_, body in self.requests if method == "POST"]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""

    def serve_in_thread(self) -> None:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        if self.server.refuses_early:  # as nginx does: by the header alone
            self.close_connection = True
            return self.send(413, b"<html>nginx", Connection="close")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(("POST", self.path, dict(self.headers), body))
        if self.server.faults:
            return self.server.faults.pop(0)(self)
        return self.accept(body)

    def accept(self, body: bytes) -> None:
        """Take an upload and answer 201, or 200 for the file of the newest attempt."""
        if not self.known():
            return None
        *_, lab, last = self.path.split("/")
        assert last == "attempts" and self.headers["Content-Type"] == "application/x-ipynb+json"
        file, attempts = hashlib.sha256(body).hexdigest(), self.server.attempts
        if attempts and attempts[-1]["file"] == file:
            return self.answer(200, attempts[-1])
        number = len(attempts) + 1
        attempts.append({
            "id": f"aT-{number}", "lab": lab, "number": number, "file": file, "received": "2026-11-30T12:00:00Z",
            "state": "waiting", "place": 2, "message": "", "points": None, "out_of": None, "outcomes": [],
            "page": f"attempts/aT-{number}", "looks": 0,
        })  # fmt: skip
        return self.answer(201, attempts[-1])

    def do_GET(self) -> None:
        self.server.requests.append(("GET", self.path, dict(self.headers), b""))
        parts = self.path.removeprefix("/labs/api/").split("/")
        if self.path.startswith("/labs/api/") and self.known():
            if parts == ["labs"]:
                if self.server.labs_faults:
                    return self.server.labs_faults.pop(0)(self)
                row = {
                    "title": "Lab 1",
                    "due": None,
                    "yours": None,
                    "attempts_left": self.server.attempts_left,
                    "show": "full",
                }
                return self.answer(200, [row | {"lab": "lab1_linear_quantization"}])
            attempt = next(one for one in self.server.attempts if one["id"] == parts[1])
            return self.receipt(attempt) if parts[2:] == ["receipt"] else self.look(attempt)
        return None if self.path.startswith("/labs/api/") else self.answer(404, {"detail": "Not Found"})

    def look(self, attempt: dict[str, Any]) -> None:
        if self.server.look_faults:
            return self.server.look_faults.pop(0)(self)
        attempt["looks"] += 1
        if attempt["looks"] >= self.server.looks_until_graded:
            outcomes = [outcome.to_json() for outcome in self.server.outcomes]
            attempt.update(self.server.mark, place=None, outcomes=outcomes)
        return self.answer(200, attempt)

    def receipt(self, attempt: dict[str, Any]) -> None:
        if self.server.receipt_faults:
            return self.server.receipt_faults.pop(0)(self)
        return self.answer(200, {"attempt": attempt["number"], "signature": "c2lnbmF0dXJl"})

    def known(self) -> bool:
        if self.headers["Authorization"] == f"Bearer {TOKEN}":
            return True
        self.answer(401, {"detail": "Sign in first."})
        return False

    def answer(self, status: int, data: Any, **headers: str) -> None:
        self.send(status, json.dumps(data).encode(), **headers)

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Cut the connection as a lost network does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


def reset(handler: Handler) -> None:
    handler.reset()


def reset_after_accepting(handler: Handler) -> None:
    """The upload has arrived, and its answer never does."""
    handler.wfile, held = _Nowhere(), handler.wfile
    handler.accept(handler.server.uploads[-1])
    handler.wfile = held
    handler.reset()


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        pass


def cut_off(handler: Handler) -> None:
    """Announces more than it sends."""
    handler.send_response(201)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "a')
    handler.wfile.flush()
    handler.reset()


def slow(seconds: float) -> Fault:
    return lambda handler: time.sleep(seconds)


def says(status: int, body: bytes | str | dict[str, Any], **headers: str) -> Fault:
    content = json.dumps(body) if isinstance(body, dict) else body
    return lambda handler: handler.send(status, content if isinstance(content, bytes) else content.encode(), **headers)
