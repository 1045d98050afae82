"""What grading found in one submission: plain data, one JSON file each, from which everything else is made."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.files import write_atomic
from qlab.check.outcome import Outcome

FORMAT = 2


@dataclass(frozen=True)
class CellGrade:
    """One graded cell.

    Attributes:
        cell: its grade_id.
        question: the question that it belongs to.
        points: what the check gave, None where a person has to read it.
        out_of: its maximum.
        answered: whether the answer differs from the stub.
        outcome: what the check said, None for cells read by hand.
    """

    cell: str
    question: str
    points: float | None
    out_of: float
    answered: bool = True
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Record:
    """One submission, graded.

    Attributes:
        student, lab: whose, of which lab.
        sha256: of the file handed in.
        seed: of the random cases; grading again with it gives the same marks.
        release, version: of the lab that it was graded with.
        submitted_release: the stamp that it carries itself.
        cells: the graded cells; empty where the file could not be read.
        remarks: what was repaired, and whatever else a person should know.
        reason: why there is no mark; empty where there is one.
        seconds: time by cell.
        limits: what it was allowed to use.
        scratch: bytes of files that it wrote.
        sandboxed: whether its code ran in a sandbox.
        resubmitted: whether something else was graded before: what a person marked has to be looked at again.
    """

    student: str
    lab: str
    sha256: str
    seed: int
    release: str
    version: str
    submitted_release: str = ""
    cells: tuple[CellGrade, ...] = ()
    remarks: tuple[str, ...] = ()
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    scratch: int = 0
    sandboxed: bool = True
    resubmitted: bool = False

    @property
    def mistakes(self) -> dict[str, tuple[str, ...]]:
        """The names of the mistakes, by question."""
        found = {grade.question: grade.outcome.mistakes for grade in self.cells if grade.outcome}
        return {question: names for question, names in found.items() if names}

    @property
    def auto_points(self) -> float:
        """The points that checks gave."""
        return sum(grade.points or 0 for grade in self.cells)

    def marks(self) -> dict[str, float | None]:
        """Points by cell: what a replay has to reproduce."""
        return {grade.cell: grade.points for grade in self.cells}

    def text(self) -> str:
        """The record as its file holds it."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    def digest(self) -> str:
        """Of the text: two records with the same are the same."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write the record, in one step."""
        write_atomic(path, self.text())

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """The record in a file; None where there is none, or none that this version understands."""
        try:
            return cls.parse(path.read_text("utf-8"))
        except OSError:
            return None

    @classmethod
    def parse(cls, text: str) -> "Record | None":
        """The record that `text` made, exactly; None where this version understands none."""
        try:
            data: dict[str, Any] = json.loads(text)
            if data.pop("format") != FORMAT:
                return None
            cells = tuple(_cell_grade(cell) for cell in data.pop("cells"))
            return cls(**{**data, "cells": cells, "remarks": tuple(data["remarks"])})
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _cell_grade(data: dict[str, Any]) -> CellGrade:
    outcome = data.pop("outcome")
    return CellGrade(**data, outcome=Outcome.from_json(outcome) if outcome else None)
