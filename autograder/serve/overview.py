"""A lab at a glance, for teachers: everybody on the roster, what they handed in, and what came of it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from autograder.course_folder.roster import Student
from autograder.report.marks import class_marks
from autograder.serve.access import partners
from autograder.serve.attempts import Attempt, State
from autograder.serve.service import Service

FRESH_SECONDS = 3.0  # the marks of a large class take a moment
NOTHING = "nothing handed in"
GRADED, NO_MARK, WAITING, GRADING = "graded", "no mark", "waiting", "grading"
STATES = (WAITING, GRADING, GRADED, NO_MARK, NOTHING)


@dataclass(frozen=True)
class Mark:
    """What the marks table says about a student: the file, the points, why there are none, what waits for a person."""

    file: str
    points: float | None
    out_of: float
    reason: str
    by_hand: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A student in a lab.

    Attributes:
        student: who.
        attempts: how many this student sent.
        newest: the newest attempt, of the student or of a partner whose file it is; None if there is none.
        state: one of STATES.
        note: what a teacher has to know.
        mark: None if there is none.
    """

    student: Student
    attempts: int
    newest: Attempt | None
    state: str
    note: str
    mark: Mark | None

    @property
    def received(self) -> datetime | None:
        """When the newest attempt was received."""
        return self.newest.received if self.newest else None


class Overview:
    """Reads the marks of a lab at most once in FRESH_SECONDS.

    Args:
        service: whose course it is.
    """

    def __init__(self, service: Service):
        self._service = service
        self._lock = threading.Lock()
        self._marks: dict[str, tuple[float, dict[str, Mark]]] = {}

    def rows(self, lab: str) -> list[Row]:
        """Everybody on the roster, by id."""
        return list(self._rows(lab, self._marks_of(lab)))

    def _rows(self, lab: str, marks: dict[str, Mark]) -> Iterator[Row]:
        for student in sorted(self._service.view.state.students.values(), key=lambda each: each.id):
            mark = marks.get(student.id)
            own = self._service.attempts.of(lab, student.id)
            newest = max((*own[-1:], *self._of_partners(lab, student.id, mark)), key=_received, default=None)
            by = f"sent by {newest.student}" if newest and newest.student != student.id else ""
            state, note = self._state(newest, mark)
            yield Row(student, len(own), newest, state, "; ".join(filter(None, (by, note))), mark)

    def _of_partners(self, lab: str, student: str, mark: Mark | None) -> Iterator[Attempt]:
        """The attempts of partners that are the student's work too: what was graded, and what will be."""
        for partner in partners(self._service, lab, student):
            for attempt in self._service.attempts.of(lab, partner):
                if not attempt.state.is_final or (mark and attempt.file == mark.file):
                    yield attempt

    def _state(self, newest: Attempt | None, mark: Mark | None) -> tuple[str, str]:
        """The state of a student's work, and what is to be said about it."""
        if newest is not None and not newest.state.is_final:
            running = self._service.queue.place(newest.lab, newest.student) == 0
            return (GRADING if running else WAITING), ""
        if mark is None:
            return (NO_MARK, newest.message) if newest else (NOTHING, "")
        if mark.reason:
            return NO_MARK, mark.reason
        if newest is None:
            return GRADED, "did not come through this server"
        if newest.state in (State.NOT_COUNTED, State.SUPERSEDED):
            return GRADED, f"the newest upload: {newest.state}"
        return GRADED, f"to be read: {', '.join(mark.by_hand)}" if mark.by_hand else ""

    def _marks_of(self, lab: str) -> dict[str, Mark]:
        with self._lock:
            read_at, marks = self._marks.get(lab, (-FRESH_SECONDS, {}))
            if time.monotonic() - read_at >= FRESH_SECONDS:
                marks = {
                    row.record.student: Mark(
                        row.record.sha256, row.total, row.out_of, row.record.reason, tuple(row.waiting)
                    )
                    for row in class_marks(self._service.course, lab)
                }
                self._marks[lab] = (time.monotonic(), marks)
            return marks


def _received(attempt: Attempt) -> datetime:
    return attempt.received
