"""What grading a class prints: the marks, who has none, where the time went; of a large class only the remarkable."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.report.marks import StudentMarks

MOST_ROWS = 60  # students; the marks of a larger class are read in marks.csv
SLOWEST = 3
WORTH_TELLING = 1.0  # seconds
WIDTH = 150  # where nobody's terminal says otherwise


@dataclass
class Summary:
    """A class in a few lines.

    Attributes:
        students: how many.
        rows: of the table: student, marks by question, total, remarks.
        points: how many of the students have which total, for the mean.
        without_mark: how many.
        waiting: whether a person has to read something.
        slowest: cells: seconds, cell, student.
    """

    students: int = 0
    rows: list[tuple[str, dict[str, str], str, str]] = field(default_factory=list)
    points: float = 0.0
    without_mark: int = 0
    waiting: bool = False
    slowest: list[tuple[float, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, marks: Iterable[StudentMarks]) -> "Summary":
        """The summary of a class."""
        made = cls()
        for row in marks:
            made._add(row)
        if made.students > MOST_ROWS:
            made.rows = [row for row in made.rows if row[3]]
        return made

    def _add(self, row: StudentMarks) -> None:
        self.students += 1
        self.points += row.total or 0
        self.without_mark += row.total is None
        self.waiting = self.waiting or bool(row.waiting)
        if len(self.rows) <= MOST_ROWS or row.remarks:
            entries = {name: _entry(row, name) for name in row.questions}
            total = "–" if row.total is None else f"{row.total:g}"
            self.rows = [*self.rows, (row.record.student, entries, total, row.remarks)][: 10 * MOST_ROWS]
        for cell, seconds in row.record.seconds.items():
            heapq.heappush(self.slowest, (seconds, cell, row.record.student))
            if len(self.slowest) > SLOWEST:
                heapq.heappop(self.slowest)

    def show(self, *, terminal: bool) -> None:
        """Print it."""
        names = list(dict.fromkeys(name for _, entries, _, _ in self.rows for name in entries))
        table = Table("student", *names, "total", "remarks", box=None, pad_edge=False, header_style="bold")
        for column in table.columns[1 : len(names) + 2]:
            column.justify = "right"
        for student, entries, total, remarks in self.rows[:MOST_ROWS]:
            marks = [entries.get(name, "–") for name in names]
            table.add_row(*map(Text, (student, *marks, total, remarks)))
        if self.rows:
            Console(width=None if terminal else WIDTH).print(table)
        if self.students > MOST_ROWS:
            mean = self.points / max(1, self.students - self.without_mark)
            counted = f"{self.students} students, {self.without_mark} without a mark, mean {mean:.1f}"
            print(f"{counted}; above, those with remarks")
        if self.waiting:
            print("… waits to be read by a person")
        slow = [f"{cell} of {student} {took:.1f} s" for took, cell, student in sorted(self.slowest, reverse=True)]
        if self.slowest and max(self.slowest)[0] >= WORTH_TELLING:
            print(f"slowest cells: {', '.join(slow)}")


def _entry(row: StudentMarks, name: str) -> str:
    mark = row.questions[name]
    points = "" if mark.points is None else f"{mark.points:g}"
    return f"{points}…" if mark.waiting else points
