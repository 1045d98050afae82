"""Running a repaired notebook: one kernel, every cell for itself, a limit for each.

Plain grading: the student's cells and the checks share the kernel, as in nbgrader. For notebooks of people you trust.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode

from qlab.check.question import SEED_VARIABLE


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell_seconds: wall time a cell.
        restarts: how often a kernel that died or hung is started anew, without the cell that did it.
    """

    cell_seconds: float = 10.0
    restarts: int = 3


@dataclass
class Run:
    """How it went: time by cell id, and the cells that ran out of time or killed the kernel."""

    seconds: dict[str, float] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)


def run(notebook: NotebookNode, files: Path, seed: int, limits: Limits, skip: Collection[str] = ()) -> Run:
    """Run all code cells in place, except the skipped ones; outputs are written into the notebook.

    A cell that raises or runs too long costs only itself. One that kills the kernel is left out, and the rest starts
    over.

    Args:
        notebook: repaired.
        files: the lab's released folder, copied to where the notebook runs.
        seed: of the random cases.
        limits: see `Limits`.
        skip: ids of cells that are not run.
    """
    done = Run()
    left_out = set(skip)
    for _ in range(limits.restarts + 1):
        with tempfile.TemporaryDirectory(prefix="qlab-grade-") as scratch:
            shutil.copytree(files, scratch, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.ipynb"))
            killer = asyncio.run(_run_once(notebook, Path(scratch), seed, limits, left_out, done))
        if killer is None:
            break
        left_out.add(killer)
    return done


def _kernel_manager(folder: Path) -> AsyncKernelManager:
    """A kernel that talks over sockets in the file system where there are any: no port that others could reach."""
    if os.name == "nt":
        return AsyncKernelManager(kernel_name="python3")
    return AsyncKernelManager(kernel_name="python3", transport="ipc", connection_file=str(folder / ".kernel.json"))


async def _run_once(
    notebook: NotebookNode, folder: Path, seed: int, limits: Limits, left_out: Collection[str], done: Run
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
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            cell.outputs, cell.execution_count = [], None
            if cell.id in left_out or not cell.source.strip():
                continue
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
            if done.seconds[cell.id] >= limits.cell_seconds:
                done.stopped[cell.id] = f"it ran longer than {limits.cell_seconds:g} seconds: is there an endless loop?"
    return None
