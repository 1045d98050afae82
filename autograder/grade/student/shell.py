"""Runs cells as Jupyter would, in IPython without a kernel, and records what they print, display and raise."""

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
REPEAT_SECONDS = 1.0  # between interrupts of a cell that goes on
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class TooLong(KeyboardInterrupt):
    """Interrupts a cell that computes or waits too long.

    A KeyboardInterrupt, so that `except Exception` does not catch it.
    """


class Outputs:
    """The outputs of the running cell, as nbformat stores them, up to a limit."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self.left = 0.0

    def begin(self, limit: int) -> None:
        """Forget all outputs; from here on, record up to so many characters."""
        self.outputs, self.left = [], float(limit)

    def text(self, name: str, text: str) -> None:
        """Record printed text."""
        if not text or self.left <= 0:
            return
        recorded = text[: int(self.left)]
        self.left -= len(text)
        recorded += CUT if self.left <= 0 else ""
        if self.outputs and self.outputs[-1].get("name") == name:
            self.outputs[-1]["text"] += recorded
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": recorded})

    def data(self, kind: str, data: dict[str, Any], metadata: dict[str, Any], **more: Any) -> None:
        """Record a displayed value."""
        plain = {str(mime): _text(content) for mime, content in data.items() if isinstance(content, str | bytes)}
        size = sum(len(content) / (PICTURE_SHARE if "image" in mime else 1) for mime, content in plain.items())
        if size <= self.left:
            self.left -= size
            self.outputs.append({"output_type": kind, "data": plain, "metadata": {}, **more})
        else:
            self.text("stdout", f"[an output of {sum(map(len, plain.values()))} characters was left out]\n")

    def error(self, name: str, message: str, lines: list[str]) -> None:
        """Record the exception in which the cell ended."""
        lines = [line[:2000] for line in lines[-20:]]
        self.outputs.append({"output_type": "error", "ename": name, "evalue": message[:2000], "traceback": lines})


def _text(content: str | bytes) -> str:
    """Content as a notebook stores it: bytes as base64, and an instance of a subclass of str as a plain str."""
    return b64encode(content).decode() if isinstance(content, bytes) else str.__str__(content)


OUTPUTS = Outputs()


class OutputStream(io.TextIOBase):
    """Replaces sys.stdout or sys.stderr."""

    encoding = "utf-8"

    def __init__(self, name: str):
        self.name = name

    def write(self, text: str) -> int:
        """Record what is printed."""
        OUTPUTS.text(self.name, str(text))
        return len(text)

    def writable(self) -> bool:
        """Yes."""
        return True


class Hook(DisplayHook):  # type: ignore[misc]  # IPython has no types for mypy here
    """Records the value of a cell's last line instead of printing it."""

    def write_output_prompt(self) -> None:
        """Print no Out[n]."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        """Record the value in all its representations."""
        OUTPUTS.data("execute_result", format_dict, md_dict or {}, execution_count=None)

    def finish_displayhook(self) -> None:
        """Print no newline."""


class Publisher(DisplayPublisher):  # type: ignore[misc]
    """Records what a cell displays."""

    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, **_: Any) -> None:
        """Record a displayed value."""
        OUTPUTS.data("display_data", data, metadata or {})

    def clear_output(self, wait: bool = False) -> None:
        """Forget what the cell has displayed so far."""
        OUTPUTS.outputs.clear()


class Shell(InteractiveShell):  # type: ignore[misc]
    """IPython that records outputs, has no terminal and writes no history."""

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no event loop."""

    def system(self, cmd: str) -> None:
        """Run `!command` and print its output."""
        self.system_piped(cmd)

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        lines = COLOURS.sub("", self.InteractiveTB.stb2text(stb)).splitlines()
        OUTPUTS.error(etype.__name__, str(evalue), lines)


def make_shell() -> Shell:
    """This process's only shell, made before any submission exists. Its first cell, which is slow, has already run."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell: Shell = Shell.instance(config=config, displayhook_class=Hook, display_pub_class=Publisher)
    sys.stdout, sys.stderr = OutputStream("stdout"), OutputStream("stderr")
    run(shell, "%matplotlib inline\n1", 60, 300, 1000)
    shell.reset(new_session=True)
    shell.user_ns.update(_="", __="", ___="")  # as in a new notebook
    return shell


def run(shell: Shell, source: str, seconds: float, wall_seconds: float, output: int) -> dict[str, Any]:
    """Run a cell.

    Args:
        shell: to run it in.
        source: of the cell.
        seconds: of this process's processor time, after which it is interrupted.
        wall_seconds: after which it is interrupted too.
        output: how many characters it may print.

    Returns:
        A message: the outputs, how long it took, whether it was interrupted.
    """
    OUTPUTS.begin(output)
    started, computed = time.perf_counter(), time.process_time()
    late = False
    try:
        with time_limit(seconds, wall_seconds):
            late = isinstance(shell.run_cell(source, store_history=True).error_in_exec, TooLong)
    except TooLong:
        stop_timers()  # the signal may have come while time_limit was stopping them
        late = True
    except BaseException as error:  # IPython catches what a cell raises, but may fail on a hostile exception object
        OUTPUTS.error(type(error).__name__, "", [])
    duration = time.perf_counter() - started
    late = late or time.process_time() - computed >= seconds or duration >= wall_seconds
    return {"outputs": OUTPUTS.outputs, "seconds": duration, "late": late}


# What counts the time, and the signal that it sends: processor time of this process with all its threads, wall time.
TIMERS = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}


@contextmanager
def time_limit(seconds: float, wall_seconds: float) -> Iterator[None]:
    """Interrupt the code in this context after so much processor or wall time, and again and again if it goes on."""

    due = time.process_time() + seconds

    def interrupt(number: int, frame: FrameType | None) -> None:
        # The timer counts ticks of the clock, and on a busy machine the process may have run for a part of each only.
        if number == signal.SIGPROF and (left := due - time.process_time()) > 0:
            signal.setitimer(signal.ITIMER_PROF, max(left, 0.001), REPEAT_SECONDS)
            return
        set_timers(REPEAT_SECONDS, REPEAT_SECONDS)  # no second interrupt before this one is told in full
        raise TooLong("it computed too long" if number == signal.SIGPROF else "it waited too long")

    before = {number: signal.signal(number, interrupt) for number in TIMERS.values()}
    set_timers(seconds, wall_seconds)
    try:
        yield
    finally:
        stop_timers()
        for number, handler in before.items():
            signal.signal(number, handler)


def set_timers(seconds: float, wall_seconds: float) -> None:
    """Let each timer interrupt after so many seconds, and then again and again."""
    for timer, limit in zip(TIMERS, (seconds, wall_seconds), strict=True):
        signal.setitimer(timer, max(limit, 0.001), REPEAT_SECONDS)


def stop_timers() -> None:
    """Let no time limit interrupt anything any more."""
    for timer in TIMERS:
        signal.setitimer(timer, 0)
