"""What `qlab check` found last, kept beside the notebook: the command runs a copy and leaves the notebook as it is."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qlab.files import write_atomic
from qlab.student.lab_copies import LabCopy


@dataclass(frozen=True)
class LastCheck:
    """The points of the last `qlab check`.

    Attributes:
        points, out_of: what the visible checks gave, and what they are worth.
        current: whether no cell has changed since.
    """

    points: float
    out_of: float
    current: bool


def remember(copy: LabCopy, points: float, out_of: float) -> None:
    """Keep the points of a check; a folder that cannot be written only loses the memory of it."""
    state = {"cells": _fingerprint(copy), "points": points, "out_of": out_of}
    with suppress(OSError):
        write_atomic(_path(copy), json.dumps(state))


def last_check(copy: LabCopy) -> LastCheck | None:
    """What the last check found; None if there was none, or if what is kept about it cannot be read."""
    try:
        state = json.loads(_path(copy).read_text("utf-8"))
        return LastCheck(float(state["points"]), float(state["out_of"]), state["cells"] == _fingerprint(copy))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _path(copy: LabCopy) -> Path:
    return copy.path.with_name(f".{copy.lab}.check.json")  # hidden: whoever packs the folder does not hand it in


def _fingerprint(copy: LabCopy) -> str:
    """A hash of what would run: every cell's type and text, without outputs."""
    cells = [[cell.get("cell_type"), "".join(cell.get("source", ""))] for cell in copy.raw.get("cells", [])]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()
