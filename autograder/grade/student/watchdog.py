"""Watches over one submission's processes from outside its namespaces: ends them, and says why they ended."""

import os
import re
import select
import signal
from contextlib import suppress

from autograder.grade.limits import MB, Limits

POLL_MILLISECONDS = 100
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROPORTIONAL_SHARE = re.compile(r"^Pss_Anon: *(\d+) kB", re.MULTILINE)


def watch(process: int, connection: int, limits: Limits, proc: int) -> str:
    """Wait until a student's process ends, the judge is gone or memory runs out; then end all processes it has started.

    Args:
        process: the student's process, number 1 of its namespace: once it ends, the kernel ends all others in there.
        connection: the socket whose other end the judge holds.
        limits: see `Limits`.
        proc: a descriptor of /proc; -1 to not watch memory.

    Returns:
        Why it ended, in words for the student.
    """
    reason, before = "", _anonymous(proc, os.getpid())
    poll = select.poll()
    poll.register(connection, 0)  # no events: poll then only reports that the other end was closed
    ended, status = os.waitpid(process, os.WNOHANG)
    while not ended and not reason and not poll.poll(POLL_MILLISECONDS):
        if proc >= 0 and _uses_more(limits.memory, proc, process, before):
            reason = f"it used more than {limits.memory // MB} MB of memory"
        ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        with suppress(ProcessLookupError, PermissionError):  # without a sandbox, the group is all that we can end
            os.killpg(process, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
    return reason or exit_reason(status)


def exit_reason(status: int) -> str:
    """How a process ended, in words for the student; `status` is that of os.waitpid."""
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return "it used more processor time than is allowed"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"it ended the Python process ({name})"
    return "it ended the Python process"


def _uses_more(memory: int, proc: int, process: int, before: int) -> bool:
    """Whether a process and its descendants use more memory together, beyond what each was forked with."""
    family = [process]
    for member in family:
        family += _children(proc, member)
    if sum(max(0, _anonymous(proc, member) - before) for member in family) <= memory:
        return False
    # That sum counts pages shared between a process and its fork twice. The exact sum takes longer, so it comes second.
    return sum(_proportional_share(proc, member) for member in family) > memory


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
