"""What grading prints: marks, who has none, where the time went. Of a large class, only rows with remarks."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from autograder.deductions.handing_in import SETTLE
from autograder.report.marks import StudentMarks
from autograder.tables import print_table
from autograder.text import clean
from qlab.tables import Column

MAX_ROWS = 60  # students; a larger class is read in marks.csv
MAX_NAMES = 10  # of students in a sentence
SLOWEST = 3
SLOW_SECONDS = 1.0  # the slowest cells are listed if they took this long
WAITING = "?"  # stands for points that a person has not given yet


@dataclass
class Summary:
    """A class in a few lines.

    Attributes:
        students: how many there are.
        rows: of the table: student, marks by question, total, remarks.
        points: the sum of all totals.
        without_mark: how many students have no mark.
        waiting: whether anything is still to be graded by hand.
        unsettled: students who were late, says the LMS, and nobody says by how much.
        slowest: the slowest cells, as a heap: seconds, cell, student.
    """

    students: int = 0
    rows: list[tuple[str, dict[str, str], str, str]] = field(default_factory=list)
    points: float = 0.0
    without_mark: int = 0
    waiting: bool = False
    unsettled: list[str] = field(default_factory=list)
    slowest: list[tuple[float, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, marks: Iterable[StudentMarks]) -> "Summary":
        """The summary of a class."""
        summary = cls()
        for row in marks:
            summary._add(row)
        if summary.students > MAX_ROWS:
            summary.rows = [row for row in summary.rows if row[3]]
        return summary

    def _add(self, row: StudentMarks) -> None:
        self.students += 1
        self.points += row.total or 0
        self.without_mark += row.total is None
        self.waiting = self.waiting or bool(row.waiting)
        self.unsettled += [clean(row.record.student)] if row.unsettled else []
        if len(self.rows) <= MAX_ROWS or row.remarks:
            entries = {name: _entry(row, name) for name in row.questions}
            total = "–" if row.total is None else f"{row.total:g}"
            self.rows = [*self.rows, (clean(row.record.student), entries, total, row.remarks)][: 10 * MAX_ROWS]
        for cell, seconds in row.record.seconds.items():
            heapq.heappush(self.slowest, (seconds, cell, clean(row.record.student)))
            if len(self.slowest) > SLOWEST:
                heapq.heappop(self.slowest)

    def show(self) -> None:
        """Print it."""
        names = list(dict.fromkeys(name for _, entries, _, _ in self.rows for name in entries))
        numbers = [Column(name, right=True) for name in (*names, "total")]
        rows = [
            (student, *(entries.get(name, "–") for name in names), total, clean(remarks))
            for student, entries, total, remarks in self.rows[:MAX_ROWS]
        ]
        if rows:
            print_table((Column("student"), *numbers, Column("remarks", prose=True)), rows)
        if self.students > MAX_ROWS:
            mean = self.points / max(1, self.students - self.without_mark)
            print(f"{self.students} students, {self.without_mark} without a mark, mean {mean:.1f}")
            print("the table only lists students with remarks; marks.csv has all")
        if self.waiting:
            print(f"{WAITING} stands for points that are still to be given by hand")
        if self.unsettled:
            more = f" and {len(self.unsettled) - MAX_NAMES} more" if len(self.unsettled) > MAX_NAMES else ""
            print(
                f"late by an unknown amount, nothing taken off: {', '.join(self.unsettled[:MAX_NAMES])}{more}; {SETTLE}"
            )
        slow = [one for one in sorted(self.slowest, reverse=True) if one[0] >= SLOW_SECONDS]
        if slow:
            cells = ", ".join(f"{cell} of {student} {seconds:.1f} s" for seconds, cell, student in slow)
            print(f"slowest cells: {cells}")


def _entry(row: StudentMarks, name: str) -> str:
    """The points of a question, and whether more may come: 5, 5+? or ?."""
    mark = row.questions[name]
    points = [] if mark.points is None else [f"{mark.points:g}"]
    return "+".join([*points, WAITING] if mark.waiting else points)
