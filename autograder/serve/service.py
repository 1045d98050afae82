"""The service behind the pages: takes uploads in, places them, has them graded, and notes what became of them."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.files import SharedLock
from autograder.grade.record import GradingRecord
from autograder.grade.submission import Submission
from autograder.report.marks import student_marks
from autograder.serve.attempts import Attempt, Attempts, State
from autograder.serve.chores import Chores
from autograder.serve.clock import Clock
from autograder.serve.course_view import CourseView
from autograder.serve.intake import Intake
from autograder.serve.placement import Placement
from autograder.serve.queue import GraderOptions, GradingQueue
from autograder.serve.tokens import Tokens

CLOSE_SECONDS = 30.0
NOTE_SECONDS = 5.0  # how long an upload may wait for its line in the history
SUPERSEDED = "a newer upload came before this one was graded."
OTHER_FILE = "another submission counts now: a partner's, or one that your teaching assistant collected."


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
        self._writing, self._once = SharedLock(course.writers[0]), threading.Lock()
        self.intake = Intake(course, self.view, self.attempts, self.tokens, self.clock.now, self._writing)
        self.queue = GradingQueue(options.command(course), self.take_marks)
        self._placement = Placement(course, self.view, self.attempts)
        self._chores = Chores(self._note, NOTE_SECONDS)
        self._to_note: list[Attempt] = []

    @property
    def problem(self) -> str:
        """Why something that was accepted is not done yet; "" if all is well."""
        problem = self._chores.problem
        return problem and f"not everything that was accepted could be taken further yet: {problem}"

    def start(self) -> None:
        """Start grading, beginning with what the last run left unfinished.

        Raises:
            UserError: there can be no sandbox, or the gradebook is damaged.
        """
        gradebook.back_up(self.course)
        self.queue.start()
        self._to_note = [
            attempt for lab in self.view.state.labs for each in self.attempts.of_lab(lab) for attempt in each
        ]
        self._placement.tidy(self._to_note)
        for attempt in self.attempts.unfinished():
            self._next(attempt)
        self._chores.start()

    def close(self) -> None:
        """Stop after what is being done; nothing that was accepted is lost."""
        self._chores.close(CLOSE_SECONDS)
        self.queue.close()

    def submit(self, student: str, lab: str, content: bytes, began: datetime) -> tuple[Attempt, bool]:
        """Accept an upload and have it graded; see `Intake.accept`."""
        attempt, is_new = self.intake.accept(student, lab, content, began)
        if is_new:
            self._next(attempt)
        elif attempt.state == State.NO_MARK and not self._has_record_of(attempt):
            attempt = self._grade_again(attempt)
        return attempt, is_new

    def _grade_again(self, attempt: Attempt) -> Attempt:
        with self._writing.held(), self._once:
            now = self.attempts.find(attempt.id) or attempt
            if now.state != State.NO_MARK:
                return now  # by the other click of a double click
            now = self.attempts.change(now, state=State.WAITING, message="")
        self.queue.ask(now.lab, now.student)
        return now

    def _has_record_of(self, attempt: Attempt) -> bool:
        """Whether grading this very file would give the same again; it would not if the grader itself had failed."""
        record = GradingRecord.read(self.course.record(attempt.lab, attempt.student))
        return record is not None and record.sha256 == attempt.file

    def _next(self, attempt: Attempt) -> None:
        if attempt.state == State.RECEIVED:
            self._add_chore(attempt.lab, attempt.student, partial(self._place, attempt))
        elif attempt.state == State.WAITING:
            self.queue.ask(attempt.lab, attempt.student)

    def _place(self, attempt: Attempt) -> None:
        placed = self._placement.place(attempt)
        if placed is None:
            return
        self._to_note.append(attempt)
        if placed.state == State.WAITING:
            self.queue.ask(placed.lab, placed.student)

    def _note(self) -> None:
        if not self._to_note:
            return
        noted = list(self._to_note)
        with self._writing.held():
            self._placement.note(noted)
        del self._to_note[: len(noted)]

    def take_marks(self, lab: str, student: str) -> None:
        """Note in a student's attempts, soon, what grading has given."""
        self._add_chore(lab, student, partial(self._take_marks, lab, student))

    def _add_chore(self, lab: str, student: str, work: Callable[[], None]) -> None:
        def with_lock() -> None:
            with self._writing.held():
                work()

        self._chores.add((lab, student), with_lock)

    def _take_marks(self, lab: str, student: str) -> None:
        attempts = self.attempts.of(lab, student)
        if not any(each.state == State.WAITING for each in attempts):
            return
        record = GradingRecord.read(self.course.record(lab, student))
        now = Submission.read(student, self.course.submission_folder(lab, student) / f"{lab}.ipynb")
        file = hashlib.sha256(now.content).hexdigest() if now.content else ""
        if record is not None and record.sha256:
            # A record's hash covers files beside the notebook too, if somebody put any there.
            self._note_marks(attempts, record, file if record.sha256 == now.sha256 else record.sha256)
        if self.queue.place(lab, student) is None:
            self._settle(self.attempts.of(lab, student), record, now.sha256, file)

    def _note_marks(self, attempts: Sequence[Attempt], record: GradingRecord, file: str) -> None:
        """Note marks in the attempt that has this file; what came before it does not count any more."""
        waiting = [each for each in attempts if each.state == State.WAITING]
        graded = next((each for each in reversed(waiting) if each.file == file), None)
        if graded is None:
            return
        self.attempts.change(graded, **self._outcome(graded.lab, graded.student, record))
        for attempt in waiting:
            if attempt.number < graded.number:
                self.attempts.change(attempt, state=State.SUPERSEDED, message=SUPERSEDED)

    def _settle(self, attempts: Sequence[Attempt], record: GradingRecord | None, sha256: str, file: str) -> None:
        """Nobody is asked to grade any more: say what becomes of attempts that still wait.

        Args:
            attempts: the student's.
            record: the newest.
            sha256, file: the hash of what is in submitted/ now, and of its notebook alone; "" if there is nothing.
        """
        newest = max((each.number for each in attempts if each.state != State.NOT_COUNTED), default=0)
        for attempt in attempts:
            if attempt.state != State.WAITING:
                continue
            if attempt.file != file:
                message = SUPERSEDED if attempt.number < newest else OTHER_FILE
                self.attempts.change(attempt, state=State.SUPERSEDED, message=message)
            elif record is not None and not record.sha256:
                self.attempts.change(attempt, state=State.NO_MARK, message=record.reason)
            elif record is None or record.sha256 != sha256:
                self.queue.ask(attempt.lab, attempt.student)

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
