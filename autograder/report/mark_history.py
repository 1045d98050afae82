"""How a mark came about: brings the course's history up to date, and shows the part of it about one student and lab."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from autograder import gradebook
from autograder.course_folder import history
from autograder.course_folder.history import Keys, Line
from autograder.course_folder.layout import Course, lab_names
from autograder.course_folder.settings import Timezone
from autograder.deductions import extensions
from autograder.gradebook import CellMark
from autograder.mark_changes import BY_HAND, CHECK, EXTRA, FOUND, LATE, MarkEvent

EXTENSION = "extension"
ACTIONS = {
    "grade": "graded",
    CHECK: "points of a check changed by another program",
    BY_HAND: "mark given by hand",
    EXTRA: "extra points given by hand",
    LATE: "late penalty",
    FOUND: "found when the history began",
    EXTENSION: "extension",
    "upload": "uploaded",
}


def update(course: Course, uploads: Sequence[MarkEvent] = ()) -> None:
    """Add to the history what changed since the last call: marks, late penalties, extensions.

    Args:
        course: whose.
        uploads: events that the gradebook knows nothing of; those that are in the history already change nothing.

    Raises:
        UserError: the history cannot be read or written; what is missing in it is added by the next call.
    """
    granted = {lab: _texts(extensions.granted(course, lab)) for lab in lab_names(course)}

    def keep(events: list[MarkEvent]) -> None:
        keys, before = Keys.of(course), history.read(course)[0]
        known = {line.id for line in before}
        lines = [_line(event, keys) for event in (*(each for each in uploads if each.key not in known), *events)]
        lines += _extension_lines(granted, before, keys)
        if lines:
            keys.write()  # first, so that no line names a key that nobody knows
            history.append(course, lines)

    gradebook.move_changes(course, keep)


def _texts(granted: Mapping[str, extensions.Extension]) -> dict[str, str]:
    return {student: extension.text for student, extension in granted.items()}


def _line(event: MarkEvent, keys: Keys) -> Line:
    detail = dict(event.detail)
    by = keys.grader(detail.pop("by", ""))
    who = keys.student(event.student)
    return Line(event.key, event.at, event.lab, who, event.action, by, event.changes, detail)


def _extension_lines(granted: Mapping[str, Mapping[str, str]], lines: Iterable[Line], keys: Keys) -> Iterator[Line]:
    """A line for each extension that is not as the last line about it says."""
    known: dict[tuple[str, str], str] = {}
    for line in lines:
        if line.action == EXTENSION:
            known[line.lab, line.who] = line.changes[EXTENSION][1]
    names = {key: student for student, key in keys.students.items()}
    now = {(lab, keys.student(student)): text for lab, texts in granted.items() for student, text in texts.items()}
    then = {place: text for place, text in known.items() if place[1] in names or place in now}
    for lab, who in sorted({*now, *then}):
        before, after = then.get((lab, who), ""), now.get((lab, who), "")
        if before != after:
            by = keys.grader(gradebook.user())
            at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            yield Line(secrets.token_hex(8), at, lab, who, EXTENSION, by, {EXTENSION: (before, after)})


@dataclass(frozen=True)
class HistoryRow:
    """One event, for people.

    Attributes:
        when: in the course's time zone.
        what: what happened.
        marks: what it changed.
        by: the user name of whoever did it, or "".
    """

    when: str
    what: str
    marks: str
    by: str


@dataclass(frozen=True)
class MarkHistory:
    """The history of a student's marks in a lab.

    Attributes:
        rows: the events, from the first to the last.
        unexplained: cells whose points are not those that the last event about them left, and their points now.
            Empty if there is no event.
        damaged: how many lines of the whole history cannot be read.
    """

    rows: tuple[HistoryRow, ...]
    unexplained: dict[str, float | None]
    damaged: int


def mark_history(course: Course, lab: str, student: str, timezone: Timezone) -> MarkHistory:
    """The history of a student's marks in a lab, up to the last call of `update`."""
    keys = Keys.of(course)
    lines, damaged = history.read(course)
    key = keys.students.get(student, "")
    about = sorted((line for line in lines if key and (line.lab, line.who) == (lab, key)), key=lambda line: line.at)
    now = gradebook.marks(course, lab).get(student, {}) if about else {}
    return MarkHistory(tuple(_row(line, keys, timezone) for line in about), _unexplained(about, now), damaged)


def _row(line: Line, keys: Keys, timezone: Timezone) -> HistoryRow:
    try:
        when = timezone.show(datetime.fromisoformat(line.at))
    except ValueError:
        when = line.at
    return HistoryRow(when, _what(line), _changes(line, timezone), keys.name_of(line.by))


def _what(line: Line) -> str:
    what = ACTIONS.get(line.action, line.action.replace("regrade", "regraded"))
    parts = [what, "no mark: the submission could not be read" if line.detail.get("no mark") else ""]
    parts += [f"file {line.detail['file']}" if line.detail.get("file") else ""]
    return ", ".join(filter(None, parts))


def _changes(line: Line, timezone: Timezone) -> str:
    if line.action == EXTENSION:
        before, after = line.changes[EXTENSION]
        return f"{_extension(before, timezone)} → {_extension(after, timezone)}"
    if not line.changes:
        return f"attempt {line.detail['attempt']}" if "attempt" in line.detail else "no change"
    return ", ".join(
        f"{'' if cell == line.action else f'{cell} '}{_points(before)} → {_points(after)}"
        for cell, (before, after) in sorted(line.changes.items())
    )


def _extension(text: str, timezone: Timezone) -> str:
    if not text:
        return "none"
    extension = extensions.Extension.stored(text)
    return timezone.show(extension.until) if extension.until is not None else extension.duration


def _points(points: float | None) -> str:
    return "–" if points is None else f"{points:g}"


def _unexplained(lines: Iterable[Line], now: Mapping[str, CellMark]) -> dict[str, float | None]:
    """Where the marks in the gradebook differ from those that the history ends with: a backup was copied over it."""
    ends: dict[tuple[str, str], float | None] = {}
    for line in lines:
        kind = line.detail.get("kind", line.action)
        for cell, (_, after) in line.changes.items():
            ends[cell, kind if kind in (BY_HAND, EXTRA, LATE) else CHECK] = after
    unexplained: dict[str, float | None] = {}
    for cell, mark in now.items():
        by_hand, check = ends.get((cell, BY_HAND)), ends.get((cell, CHECK))
        points = check if by_hand is None else by_hand
        expected = None if points is None else points + (ends.get((cell, EXTRA)) or 0)
        if expected != mark.points:
            unexplained[cell] = mark.points
    return unexplained
