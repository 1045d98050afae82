"""What a saved notebook still lacks before submission, found without running it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from qlab.cells import OUTCOME_TYPE, count_blanks, fingerprint
from qlab.file_kinds import CONFLICT
from qlab.student.lab_copies import LabCopy


@dataclass(frozen=True)
class Completeness:
    """How complete a student's notebook is.

    Attributes:
        answers: the number of answer cells.
        answered: how many of them have been worked on and have no blank left.
        points, out_of: the marks on the cards in the saved notebook, and the points that these checks are worth.
        missing: one sentence for each thing that is missing or odd; empty if the notebook is complete.
    """

    answers: int
    answered: int
    points: float
    out_of: float
    missing: tuple[str, ...]


def completeness(copy: LabCopy) -> Completeness:
    """Look for deleted and duplicate cells, unchanged answers, blanks, cells that were never run, and empty essays."""
    cells = [cell for cell in copy.raw.get("cells", []) if isinstance(cell, dict)]
    answers = [cell for cell in cells if _nbgrader(cell).get("solution")]
    todo = [sentence for cell in answers if (sentence := _unanswered(cell, copy.cells))]
    outcomes = [outcome for cell in cells for outcome in _outcomes(cell)]
    return Completeness(
        len(answers),
        len(answers) - len(todo),
        sum(float(outcome["points"]) for outcome in outcomes),
        sum(float(outcome["out_of"]) for outcome in outcomes),
        (*_deleted(copy, cells), *_twice(copy, cells), *todo, *_never_run(cells, copy.cells)),
    )


def _deleted(copy: LabCopy, cells: list[dict[str, Any]]) -> list[str]:
    present = {name_in_lab(cell) for cell in cells}
    deleted = [name for name in copy.cells if name not in present]
    # A student may delete text and figures, but not graded cells, nor the set-up that the answers need.
    return [
        f"the {_kind(name)}cell {name} was deleted: run `qlab update` with the release to bring it back"
        for name in deleted
        if _kind(name) or name == "setup"
    ]


def _twice(copy: LabCopy, cells: list[dict[str, Any]]) -> list[str]:
    times = Counter(name_in_lab(cell) for cell in cells if _nbgrader(cell))
    return [
        f"cell {name} appears {'twice' if count == 2 else f'{count} times'}: keep only the one you want graded"
        for name, count in times.items()
        if count > 1 and name in copy.cells
    ]


def _unanswered(cell: dict[str, Any], released: dict[str, str]) -> str:
    """Why a cell does not count as answered yet; "" if it does."""
    name, source = name_in_lab(cell), _source(cell)
    if CONFLICT.search(source):  # as some tools merge notebooks: inside of cells, so that Jupyter still opens them
        return (
            f"{name} has Git's conflict markers: keep one side and delete the lines with <<<<<<<, ======= and >>>>>>>"
        )
    if cell.get("cell_type") == "markdown":
        empty = not source.strip() or released.get(name) == fingerprint(source)
        return f"the essay {name} is empty" if empty else ""
    if blanks := count_blanks(source):
        return f"{name} has {blanks} {'blank' if blanks == 1 else 'blanks'} left"
    return f"{name} is unchanged" if released.get(name) == fingerprint(source) else ""


def _never_run(cells: list[dict[str, Any]], released: dict[str, str]) -> list[str]:
    names = [
        name_in_lab(cell)
        for cell in cells
        if cell.get("cell_type") == "code"
        and _nbgrader(cell)
        and cell.get("execution_count") is None
        and not (_nbgrader(cell).get("solution") and _unanswered(cell, released))
    ]
    return [f"not run yet: {', '.join(names)}; run all cells, save, and look at the cards"] if names else []


def _outcomes(cell: dict[str, Any]) -> list[dict[str, Any]]:
    data = [output.get("data", {}) for output in cell.get("outputs", []) if isinstance(output, dict)]
    outcomes = [bundle[OUTCOME_TYPE] for bundle in data if isinstance(bundle, dict) and OUTCOME_TYPE in bundle]
    return [outcome for outcome in outcomes if isinstance(outcome, dict) and {"points", "out_of"} <= outcome.keys()]


def _kind(name: str) -> str:
    if name.endswith("-check"):
        return "check "
    return "answer " if name[:1] == "q" and name[1:2].isdigit() and "-" not in name else ""


def _nbgrader(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = cell.get("metadata")
    settings = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return settings if isinstance(settings, dict) else {}


def name_in_lab(cell: dict[str, Any]) -> str:
    """The name of a cell as a student finds it: nbgrader's, or the cell's id, or "".

    This takes plain JSON; `qlab.cells.cell_name` takes nbformat's cells.
    """
    return str(_nbgrader(cell).get("grade_id") or cell.get("id", ""))


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)
