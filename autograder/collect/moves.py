"""Moves a member from one group to another in a lab that was collected before."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from autograder import gradebook
from autograder.collect.counting import CountingRule
from autograder.collect.store import SubmissionStore
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster, squeeze
from autograder.course_folder.roster_changes import NOTHING
from autograder.deductions import late
from autograder.errors import UserError
from autograder.grade.submission import Submission

NEVER = datetime.min.replace(tzinfo=UTC)


def move(course: Course, lab: str, groups: Mapping[str, str], *, dry_run: bool) -> Iterator[str]:
    """Put students into other groups in one lab, and say what becomes of each.

    Whoever had the old group's file gets the new group's, if there is one; the old one goes to kept/. Whoever handed in
    a file alone keeps it.

    Args:
        course, lab: where.
        groups: the new groups by student; "-" for none.
        dry_run: only say what would be done.

    Raises:
        UserError: nothing was collected for the lab.
    """
    if not course.submitted(lab):
        raise UserError(
            f"nothing was collected for {lab} yet, so its groups are those of the roster: to change these, leave --lab "
            "out."
        )
    wanted = {student: "" if group == NOTHING else group for student, group in groups.items()}
    before = Roster(gradebook.roster_in_lab(course, lab))
    moved = {
        student: group for student, group in wanted.items() if squeeze(before.students[student].group) != squeeze(group)
    }
    after = Roster(replace(person, group=moved.get(person.id, person.group)) for person in before.students.values())
    if not dry_run and moved:
        gradebook.back_up(course)
        gradebook.set_lab_groups(course, lab, moved)
    mover = _Mover(course, lab, before, after, set(moved), dry_run)
    for student, group in moved.items():
        what = mover.move(student)
        old = before.students[student].group or "no group"
        would = "would move " if dry_run else ""
        yield f"{would}{before.display_name(student)}: {old} → {group or 'no group'} in {lab}: {what}"
    short = lab.split("_")[0]
    if moved and not dry_run:
        yield f"run autograder grade {short}, so that they have the marks that go with it"
    if not moved:
        yield f"nobody moves: in {lab} these are the groups already"


class _Mover:
    def __init__(self, course: Course, lab: str, before: Roster, after: Roster, moved: set[str], dry_run: bool):
        self._course, self._lab, self._before, self._after = course, lab, before, after
        self._moved, self._dry_run = moved, dry_run
        self._store = SubmissionStore(course, lab, CountingRule(), dry_run=dry_run)
        # As it was before anybody moved.
        self._content = {
            student: Submission.read(student, path).sha256 for student, path in course.submitted(lab).items()
        }

    def move(self, student: str) -> str:
        """Bring a student's submission in line with the new group; returns what was done."""
        own = self._content.get(student, "")
        left = {*self._before.partners(student)} - {*self._after.partners(student)}
        has_file = student in self._content
        if has_file and not (own and any(self._content.get(partner) == own for partner in left)):
            return "keeps the file, which nobody who stays in the old group has"
        source = self._newest_of(self._after.partners(student))
        if not self._dry_run:
            if has_file:
                self._store.take_away(student)
            if source:
                self._store.copy(student, source)
            else:
                self._forget(student)
        kept = "the old group's file is in kept/" if has_file else ""
        nothing = "has no file now, and no mark" if has_file else "has no file, as before"
        now = f"has the file of {source} now" if source else nothing
        return "; ".join(filter(None, (now, kept)))

    def _newest_of(self, partners: tuple[str, ...]) -> str:
        """The member of the new group who was in it before and has the newest file; "" if none has one."""
        candidates = [name for name in partners if name in self._content and name not in self._moved]
        folders = {name: self._course.submission_folder(self._lab, name) for name in candidates}
        return max(candidates, key=lambda name: late.read_timestamp(folders[name]) or NEVER, default="")

    def _forget(self, student: str) -> None:
        """Remove marks that were for the old group's file; the gradebook was backed up before."""
        gradebook.remove_submission(self._course, self._lab, student)
        paths = (
            self._course.record(self._lab, student),
            self._course.autograded(self._lab, student),
            self._course.feedback(self._lab, student),
        )
        for path in paths:
            with suppress(FileNotFoundError):
                path.unlink()
