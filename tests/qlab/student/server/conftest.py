"""A fake server, a configuration of the test's own, and qlab as a student types it."""

import socket
import sys
from dataclasses import dataclass

import pytest

from qlab import cli
from qlab.student.server import hand_in, sign_ins
from qlab.student.server.personal_token import Token
from qlab.student.server.sign_ins import SignIn
from tests.qlab.student.server.fake_server import TOKEN, FakeServer


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(hand_in, "PAUSE", 0.05)
    monkeypatch.setattr(hand_in, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(hand_in, "LAST_LOOK", 0.01)


@pytest.fixture
def server():
    with FakeServer() as running:
        running.serve_in_thread()
        yield running
        running.shutdown()


@pytest.fixture
def signed_in(server):
    sign_ins.remember(SignIn(server.address, Token(TOKEN)))
    return server


@pytest.fixture
def no_names(monkeypatch):
    """No host has an address, and no test asks the network for one."""

    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


@dataclass(frozen=True)
class Ended:
    """What a command left behind; whatever it printed never holds the token."""

    code: int
    out: str
    err: str


@pytest.fixture
def qlab(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qlab", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        assert TOKEN not in out + err and "Traceback" not in err
        return Ended(stop.value.code, out, err)

    return run
