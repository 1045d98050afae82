"""Where submissions are graded: in processes of this machine, or on a Dask cluster; either is an `Executor`."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from autograder.errors import UserError
from autograder.grade.warm import forget_warm_process, warm_process

CONNECT_SECONDS = 20
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
    started: list[Executor] = []
    try:
        if address:
            started.append(_dask(address))
            yield lambda: started[0]
        else:
            # It gets warm on one core while this process goes on; forked workers share it.
            warm_process(sandboxed, wait=False)

            def start() -> Executor:
                warm_process(sandboxed)
                started.append(_processes(workers or os.cpu_count() or 1))
                return started[-1]

            yield start
    finally:
        for executor in started:
            executor.shutdown(wait=False, cancel_futures=True)
            for process in list(getattr(executor, "_processes", None) or {}):
                os.kill(process, signal.SIGKILL)
        forget_warm_process(sandboxed)


def _processes(workers: int) -> Executor:
    # Forked, so that torch is imported once for all of them.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=_be_worker)


def _be_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _dask(address: str) -> Executor:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UserError("--scheduler needs Dask: pip install 'qlab[cluster]'.") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        told = f"no Dask scheduler answers at {address} ({error}): start one, or leave --scheduler out."
        raise UserError(told) from error
    executor: Executor = client.get_executor(pure=False)
    return executor
