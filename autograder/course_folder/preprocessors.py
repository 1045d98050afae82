"""What nbgrader's release is given of ours: blanks that stay blanks, and a list of the cells as students get them."""

from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor

from qlab.notebook import cell_name, fingerprint

STUB_MARK = "#|"


class ClearToStub(ClearSolutions):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's ClearSolutions, with one addition.

    Lines that begin with `#|` inside a solution region are what the region is replaced by:

        ### BEGIN SOLUTION
        #| scale = ( __ - __ ) / ( __ - __ )
        scale = (r_max - r_min) / (q_max - q_min)
        ### END SOLUTION

    A region without such lines gets nbgrader's stub, as ever. A cell may have several regions, each with its own stub.
    """

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
        pieces = [NotebookNode(cell_type=cell.cell_type, source=text) for text in self._regions(cell.source)]
        replaced = [self._replace_one(piece, language) for piece in pieces]
        cell.source = "\n".join(piece.source for piece in pieces)
        return any(replaced)

    def _regions(self, source: str) -> list[str]:
        """The source in pieces that end with a solution region each, but for the last."""
        pieces: list[list[str]] = [[]]
        for line in source.split("\n"):
            pieces[-1].append(line)
            if self.end_solution_delimeter in line:
                pieces.append([])
        return ["\n".join(lines) for lines in pieces if lines]

    def _replace_one(self, cell: NotebookNode, language: str) -> bool:
        stub = own_stub(cell.source)
        code: dict[str, str] = self.code_stub  # type: ignore[has-type]  # a trait of an untyped class
        text: str = self.text_stub  # type: ignore[has-type]
        if stub:
            self.code_stub, self.text_stub = {**code, language: stub}, stub
        try:
            return bool(super()._replace_solution_region(cell, language))
        finally:
            self.code_stub, self.text_stub = code, text


def own_stub(source: str) -> str:
    """The stub that a region brings with it; nbgrader indents it as the region is."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line.removeprefix(STUB_MARK).removeprefix(" ") for line in lines if line.startswith(STUB_MARK))


class StampCells(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Writes each cell's name and the fingerprint of its text into the notebook's metadata.

    So a copy knows by itself which cells it should have, and which of them its student has changed.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """The notebook with the list in metadata.qlab.cells."""
        nb.metadata.setdefault("qlab", NotebookNode())["cells"] = {
            cell_name(cell): fingerprint(cell.source) for cell in nb.cells
        }
        return nb, resources
