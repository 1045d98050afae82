import os
import stat
import sys
import time
from pathlib import Path

import pytest

from qlab.student.pdf import browser
from qlab.student.pdf.browser import CHOSEN, BrowserError, find_browser, print_page

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for a browser are shell scripts")


def stand_in(folder, script, name="chromium"):
    """A program that stands for a browser."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_browser_on_the_path_is_found_and_the_variable_names_another(tmp_path, monkeypatch):
    edge = stand_in(tmp_path, "", "microsoft-edge")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(CHOSEN, raising=False)
    assert find_browser() == str(edge)
    other = stand_in(tmp_path, "", "another")
    monkeypatch.setenv(CHOSEN, str(other))
    assert find_browser() == str(other)
    monkeypatch.setenv(CHOSEN, "none")
    assert find_browser() == ""
    monkeypatch.setenv(CHOSEN, "nowhere")
    with pytest.raises(BrowserError, match="QLAB_BROWSER names nowhere, which is not a program here"):
        find_browser()


def test_the_usual_places_of_other_systems_are_searched(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert any("Google Chrome.app/Contents/MacOS/Google Chrome" in str(path) for path in browser._usual_places())


def test_it_is_started_without_the_network_and_without_its_sandbox_for_root_alone(tmp_path, monkeypatch):
    path = stand_in(tmp_path, f'printf "%s\\n" "$@" >{tmp_path}/said')
    for user, given_up in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        with pytest.raises(BrowserError):
            print_page(str(path), "<p>x</p>", tmp_path)
        flags = (tmp_path / "said").read_text().splitlines()
        assert ("--no-sandbox" in flags) == given_up and "--headless" in flags
        assert "--host-resolver-rules=MAP * ~NOTFOUND" in flags and "--proxy-server=127.0.0.1:9" in flags
        assert flags[-1].startswith("file://")


def test_a_browser_that_hangs_is_ended_with_what_it_started(tmp_path):
    path = stand_in(tmp_path, f"sleep 60 & echo $! >{tmp_path}/child; wait")
    started = time.monotonic()
    with pytest.raises(BrowserError, match=r"chromium took longer than 0\.5 seconds"):
        print_page(str(path), "<p>x</p>", tmp_path, seconds=0.5)
    assert time.monotonic() - started < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not is_running(child):
            break
        time.sleep(0.05)
    assert not is_running(child)


def is_running(process):
    """Whether a process lives; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_a_browser_leaves_behind_keeps_nobody_waiting(tmp_path):
    path = stand_in(
        tmp_path, "sleep 60 &\nfor flag; do case $flag in --print-to-pdf=*) echo %PDF >${flag#*=};; esac; done"
    )
    started = time.monotonic()
    assert print_page(str(path), "<p>x</p>", tmp_path).startswith(b"%PDF") and time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("script", "says"), [("echo no display >&2; exit 3", r"wrote no PDF \(no display\)"), ("", "it said nothing")]
)
def test_a_browser_that_fails_is_told_with_its_last_words(tmp_path, script, says):
    with pytest.raises(BrowserError, match=says):
        print_page(str(stand_in(tmp_path, script)), "<p>x</p>", tmp_path)


def test_a_browser_that_does_not_start_is_told(tmp_path):
    with pytest.raises(BrowserError, match=r"nothing does not start \(No such file"):
        print_page(str(tmp_path / "nothing"), "<p>x</p>", tmp_path)
