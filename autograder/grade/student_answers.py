"""A student's answers, read back from the notebook that grading wrote."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer cell: its grade_id, its text, and whether it is code."""

    cell: str
    source: str
    code: bool


def answers_in(path: Path) -> dict[str, Answer]:
    """The answer cells of a graded notebook, by grade_id; empty where it cannot be read.

    Not through nbformat, whose validation takes longer than all the rest: the file is one that grading wrote.
    """
    try:
        cells: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
        return {answer.cell: answer for cell in cells if (answer := _answer(cell)) is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _answer(cell: dict[str, Any]) -> Answer | None:
    settings = cell.get("metadata", {}).get("nbgrader", {})
    name = settings.get("grade_id", "")
    if not name or not settings.get("solution"):
        return None
    return Answer(name, "".join(cell["source"]), cell["cell_type"] == "code")
