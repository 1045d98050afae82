"""Printing a page to PDF with a browser of the Chromium family, without a window and without the network."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

SECONDS = 120
NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"),
    *("microsoft-edge-stable", "msedge", "brave-browser", "brave", "vivaldi", "vivaldi-stable"),
)
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser", "Vivaldi")  # on macOS
PROGRAMS = (  # on Windows, below its folders of programs
    *("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"),
    *("Chromium/Application/chrome.exe", "BraveSoftware/Brave-Browser/Application/brave.exe"),
)
FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
CHOSEN = "QLAB_BROWSER"  # the variable that names another browser, or "none"
FLAGS = (
    *("--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check"),
    *("--disable-extensions", "--disable-sync", "--disable-background-networking", "--disable-component-update"),
    *("--disable-default-apps", "--disable-breakpad", "--mute-audio", "--password-store=basic", "--use-mock-keychain"),
    # No name has an address and no proxy answers: whatever the page or the browser asks for is not found.
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9", "--no-pdf-header-footer"),
    "--print-to-pdf-no-header",  # the former name of that flag
)


class BrowserError(Exception):
    """The browser made no PDF; the message says why, as a part of a sentence."""


def find_browser() -> str:
    """The path of a browser that can print; "" if there is none.

    Raises:
        BrowserError: QLAB_BROWSER names a program that is not there.
    """
    if chosen := os.environ.get(CHOSEN, ""):
        found = "" if chosen == "none" else shutil.which(chosen)
        if found is None:
            raise BrowserError(f"{CHOSEN} names {chosen}, which is not a program here")
        return found
    on_path = (shutil.which(name) for name in NAMES)
    elsewhere = (str(path) for path in _usual_places() if path.is_file())
    return next(filter(None, (*on_path, *elsewhere)), "")


def _usual_places() -> list[Path]:
    if sys.platform == "darwin":
        roots = (Path("/Applications"), Path.home() / "Applications")
        return [root / f"{name}.app/Contents/MacOS/{name}" for name in APPLICATIONS for root in roots]
    if os.name == "nt":
        return [Path(os.environ[root]) / path for path in PROGRAMS for root in FOLDERS if root in os.environ]
    return []


def print_page(browser: str, page: str, folder: Path, seconds: float = SECONDS) -> bytes:
    """The PDF of a page.

    Args:
        browser: the path of a browser, see `find_browser`.
        page: HTML that stands for itself.
        folder: the student's folder; a browser from a snap may only read there.
        seconds: how long it may take.

    Raises:
        BrowserError: the browser could not be started, took too long or wrote no PDF.
    """
    beside = folder if "/snap/" in str(Path(browser).resolve()) or browser.startswith("/snap/") else None
    with tempfile.TemporaryDirectory(prefix="qlab-pdf-", dir=beside, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        source, target = scratch / "page.html", scratch / "page.pdf"
        source.write_text(page, "utf-8", errors="replace")
        _run([browser, *_flags(scratch), f"--print-to-pdf={target}", source.as_uri()], scratch / "said", seconds)
        content = target.read_bytes() if target.is_file() else b""
        said = (scratch / "said").read_text("utf-8", errors="replace")
    if not content.startswith(b"%PDF"):
        lines = said.strip().splitlines() or ["it said nothing"]
        raise BrowserError(f"{Path(browser).name} wrote no PDF ({lines[-1][:200]})")
    return content


def _flags(scratch: Path) -> list[str]:
    # A browser's own sandbox does not work for root. Nothing in the page runs, so it is only given up there.
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*FLAGS, *as_root, f"--user-data-dir={scratch / 'profile'}"]


def _run(command: list[str], said: Path, seconds: float) -> None:
    """Run the browser, write what it says to a file, and end all of its processes."""
    try:
        with said.open("wb") as errors:  # a file and no pipe: a process that stays would keep a pipe open
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                start_new_session=os.name != "nt",
            )  # fmt: skip
    except OSError as error:
        raise BrowserError(f"{Path(command[0]).name} does not start ({error.strerror})") from error
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise BrowserError(f"{Path(command[0]).name} took longer than {seconds:g} seconds") from error
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the browser with the processes that it started."""
    if os.name != "nt":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
