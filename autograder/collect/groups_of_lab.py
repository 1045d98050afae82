"""Groups in a collection: in which group each student handed in a lab, and what a person should know about it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from autograder import gradebook
from autograder.collect.gather import CollectResult
from autograder.collect.owners import Owner
from autograder.collect.submissions import CollectedSubmission
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster, squeeze

MAX_EXAMPLES = 3


def group_in_lab(roster: Roster, owner: Owner) -> str:
    """The group in which a student hands in: the roster's, or those whom an LMS puts together; "" for none."""
    group = roster.group_of(owner.students)
    if group or not owner.partners:
        return group
    # A name that says nothing about the members, because one of them may have to be forgotten.
    return owner.group or f"together {hashlib.sha256(' '.join(sorted(owner.students)).encode()).hexdigest()[:8]}"


def remember(course: Course, lab: str, groups: Mapping[str, str]) -> None:
    """Keep the lab's groups as they are now: whoever moves to another group later stays in this one here."""
    named = {student: group for student, group in groups.items() if group}
    if named:
        gradebook.set_lab_groups(course, lab, named)


def remark(submission: CollectedSubmission, superseded: Sequence[CollectedSubmission]) -> str:
    """Who else has the submission, who handed it in, and whose does not count; "" if it is one student's."""
    owner = submission.owner
    if not owner.partners:
        return ""
    whose = f"{owner.group}'s" if owner.group else "handed in together"
    by = f", handed in by {owner.by}" if owner.by not in ("", owner.student) else ""
    others = sorted({each.owner.by for each in superseded} - {owner.by, ""})
    older = f"; {' and '.join(others)} handed in another file, which does not count" if others else ""
    unknown = submission.when is None and any(each.when is None for each in superseded)
    order = "; which is newer is unknown: the one read last counts" if unknown else ""
    return f"{whose}: the same for {', '.join(owner.partners)}{by}{older}{order}"


def notes(course: Course, lab: str, roster: Roster, result: CollectResult) -> Iterator[str]:
    """What to say about groups whose members have different files, and about groups that have changed since."""
    short = lab.split("_")[0]
    if different := list(_different(course, lab, roster, result)):
        yield (
            f"{len(different)} group{'' if len(different) == 1 else 's'} with different files of the members, each of "
            f"which counts for one member alone: {_some(different, '; ')}. If {short} is the groups' work, write "
            f'group_labs = ["{short}"] into rules.toml, and collect again'
        )
    if moved := [student.id for student in gradebook.roster(course) if _moved(student.group, roster, student.id)]:
        yield (
            f"in {short}, groups stay as they were when it was first collected, though the roster has moved "
            f"{_some(moved)} since: autograder roster --groups groups.csv --lab {short} moves them here too"
        )


def _some(texts: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(texts) - MAX_EXAMPLES} more" if len(texts) > MAX_EXAMPLES else ""
    return f"{between.join(texts[:MAX_EXAMPLES])}{more}"


def _moved(group: str, roster: Roster, student: str) -> bool:
    here = roster.students[student].group if student in roster.students else ""
    return bool(here and group) and squeeze(here) != squeeze(group)


def _different(course: Course, lab: str, roster: Roster, result: CollectResult) -> Iterator[str]:
    """The groups, of those who handed in now, whose members have different files."""
    groups = {squeeze(roster.students[student].group) for student in result.counted if student in roster.students}
    for group in sorted(groups - {""}):
        digests = {member: _digest(course, lab, member, result) for member in roster.members(group)}
        handed_in = {member: digest for member, digest in digests.items() if digest}
        if len(set(handed_in.values())) > 1:
            yield f"{roster.group_of(handed_in)} ({', '.join(handed_in)})"


def _digest(course: Course, lab: str, student: str, result: CollectResult) -> str:
    """Of the notebook that counts; "" if there is none."""
    collected = result.counted.get(student)
    folder: Path = course.submission_folder(lab, student)
    path = folder / f"{lab}.ipynb"
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return collected.notebook.sha256 if collected is not None and collected.notebook is not None else ""
