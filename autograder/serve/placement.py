"""Puts accepted uploads into submitted/, exactly as `autograder collect` would, and into the course's history."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autograder import gradebook
from autograder.collect import groups_of_lab
from autograder.collect.counting import Count
from autograder.collect.gather import CollectResult
from autograder.collect.owners import BY_SERVER, Owner
from autograder.collect.store import OLDER, SubmissionStore
from autograder.collect.submissions import NOTEBOOK, CollectedSubmission, SubmittedFile
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster
from autograder.errors import UserError
from autograder.mark_changes import MarkEvent
from autograder.report import mark_history
from autograder.serve.attempts import Attempt, Attempts, State
from autograder.serve.course_view import CourseView, LabView

UPLOAD = "upload"
IN_TIME = "it does not count, because an earlier submission was in time."
NEWER = "it does not count, because another submission is newer."


class Placement:
    """Places one accepted upload at a time; nobody else may, while the server runs, but `autograder collect`.

    Args:
        course, view: the course.
        attempts: where it is noted what becomes of uploads.
    """

    def __init__(self, course: Course, view: CourseView, attempts: Attempts):
        self._course = course
        self._view = view
        self._attempts = attempts

    def place(self, attempt: Attempt) -> Attempt | None:
        """Put an upload into submitted/, for everybody whose it is. Doing it again changes nothing.

        Returns:
            The attempt as it is then; None if it is gone, as after `autograder forget`.

        Raises:
            UserError: the disk is full, the gradebook cannot be read, or the lab is just being released again.
            OSError: the same.
        """
        if self._attempts.find(attempt.id) is None:
            return None
        path = self._path(attempt)
        if not path.is_file():  # placed before a crash, or by hand
            return self._attempts.change(attempt, state=State.WAITING)
        lab = self._view.state.labs.get(attempt.lab)
        if lab is None:
            raise UserError(f"{attempt.lab} is not released now: autograder release {attempt.lab} brings it back.")
        store = SubmissionStore(self._course, attempt.lab, lab.counting, dry_run=False)
        result, groups = self._result(attempt, lab)
        stored = {student: store.put(student, result) for student in result.counted}
        groups_of_lab.remember(self._course, attempt.lab, groups)
        if stored[attempt.student].status == OLDER:
            message = IN_TIME if lab.rules.count is Count.IN_TIME else NEWER
            changed = self._attempts.change(attempt, state=State.NOT_COUNTED, message=message)
        else:
            changed = self._attempts.change(attempt, state=State.WAITING)
        path.unlink(missing_ok=True)
        return changed

    def tidy(self, attempts: Sequence[Attempt]) -> None:
        """Delete from the inbox what was placed right before a crash."""
        for attempt in attempts:
            if attempt.state != State.RECEIVED:
                self._path(attempt).unlink(missing_ok=True)

    def _path(self, attempt: Attempt) -> Path:
        return self._course.inbox(attempt.lab, attempt.student) / f"{attempt.number:04}.ipynb"

    def _result(self, attempt: Attempt, lab: LabView) -> tuple[CollectResult, dict[str, str]]:
        """What a collection of this one upload would have found, and in which group each student is."""
        # Reading a large class takes a while, and only groups ask for it.
        has_groups = gradebook.groups_in_lab(self._course, attempt.lab)
        roster = Roster(gradebook.roster_in_lab(self._course, attempt.lab) if has_groups else ())
        partners = tuple(sorted(roster.partners(attempt.student))) if lab.for_groups else ()
        group = roster.group_of((attempt.student,))
        owner = Owner(
            attempt.student,
            unit=attempt.id,
            when=attempt.received,
            time_source=BY_SERVER,
            partners=partners,
            group=group if partners else "",
            by=attempt.student if partners else "",
        )
        file = SubmittedFile(owner, NOTEBOOK, f"{attempt.lab}.ipynb", self._path(attempt), attempt.file)
        counted = {each.student: CollectedSubmission(each, replace(file, owner=each), None) for each in owner.each()}
        groups = {student: groups_of_lab.group_in_lab(roster, owner) for student in counted}
        return CollectResult(counted, defaultdict(list)), groups

    def note(self, attempts: Sequence[Attempt]) -> None:
        """Add uploads to the course's history; one that is there already counts once.

        Raises:
            UserError: the history or the gradebook cannot be read or written.
        """
        there = [attempt for attempt in attempts if self._attempts.find(attempt.id) is not None]
        if there:
            mark_history.update(self._course, [upload_event(attempt) for attempt in there])


def upload_event(attempt: Attempt) -> MarkEvent:
    """An upload as an event of the history."""
    key = hashlib.sha256(attempt.id.encode()).hexdigest()[:16]  # not the id itself, which opens a page
    at = f"{attempt.received:%Y-%m-%dT%H:%M:%SZ}"
    detail = {"attempt": attempt.number, "file": attempt.file[:12]}
    return MarkEvent(key, at, attempt.lab, attempt.student, UPLOAD, detail)
