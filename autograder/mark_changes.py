"""What changes in nbgrader's database: triggers note every change of a mark, whichever program makes it.

nbgrader's formgrader stores a mark given by hand, and says to nobody that it did. So the database itself notes the
change, in the same transaction as the mark: with its time, and lost only together with it. What is noted waits in our
own table until it is moved to the course's history. Only `gradebook` runs what is here.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

TABLE = "qlab_changes"
NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"

# The columns of nbgrader's tables that make up a mark, and what a change of each is called.
CHECK, BY_HAND, EXTRA, LATE = "check", "by hand", "extra", "late"
GRADE_COLUMNS = {"auto_score": CHECK, "manual_score": BY_HAND, "extra_credit": EXTRA}
EVENT, FOUND = "event", "found"

CREATE = f"""
    CREATE TABLE {TABLE} (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
        at TEXT NOT NULL DEFAULT ({NOW}), lab TEXT, student TEXT, cell TEXT, kind TEXT NOT NULL,
        before REAL, after REAL, event INTEGER, detail TEXT
    )
"""
# What leads from a row of grade, or from a notebook, to the lab and the student.
OF_NOTEBOOK = """
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
"""
OF_GRADE = f"""
    JOIN submitted_notebook AS notebook ON notebook.id = {{row}}.notebook_id {OF_NOTEBOOK}
    JOIN base_cell AS cell ON cell.id = {{row}}.cell_id
"""

# What `Writer.store` does around a record, so that the changes of checks' points belong to one event.
NEWEST = f"SELECT coalesce(max(id), 0) FROM {TABLE}"
ADD_EVENT = f"INSERT INTO {TABLE} (lab, student, kind, detail) VALUES (:lab, :student, '{EVENT}', :detail)"
ASSIGN_TO_EVENT = f"""
    UPDATE {TABLE} SET event = (SELECT id FROM {TABLE} WHERE kind = '{EVENT}' ORDER BY id DESC LIMIT 1)
    WHERE id > :newest AND kind = '{CHECK}' AND lab = :lab AND student = :student
"""


@dataclass(frozen=True)
class MarkEvent:
    """Something that changed marks of one student in one lab.

    Attributes:
        key: random, and different for each event.
        at: when, in UTC.
        lab, student: whose marks.
        action: such as "grade" or "by hand".
        detail: whatever else there is to know about it.
        changes: points before and after, by cell; None for no points.
    """

    key: str
    at: str
    lab: str
    student: str
    action: str
    detail: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


def watch(database: sqlite3.Connection) -> None:
    """Begin to note changes, if that has not begun yet; marks that are there already are noted as found."""
    names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    if "grade" not in names or "qlab_late_update" in names:
        return
    if TABLE not in names:
        database.execute(CREATE)
        _note_what_is_there(database)
    for statement in _triggers():
        database.execute(statement)


def take(database: sqlite3.Connection) -> list[MarkEvent]:
    """Take out what was noted so far; in a transaction that is to be rolled back if they cannot be kept elsewhere."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [TABLE]).fetchone():
        return []
    columns = "id, key, at, lab, student, cell, kind, before, after, event, detail"
    rows = [_Row(*row) for row in database.execute(f"SELECT {columns} FROM {TABLE} ORDER BY id")]
    database.execute(f"DELETE FROM {TABLE}")
    return list(_events(rows))


@dataclass(frozen=True)
class _Row:
    """A row of our table."""

    id: int
    key: str
    at: str
    lab: str
    student: str
    cell: str | None
    kind: str
    before: float | None
    after: float | None
    event: int | None
    detail: str | None


def _events(rows: Iterable[_Row]) -> Iterator[MarkEvent]:
    """The events, in the order in which they began."""
    of_event: dict[int | str, list[_Row]] = {}
    for row in rows:
        of_event.setdefault(_event_of(row), []).append(row)
    for group in of_event.values():
        first = next((row for row in group if row.kind == EVENT), group[0])
        detail: dict[str, Any] = json.loads(first.detail) if first.detail else {}
        action = detail.pop("action", first.kind)
        changes = {row.cell or row.kind: (row.before, row.after) for row in group if row.kind != EVENT}
        yield MarkEvent(first.key, first.at, first.lab, first.student, action, detail, changes)


def _event_of(row: _Row) -> int | str:
    """What the rows of one event have in common."""
    if row.detail and row.kind != EVENT:
        return f"{row.detail} {row.lab} {row.student}"
    return row.event or row.id


def _triggers() -> Iterator[str]:
    for column, kind in GRADE_COLUMNS.items():
        old, new = f"old.{column}", f"new.{column}"
        for verb, row, before, after, when in (
            (f"UPDATE OF {column}", "new", old, new, f"{old} IS NOT {new}"),
            ("INSERT", "new", "NULL", new, f"{new} IS NOT NULL"),
            ("DELETE", "old", old, "NULL", f"{old} IS NOT NULL"),
        ):
            yield f"""
                CREATE TRIGGER IF NOT EXISTS qlab_{column}_{verb.split()[0].lower()} AFTER {verb} ON grade WHEN {when}
                BEGIN
                    INSERT INTO {TABLE} (lab, student, cell, kind, before, after)
                    SELECT assignment.name, submission.student_id, cell.name, '{kind}', {before}, {after}
                    FROM (SELECT 1) {OF_GRADE.format(row=row)};
                END
            """
    old, new = "old.late_submission_penalty", "new.late_submission_penalty"
    yield f"""
        CREATE TRIGGER IF NOT EXISTS qlab_late_update AFTER UPDATE OF late_submission_penalty ON submitted_notebook
        WHEN {old} IS NOT {new}
        BEGIN
            INSERT INTO {TABLE} (lab, student, kind, before, after)
            SELECT assignment.name, submission.student_id, '{LATE}', {old}, {new}
            FROM submitted_notebook AS notebook {OF_NOTEBOOK} WHERE notebook.id = new.id;
        END
    """


def _note_what_is_there(database: sqlite3.Connection) -> None:
    for column, kind in GRADE_COLUMNS.items():
        database.execute(
            f"""
                INSERT INTO {TABLE} (lab, student, cell, kind, after, detail)
                SELECT assignment.name, submission.student_id, cell.name, '{kind}', grade.{column}, ?
                FROM grade {OF_GRADE.format(row="grade")} WHERE grade.{column} IS NOT NULL ORDER BY 1, 2
            """,
            [json.dumps({"action": FOUND, "kind": kind})],
        )
