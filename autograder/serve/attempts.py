"""Attempts: what became of each upload, one small file for each, so that a copy of the folder is a backup."""

import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import write_atomic

FORMAT = 1


class State(StrEnum):
    """What has become of an upload."""

    RECEIVED = "received"  # in the inbox, not in submitted/ yet
    WAITING = "waiting"
    GRADED = "graded"
    NO_MARK = "no mark"
    SUPERSEDED = "superseded"
    NOT_COUNTED = "not counted"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is to be done."""
        return self not in (State.RECEIVED, State.WAITING)


@dataclass(frozen=True)
class Attempt:
    """An upload that was accepted.

    Attributes:
        id: random, for addresses that nobody can guess.
        lab, student: of which lab, whose.
        number: counted from 1, for each student and lab.
        file: the SHA-256 of the notebook.
        received: when it was received, in UTC.
        state: what has become of it.
        message: why there is no mark or it does not count; "" otherwise.
        graded: when it was graded, in UTC; None if it was not.
        release: of the lab that it was graded with.
        questions: points and the most points of each question, as they were then; None where a person gives them.
        mistakes: the names of the mistakes, by question, as they were then.
    """

    id: str
    lab: str
    student: str
    number: int
    file: str
    received: datetime
    state: State = State.RECEIVED
    message: str = ""
    graded: datetime | None = None
    release: str = ""
    questions: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    mistakes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The points so far."""
        return sum(points or 0 for points, _ in self.questions.values())

    @property
    def out_of(self) -> float:
        """The most points that there are."""
        return sum(out_of for _, out_of in self.questions.values())

    @property
    def waiting(self) -> list[str]:
        """The questions that a person has yet to grade."""
        return [name for name, (points, _) in self.questions.items() if points is None]

    def text(self) -> str:
        """The attempt as it is in its file."""
        times = {name: time.isoformat() if time else None for name, time in self._times().items()}
        return json.dumps({"format": FORMAT, **asdict(self), **times}, indent=1, ensure_ascii=False) + "\n"

    def _times(self) -> dict[str, datetime | None]:
        return {"received": self.received, "graded": self.graded}

    @classmethod
    def parse(cls, text: str) -> "Attempt | None":
        """The attempt that `text` was made from; None if it was not made from one."""
        try:
            data: dict[str, Any] = json.loads(text)
            if data.pop("format") != FORMAT:
                return None
            data["state"] = State(data["state"])
            data["received"] = datetime.fromisoformat(data["received"])
            data["graded"] = datetime.fromisoformat(data["graded"]) if data["graded"] else None
            data["questions"] = {name: (points, out_of) for name, (points, out_of) in data["questions"].items()}
            data["mistakes"] = {name: tuple(names) for name, names in data["mistakes"].items()}
            return cls(**data)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def new_id() -> str:
    """An id for an attempt."""
    return secrets.token_urlsafe(16)


class Attempts:
    """The attempts of a course. Only one process may write them; any may read, or delete a whole folder."""

    def __init__(self, course: Course):
        self._course = course
        self._lock = threading.RLock()
        self._folders: dict[Path, tuple[int, tuple[Attempt, ...]]] = {}
        self._by_id: dict[str, Path] = {}
        for folder in course.attempts.glob("*/*"):
            self._read(folder)

    def of(self, lab: str, student: str) -> tuple[Attempt, ...]:
        """A student's attempts at a lab, the first one first."""
        return self._read(self._course.attempts / lab / student)

    def find(self, attempt_id: str) -> Attempt | None:
        """The attempt with an id; None if there is none."""
        with self._lock:
            folder = self._by_id.get(attempt_id)
        attempts = self._read(folder) if folder else ()
        return next((attempt for attempt in attempts if attempt.id == attempt_id), None)

    def of_lab(self, lab: str) -> Iterator[tuple[Attempt, ...]]:
        """Each student's attempts at a lab."""
        for folder in sorted(self._course.attempts.glob(f"{lab}/*")):
            if attempts := self._read(folder):
                yield attempts

    def unfinished(self) -> list[Attempt]:
        """The attempts for which something is still to be done, in the order in which they came."""
        with self._lock:
            found = [attempt for folder in list(self._folders) for attempt in self._read(folder)]
        return sorted((each for each in found if not each.state.is_final), key=lambda each: each.received)

    def add(self, attempt: Attempt) -> None:
        """Write a new attempt; from then on it is accepted.

        Raises:
            UserError: the disk is full, or permission is missing; nothing is accepted.
        """
        try:
            self._write(attempt)
        except UserError:
            self._path(attempt).unlink(missing_ok=True)  # it may be there, but not for good
            raise

    def next_number(self, lab: str, student: str) -> int:
        """The number of the next attempt: greater than any there, also if one of their files is damaged.

        Raises:
            UserError: the folder cannot be read.
        """
        return max(map(_number, _files(self._course.attempts / lab / student)), default=0) + 1

    def change(self, attempt: Attempt, **changes: Any) -> Attempt:
        """Write what has become of an attempt. One that was deleted meanwhile, as `forget` does, stays deleted."""
        changed = replace(attempt, **changes)
        if self._path(attempt).is_file():
            self._write(changed)
        return changed

    def _write(self, attempt: Attempt) -> None:
        path = self._path(attempt)
        write_atomic(path, attempt.text(), durable=True)
        with self._lock:  # two changes within one tick of the disk's clock look like one
            self._folders.pop(path.parent, None)
        self._read(path.parent)

    def _path(self, attempt: Attempt) -> Path:
        return self._course.attempts / attempt.lab / attempt.student / f"{attempt.number:04}.json"

    def _read(self, folder: Path) -> tuple[Attempt, ...]:
        """The attempts in a folder; read again only if a file was written or deleted there."""
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:
            with self._lock:
                self._folders.pop(folder, None)
            return ()
        except OSError as error:
            raise _unreadable(folder, error) from error
        with self._lock:
            known = self._folders.get(folder)
            if known is not None and known[0] == changed:
                return known[1]
            attempts = tuple(filter(None, map(_parse, sorted(_files(folder), key=_number))))
            self._folders[folder] = (changed, attempts)
            self._by_id |= {attempt.id: folder for attempt in attempts}
            return attempts


def _files(folder: Path) -> list[Path]:
    """The files of a folder's attempts, in whatever order."""
    try:
        return [path for path in folder.iterdir() if path.suffix == ".json" and path.stem.isdecimal()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error


def _number(path: Path) -> int:
    return int(path.stem)


def _parse(path: Path) -> Attempt | None:
    try:
        return Attempt.parse(path.read_bytes().decode("utf-8", "replace"))
    except FileNotFoundError:  # deleted meanwhile
        return None
    except OSError as error:
        # Not as if it were not there: the next attempt would get its number.
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({error.strerror}): give permission, or close what has too many files.")
