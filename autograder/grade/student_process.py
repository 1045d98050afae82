"""A submission's process, as the judge talks to it. What comes from there is data, whatever it claims."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.grade.limits import Limits
from autograder.grade.wire import Channel, ClosedError, LateError, WireError

GRACE = 3.0  # seconds that a process has to stop what it was told to stop
START_SECONDS = 30.0
LONGEST_REASON = 200
TOO_LONG = "it ran longer"


class EndedError(Exception):
    """The process is gone, with everything in it; the message says why, in words for the student."""


class CheckEndedError(Exception):
    """The copy that answered a check is gone; the process goes on from the state before it."""


class WarmProcessGoneError(Exception):
    """The process could not be started: nothing that the student did."""


@dataclass(frozen=True)
class CellRun:
    """How a cell went: its outputs as a notebook stores them, wall time, why it was stopped ("" if it was not)."""

    outputs: list[dict[str, Any]]
    seconds: float
    stopped: str = ""


class StudentProcess:
    """A process that runs one submission's cells and answers its checks."""

    def __init__(self, channel: Channel, limits: Limits, files: Mapping[str, bytes]):
        self._channel = channel
        self._limits = limits
        try:
            self._ask({"do": "files", "files": dict(files)}, START_SECONDS)
        except EndedError as error:
            raise WarmProcessGoneError(str(error)) from error

    def run_cell(self, source: str, seconds: float) -> CellRun:
        """Run a cell for so many seconds at most.

        Raises:
            EndedError: the process did not survive it.
        """
        try:
            reply = self._ask({"do": "cell", "source": source, "seconds": seconds}, seconds + GRACE)
        except LateError as error:
            raise EndedError(_too_long(seconds)) from error
        stopped = _too_long(seconds) if reply.get("late") is True else ""
        return CellRun(_outputs(reply.get("outputs")), _seconds(reply.get("seconds")), stopped)

    def show_verdict(self, name: str, verdict: dict[str, Any]) -> None:
        """Tell the provided cells what the judge has found of a question."""
        self._ask({"do": "verdict", "name": name, "verdict": verdict}, GRACE)

    def missing(self, names: tuple[str, ...]) -> str:
        """The first of these names that the student has not defined; "" where there is none."""
        found = self._ask({"do": "missing", "names": names}, GRACE).get("missing")
        return found if isinstance(found, str) and found in names else ""

    def used(self) -> int:
        """Bytes of files that it has written; 0 where it does not say."""
        try:
            found = self._ask({"do": "used"}, GRACE).get("bytes")
        except (EndedError, LateError):
            return 0
        return found if type(found) is int else 0

    def check(self, forbidden: tuple[str, ...], seconds: float) -> "Conversation":
        """Begin a check: a copy of the process answers, for so many seconds in all, until the conversation is closed.

        Args:
            forbidden: functions that raise while the student's code is called.
            seconds: of all answers together.
        """
        self._ask({"do": "check", "forbidden": forbidden}, GRACE)
        return Conversation(self._ask, seconds)

    def close(self) -> None:
        """End it, and everything that it started."""
        self._channel.close()

    def _ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            self._channel.send(message)
            reply = self._channel.receive(seconds)
        except ClosedError as error:
            raise EndedError("it ended the Python process") from error
        except WireError as error:
            raise EndedError(f"it sent what is no answer ({error})") from error
        if "ended" in reply:
            raise EndedError(str(reply["ended"])[:LONGEST_REASON])
        return reply


class Conversation:
    """What the judge asks a copy of a student's process during one check."""

    def __init__(self, ask: Callable[[dict[str, Any], float], dict[str, Any]], seconds: float):
        self._ask = ask
        self._seconds = self._left = seconds
        self._over = False

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """One question and its answer; only the time that the answers take counts.

        Raises:
            CheckEndedError: the copy ended, or took too long.
            EndedError: the process itself ended.
        """
        started = time.monotonic()
        try:
            reply = self._ask({**message, "seconds": self._left}, self._left + GRACE)
        except (LateError, EndedError) as error:
            self._over = True
            raise error if isinstance(error, EndedError) else EndedError(_too_long(self._seconds)) from error
        self._left = max(self._left - (time.monotonic() - started), 0.01)
        if "copy_ended" in reply:
            self._over = True
            late = reply["copy_ended"] == "late"
            raise CheckEndedError(_too_long(self._seconds) if late else str(reply["copy_ended"])[:LONGEST_REASON])
        return reply

    def close(self) -> None:
        """Let the copy end, if it has not yet."""
        if not self._over:
            self._over = True
            self._ask({"do": "end", "seconds": 0.0}, GRACE)


def _too_long(seconds: float) -> str:
    return f"{TOO_LONG} than {seconds:g} seconds: is there an endless loop?"


def _seconds(found: Any) -> float:
    return round(found, 3) if type(found) is float and 0 <= found < float("inf") else 0.0


def _outputs(found: Any) -> list[dict[str, Any]]:
    """Those of the outputs that a notebook can hold."""
    return [made for one in found if (made := _output(one))] if isinstance(found, list) else []


def _output(one: Any) -> dict[str, Any] | None:
    match one:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": text}
        case {"output_type": "error", "ename": str(name), "evalue": str(value), "traceback": list(lines)}:
            kept = [str(line) for line in lines]
            return {"output_type": "error", "ename": name, "evalue": value, "traceback": kept}
        case {"output_type": "execute_result" | "display_data" as kind, "data": dict(data)}:
            shown = {mime: text for mime, text in data.items() if isinstance(mime, str) and isinstance(text, str)}
            counted = {"execution_count": None} if kind == "execute_result" else {}
            return {"output_type": kind, "data": shown, "metadata": {}, **counted}
    return None
