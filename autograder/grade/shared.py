"""Submissions that are one: members of a group who have the same files are graded once, and all get what that gave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import squeeze
from autograder.grade.record import GradingRecord
from autograder.grade.submission import Submission


def units(course: Course, lab: str, students: Iterable[str]) -> list[tuple[str, ...]]:
    """The students whose submissions have to be looked at, each with those who have the same one.

    Args:
        course, lab: whose.
        students: who is asked for; a student's partners come along.
    """
    wanted, groups = list(students), _groups(course, lab)
    theirs = {groups[student] for student in wanted if student in groups}  # nobody else's files have to be read
    groups = {student: group for student, group in groups.items() if group in theirs}
    folders = {student: course.submission_folder(lab, student) for student in groups}
    groups = {student: group for student, group in groups.items() if folders[student].is_dir()}
    digests = {student: Submission.read(student, folders[student] / f"{lab}.ipynb").sha256 for student in groups}
    unit_of = _units(groups, digests)
    found = dict.fromkeys(unit_of.get(student, (student,)) for student in wanted)
    return list(found)


def graded_units(course: Course, lab: str, only: str = "") -> list[tuple[str, ...]]:
    """The groups of students who have one submission, as it was graded last; nobody else is in any.

    Args:
        course, lab: whose.
        only: look at this student's group alone.
    """
    groups = _groups(course, lab)
    groups = {student: group for student, group in groups.items() if only in ("", student) or group == groups.get(only)}
    return sorted({unit for unit in _units(groups, _graded_files(course, lab, groups)).values() if len(unit) > 1})


def partners(course: Course, lab: str, only: str = "") -> dict[str, tuple[str, ...]]:
    """Those who have the same submission, as it was graded last, by student; see `graded_units`."""
    return {
        student: tuple(other for other in unit if other != student)
        for unit in graded_units(course, lab, only)
        for student in unit
    }


def _groups(course: Course, lab: str) -> dict[str, str]:
    """The group of everybody who is not alone in one."""
    named = {
        student: squeeze(group) for student, group in gradebook.groups_in_lab(course, lab).items() if squeeze(group)
    }
    sizes: dict[str, int] = {}
    for group in named.values():
        sizes[group] = sizes.get(group, 0) + 1
    return {student: group for student, group in named.items() if sizes[group] > 1}


def _graded_files(course: Course, lab: str, students: Iterable[str]) -> dict[str, str]:
    records = {student: GradingRecord.read(course.record(lab, student)) for student in students}
    return {student: record.sha256 for student, record in records.items() if record is not None}


def _units(groups: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    members: dict[tuple[str, str], list[str]] = {}
    for student in sorted(groups):
        if digest := digests.get(student):
            members.setdefault((groups[student], digest), []).append(student)
    return {student: tuple(unit) for unit in members.values() for student in unit}


def file_of(course: Course, lab: str, unit: Sequence[str]) -> str:
    """Which submission it is that these students have, and in which group."""
    record = GradingRecord.read(course.record(lab, unit[0]))
    return f"{record.sha256 if record else ''} {_groups(course, lab).get(unit[0], '')}"


def same_result(first: GradingRecord, second: GradingRecord) -> bool:
    """Whether two records are equal but for whose they are, and what each student handed in before."""
    return replace(first, student="", resubmitted=False) == replace(second, student="", resubmitted=False)
