"""The result of grading one submission: plain data in a JSON file, from which everything else is made."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.files import write_atomic
from autograder.text import clean, cleaned, first_few
from qlab.check.outcome import Outcome

FORMAT = 2
MOST_REMARKS = 20
LONGEST_REMARK = 400
LONGEST_STAMP = 40  # characters; a release is named by 12


@dataclass(frozen=True)
class CellGrade:
    """One graded cell.

    Attributes:
        cell: its grade_id.
        question: the question that it belongs to.
        points: those of the check; None if a person has to grade it.
        out_of: its maximum.
        answered: whether the answer differs from the stub.
        outcome: what the check said; None for cells graded by hand.
    """

    cell: str
    question: str
    points: float | None
    out_of: float
    answered: bool = True
    outcome: Outcome | None = None


@dataclass(frozen=True)
class GradingRecord:
    """The result of grading one submission. The attributes are the fields of its JSON file.

    Attributes:
        student, lab: whose, of which lab.
        sha256: of what was submitted; "" if it could not be read.
        seed: of the random test cases; grading again with it gives the same marks.
        answers: a hash of the answers that are checked; "" in a record of an earlier version, or without a mark.
        release, version: of the lab that it was graded with.
        submitted_release: the release stamp in the notebook itself.
        cells: the graded cells; empty if the file could not be read.
        remarks: what was repaired, and whatever else a person should know; the first few.
        unusual: what the code uses that no answer needs, for a person to read; students are not told.
        reason: why there is no mark; "" if there is one.
        seconds: wall time by cell.
        limits: what the submission was allowed to use.
        scratch: bytes of files that it wrote.
        sandboxed: whether its code ran in a sandbox.
        resubmitted: whether another file was graded before, so that marks given by hand have to be looked at again.
    """

    student: str
    lab: str
    sha256: str
    seed: int
    release: str
    version: str
    submitted_release: str = ""
    answers: str = ""
    cells: tuple[CellGrade, ...] = ()
    remarks: tuple[str, ...] = ()
    unusual: tuple[str, ...] = ()
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    scratch: int = 0
    sandboxed: bool = True
    resubmitted: bool = False

    @property
    def mistakes(self) -> dict[str, tuple[str, ...]]:
        """The names of the mistakes, by question."""
        mistakes = {grade.question: grade.outcome.mistakes for grade in self.cells if grade.outcome}
        return {question: names for question, names in mistakes.items() if names}

    @property
    def auto_points(self) -> float:
        """The points from checks."""
        return sum(grade.points or 0 for grade in self.cells)

    def marks(self) -> dict[str, float | None]:
        """Points by cell, which a replay has to reproduce."""
        return {grade.cell: grade.points for grade in self.cells}

    def for_people(self) -> "GradingRecord":
        """The record with all text that a student may have chosen cleaned and cut.

        Only the student's id stays as it is, because it names files: what shows it has to clean it.
        """
        remarks = first_few(self.remarks, MOST_REMARKS, LONGEST_REMARK)
        reason, stamp = clean(self.reason, LONGEST_REMARK), clean(self.submitted_release, LONGEST_STAMP)
        unusual = first_few(self.unusual, MOST_REMARKS, LONGEST_REMARK)
        shown = replace(cleaned(self), student=self.student, remarks=remarks, unusual=unusual)
        return replace(shown, reason=reason, submitted_release=stamp)

    def text(self) -> str:
        """The record as it is in its file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    def digest(self) -> str:
        """A hash of the text; records with equal digests are equal."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write the record to a file, in one step."""
        write_atomic(path, self.text())

    @classmethod
    def read(cls, path: Path) -> "GradingRecord | None":
        """The record in a file; None if there is none, or this version cannot read it."""
        try:
            return cls.parse(path.read_text("utf-8"))
        except OSError:
            return None

    @classmethod
    def parse(cls, text: str) -> "GradingRecord | None":
        """The record that `text` was made from; None if this version cannot read it."""
        try:
            data: dict[str, Any] = json.loads(text)
            if data.pop("format") != FORMAT:
                return None
            cells = tuple(_cell_grade(cell) for cell in data.pop("cells"))
            tuples = {name: tuple(data.get(name, ())) for name in ("remarks", "unusual")}
            return cls(**{**data, "cells": cells, **tuples})
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _cell_grade(data: dict[str, Any]) -> CellGrade:
    outcome = data.pop("outcome")
    return CellGrade(**data, outcome=Outcome.from_json(outcome) if outcome else None)
