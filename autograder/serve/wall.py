"""The wall: which mistakes the room has now, with counts and without names."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.course_folder.layout import Course
from autograder.grade.lab import GradedLab
from autograder.grade.record import GradingRecord
from autograder.report.class_report import MAX_CANDIDATES, names_of, shortest_example
from autograder.serve.refusals import RefusedError
from autograder.serve.service import Service

FEWEST = 2  # different submissions with a mistake before one of them is shown
TOO_FEW = "an example is shown once two different submissions have this mistake, so that nobody is pointed at."
Mistake = tuple[str, str]  # the question and the name


@dataclass(frozen=True)
class Bar:
    """A mistake on the wall.

    Attributes:
        question, name: of the mistake.
        count: how many students have it now.
        has_example: whether enough have it for an example.
    """

    question: str
    name: str
    count: int
    has_example: bool


@dataclass(frozen=True)
class WallView:
    """The wall at one time.

    Attributes:
        students: how many are on the roster.
        handed_in: how many of them have handed in.
        waiting: how many uploads wait to be graded.
        bars: the mistakes, the most frequent first.
    """

    students: int
    handed_in: int
    waiting: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Recorded:
    """What the wall keeps of a record: whose, of which file, which mistakes, and the hint for each."""

    student: str
    file: str
    hints: dict[Mistake, str]


class Wall:
    """Counts mistakes in the records, of which each is read once until it changes.

    Args:
        service: whose course it is.
    """

    def __init__(self, service: Service):
        self._service = service
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, int, int], Recorded | None]] = {}

    def view(self, lab: str) -> WallView:
        """The wall of a lab now."""
        records, students = self._records(lab), self._service.view.state.students
        made_by = _by_mistake(records)
        handed_in = {record.student for record in records} | self._uploaded(lab)
        bars = [Bar(*mistake, len(made), _is_shared(made)) for mistake, made in made_by.items()]
        bars.sort(key=lambda bar: (-bar.count, bar.question, bar.name))
        waiting = sum(attempt.lab == lab for attempt in self._service.attempts.unfinished())
        return WallView(len(students), len(handed_in), waiting, tuple(bars))

    def example(self, lab: str, mistake: Mistake) -> tuple[str, str]:
        """An answer with a mistake, without anybody's name, and the hint that its check gave.

        Raises:
            RefusedError: too few have it, or all of them left their cell as it was.
        """
        made = _by_mistake(self._records(lab)).get(mistake, [])
        if not _is_shared(made):
            raise RefusedError(404, TOO_FEW)
        names = [name for person in self._service.view.state.students.values() for name in names_of(person)]
        course = self._service.course
        students = [record.student for record in made[:MAX_CANDIDATES]]
        text = shortest_example(course, GradedLab.of(lab, course), mistake[0], students, lambda _: names)
        if not text:
            raise RefusedError(404, "nobody's answer to this question can be shown.")
        return text, next((record.hints[mistake] for record in made if record.hints[mistake]), "")

    def _records(self, lab: str) -> list[Recorded]:
        """The records of those who are on the roster."""
        students = self._service.view.state.students
        with self._lock:
            found = [self._recorded(path) for path in _record_paths(self._service.course, lab)]
        return [record for record in found if record is not None and record.student in students]

    def _recorded(self, path: Path) -> Recorded | None:
        try:
            stat = path.stat()
        except OSError:
            return None
        signature = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if path not in self._read or self._read[path][0] != signature:
            record = GradingRecord.read(path)
            self._read[path] = (signature, None if record is None else _recorded(record))
        return self._read[path][1]

    def _uploaded(self, lab: str) -> set[str]:
        students = self._service.view.state.students
        return {attempts[0].student for attempts in self._service.attempts.of_lab(lab)} & students.keys()


def _record_paths(course: Course, lab: str) -> Iterable[Path]:
    return sorted((course.root / "records" / lab).glob("*.json"))


def _recorded(record: GradingRecord) -> Recorded:
    hints = {
        (grade.question, name): grade.outcome.next
        for grade in record.cells
        if grade.outcome
        for name in grade.outcome.mistakes
    }
    return Recorded(record.student, record.sha256, hints)


def _by_mistake(records: Iterable[Recorded]) -> dict[Mistake, list[Recorded]]:
    made_by: dict[Mistake, list[Recorded]] = {}
    for record in records:
        for mistake in record.hints:
            made_by.setdefault(mistake, []).append(record)
    return made_by


def _is_shared(made: Iterable[Recorded]) -> bool:
    """Whether a mistake is not one submission's alone: a group's is one."""
    return len({record.file for record in made}) >= FEWEST
