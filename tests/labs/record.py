"""The recordings of cells that need PyTorch's engines: solutions/<lab>/recorded/<cell>.txt.

    python -m tests.labs.record LAB CELL ...

runs the solved lab here and writes what these cells print, with the versions and the CPU in the first line.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
import torch

from autograder.course_folder.layout import LABS, SOLUTIONS
from autograder.files import write_atomic
from autograder.release.lint import runs
from autograder.release.lint.lab_source import opened
from qlab import engines
from qlab.recorded import FOLDER


def record(lab: str, cells: list[str]) -> None:
    """Run the lab and write the recordings."""
    with tempfile.TemporaryDirectory() as scratch, opened(SOLUTIONS / lab) as source:
        folder = Path(shutil.copytree(LABS / lab, Path(scratch) / lab))
        notebook = nbformat.read(folder / f"{lab}.ipynb", as_version=4)
        done = runs.run(runs.solution(source, notebook), folder)
    outputs = {cell.id: cell.get("outputs", []) for cell in done.notebook.cells}
    for cell in cells:
        printed = "".join(output.text for output in outputs[cell] if output.output_type == "stream")
        assert printed, f"{cell} printed nothing"
        (SOLUTIONS / lab / FOLDER).mkdir(exist_ok=True)
        head = f"torch {torch.__version__} on {engines.Cpu.here()}"
        write_atomic(SOLUTIONS / lab / FOLDER / f"{cell}.txt", f"{head}\n{printed}")


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2:])
