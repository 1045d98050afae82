"""The visible checks of a saved notebook, run headless in a kernel of its own, one question after the other."""

from collections.abc import Callable, Iterator
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode

from qlab.check.outcome import Outcome
from qlab.check.render import OUTCOME_TYPE
from qlab.notebook import cell_name, is_test, parse
from qlab.student.errors import DeskError
from qlab.student.lab_copies import Copy

SECONDS = 60  # a cell may take; a check takes less than 2
DEMO = "demo"  # the tag of cells that no answer needs


def rerun(copy: Copy, progress: Callable[[str], None] = lambda _: None) -> Iterator[Outcome | str]:
    """Run the notebook but for its demonstrations; what each check says, or a sentence where a cell ends otherwise.

    Args:
        progress: called with the name of each cell before it is run.

    Raises:
        DeskError: there is no kernel to run it in.
    """
    notebook = _as_saved(copy)
    resources = {"metadata": {"path": str(copy.path.parent)}}
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", allow_errors=True, record_timing=False, resources=resources
    )
    client.extra_arguments = ["--log-level=40"]  # a kernel's own warnings are not for students
    try:
        with client.setup_kernel():
            for place, cell in enumerate(notebook.cells):
                if cell.cell_type == "code" and DEMO not in cell.metadata.get("tags", []):
                    progress(cell_name(cell))
                    yield from _ran(client, cell, place)
    except DeadKernelError:
        yield "the kernel died: the last cell used more memory than there is, or ended Python."
    except Exception as error:
        if type(error).__name__ != "NoSuchKernel":
            raise
        raise DeskError("Jupyter has no Python kernel here: run `python -m ipykernel install --sys-prefix`.") from error


def _as_saved(copy: Copy) -> NotebookNode:
    notebook, _ = parse(nbformat.writes(nbformat.from_dict(copy.raw)).encode())
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def _ran(client: NotebookClient, cell: NotebookNode, place: int) -> Iterator[Outcome | str]:
    try:
        client.execute_cell(cell, place)
    except CellTimeoutError:
        client.km.interrupt_kernel()
        yield f"{cell_name(cell)} ran for {SECONDS} seconds and was stopped: does a loop of it end?"
        return
    for output in cell.get("outputs", []):
        if output.get("output_type") == "error":
            yield f"{cell_name(cell)} ended with {output.get('ename')}: {_first_line(output.get('evalue', ''))}"
        elif is_test(cell) and (found := _outcome(output)):
            yield found


def _outcome(output: Any) -> Outcome | None:
    data = output.get("data", {})
    return Outcome.from_json(data[OUTCOME_TYPE]) if OUTCOME_TYPE in data else None


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0]
