"""The judge's side of the conversation with a student's process.

Whatever comes from there is data and nothing else: every reply is checked for its type and its size before it is used.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.grade.codec import WireError
from autograder.grade.limits import Limits
from autograder.grade.meter import USED_UP, Meter
from autograder.grade.outputs import size_of, valid_outputs
from autograder.grade.served_calls import ServedCalls
from autograder.grade.wire import Channel, ChannelClosedError, ChannelTimeoutError

GRACE = 3.0  # seconds beyond a limit of wall time that a process has to interrupt itself and answer
PROCESSOR_GRACE = 2.0  # the same of processor time
MEASURED = 0.95, 0.03  # share and seconds by which the watchdog may see less processor time than a process itself
ANSWER_SECONDS = 20.0  # for what takes milliseconds, unless the machine is busy
START_SECONDS = 30.0
MAX_REASON = 200
NO_ROOM = "[the outputs of this cell were left out: the notebook's cells print and draw too much]\n"
CALL = "call withheld"  # what a process asks the judge to do before it answers
NOTHING = ServedCalls()
SILENT = "it stopped answering"
TOO_LONG = "it ran longer"
WAITED = "it waited longer"


class EndedError(Exception):
    """The process is gone, and everything in it; the message says why, for the student."""


class CheckEndedError(Exception):
    """The copy that answered a check is gone; the process itself goes on, in the state before the check."""


class ForkServerGoneError(Exception):
    """A process could not be started, which is not the student's fault."""


@dataclass(frozen=True)
class Connection:
    """To a new student's process, and to the watchdog that measures it."""

    channel: Channel
    meter: Meter

    def close(self) -> None:
        """End the process, and everything that it started."""
        self.channel.close()
        self.meter.close()


@dataclass(frozen=True)
class CellRun:
    """How a cell ran: its outputs as a notebook stores them, wall time, and why it was stopped ("" if it was not)."""

    outputs: list[dict[str, Any]]
    seconds: float
    stopped: str = ""


class StudentProcess:
    """A process that runs one submission's cells and answers its checks.

    Attributes:
        waited_out: whether something was stopped by its limit of wall time, with processor time left. That may be the
            machine's fault, so it only counts if it happens again while nothing else runs.
    """

    def __init__(
        self, connection: Connection, limits: Limits, files: Mapping[str, bytes], served: ServedCalls = NOTHING
    ):
        self._connection = connection
        self._limits = limits
        self._served = served
        self._forbidden: tuple[str, ...] = ()
        self._ended = ""
        self._output_left = float(limits.notebook_output)
        self.waited_out = False
        try:
            self._ask({"op": "files", "files": dict(files)}, START_SECONDS)
        except EndedError as error:
            raise ForkServerGoneError(str(error)) from error

    def run_cell(self, source: str, seconds: float, *, provided: bool = False) -> CellRun:
        """Run a cell for at most so many seconds of processor time.

        Args:
            source: of the cell.
            seconds: of processor time.
            provided: whether it is the lab's and not the student's.

        Raises:
            EndedError: the process did not survive it.
        """
        step = Step(self._connection.meter, seconds, seconds * self._limits.wall_factor, provided)
        message = {"op": "cell", "source": source, "seconds": seconds, "wall_seconds": step.wall_seconds}
        reply = self._ask(message, step.wall_seconds + GRACE, step)
        stopped = self._stopped(step) if reply.get("late") is True else ""
        outputs = self._outputs(reply.get("outputs"))
        return CellRun(outputs, _seconds(reply.get("seconds")), stopped)

    def _outputs(self, value: Any) -> list[dict[str, Any]]:
        """The valid outputs of a cell that fit into the notebook."""
        outputs = valid_outputs(value, self._limits.output)
        size = sum(map(size_of, outputs))
        if size > self._output_left:
            return [{"output_type": "stream", "name": "stderr", "text": NO_ROOM}]
        self._output_left -= size
        return outputs

    def processor_seconds(self) -> float:
        """Processor time that it has used, with all processes that it started."""
        return self._connection.meter.allow(math.inf)

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
            seconds: of processor time that all answers together may take.

        Raises:
            CheckEndedError: the process could not be forked.
        """
        step = Step(self._connection.meter, seconds, seconds * self._limits.wall_factor)
        reply = self._ask({"op": "check", "forbidden": forbidden, "seconds": seconds}, ANSWER_SECONDS)
        if "copy_ended" in reply:
            raise CheckEndedError(_reason(reply["copy_ended"]))
        self._forbidden = forbidden
        return Conversation(self, step)

    def end_check(self) -> None:
        """Cells may call again what the check forbade."""
        self._forbidden = ()

    def ask(self, message: dict[str, Any], wall_seconds: float, step: "Step") -> dict[str, Any]:
        """Send a message that belongs to a check and return the reply.

        Raises:
            CheckEndedError: the copy ended, or took too long.
            EndedError: the process itself ended.
        """
        reply = self._ask({**message, "wall_seconds": wall_seconds}, wall_seconds + GRACE, step)
        if "copy_ended" in reply:
            reason = _reason(reply["copy_ended"])
            raise CheckEndedError(self._stopped(step) if reason == "late" else reason)
        return reply

    def close(self) -> None:
        """End the process, and everything that it started."""
        self._connection.close()

    def _ask(self, message: dict[str, Any], wall_seconds: float, step: "Step | None" = None) -> dict[str, Any]:
        """Send a message and return the reply. A process that fails to answer properly in time is given up for good.

        Args:
            message: what to ask.
            wall_seconds: how long it may take.
            step: what it belongs to, and what is said if it takes longer.
        """
        if self._ended:
            raise EndedError(self._ended)
        try:
            reply = self._exchange(message, wall_seconds, step)
        except ChannelClosedError as error:
            raise self._gone("it ended the Python process") from error
        except ChannelTimeoutError as error:
            if step is None:
                self.waited_out = True
            raise self._gone(SILENT if step is None else self._stopped(step)) from error
        except WireError as error:
            raise self._gone(f"it sent an invalid answer ({error})") from error
        if "ended" in reply:
            reason = _reason(reply["ended"])
            raise self._gone(step.too_long() if step is not None and reason == USED_UP else reason)
        return reply

    def _exchange(self, message: dict[str, Any], wall_seconds: float, step: "Step | None") -> dict[str, Any]:
        """Send a message and return the reply; call for the process what it asks for in between.

        The judge's processor time for these calls counts as the process's own.
        """
        until, used = time.monotonic() + wall_seconds, 0.0
        while True:
            self._connection.channel.send(message, max(until - time.monotonic(), 0.01))
            reply = self._connection.channel.receive(max(until - time.monotonic(), 0.01))
            if reply.get("op") != CALL:
                return reply
            started = time.thread_time()
            message = self._served.reply(reply, self._forbidden)
            used += time.thread_time() - started
            if step is None or used > step.seconds:
                raise self._gone(SILENT if step is None else step.too_long())

    def _stopped(self, step: "Step") -> str:
        """Why a step was stopped that took too long."""
        if step.computed():
            return step.too_long()
        self.waited_out = True
        return step.waited()

    def _gone(self, reason: str) -> EndedError:
        self._ended = reason
        self.processor_seconds()  # the last that can be asked for
        self._connection.close()
        return EndedError(reason)


class Step:
    """A cell or a check, from its beginning on: what it may use, and what is said if it uses more.

    Args:
        meter: of the student's process.
        seconds: of processor time.
        wall_seconds: of wall time.
        provided: whether the code is the lab's and not the student's.
    """

    def __init__(self, meter: Meter, seconds: float, wall_seconds: float, provided: bool = False):
        self.seconds = seconds
        self.wall_seconds = wall_seconds
        self._meter = meter
        self._provided = provided
        self._began = meter.allow(seconds + PROCESSOR_GRACE)

    def computed(self) -> bool:
        """Whether it used its processor time up; if not, it waited, or had to wait."""
        share, seconds = MEASURED
        return self._meter.allow(PROCESSOR_GRACE) - self._began >= share * self.seconds - seconds

    def too_long(self) -> str:
        """That it computed too long."""
        question = "" if self._provided else ": is there an endless loop?"
        return f"{TOO_LONG} than {self.seconds:g} seconds{question}"

    def waited(self) -> str:
        """That it did not end, and hardly computed."""
        question = "" if self._provided else ": for input, for the network, for another process?"
        return f"{WAITED} than {self.wall_seconds:g} seconds{question}"


class Conversation:
    """What the judge asks a copy of a student's process during one check."""

    def __init__(self, process: StudentProcess, step: Step):
        self._process = process
        self._step = step
        self._left = step.wall_seconds
        self._over = False

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return the reply. Only the time until replies counts, not the judge's own.

        Raises:
            CheckEndedError: the copy ended, or took too long.
            EndedError: the process itself ended.
        """
        started = time.monotonic()
        try:
            reply = self._process.ask(message, self._left, self._step)
        except (CheckEndedError, EndedError):
            self._over = True
            self._process.end_check()
            raise
        self._left = max(self._left - (time.monotonic() - started), 0.01)
        return reply

    def close(self) -> None:
        """Let the copy end, if it has not ended yet."""
        if not self._over:
            self._over = True
            self._process.end_check()
            self._process.ask({"op": "end"}, 0.0, self._step)


def is_about_time(text: str) -> bool:
    """Whether this says that something was stopped because it took too long."""
    return any(reason in text for reason in (TOO_LONG, WAITED, SILENT))


def _seconds(value: Any) -> float:
    return round(value, 3) if type(value) is float and 0 <= value < float("inf") else 0.0


def _reason(value: Any) -> str:
    return value[:MAX_REASON] if isinstance(value, str) else "it ended the Python process"
