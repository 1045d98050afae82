"""The service behind the pages: takes uploads in, places them, has them graded, and notes what became of them."""

import hashlib
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.grade.record import GradingRecord
from autograder.report.marks import student_marks
from autograder.serve.attempts import Attempt, Attempts, State
from autograder.serve.clock import Clock
from autograder.serve.course_view import CourseView
from autograder.serve.intake import Intake
from autograder.serve.placement import Placement
from autograder.serve.queue import GraderOptions, GradingQueue
from autograder.serve.tokens import Tokens

RETRY_SECONDS = 5.0  # after a full disk or a locked gradebook
NOTE_SECONDS = 5.0  # how long an upload may wait for its line in the history
SUPERSEDED = "a newer upload came before this one was graded."
OTHER_FILE = "another submission counts now, which did not come through this server."


class Service:
    """Everything that goes on behind the pages of one course.

    Args:
        course: which.
        options: how to grade.

    Raises:
        UserError: the course cannot be read.
    """

    def __init__(self, course: Course, options: GraderOptions):
        self.course = course
        self.clock = Clock()
        self.view = CourseView(course)
        self.tokens = Tokens(course)
        self.attempts = Attempts(course)
        self.intake = Intake(course, self.view, self.attempts, self.tokens)
        self.queue = GradingQueue(options.command(course), self.take_marks)
        self.problem = ""
        self._placement = Placement(course, self.view, self.attempts)
        self._to_place: queue.SimpleQueue[Attempt | None] = queue.SimpleQueue()
        self._to_note: list[Attempt] = []
        self._worker = threading.Thread(target=self._place_uploads, daemon=True)

    def start(self) -> None:
        """Start grading, beginning with what the last run left unfinished.

        Raises:
            UserError: there can be no sandbox, or the gradebook is damaged.
        """
        gradebook.back_up(self.course)
        self.queue.start()
        self._worker.start()
        self._to_note = [
            attempt for lab in self.view.state.labs for each in self.attempts.of_lab(lab) for attempt in each
        ]
        for attempt in self.attempts.unfinished():
            self._next(attempt)

    def close(self) -> None:
        """Stop after the upload that is being placed; nothing that was accepted is lost."""
        self._to_place.put(None)
        self._worker.join(30)
        self.queue.close()

    def submit(self, student: str, lab: str, content: bytes, began: datetime) -> tuple[Attempt, bool]:
        """Accept an upload and have it graded; see `Intake.accept`."""
        attempt, is_new = self.intake.accept(student, lab, content, began)
        if is_new:
            self._to_place.put(attempt)
        elif attempt.state == State.NO_MARK and not self._has_record_of(attempt):
            attempt = self.attempts.change(attempt, state=State.WAITING, message="")
            self.queue.ask(lab, student)
        return attempt, is_new

    def _has_record_of(self, attempt: Attempt) -> bool:
        """Whether grading this very file would give the same again; it would not if the grader itself had failed."""
        record = GradingRecord.read(self.course.record(attempt.lab, attempt.student))
        return record is not None and record.sha256 == attempt.file

    def _next(self, attempt: Attempt) -> None:
        if attempt.state == State.RECEIVED:
            self._to_place.put(attempt)
        elif attempt.state == State.WAITING:
            self.queue.ask(attempt.lab, attempt.student)

    def _place_uploads(self) -> None:
        """Place uploads, one after another in the order in which they came, and note them in the history."""
        note_at = time.monotonic() + NOTE_SECONDS
        while True:
            attempt = None
            with suppress(queue.Empty):
                attempt = self._to_place.get(timeout=NOTE_SECONDS)
                if attempt is None:
                    self._note()
                    return
                self._place(attempt)
            if time.monotonic() > note_at or attempt is None:
                self._note()
                note_at = time.monotonic() + NOTE_SECONDS

    def _place(self, attempt: Attempt) -> None:
        while True:
            try:
                placed = self._placement.place(attempt)
                break
            except (UserError, OSError) as error:
                self.problem = f"what was accepted cannot be put into submitted/ yet: {error}"
                time.sleep(RETRY_SECONDS)
        self.problem = ""
        self._to_note.append(attempt)
        if placed.state == State.WAITING:
            self.queue.ask(placed.lab, placed.student)

    def _note(self) -> None:
        if not self._to_note:
            return
        noted = list(self._to_note)
        try:
            self._placement.note(noted)
        except UserError as error:
            self.problem = str(error)
            return
        del self._to_note[: len(noted)]

    def take_marks(self, lab: str, student: str) -> None:
        """Note in a student's attempts what grading has given."""
        record = GradingRecord.read(self.course.record(lab, student))
        attempts = [each for each in self.attempts.of(lab, student) if each.state == State.WAITING]
        if record is None:
            return
        same = [attempt for attempt in attempts if attempt.file == record.sha256]
        graded = same[-1] if same else None
        for attempt in attempts:
            if attempt is graded:
                self.attempts.change(attempt, **self._outcome(lab, student, record))
            elif graded is not None and attempt.number < graded.number:
                self.attempts.change(attempt, state=State.SUPERSEDED, message=SUPERSEDED)
        if graded is None and attempts and not record.sha256:
            self.attempts.change(attempts[-1], state=State.NO_MARK, message=record.reason)
        elif graded is None and attempts and self.queue.place(lab, student) is None:
            self._check_other_file(attempts)

    def _check_other_file(self, attempts: Sequence[Attempt]) -> None:
        """Give up on attempts whose file is not in submitted/ any more; ask again for one whose file is."""
        last = attempts[-1]
        path = self.course.submission_folder(last.lab, last.student) / f"{last.lab}.ipynb"
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == last.file:
            self.queue.ask(last.lab, last.student)
            return
        for attempt in attempts:
            self.attempts.change(attempt, state=State.SUPERSEDED, message=OTHER_FILE)

    def _outcome(self, lab: str, student: str, record: GradingRecord) -> dict[str, object]:
        if record.reason:
            return {"state": State.NO_MARK, "message": record.reason, "graded": self.clock.now()}
        marks = student_marks(self.course, lab, student)
        return {
            "state": State.GRADED,
            "graded": self.clock.now(),
            "release": record.release,
            "questions": {} if marks is None else marks.by_question,
            "mistakes": record.mistakes,
        }
