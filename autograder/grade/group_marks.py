"""Marks given by hand to one member of a group reach the others who have the same submission.

formgrader knows no groups: a person marks one member there. We remember what all members had when they were last made
equal. What differs from that was changed since, by a person, and is given to the others. If two members were changed
to different marks, nothing is copied, and a person has to settle it.
"""

from collections.abc import Iterator, Mapping

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.grade.shared import file_of, graded_units
from autograder.group_tables import HandMark, HandMarks


def share(course: Course, lab: str) -> None:
    """Give each member of a group the marks by hand of the others."""
    units = graded_units(course, lab)
    if not units:
        return
    marks, agreed = gradebook.hand_marks(course, lab), gradebook.agreed(course, lab)
    files: dict[str, str] = {}
    new: dict[str, HandMarks] = {}
    for unit in units:
        file = file_of(course, lab, unit)
        # What was agreed on another file, or in another group, says nothing about this one.
        about_this = {student: agreed[student][1] for student in unit if agreed.get(student, ("", {}))[0] == file}
        for student, cells in _shared({student: marks.get(student, {}) for student in unit}, about_this).items():
            if (file, cells) != agreed.get(student) or cells != marks.get(student):
                files[student], new[student] = file, cells
    if new:
        gradebook.agree(course, lab, files, new)


def disagreements(course: Course, lab: str) -> Iterator[str]:
    """A sentence for each cell for which members of a group have different marks by hand."""
    units = graded_units(course, lab)
    marks = gradebook.hand_marks(course, lab) if units else {}
    for unit in units:
        cells = dict.fromkeys(cell for student in unit for cell in marks.get(student, {}))
        for cell in cells:
            given = {student: marks.get(student, {}).get(cell, HandMark()) for student in unit}
            if len({(mark.points, mark.extra) for mark in given.values()}) > 1:
                points = ", ".join(f"{student} {_points(mark)}" for student, mark in given.items())
                yield f"{cell}: one submission has different marks by hand ({points}): make them equal in formgrader"
            elif len({mark.comment for mark in given.values()}) > 1:
                yield f"{cell}: {' and '.join(unit)} have one submission and different comments: make them equal"


def _points(mark: HandMark) -> str:
    extra = f" + {mark.extra:g}" if mark.extra else ""
    return f"{'none' if mark.points is None else f'{mark.points:g}'}{extra}"


def _shared(marks: Mapping[str, HandMarks], agreed: Mapping[str, HandMarks]) -> dict[str, HandMarks]:
    """The members' marks after each has got those of the others.

    Args:
        marks: what each member has now.
        agreed: what each had when they were last made equal; whoever is new in the group is not in it.
    """
    shared: dict[str, HandMarks] = {student: {} for student in marks}
    for cell in dict.fromkeys(cell for cells in marks.values() for cell in cells):
        now = {student: cells.get(cell, HandMark()) for student, cells in marks.items()}
        mark = _agreement(now, {student: cells.get(cell) for student, cells in agreed.items()})
        for student in marks:
            shared[student][cell] = now[student] if mark is None else mark
    return shared


def _agreement(now: Mapping[str, HandMark], before: Mapping[str, HandMark | None]) -> HandMark | None:
    """The mark for all members; None if they disagree."""
    if before:
        changed = {now[student] for student, mark in before.items() if now[student] != mark}
        candidates = changed or {now[student] for student in before}
    else:
        candidates = {mark for mark in now.values() if (mark.points, mark.extra, mark.comment) != (None, None, None)}
        candidates = candidates or set(now.values())
    return candidates.pop() if len(candidates) == 1 else None
