"""Our additions to nbgrader's release: stubs with blanks to fill in, and a list of the cells as students get them."""

from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor

from qlab.cells import cell_name, fingerprint

STUB_MARK = "#|"


class ClearToStub(ClearSolutions):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's ClearSolutions, with one addition.

    Lines that begin with `#|` inside a solution region become the stub that replaces the region:

        ### BEGIN SOLUTION
        #| scale = ( __ - __ ) / ( __ - __ )
        scale = (r_max - r_min) / (q_max - q_min)
        ### END SOLUTION

    A region without such lines gets nbgrader's usual stub. A cell may have several regions, each with its own stub.
    """

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
        # nbgrader has one stub per cell, so the cell is handed to it in parts with one region each.
        parts = [NotebookNode(cell_type=cell.cell_type, source=text) for text in self._split_at_regions(cell.source)]
        replaced = [self._replace_one(part, language) for part in parts]
        cell.source = "\n".join(part.source for part in parts)
        return any(replaced)

    def _split_at_regions(self, source: str) -> list[str]:
        """The source in parts, each of which ends with a solution region, except the last."""
        parts: list[list[str]] = [[]]
        for line in source.split("\n"):
            parts[-1].append(line)
            if self.end_solution_delimeter in line:
                parts.append([])
        return ["\n".join(lines) for lines in parts if lines]

    def _replace_one(self, cell: NotebookNode, language: str) -> bool:
        stub = stub_of_region(cell.source)
        code: dict[str, str] = self.code_stub  # type: ignore[has-type]  # a trait of an untyped class
        text: str = self.text_stub  # type: ignore[has-type]
        if stub:
            self.code_stub, self.text_stub = {**code, language: stub}, stub
        try:
            return bool(super()._replace_solution_region(cell, language))
        finally:
            self.code_stub, self.text_stub = code, text


def stub_of_region(source: str) -> str:
    """The stub in a solution region, without indentation, which nbgrader adds; "" if it has none."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line.removeprefix(STUB_MARK).removeprefix(" ") for line in lines if line.startswith(STUB_MARK))


class StampCells(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Writes each cell's name and the fingerprint of its text into the notebook's metadata.

    From these, a student's copy alone shows which cells it should have and which the student has changed.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """The notebook with the fingerprints in metadata.qlab.cells."""
        nb.metadata.setdefault("qlab", NotebookNode())["cells"] = {
            cell_name(cell): fingerprint(cell.source) for cell in nb.cells
        }
        return nb, resources
