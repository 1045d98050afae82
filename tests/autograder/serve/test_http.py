"""The server over a real socket: slow, huge, broken and smuggled requests; others are served meanwhile."""

import asyncio
import logging
import socket
import threading
import time
from contextlib import contextmanager, suppress

import httpx
import pytest
import uvicorn

from autograder.serve import http, unread, uploads
from autograder.serve.app import create_app
from autograder.serve.http import PatientProtocol
from autograder.serve.tokens import Role, Tokens
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import START, notebook

TYPE = "application/x-ipynb+json"


@contextmanager
def serving(service, proxies=()):
    """The application behind a socket; gives the port."""
    app = create_app(service)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=PatientProtocol, ws="none", log_config=None, access_log=False, lifespan="off",
            server_header=False, proxy_headers=bool(proxies), forwarded_allow_ips=list(proxies), timeout_keep_alive=20,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join(5)


@pytest.fixture
def token(bench):
    return Tokens(bench.course).issue(["ada"], Role.STUDENT, START.replace(year=2100))["ada"]


@pytest.fixture
def port(bench):
    with serving(bench.service) as port:
        yield port


def say(port, *parts, pause=0.0, wait=3.0):
    """What the server answers to these bytes until it closes the connection, or says nothing more."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                if pause:
                    with suppress(TimeoutError):
                        connection.settimeout(pause)
                        answer += connection.recv(65536)
            connection.settimeout(wait)
            while received := connection.recv(65536):
                answer += received
        except TimeoutError:
            return answer, False
        except ConnectionError:
            pass
    return answer, True


def head(token, length=None, extra=""):
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST /api/labs/{LAB}/attempts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {TYPE}\r\n{size}\r\n{extra}\r\n"
    ).encode()


def fine(port, token):
    """Whether somebody else is served."""
    return (
        httpx.get(f"http://127.0.0.1:{port}/api/labs", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    )


def test_headers_that_come_too_slowly_end_the_connection(port, token, monkeypatch):
    monkeypatch.setattr(http, "HEADER_SECONDS", 0.3)
    assert say(port, b"GET / HT") == (b"", True)
    assert say(port, *[bytes([byte]) for byte in b"GET /api/labs HTTP/1.1\r\n"], pause=0.05)[1]
    # After a first request too, which uvicorn by itself would wait for without an end.
    first = b"GET /api/labs HTTP/1.1\r\nHost: x\r\n\r\n"
    answer, closed = say(port, first, *[b"G", b"E", b"T", b" ", b"/", b"x"] * 3, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 401") and closed
    assert fine(port, token)


def test_a_body_that_comes_too_slowly_is_told_so(port, token, monkeypatch):
    monkeypatch.setattr(uploads, "READ_SECONDS", 0.4)
    monkeypatch.setattr(unread, "SECONDS", 0.2)
    answer, closed = say(port, head(token, 100), b"{", b"}", pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408") and b"took longer" in answer and closed


def test_a_body_that_nobody_reads_ends_the_connection_too(port, monkeypatch):
    monkeypatch.setattr(http, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(unread, "SECONDS", 0.2)
    trickle = [b"x"] * 10
    answer, closed = say(port, b"GET /api/labs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", *trickle, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 401") and closed


def test_a_connection_lost_in_the_middle_of_the_body_leaves_nothing(bench, port, token):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        content = notebook(1)
        connection.sendall(head(token, len(content)) + content[:100])
        time.sleep(0.1)
    time.sleep(0.2)
    assert bench.states("ada") == [] and fine(port, token)
    assert not list((bench.course.root / "served").rglob("*.ipynb"))


@pytest.mark.parametrize("length", [2 * 2**30, 10**18, 10**30])
def test_a_huge_body_is_refused_before_it_is_read(port, token, length):
    answer, closed = say(port, head(token, length), b"x" * 1000)
    assert answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400")) and closed and fine(port, token)


def test_a_huge_body_without_a_length_is_refused_when_it_is_too_large(port, token, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 200_000)
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    answer, closed = say(port, head(token), *[chunk] * 40)
    assert closed and (not answer or answer.startswith(b"HTTP/1.1 413")) and fine(port, token)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1_000_000,
        b"POST /api/labs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /api/labs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/labs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /api/labs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"NONSENSE\r\n\r\n",
    ],
    ids=range(9),
)
def test_what_is_not_http_is_refused(port, token, request_):
    answer, closed = say(port, request_, wait=5)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")) and closed and answer.count(b"HTTP/1.1 ") == 1
    assert fine(port, token)


def test_a_smuggled_request_gets_no_answer(port, token):
    """Both a length and chunks: the chunks count, and what follows them is never a request of somebody else."""
    hidden = f"GET /api/labs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    body = b"0\r\n\r\n" + hidden
    request = f"POST /api/labs HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer, _ = say(port, request.encode() + body, wait=1)
    assert b"attempts_left" not in answer


@pytest.mark.parametrize(("proxies", "believed"), [((), False), (("10.9.9.9",), False), (("127.0.0.1",), True)])
def test_a_forwarded_address_is_believed_from_a_configured_proxy_alone(bench, proxies, believed):
    with serving(bench.service, proxies) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for number in range(30):
            headers = {"Authorization": f"Bearer wrong{number}", "X-Forwarded-For": "192.0.2.1"}
            last = client.get("/api/labs", headers=headers).status_code
        other = {"Authorization": "Bearer wrong", "X-Forwarded-For": "192.0.2.2"}
        assert (last, client.get("/api/labs", headers=other).status_code) == (429, 401 if believed else 429)


def test_no_log_has_a_token_or_the_id_of_an_attempt(bench, port, token, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    signed_in = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=signed_in) as client:
        url = f"/api/labs/{LAB}/attempts"
        made = client.post(url, content=notebook(1), headers={"Content-Type": TYPE}).json()
        bench.settle()
        assert client.get(f"/api/attempts/{made['id']}").json()["state"] == "graded"
        monkeypatch.setattr(bench.service.attempts, "find", lambda _: 1 / 0)
        assert client.get(f"/api/attempts/{made['id']}").status_code == 500
        client.get(f"/nowhere/{token}")
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert any("failed" in record.getMessage() for record in ours)
    text = "".join(logging.Formatter().format(record) for record in ours)
    assert token not in text and made["id"] not in text
