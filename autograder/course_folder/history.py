"""The history of a course's marks: history.jsonl, one line per event, to which lines are only ever added.

The lines name people by random keys, and history_keys.json says whose each key is. So a person can be forgotten
without a change to the history: without the key, nothing says any more whose lines they are.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import write_atomic

FORGOTTEN = "(forgotten)"


@dataclass(frozen=True)
class Line:
    """A line of the history.

    Attributes:
        id: random, and different for each event; a line that comes twice counts once.
        at: when, in UTC, as 2026-10-12T20:33:00Z.
        lab: which one.
        who: whose marks, by key.
        action: "grade", "regrade Q3", "by hand", "extra", "late", "check", "found", "extension" or
            "upload".
        by: who did it, by key; "" if nobody says.
        changes: values before and after: points by cell, or an extension.
        detail: what else there is to know.
    """

    id: str
    at: str
    lab: str
    who: str
    action: str
    by: str = ""
    changes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The line as it is in the file."""
        entries = {name: value for name, value in self.__dict__.items() if value or name == "changes"}
        return json.dumps(entries) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Line | None":
        """The line that `text` was made from; None if it was not made from one."""
        try:
            line = cls(**json.loads(text))
            valid = isinstance(line.changes, dict) and all(len(pair) == 2 for pair in line.changes.values())
            return (
                line
                if valid and all(isinstance(part, str) for part in (line.id, line.at, line.lab, line.who))
                else None
            )
        except (ValueError, TypeError):
            return None


@dataclass
class Keys:
    """Whose each key is.

    Attributes:
        path: history_keys.json.
        students, graders: the keys, by student id and by user name.
    """

    path: Path
    students: dict[str, str] = field(default_factory=dict)
    graders: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, course: Course) -> "Keys":
        """The keys of a course.

        Raises:
            UserError: they cannot be read.
        """
        path = course.history_keys
        if not path.is_file():
            return cls(path)
        try:
            return cls(path, **{name: dict(keys) for name, keys in json.loads(path.read_text("utf-8")).items()})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path} cannot be read ({error}): put a copy of it back, or delete it; then nothing says any more "
                "whose lines of the history are whose."
            ) from error

    def student(self, student: str) -> str:
        """The student's key, a new one if there is none yet."""
        return _key(self.students, student)

    def grader(self, user: str) -> str:
        """The key of whoever graded, a new one if there is none yet; "" for nobody."""
        return _key(self.graders, user) if user else ""

    def name_of(self, key: str) -> str:
        """Whose key it is, or that this was forgotten; "" for no key."""
        for keys in (self.students, self.graders):
            for name, known in keys.items():
                if known == key:
                    return name
        return FORGOTTEN if key else ""

    def write(self) -> None:
        """Write the file."""
        write_atomic(self.path, json.dumps({"students": self.students, "graders": self.graders}, indent=1) + "\n")


def _key(keys: dict[str, str], name: str) -> str:
    return keys.setdefault(name, secrets.token_hex(8))


def append(course: Course, lines: Iterable[Line]) -> None:
    """Add lines, all or none.

    Nobody else may add lines at the same time: `gradebook.move_changes` sees to that.

    Raises:
        UserError: they cannot be written.
    """
    if content := "".join(line.text() for line in lines).encode():
        try:
            _append(course.history, content)
        except OSError as error:
            raise UserError(
                f"{course.history} could not be written ({error.strerror}): make room or give permission, then run "
                "this again; the marks are stored, and what changed them waits in the gradebook."
            ) from error


def _append(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(file).st_size
        try:
            if size and _byte_at(file, size - 1) != b"\n":  # a power cut left half a line
                content = b"\n" + content
            while content:
                content = content[os.write(file, content) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def _byte_at(file: int, position: int) -> bytes:
    os.lseek(file, position, os.SEEK_SET)
    return os.read(file, 1)


def read(course: Course) -> tuple[list[Line], int]:
    """The lines of the history, each event once, and how many lines cannot be read.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        texts = course.history.read_text("utf-8", errors="replace").split("\n") if course.history.is_file() else []
    except OSError as error:
        raise UserError(f"{course.history} cannot be read ({error.strerror}): give permission.") from error
    lines = [Line.parse(text) for text in texts if text.strip()]
    return list({line.id: line for line in lines if line is not None}.values()), lines.count(None)
