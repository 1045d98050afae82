"""A submission's process, as the judge talks to it. What comes from there is data, whatever it claims."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.grade.codec import WireError
from autograder.grade.limits import PICTURE_SHARE, Limits
from autograder.grade.wire import Channel, ClosedError, LateError

GRACE = 3.0  # seconds that a process has to stop what it was told to stop
ANSWER_SECONDS = 20.0  # for what takes milliseconds, on a machine that has much else to do
START_SECONDS = 30.0
LONGEST_REASON = 200
MORE_OUTPUT = 50_000  # characters that a traceback may take beyond what a cell may print
SILENT = "it does not answer any more"
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
        self._ended = ""
        self.waited = 0.0  # seconds, for its answers: the student's own time, not the judge's
        try:
            self._ask({"do": "files", "files": dict(files)}, START_SECONDS)
        except EndedError as error:
            raise WarmProcessGoneError(str(error)) from error

    def run_cell(self, source: str, seconds: float) -> CellRun:
        """Run a cell for so many seconds at most.

        Raises:
            EndedError: the process did not survive it.
        """
        reply = self._ask({"do": "cell", "source": source, "seconds": seconds}, seconds + GRACE, _too_long(seconds))
        stopped = _too_long(seconds) if reply.get("late") is True else ""
        return CellRun(_outputs(reply.get("outputs"), self._limits.output), _seconds(reply.get("seconds")), stopped)

    def show_verdict(self, name: str, verdict: dict[str, Any]) -> None:
        """Tell the provided cells what the judge has found of a question."""
        self._ask({"do": "verdict", "name": name, "verdict": verdict}, ANSWER_SECONDS)

    def missing(self, names: tuple[str, ...]) -> str:
        """The first of these names that the student has not defined; "" where there is none."""
        found = self._ask({"do": "missing", "names": names}, ANSWER_SECONDS).get("missing")
        return found if isinstance(found, str) and found in names else ""

    def plain(self, names: tuple[str, ...]) -> tuple[Any, ...] | None:
        """The values of these names, without a copy; None where reading one could run code of the student's."""
        found = self._ask({"do": "plain", "names": names}, ANSWER_SECONDS).get("values")
        return found if isinstance(found, tuple) and len(found) == len(names) else None

    def used(self) -> int:
        """Bytes of files that it has written; 0 where it does not say."""
        try:
            found = self._ask({"do": "used"}, ANSWER_SECONDS).get("bytes")
        except EndedError:
            return 0
        return found if type(found) is int and 0 <= found < 2**63 else 0

    def check(self, forbidden: tuple[str, ...], seconds: float) -> "Conversation":
        """Begin a check: a copy of the process answers, for so many seconds in all, until the conversation is closed.

        Args:
            forbidden: functions that raise while the student's code is called.
            seconds: of all answers together.

        Raises:
            CheckEndedError: there is no copy.
        """
        reply = self._ask({"do": "check", "forbidden": forbidden}, ANSWER_SECONDS)
        if "copy_ended" in reply:
            raise CheckEndedError(_reason(reply["copy_ended"]))
        return Conversation(self._ask, seconds)

    def close(self) -> None:
        """End it, and everything that it started."""
        self._channel.close()

    def _ask(self, message: dict[str, Any], seconds: float, late: str = SILENT) -> dict[str, Any]:
        """A message and its answer; whoever does not answer in time is not listened to again.

        Args:
            message: what is asked.
            seconds: how long it may take.
            late: what is said of a process that takes longer.
        """
        if self._ended:
            raise EndedError(self._ended)
        started = time.monotonic()
        try:
            self._channel.send(message, seconds)
            reply = self._channel.receive(seconds)
        except ClosedError as error:
            raise self._gone("it ended the Python process") from error
        except LateError as error:
            raise self._gone(late) from error
        except WireError as error:
            raise self._gone(f"it sent what is no answer ({error})") from error
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
        """One question and its answer; only the time that the answers take counts.

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
        """Let the copy end, if it has not yet."""
        if not self._over:
            self._over = True
            self._ask({"do": "end", "seconds": 0.0}, GRACE, SILENT)


def _too_long(seconds: float) -> str:
    return f"{TOO_LONG} than {seconds:g} seconds: is there an endless loop?"


def _seconds(found: Any) -> float:
    return round(found, 3) if type(found) is float and 0 <= found < float("inf") else 0.0


def _reason(found: Any) -> str:
    return found[:LONGEST_REASON] if isinstance(found, str) else "it ended the Python process"


def _outputs(found: Any, most: int) -> list[dict[str, Any]]:
    """Those of the outputs that a notebook can hold, and no more of them than the process should have kept."""
    made, left = [], most + MORE_OUTPUT + 0.0
    for one in found if isinstance(found, list) else []:
        output = _output(one) if isinstance(one, dict) else None
        if output is not None:
            pictures = sum(len(text) for mime, text in output.get("data", {}).items() if "image" in mime)
            left -= len(str(output)) - pictures + pictures / PICTURE_SHARE
        if output is not None and left >= 0:
            made.append(output)
    return made


def _output(one: dict[Any, Any]) -> dict[str, Any] | None:
    match one:
        # Classes first: an array that is compared with a text is an array of answers.
        case {"output_type": str("stream"), "name": str("stdout" | "stderr" as name), "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": text}
        case {"output_type": str("error"), "ename": str(name), "evalue": str(value), "traceback": list(lines)}:
            kept = [line for line in lines if isinstance(line, str)]
            return {"output_type": "error", "ename": name, "evalue": value, "traceback": kept}
        case {"output_type": str("execute_result" | "display_data" as kind), "data": dict(data)}:
            shown = {mime: text for mime, text in data.items() if isinstance(mime, str) and isinstance(text, str)}
            counted = {"execution_count": None} if kind == "execute_result" else {}
            return {"output_type": kind, "data": shown, "metadata": {}, **counted}
    return None
