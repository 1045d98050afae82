"""Watches over one submission's processes from outside its namespaces: ends them, and says why they ended.

The judge tells it over a socket of its own how much processor time they may use from now on, all together. Nothing that
a submission does reaches that socket.
"""

import math
import os
import re
import select
import signal
import socket
from contextlib import suppress

from autograder.grade import meter
from autograder.grade.limits import MB, Limits

POLL_MILLISECONDS = 100
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")  # of processor time per second
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LOOKS_AGAIN = 3
PROPORTIONAL_SHARE = re.compile(r"^Pss_Anon: *(\d+) kB", re.MULTILINE)


class Watchdog:
    """Watches one submission.

    Args:
        process: the student's process, number 1 of its namespace: once it ends, the kernel ends all others in there.
        connection: the socket whose other end the judge holds.
        questions: the socket over which the judge asks for processor time; see `autograder.grade.meter`.
        limits: see `Limits`.
        proc: a descriptor of /proc; -1 to watch neither memory nor processor time.
    """

    def __init__(self, process: int, connection: int, questions: socket.socket, limits: Limits, proc: int):
        self._process = process
        self._questions = questions
        self._limits = limits
        self._proc = proc
        self._memory_before = _anonymous(proc, os.getpid())
        self._tree = ProcessTree(proc, process)
        self._allowed = math.inf  # seconds of processor time, since the process began
        self._poll = select.poll()
        self._poll.register(connection, 0)  # no events: poll then only reports that the other end was closed
        self._poll.register(questions, select.POLLIN)

    def watch(self) -> str:
        """Wait until the process ends, the judge is gone or a limit is reached; then end all processes it has started.

        Returns:
            Why it ended, in words for the student.
        """
        reason = ""
        while not self._ended() and not reason and self._judge_is_there():
            reason = self._limit_reached()
        used = self._tree.processor_seconds()
        # Also if it has ended by itself: without a sandbox, what it started goes on.
        status = self._end()
        with suppress(OSError):
            self._questions.send(meter.SECONDS.pack(used))
        return reason or exit_reason(status)

    def _ended(self) -> bool:
        """Whether the process has ended; it is not waited for yet, so that nobody else gets its number."""
        return os.waitid(os.P_PID, self._process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _judge_is_there(self) -> bool:
        """Wait for a moment, and answer the judge's questions."""
        for descriptor, event in self._poll.poll(POLL_MILLISECONDS):
            if descriptor != self._questions.fileno() or not event & select.POLLIN:
                return False
            try:
                packet = self._questions.recv(meter.SECONDS.size)
            except OSError:
                return False
            if len(packet) != meter.SECONDS.size:
                return False
            (seconds,) = meter.SECONDS.unpack(packet)
            used = self._tree.processor_seconds()
            self._allowed = used + seconds
            with suppress(OSError):
                self._questions.send(meter.SECONDS.pack(used))
        return True

    def _limit_reached(self) -> str:
        if self._proc < 0:
            return ""
        if self._tree.processor_seconds() > self._allowed:
            return meter.USED_UP
        if _uses_more(self._limits.memory, self._tree, self._memory_before):
            return f"it used more than {self._limits.memory // MB} MB of memory"
        return ""

    def _end(self) -> int:
        with suppress(ProcessLookupError, PermissionError):  # without a sandbox, the group is all that we can end
            os.killpg(self._process, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)
        _, status = os.waitpid(self._process, 0)
        return status


def exit_reason(status: int) -> str:
    """How a process ended, in words for the student; `status` is that of os.waitpid."""
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return meter.USED_UP
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"it ended the Python process ({name})"
    return "it ended the Python process"


class ProcessTree:
    """A process and all its descendants, as /proc shows them."""

    def __init__(self, proc: int, process: int):
        self.proc = proc
        self._process = process
        self._seen = 0.0  # processor time of those that are there
        self._gone = 0.0  # and of those that nobody waited for: they took theirs along

    def members(self) -> list[int]:
        """The numbers of all its processes."""
        family = [self._process]
        for member in family:
            family += _children(self.proc, member)
        return family

    def processor_seconds(self) -> float:
        """How much processor time they have used, those that are gone included."""
        now = self._look()
        for _ in range(LOOKS_AGAIN):
            if now >= self._seen:
                break
            now = self._look()
        self._gone += max(0.0, self._seen - now)
        self._seen = now
        return now + self._gone

    def _look(self) -> float:
        """The processor time of those that are there, and of those that they have waited for.

        A child that ends between the look at its parent, whose time it becomes, and the look at itself would be missed:
        so a look counts if the same processes are there after it. In a storm of forks the last look has to do.
        """
        members = self.members()
        for _ in range(LOOKS_AGAIN):
            seconds = sum(_processor_seconds(self.proc, member) for member in members)
            before, members = members, self.members()
            if members == before:
                return seconds
        return sum(_processor_seconds(self.proc, member) for member in members)


def _processor_seconds(proc: int, process: int) -> float:
    """What a process, and those of its children that it has waited for, used, in user mode and in the kernel."""
    _, _, fields = _read(proc, f"{process}/stat").rpartition(")")
    ticks = fields.split()[11:15]
    return sum(map(int, ticks)) / CLOCK_TICKS


def _uses_more(memory: int, tree: ProcessTree, before: int) -> bool:
    """Whether a tree of processes uses more memory, beyond what each was forked with."""
    members = tree.members()
    if sum(max(0, _anonymous(tree.proc, member) - before) for member in members) <= memory:
        return False
    # That sum counts pages shared between a process and its fork twice. The exact sum takes longer, so it comes second.
    return sum(_proportional_share(tree.proc, member) for member in members) > memory


def _anonymous(proc: int, process: int) -> int:
    """Bytes of memory that belong to no file: resident pages less shared ones."""
    fields = _read(proc, f"{process}/statm").split()
    return (int(fields[1]) - int(fields[2])) * PAGE_BYTES if len(fields) > 2 else 0


def _proportional_share(proc: int, process: int) -> int:
    """The same, but a page shared by n processes counts 1/n for each; all of it if the kernel does not say."""
    match = PROPORTIONAL_SHARE.search(_read(proc, f"{process}/smaps_rollup"))
    return int(match[1]) * 1024 if match else _anonymous(proc, process)


def _children(proc: int, process: int) -> list[int]:
    texts = (_read(proc, f"{process}/task/{thread}/children") for thread in _threads(proc, process))
    return [int(number) for text in texts for number in text.split()]


def _threads(proc: int, process: int) -> list[str]:
    try:
        folder = os.open(f"{process}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    except OSError:
        return []
    try:
        return os.listdir(folder)  # noqa: PTH208  # of an open folder
    except OSError:
        return []
    finally:
        os.close(folder)


def _read(proc: int, path: str) -> str:
    try:
        file = os.open(path, os.O_RDONLY, dir_fd=proc)
    except OSError:
        return ""
    try:
        return os.read(file, 65536).decode()
    except OSError:
        return ""
    finally:
        os.close(file)
