"""Takes uploads in: what is checked before one is accepted, and what makes it accepted."""

import hashlib
import shutil
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from autograder.course_folder.layout import Course
from autograder.course_folder.serve_rules import Late
from autograder.errors import UserError
from autograder.files import SharedLock, write_atomic
from autograder.serve.attempts import Attempt, Attempts, State, new_id
from autograder.serve.course_view import CourseView, LabView
from autograder.serve.refusals import RefusedError
from autograder.serve.tokens import Role, Tokens
from qlab.notebook import NotebookError, parse

LARGEST = 10 * 2**20  # bytes; a lab with all outputs stored is far smaller
FREE_SUPERSEDED = 5  # so many that were not graded cost one attempt, because they are kept on the disk
RESERVE = 200 * 2**20  # bytes that have to stay free on the disk, so that what was accepted can be graded
FULL = "the server's disk is full: nothing was accepted; try again later, and tell your teaching assistant."
TOKEN = "the notebook contains a personal link to this server: take it out (it is nobody's business), and submit again."


class Intake:
    """Accepts uploads. An accepted one is in the inbox and in the attempts, on the disk; nothing else is yet.

    Args:
        course, view: the course.
        attempts: where it is noted.
        tokens: the personal links, which no notebook may contain.
        clock: the time.
        writing: keeps `autograder forget` out.
    """

    def __init__(
        self,
        course: Course,
        view: CourseView,
        attempts: Attempts,
        tokens: Tokens,
        clock: Callable[[], datetime],
        writing: SharedLock,
    ):
        self._course = course
        self._view = view
        self._attempts = attempts
        self._tokens = tokens
        self._clock = clock
        self._writing = writing
        self._locks: dict[str, threading.Lock] = {}

    def accept(self, student: str, lab_name: str, content: bytes, now: datetime) -> tuple[Attempt, bool]:
        """Accept an upload, or say why not.

        Args:
            student: who is signed in.
            lab_name: which lab.
            content: the notebook's bytes.
            now: when the upload began, in UTC.

        Returns:
            The attempt, and whether it is a new one: the same file once more is the same attempt.

        Raises:
            RefusedError: it is not accepted, and nothing has changed.
        """
        lab = self.lab(lab_name)
        file = hashlib.sha256(content).hexdigest()
        with self._locks.setdefault(student, threading.Lock()):  # a double click is two requests at once
            before = self._attempts.of(lab.name, student)
            if before and before[-1].file == file and self._still_counts(before[-1]):
                return before[-1], False
            self.check_allowed(lab, student, before, now)
            self._check_content(content)
            if before and now <= before[-1].received > self._clock():
                now = before[-1].received + timedelta(microseconds=1)  # the clock was set back since then
            with self._writing.held():
                if student not in self._tokens.issued(Role.STUDENT):  # forgotten since the request began
                    raise RefusedError(401, "your link does not work any more: ask your teaching assistant.")
                return self._write(lab, student, content, file, now), True

    def _still_counts(self, attempt: Attempt) -> bool:
        """Whether handing in an attempt's file again would change nothing."""
        if attempt.state in (State.RECEIVED, State.NOT_COUNTED):
            return True
        path = self._course.submission_folder(attempt.lab, attempt.student) / f"{attempt.lab}.ipynb"
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest() == attempt.file
        except OSError:
            return False

    def lab(self, name: str) -> LabView:
        """The lab of this name.

        Raises:
            RefusedError: there is none.
        """
        labs = self._view.state.labs
        if name not in labs:
            raise RefusedError(404, f"there is no lab “{name}” here; the labs are {', '.join(labs) or 'not out yet'}.")
        return labs[name]

    def check_allowed(self, lab: LabView, student: str, before: tuple[Attempt, ...], now: datetime) -> None:
        """Raise RefusedError if the student may not hand in this lab now."""
        due, timezone = lab.deadline(student), self._view.state.settings.timezone
        if lab.rules.late == Late.REFUSE and due is not None and now > due:
            raise RefusedError(403, f"the deadline was {timezone.show(due)} ({timezone.place}): it is too late.")
        if self.attempts_left(lab, before, now) == 0:
            most = lab.rules.attempts_per_day
            raise RefusedError(
                429,
                f"you have used your {most} attempts at this lab for today: the next day begins at midnight "
                f"({timezone.place}). Until then `qlab check` runs the visible checks.",
                self._seconds_to_midnight(now),
            )

    def attempts_left(self, lab: LabView, before: tuple[Attempt, ...], now: datetime) -> int | None:
        """How many attempts the student has left today; None if there is no limit."""
        if not lab.rules.attempts_per_day:
            return None
        timezone = self._view.state.settings.timezone
        today = timezone.show(now)[:10]
        of_today = [each for each in before if timezone.show(each.received)[:10] == today]
        superseded = sum(each.state == State.SUPERSEDED for each in of_today)
        used = len(of_today) - superseded + superseded // FREE_SUPERSEDED
        return max(0, lab.rules.attempts_per_day - used)

    def _seconds_to_midnight(self, now: datetime) -> int:
        timezone = self._view.state.settings.timezone
        tomorrow = datetime.fromisoformat(timezone.show(now)[:10]) + timedelta(days=1)
        return max(1, int((timezone.utc(tomorrow) - now).total_seconds()) + 1)

    def _check_content(self, content: bytes) -> None:
        if len(content) > LARGEST:
            raise RefusedError(413, f"the file is larger than {LARGEST // 2**20} MB: clear its outputs and try again.")
        try:
            parse(content)
        except NotebookError as error:
            raise RefusedError(400, str(error)) from error
        if self._tokens.mentioned_in(content):
            raise RefusedError(400, TOKEN)
        if shutil.disk_usage(self._course.root).free < RESERVE:
            raise RefusedError(503, FULL, 600)

    def _write(self, lab: LabView, student: str, content: bytes, file: str, now: datetime) -> Attempt:
        number = self._attempts.next_number(lab.name, student)
        path = self._course.inbox(lab.name, student) / f"{number:04}.ipynb"
        attempt = Attempt(new_id(), lab.name, student, number, file, now)
        try:
            write_atomic(path, content, durable=True)
            self._attempts.add(attempt)
        except UserError as error:
            path.unlink(missing_ok=True)
            raise RefusedError(503, FULL, 60) from error
        return attempt
