"""The judge's side of the conversation with a student's process.

Whatever comes from there is data and nothing else: every reply is checked for its type and its size before it is used.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.grade.codec import WireError
from autograder.grade.limits import PICTURE_SHARE, Limits
from autograder.grade.wire import Channel, ChannelClosedError, ChannelTimeoutError

GRACE = 3.0  # seconds beyond a time limit that a process has to interrupt itself and answer
ANSWER_SECONDS = 20.0  # for what takes milliseconds, unless the machine is busy
START_SECONDS = 30.0
MAX_REASON = 200
EXTRA_OUTPUT = 50_000  # characters that a traceback may add to what a cell may print
SILENT = "it stopped answering"
TOO_LONG = "it ran longer"


class EndedError(Exception):
    """The process is gone, and everything in it; the message says why, for the student."""


class CheckEndedError(Exception):
    """The copy that answered a check is gone; the process itself goes on, in the state before the check."""


class ForkServerGoneError(Exception):
    """A process could not be started, which is not the student's fault."""


@dataclass(frozen=True)
class CellRun:
    """How a cell ran: its outputs as a notebook stores them, wall time, and why it was stopped ("" if it was not)."""

    outputs: list[dict[str, Any]]
    seconds: float
    stopped: str = ""


class StudentProcess:
    """A process that runs one submission's cells and answers its checks."""

    def __init__(self, channel: Channel, limits: Limits, files: Mapping[str, bytes]):
        self._channel = channel
        self._limits = limits
        self._ended = ""
        self.waited = 0.0  # seconds spent waiting for answers, that is, in the student's code and not in the judge's
        try:
            self._ask({"op": "files", "files": dict(files)}, START_SECONDS)
        except EndedError as error:
            raise ForkServerGoneError(str(error)) from error

    def run_cell(self, source: str, seconds: float) -> CellRun:
        """Run a cell for at most so many seconds.

        Raises:
            EndedError: the process did not survive it.
        """
        reply = self._ask({"op": "cell", "source": source, "seconds": seconds}, seconds + GRACE, _too_long(seconds))
        stopped = _too_long(seconds) if reply.get("late") is True else ""
        return CellRun(_outputs(reply.get("outputs"), self._limits.output), _seconds(reply.get("seconds")), stopped)

    def show_verdict(self, name: str, verdict: dict[str, Any]) -> None:
        """Let the provided cells know the judge's verdict on a question."""
        self._ask({"op": "verdict", "name": name, "verdict": verdict}, ANSWER_SECONDS)

    def missing(self, names: tuple[str, ...]) -> str:
        """The first of these names that the student has not defined; "" if all are defined."""
        name = self._ask({"op": "missing", "names": names}, ANSWER_SECONDS).get("missing")
        return name if isinstance(name, str) and name in names else ""

    def plain(self, names: tuple[str, ...]) -> tuple[Any, ...] | None:
        """The values of these names, read without a copy; None if reading one of them could run the student's code."""
        values = self._ask({"op": "plain", "names": names}, ANSWER_SECONDS).get("values")
        return values if isinstance(values, tuple) and len(values) == len(names) else None

    def used(self) -> int:
        """Bytes of files that it has written; 0 if it does not say."""
        try:
            size = self._ask({"op": "used"}, ANSWER_SECONDS).get("bytes")
        except EndedError:
            return 0
        return size if type(size) is int and 0 <= size < 2**63 else 0

    def check(self, forbidden: tuple[str, ...], seconds: float) -> "Conversation":
        """Begin a check: a fork of the process answers from here on, until the conversation is closed.

        Args:
            forbidden: functions that raise while the student's code runs.
            seconds: how long all answers together may take.

        Raises:
            CheckEndedError: the process could not be forked.
        """
        reply = self._ask({"op": "check", "forbidden": forbidden}, ANSWER_SECONDS)
        if "copy_ended" in reply:
            raise CheckEndedError(_reason(reply["copy_ended"]))
        return Conversation(self._ask, seconds)

    def close(self) -> None:
        """End the process, and everything that it started."""
        self._channel.close()

    def _ask(self, message: dict[str, Any], seconds: float, late: str = SILENT) -> dict[str, Any]:
        """Send a message and return the reply. A process that fails to answer properly in time is given up for good.

        Args:
            message: what to ask.
            seconds: how long it may take.
            late: what to say about a process that takes longer.
        """
        if self._ended:
            raise EndedError(self._ended)
        started = time.monotonic()
        try:
            self._channel.send(message, seconds)
            reply = self._channel.receive(seconds)
        except ChannelClosedError as error:
            raise self._gone("it ended the Python process") from error
        except ChannelTimeoutError as error:
            raise self._gone(late) from error
        except WireError as error:
            raise self._gone(f"it sent an invalid answer ({error})") from error
        finally:
            self.waited += time.monotonic() - started
        if "ended" in reply:
            raise self._gone(_reason(reply["ended"]))
        return reply

    def _gone(self, reason: str) -> EndedError:
        self._ended = reason
        self._channel.close()
        return EndedError(reason)


class Conversation:
    """What the judge asks a copy of a student's process during one check."""

    def __init__(self, ask: Callable[[dict[str, Any], float, str], dict[str, Any]], seconds: float):
        self._ask = ask
        self._seconds = self._left = seconds
        self._over = False

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return the reply. Only the time until replies counts, not the judge's own.

        Raises:
            CheckEndedError: the copy ended, or took too long.
            EndedError: the process itself ended.
        """
        started = time.monotonic()
        try:
            reply = self._ask({**message, "seconds": self._left}, self._left + GRACE, _too_long(self._seconds))
        except EndedError:
            self._over = True
            raise
        self._left = max(self._left - (time.monotonic() - started), 0.01)
        if "copy_ended" in reply:
            self._over = True
            reason = _reason(reply["copy_ended"])
            raise CheckEndedError(_too_long(self._seconds) if reason == "late" else reason)
        return reply

    def close(self) -> None:
        """Let the copy end, if it has not ended yet."""
        if not self._over:
            self._over = True
            self._ask({"op": "end", "seconds": 0.0}, GRACE, SILENT)


def _too_long(seconds: float) -> str:
    return f"{TOO_LONG} than {seconds:g} seconds: is there an endless loop?"


def _seconds(value: Any) -> float:
    return round(value, 3) if type(value) is float and 0 <= value < float("inf") else 0.0


def _reason(value: Any) -> str:
    return value[:MAX_REASON] if isinstance(value, str) else "it ended the Python process"


def _outputs(value: Any, limit: int) -> list[dict[str, Any]]:
    """The valid outputs. The process limits them itself, but a student's code could have changed its list of them."""
    outputs, left = [], limit + EXTRA_OUTPUT + 0.0
    for item in value if isinstance(value, list) else []:
        output = _output(item) if isinstance(item, dict) else None
        if output is not None:
            pictures = sum(len(text) for mime, text in output.get("data", {}).items() if "image" in mime)
            left -= len(str(output)) - pictures + pictures / PICTURE_SHARE
        if output is not None and left >= 0:
            outputs.append(output)
    return outputs


def _output(item: dict[Any, Any]) -> dict[str, Any] | None:
    """An output with only those fields that a notebook has; None if it is not one."""
    match item:
        # Each value's class is checked first: comparing an array with a text would give an array, which has no truth.
        case {"output_type": str("stream"), "name": str("stdout" | "stderr" as name), "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": text}
        case {"output_type": str("error"), "ename": str(name), "evalue": str(value), "traceback": list(lines)}:
            texts = [line for line in lines if isinstance(line, str)]
            return {"output_type": "error", "ename": name, "evalue": value, "traceback": texts}
        case {"output_type": str("execute_result" | "display_data" as kind), "data": dict(data)}:
            content = {mime: text for mime, text in data.items() if isinstance(mime, str) and isinstance(text, str)}
            count = {"execution_count": None} if kind == "execute_result" else {}
            return {"output_type": kind, "data": content, "metadata": {}, **count}
    return None
