"""What the judge itself may use for one submission: all that happens outside of the student's process.

A notebook can be made so that reading or judging it takes hours or all the memory, without running a line of it.
"""

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.05
KILL_SECONDS = 10  # of processor time beyond the limit, after which the kernel ends a process that is stuck in C
_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc


class JudgeTimeError(BaseException):
    """Judging took more processor time than it may. No Exception, so that no check takes it for its own."""


@contextmanager
def judge_limits(seconds: float, memory: int) -> Iterator[None]:
    """Limit what this thread's code in the context uses.

    Args:
        seconds: of the thread's processor time.
        memory: bytes of address space, beyond what the process has now.

    Raises:
        JudgeTimeError: time is up; raised between two steps of Python's in the middle of whatever runs. What does not
            come back to Python within `KILL_SECONDS` ends with the process.
        MemoryError: by what asked for more memory.
    """
    import resource  # only Unix has it, and commands that grade nothing run everywhere

    thread, over = threading.get_ident(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(thread, seconds, over), daemon=True)
    limits = {kind: resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)}
    _lower(resource.RLIMIT_AS, _address_space() + memory)
    _lower(resource.RLIMIT_CPU, int(time.process_time() + seconds + KILL_SECONDS))
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        _raise_in_thread(ctypes.c_ulong(thread), None)  # whatever is on its way comes too late
        for kind, limit in limits.items():
            resource.setrlimit(kind, limit)


def _watch(thread: int, seconds: float, over: threading.Event) -> None:
    clock = time.pthread_getcpuclockid(thread)
    until = time.clock_gettime(clock) + seconds
    while not over.wait(POLL_SECONDS):
        if time.clock_gettime(clock) > until:
            _raise_in_thread(ctypes.c_ulong(thread), ctypes.py_object(JudgeTimeError))
            over.wait(1.0)  # long enough to leave, or to be told again


def _lower(kind: int, limit: int) -> None:
    import resource

    soft, hard = resource.getrlimit(kind)
    if soft == resource.RLIM_INFINITY or limit < soft:
        resource.setrlimit(kind, (limit, hard))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")
