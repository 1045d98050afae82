"""Who watches over one submission's processes from outside of its namespaces: ends them, and tells why they ended."""

import os
import re
import select
import signal
from contextlib import suppress

from autograder.grade.limits import MB, Limits

LOOK_EVERY = 100  # milliseconds
PAGE = os.sysconf("SC_PAGE_SIZE")
PART = re.compile(r"^Pss_Anon: *(\d+) kB", re.MULTILINE)


def watch(process: int, connection: int, limits: Limits, proc: int) -> str:
    """Wait until a submission's first process ends, or the judge is gone, or memory runs out; all its processes end.

    Args:
        process: the first process; with it the kernel ends all others in its namespace.
        connection: the socket that the judge holds the other end of.
        limits: see `Limits`.
        proc: a descriptor of /proc; -1 where memory is not watched.

    Returns:
        Why it ended, in words for the student.
    """
    reason, before = "", _anonymous(proc, os.getpid())
    poll = select.poll()
    poll.register(connection, 0)  # only whether it was closed
    ended, status = os.waitpid(process, os.WNOHANG)
    while not ended and not reason and not poll.poll(LOOK_EVERY):
        if proc >= 0 and _uses_more(limits.memory, proc, process, before):
            reason = f"it used more than {limits.memory // MB} MB of memory"
        ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
    return reason or told(status)


def told(status: int) -> str:
    """How a process ended, in words for the student."""
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return "it used more processor time than is allowed"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"it ended the Python process ({name})"
    return "it ended the Python process"


def _uses_more(memory: int, proc: int, process: int, before: int) -> bool:
    """Whether a process and its descendants have more memory of their own, beyond what each was forked with."""
    numbers = [process]
    for number in numbers:
        numbers += _children(proc, number)
    if sum(max(0, _anonymous(proc, number) - before) for number in numbers) <= memory:
        return False
    # What a copy shares with the process that it was forked from was counted in both; this takes longer to find out.
    return sum(_share(proc, number) for number in numbers) > memory


def _anonymous(proc: int, process: int) -> int:
    fields = _read(proc, f"{process}/statm").split()
    return (int(fields[1]) - int(fields[2])) * PAGE if len(fields) > 2 else 0


def _share(proc: int, process: int) -> int:
    """The same, where a page that so many processes share counts for each in part; all of it where that is not told."""
    found = PART.search(_read(proc, f"{process}/smaps_rollup"))
    return int(found[1]) * 1024 if found else _anonymous(proc, process)


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
