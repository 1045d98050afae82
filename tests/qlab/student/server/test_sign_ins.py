import json
import os
import stat
from pathlib import Path

import pytest
from platformdirs import windows
from platformdirs.macos import MacOS

from qlab import files
from qlab.student.errors import StudentError
from qlab.student.server import sign_ins
from qlab.student.server.personal_token import Token
from qlab.student.server.sign_ins import SignIn, config_file, forget, remember, signed_in, the_only_one
from tests.qlab.student.server.fake_server import TOKEN

HOME, AWAY = "https://quant.example.edu/labs", "https://other.example.edu"
posix = pytest.mark.skipif(os.name != "posix", reason="a user's folder is the user's alone")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_is_signed_in_at_first_and_nothing_is_written():
    assert sign_ins.sign_ins() == [] and not config_file().exists() and sign_ins.close_to_others() == ""


@posix
def test_the_file_is_the_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        remember(SignIn(HOME, Token(TOKEN)))
    finally:
        os.umask(before)
    assert config_file() == tmp_path / "config" / "qlab" / "servers.json"
    assert mode(config_file()) == 0o600 and mode(config_file().parent) == 0o700


@posix
def test_the_file_is_never_readable_for_others_while_it_is_written(monkeypatch):
    modes, replace = [], os.replace
    monkeypatch.setattr(files.os, "replace", lambda a, b: (modes.append(mode(a)), replace(a, b)))
    remember(SignIn(HOME, Token(TOKEN)))
    assert modes == [0o600]


@posix
def test_a_file_that_others_can_read_is_closed_and_told(signed_in):
    config_file().chmod(0o644)
    config_file().parent.chmod(0o755)
    assert "others on this computer could read" in sign_ins.close_to_others()
    assert mode(config_file()) == 0o600 and mode(config_file().parent) == 0o700 and sign_ins.close_to_others() == ""


def test_on_a_mac_it_lies_in_the_library(monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr(sign_ins, "user_config_path", lambda *name, **more: MacOS(*name, **more).user_config_path)
    assert config_file() == Path.home() / "Library" / "Application Support" / "qlab" / "servers.json"


def test_on_windows_it_lies_in_the_roaming_profile(monkeypatch):
    monkeypatch.setenv("APPDATA", "/Users/ada/AppData/Roaming")
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)
    monkeypatch.setattr(sign_ins, "user_config_path", lambda *n, **more: windows.Windows(*n, **more).user_config_path)
    assert config_file() == Path("/Users/ada/AppData/Roaming/qlab/servers.json")


def test_several_servers_and_a_new_token_for_one_of_them():
    remember(SignIn(HOME, Token(TOKEN)))
    remember(SignIn(AWAY, Token(TOKEN)))
    renewed = Token("qlab_" + "z" * 43)
    remember(SignIn(HOME, renewed))
    assert {one.address: one.token for one in sign_ins.sign_ins()} == {HOME: renewed, AWAY: Token(TOKEN)}
    with pytest.raises(StudentError, match="several servers"):
        the_only_one("--to")
    forget(AWAY)
    assert the_only_one("--to").address == HOME
    forget(HOME)
    assert not config_file().exists()


@pytest.mark.parametrize(
    ("to", "address"),
    [
        ("server", HOME),
        (HOME, HOME),
        (f"{HOME}/", HOME),
        (f"{HOME}/attempts/aT-1", HOME),
        (f"{HOME}/#{TOKEN}", HOME),
        ("quant.example.edu/labs", HOME),
        ("folder", None),
        ("./server", None),
        ("quant.example.edu", None),
    ],
)
def test_what_to_means(to, address):
    remember(SignIn(HOME, Token(TOKEN)))
    found = signed_in(to)
    assert (found.address if found else None) == address


def test_a_link_without_its_scheme_becomes_no_folder():
    with pytest.raises(StudentError, match="not the address of a server"):
        signed_in(f"quant.example.edu/labs/#{TOKEN}")


def test_the_longest_address_counts():
    for address in ("https://a.edu", "https://a.edu/2026"):
        remember(SignIn(address, Token(TOKEN)))
    assert signed_in("https://a.edu/2026/attempts/1").address == "https://a.edu/2026"
    assert signed_in("https://a.edu/20267").address == "https://a.edu"


def test_a_server_that_is_not_known_is_told_with_the_fix():
    with pytest.raises(StudentError, match=r"not signed in to any server: run `qlab sign-in`"):
        signed_in("server")
    remember(SignIn(HOME, Token(TOKEN)))
    with pytest.raises(StudentError, match=rf"not signed in to {AWAY}, only to {HOME}: run `qlab sign-in`"):
        signed_in(AWAY)
    with pytest.raises(StudentError, match="not signed in to http://quant"):
        signed_in(HOME.replace("https", "http"))


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"https://a.edu": 5}', '{"https://a.edu": {"token": "qlab_"}}', "[" * 100_000, "\xff"]
)
def test_a_damaged_file_is_told_and_keeps_nobody_from_using_a_folder(content):
    remember(SignIn(HOME, Token(TOKEN)))
    config_file().write_bytes(content.encode("latin-1"))
    with pytest.raises(StudentError, match="is damaged: delete it and sign in again"):
        sign_ins.sign_ins()
    assert signed_in("folder") is None


def test_a_full_disk_keeps_the_former_tokens(monkeypatch):
    remember(SignIn(HOME, Token(TOKEN)))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(StudentError, match="No space left on device"):
        remember(SignIn(AWAY, Token(TOKEN)))
    assert json.loads(config_file().read_text()) == {HOME: {"token": TOKEN}}
    assert [path.name for path in config_file().parent.iterdir()] == ["servers.json"]
