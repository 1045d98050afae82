"""Where submissions are graded: in processes of this machine or on a Dask cluster, each behind an `Executor`."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from autograder.errors import UserError
from autograder.grade.zygote import end_fork_server, fork_server

CONNECT_SECONDS = 20
MANAGER_SECONDS = 2.0  # for the pool's manager thread to end after its workers are gone
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Workers:
    """The processes that grade.

    Attributes:
        start: starts an executor for them, given the lab as a job carries it, or b"" for one that is told of its labs
            job by job; calling it again replaces one that broke.
        count: how many there are.
    """

    start: Callable[[bytes], Executor]
    count: int


@contextmanager
def scheduler(address: str, sandboxed: bool, workers: int = 0) -> Iterator[Workers]:
    """The processes that grade, as long as the context lasts.

    Args:
        address: "" for processes of this machine, or that of a Dask scheduler, such as tcp://host:8786.
        sandboxed: whether students' code runs in a sandbox.
        workers: how many processes on this machine; one per core by default.

    Raises:
        UserError: there can be no sandbox, or no scheduler answers.
    """
    with _dask(address) if address else _this_machine(sandboxed, workers or os.cpu_count() or 1) as processes:
        yield processes


@contextmanager
def _this_machine(sandboxed: bool, workers: int) -> Iterator[Workers]:
    started: list[ProcessPoolExecutor] = []

    def start(lab: bytes) -> Executor:
        # It warms up on one core while this process imports torch and the lab's checks. Workers share all of this.
        fork_server(sandboxed, wait=False)
        from autograder.grade.worker import prepare

        if lab:
            prepare(lab, sandboxed)
        started.append(_processes(workers))
        return started[-1]

    try:
        yield Workers(start, workers)
    finally:
        for executor in started:
            _end(executor)
        end_fork_server(sandboxed)


def _end(executor: ProcessPoolExecutor) -> None:
    """Kill its workers, and drop the jobs that were on their way to them."""
    workers: list[int] = list(executor._processes or {})
    manager, jobs = (getattr(executor, name) for name in ("_executor_manager_thread", "_call_queue"))
    executor.shutdown(wait=False, cancel_futures=True)
    for process in workers:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    if manager is not None:
        manager.join(MANAGER_SECONDS)
        if manager.is_alive():
            # Before Python 3.11.5 writing a job larger than a pipe's buffer never ends if nobody reads it any more, and
            # neither does the command (python/cpython#94777). Without a reader the write fails instead.
            jobs._reader.close()


def _processes(workers: int) -> ProcessPoolExecutor:
    # Forked, so that torch is imported once for all of them.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=_start_worker)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent process, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _dask(address: str) -> Iterator[Workers]:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UserError("--scheduler needs Dask: pip install distributed.") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        message = f"no Dask scheduler answers at {address} ({error}): start one, or leave --scheduler out."
        raise UserError(message) from error
    with client:
        executor: Executor = client.get_executor(pure=False)
        yield Workers(lambda _: executor, max(1, len(client.ncores())))
