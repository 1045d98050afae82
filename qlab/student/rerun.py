"""Rerunning a saved notebook in a new kernel, without a browser, to show the outcomes of its visible checks."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode

from qlab.cells import OUTCOME_TYPE, cell_name, is_test
from qlab.check.outcome import Outcome
from qlab.notebook import parse
from qlab.student.errors import StudentError
from qlab.student.lab_copies import LabCopy
from qlab.student.rerun_mark import RERUN

SECONDS = 60  # the time limit of a cell; a check takes less than 2
DEMO = "demo"  # the tag of cells that no answer depends on


def rerun(copy: LabCopy, progress: Callable[[str], None] = lambda _: None) -> Iterator[Outcome | str]:
    """Run the notebook except its demos. Yields the outcome of each check, or a sentence if a cell fails.

    Args:
        copy: the student's copy.
        progress: called with the name of each cell before it runs.

    Raises:
        StudentError: Jupyter has no Python kernel.
    """
    notebook = _as_saved(copy)
    resources = {"metadata": {"path": str(copy.path.parent)}}
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", allow_errors=True, record_timing=False, resources=resources
    )
    client.extra_arguments = ["--log-level=40"]  # a kernel's own warnings are not for students
    try:
        # A cell may hold `!qlab submit`: a check hands nothing in.
        with client.setup_kernel(env={**os.environ, RERUN: "1"}):
            for place, cell in enumerate(notebook.cells):
                if cell.cell_type == "code" and DEMO not in cell.metadata.get("tags", []):
                    progress(cell_name(cell))
                    yield from _ran(client, cell, place)
    except DeadKernelError:
        yield "the kernel died: the last cell used too much memory, or ended Python."
    except Exception as error:
        if type(error).__name__ != "NoSuchKernel":
            raise
        raise StudentError(
            "Jupyter has no Python kernel here: run `python -m ipykernel install --sys-prefix`."
        ) from error


def _as_saved(copy: LabCopy) -> NotebookNode:
    notebook, _ = parse(nbformat.writes(nbformat.from_dict(copy.raw)).encode())
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def _ran(client: NotebookClient, cell: NotebookNode, place: int) -> Iterator[Outcome | str]:
    try:
        client.execute_cell(cell, place)
    except CellTimeoutError:
        client.km.interrupt_kernel()
        yield f"{cell_name(cell)} ran for {SECONDS} seconds and was stopped: is there a loop that never ends?"
        return
    for output in cell.get("outputs", []):
        if output.get("output_type") == "error":
            yield f"{cell_name(cell)} ended with {output.get('ename')}: {_first_line(output.get('evalue', ''))}"
        elif is_test(cell) and (outcome := _outcome(output)):
            yield outcome


def _outcome(output: Any) -> Outcome | None:
    data = output.get("data", {})
    return Outcome.from_json(data[OUTCOME_TYPE]) if OUTCOME_TYPE in data else None


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0]
