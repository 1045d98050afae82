"""Blanks that stay blanks: a cell's own stub in place of nbgrader's one stub for the whole course."""

from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearSolutions

STUB_MARK = "#|"


class ClearToStub(ClearSolutions):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's ClearSolutions, with one addition.

    Lines that begin with `#|` inside a solution region are what the region is replaced by:

        ### BEGIN SOLUTION
        #| scale = ( __ - __ ) / ( __ - __ )
        scale = (r_max - r_min) / (q_max - q_min)
        ### END SOLUTION

    A region without such lines gets nbgrader's stub, as ever.
    """

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
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
    """The stub that a cell's source brings with it; nbgrader indents it as the region is."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line.removeprefix(STUB_MARK).removeprefix(" ") for line in lines if line.startswith(STUB_MARK))
