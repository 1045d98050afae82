"""Reads a student's answers back from the notebook that grading wrote."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST = 100_000  # characters of an answer that are shown and compared


@dataclass(frozen=True)
class Answer:
    """An answer cell: its grade_id, its text up to `LONGEST`, and whether it is code."""

    cell: str
    source: str
    code: bool


def answers_in(path: Path) -> dict[str, Answer]:
    """The answer cells of a graded notebook, by grade_id; empty if it cannot be read.

    It is read without nbformat, whose validation takes longer than everything else, because grading wrote the file.
    """
    try:
        cells: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
        return {answer.cell: answer for cell in cells if (answer := _answer(cell)) is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _answer(cell: dict[str, Any]) -> Answer | None:
    nbgrader = cell.get("metadata", {}).get("nbgrader", {})
    name = nbgrader.get("grade_id", "")
    if not name or not nbgrader.get("solution"):
        return None
    return Answer(name, "".join(cell["source"])[:LONGEST], cell["cell_type"] == "code")
