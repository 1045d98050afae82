"""Running a repaired notebook: one kernel, every cell for itself, a limit for each.

Plain grading: the student's cells and the checks share the kernel, as in nbgrader. For notebooks of people you trust.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell

from qlab.check.question import SEED_VARIABLE

PROBE_SECONDS = 3


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell_seconds: wall time a cell.
        provided_seconds: wall time of a provided cell as the lab gave it: importing torch from a cold disk is slow.
        restarts: how often a kernel that died or hung is started anew, without the cell that did it.
    """

    cell_seconds: float = 10.0
    provided_seconds: float = 60.0
    restarts: int = 3


@dataclass
class Run:
    """How it went: time by cell id, the cells that were stopped and why, and whether the end was reached."""

    seconds: dict[str, float] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True)
class Place:
    """What a notebook runs with.

    Attributes:
        files: the lab's released folder.
        own_files: the folder that was handed in; what the lab has too is the lab's.
        skip: ids of cells that are not run.
        untouched: ids of provided cells, which get more time.
    """

    files: Path
    own_files: Path
    skip: frozenset[str] = frozenset()
    untouched: frozenset[str] = frozenset()


def run(notebook: NotebookNode, place: Place, seed: int, limits: Limits) -> Run:
    """Run all code cells in place, except the skipped ones; outputs are written into the notebook.

    A cell that raises or runs too long costs only itself. One that kills the kernel is left out, and the rest starts
    over.

    Args:
        notebook: repaired.
        place: see `Place`.
        seed: of the random cases.
        limits: see `Limits`.
    """
    done = Run()
    left_out = set(place.skip)
    for _ in range(limits.restarts + 1):
        with tempfile.TemporaryDirectory(prefix="qlab-grade-") as scratch:
            _copy_files(place.own_files, Path(scratch))
            _copy_files(place.files, Path(scratch))
            killer = _complete(_run_once(notebook, Path(scratch), place.untouched, seed, limits, left_out, done))
        if killer is None:
            return done
        left_out.add(killer)
    done.complete = False
    return done


def _complete(running: Coroutine[Any, Any, str | None]) -> str | None:
    """What a coroutine returns; in a thread of its own where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(running)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, running).result()


def _copy_files(folder: Path, target: Path) -> None:
    """Everything but notebooks and links, which might lead anywhere."""

    def ignored(where: str, names: list[str]) -> list[str]:
        return [name for name in names if name.endswith(".ipynb") or Path(where, name).is_symlink()]

    shutil.copytree(folder, target, dirs_exist_ok=True, ignore=ignored)


def _kernel_manager(folder: Path) -> AsyncKernelManager:
    """A kernel that talks over sockets in the file system where there are any: no port that others could reach."""
    if os.name == "nt":
        return AsyncKernelManager(kernel_name="python3")
    return AsyncKernelManager(kernel_name="python3", transport="ipc", connection_file=str(folder / ".kernel.json"))


async def _run_once(
    notebook: NotebookNode,
    folder: Path,
    untouched: Collection[str],
    seed: int,
    limits: Limits,
    left_out: Collection[str],
    done: Run,
) -> str | None:
    """One pass; the id of the cell that killed the kernel, or None."""
    client = NotebookClient(
        notebook,
        km=_kernel_manager(folder),
        timeout=limits.cell_seconds,
        interrupt_on_timeout=True,
        allow_errors=True,
        error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
        resources={"metadata": {"path": str(folder)}},
        shutdown_kernel="immediate",
    )
    client.owns_km = True  # a kernel manager that was handed in is ended too: no kernel outlives its submission
    environment = {**os.environ, SEED_VARIABLE: str(seed), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    async with client.async_setup_kernel(env=environment):
        _stop_on_ctrl_c()
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            cell.outputs, cell.execution_count = [], None
            if cell.id in left_out or not cell.source.strip():
                continue
            allowed = limits.provided_seconds if cell.id in untouched else limits.cell_seconds
            client.timeout = allowed
            started = time.perf_counter()
            try:
                await client.async_execute_cell(cell, place)
            except (DeadKernelError, CellTimeoutError, RuntimeError, TimeoutError):
                done.stopped[cell.id] = "it ended the Python process, or could not be interrupted"
                with suppress(Exception):
                    await client.km.shutdown_kernel(now=True)
                return str(cell.id)
            finally:
                done.seconds[cell.id] = round(time.perf_counter() - started, 3)
            if done.seconds[cell.id] >= allowed:
                done.stopped[cell.id] = f"it ran longer than {allowed:g} seconds: is there an endless loop?"
                if not await _answers(client, place):
                    await client.km.shutdown_kernel(now=True)
                    return str(cell.id)
    return None


def _stop_on_ctrl_c() -> None:
    """Let Ctrl-C raise again: nbclient takes it for itself, ends the kernel and goes on."""
    with suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)


async def _answers(client: NotebookClient, place: int) -> bool:
    """Whether the kernel is there again after an interrupt; a loop that swallows it is not."""
    client.timeout, started, cell = PROBE_SECONDS, time.perf_counter(), client.nb.cells[place]
    try:
        await client.async_execute_cell(new_code_cell("pass"), place)
    except (DeadKernelError, CellTimeoutError, RuntimeError, TimeoutError):
        return False
    finally:
        client.nb.cells[place] = cell  # nbclient puts what it runs into the notebook
    return time.perf_counter() - started < PROBE_SECONDS
