"""Running a cell as Jupyter would, in IPython without a kernel; what it prints, shows and raises is kept."""

import io
import re
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.grade.limits import PICTURE_SHARE

CUT = "\n… cut off here\n"
AGAIN_EVERY = 0.5  # seconds between interrupts of a cell that goes on
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class TooLong(KeyboardInterrupt):
    """Interrupts a cell that runs too long."""


class Outputs:
    """The outputs of the cell that runs, as nbformat stores them, up to a limit."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.left = 0.0

    def begin(self, limit: int) -> None:
        """Forget what there is; from here on up to so many characters are kept."""
        self.found, self.left = [], float(limit)

    def text(self, name: str, text: str) -> None:
        """Something printed."""
        if not text or self.left <= 0:
            return
        kept = text[: int(self.left)]
        self.left -= len(text)
        kept += CUT if self.left <= 0 else ""
        if self.found and self.found[-1].get("name") == name:
            self.found[-1]["text"] += kept
        else:
            self.found.append({"output_type": "stream", "name": name, "text": kept})

    def data(self, kind: str, data: dict[str, Any], metadata: dict[str, Any], **more: Any) -> None:
        """Something shown."""
        plain = {str(mime): _text(content) for mime, content in data.items() if isinstance(content, str | bytes)}
        size = sum(len(content) / (PICTURE_SHARE if "image" in mime else 1) for mime, content in plain.items())
        if size <= self.left:
            self.left -= size
            self.found.append({"output_type": kind, "data": plain, "metadata": {}, **more})
        else:
            self.text("stdout", f"[an output of {sum(map(len, plain.values()))} characters was left out]\n")

    def error(self, name: str, message: str, lines: list[str]) -> None:
        """What the cell ended in."""
        lines = [line[:2000] for line in lines[-20:]]
        self.found.append({"output_type": "error", "ename": name, "evalue": message[:2000], "traceback": lines})


def _text(content: str | bytes) -> str:
    """What a notebook holds of it: a picture's bytes as letters, a text of a class of its own as a plain one."""
    return b64encode(content).decode() if isinstance(content, bytes) else str.__str__(content)


OUTPUTS = Outputs()


class Printed(io.TextIOBase):
    """Standing in for sys.stdout or sys.stderr."""

    encoding = "utf-8"

    def __init__(self, name: str):
        self.name = name

    def write(self, text: str) -> int:
        """Keep what is printed."""
        OUTPUTS.text(self.name, str(text))
        return len(text)

    def writable(self) -> bool:
        """Yes."""
        return True


class Hook(DisplayHook):  # type: ignore[misc]  # IPython has no types for mypy here
    """The value of a cell's last line becomes an output instead of text on a terminal."""

    def write_output_prompt(self) -> None:
        """Print no Out[n]."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        """Keep the value as it would be shown."""
        OUTPUTS.data("execute_result", format_dict, md_dict or {}, execution_count=None)

    def finish_displayhook(self) -> None:
        """Print no line's end."""


class Publisher(DisplayPublisher):  # type: ignore[misc]
    """What a cell displays becomes an output."""

    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, **_: Any) -> None:
        """Keep what is displayed."""
        OUTPUTS.data("display_data", data, metadata or {})

    def clear_output(self, wait: bool = False) -> None:
        """Forget what the cell has shown so far."""
        OUTPUTS.found.clear()


class Shell(InteractiveShell):  # type: ignore[misc]
    """IPython that keeps outputs, has no terminal and writes no history."""

    def enable_gui(self, gui: Any = None) -> None:
        """There is no event loop to enable."""

    def system(self, cmd: str) -> None:
        """`!command`: its output is printed."""
        self.system_piped(cmd)

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        lines = COLOURS.sub("", self.InteractiveTB.stb2text(stb)).splitlines()
        OUTPUTS.error(etype.__name__, str(evalue), lines)


def make_shell() -> Shell:
    """The one shell of this process, made before any submission is there; its first cell, which is slow, has run."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell: Shell = Shell.instance(config=config, displayhook_class=Hook, display_pub_class=Publisher)
    sys.stdout, sys.stderr = Printed("stdout"), Printed("stderr")
    run(shell, "%matplotlib inline\n1", 60, 1000)
    shell.reset(new_session=True)
    shell.user_ns.update(_="", __="", ___="")  # as at a notebook's beginning
    return shell


def run(shell: Shell, source: str, seconds: float, output: int) -> dict[str, Any]:
    """Run a cell.

    Returns:
        A message: the outputs, how long it took, whether it was interrupted.
    """
    OUTPUTS.begin(output)
    started = time.perf_counter()
    late = False
    try:
        with limited(seconds):
            late = isinstance(shell.run_cell(source, store_history=True).error_in_exec, TooLong)
    except TooLong:
        signal.setitimer(signal.ITIMER_REAL, 0)  # it may have come as the time was to be stopped
        late = True
    except BaseException as error:  # IPython catches what a cell raises; here it stumbled over the exception itself
        OUTPUTS.error(type(error).__name__, "", [])
    took = time.perf_counter() - started
    return {"outputs": OUTPUTS.found, "seconds": took, "late": late or took >= seconds}


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Interrupt what runs after so many seconds, and again where it goes on."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"it ran longer than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), AGAIN_EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
