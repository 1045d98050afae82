"""Where submissions are graded: in processes of this machine, or on a Dask cluster; either is an `Executor`."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress

from autograder.errors import UserError
from autograder.grade.zygote import forget_warm_process, warm_process

CONNECT_SECONDS = 20
MANAGER_SECONDS = 2.0  # of a pool, after its workers are gone
PR_SET_PDEATHSIG = 1

Start = Callable[[], Executor]


@contextmanager
def scheduler(address: str, sandboxed: bool, workers: int = 0) -> Iterator[Start]:
    """What starts an executor, and starts one anew where the last one broke.

    Args:
        address: "" for this machine's processes, else that of a Dask scheduler, such as tcp://host:8786.
        sandboxed: whether students' code runs in a sandbox.
        workers: how many processes on this machine; one a core by default.

    Raises:
        UserError: no sandbox can be had, or no scheduler answers.
    """
    with _dask(address) if address else _this_machine(sandboxed, workers or os.cpu_count() or 1) as start:
        yield start


@contextmanager
def _this_machine(sandboxed: bool, workers: int) -> Iterator[Start]:
    # It gets warm on one core while this process goes on; forked workers share it.
    warm_process(sandboxed, wait=False)
    started: list[ProcessPoolExecutor] = []

    def start() -> Executor:
        warm_process(sandboxed)
        started.append(_processes(workers))
        return started[-1]

    try:
        yield start
    finally:
        for executor in started:
            _end(executor)
        forget_warm_process(sandboxed)


def _end(executor: ProcessPoolExecutor) -> None:
    """Kill its workers, and let go of what was on its way to them."""
    at_work: list[int] = list(executor._processes or {})
    manager, jobs = (getattr(executor, name) for name in ("_executor_manager_thread", "_call_queue"))
    executor.shutdown(wait=False, cancel_futures=True)
    for process in at_work:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    if manager is not None:
        manager.join(MANAGER_SECONDS)
        if manager.is_alive():
            # Before Python 3.11.5 a job larger than a pipe's buffer is written for ever where nobody reads it any more,
            # and the command never ends (python/cpython#94777). Without a reader the writing fails.
            jobs._reader.close()


def _processes(workers: int) -> ProcessPoolExecutor:
    # Forked, so that torch is imported once for all of them.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=_be_worker)


def _be_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _dask(address: str) -> Iterator[Start]:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UserError("--scheduler needs Dask: pip install distributed.") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        told = f"no Dask scheduler answers at {address} ({error}): start one, or leave --scheduler out."
        raise UserError(told) from error
    with client:
        executor: Executor = client.get_executor(pure=False)
        yield lambda: executor
