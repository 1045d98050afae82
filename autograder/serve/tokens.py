"""Personal tokens, by which people sign in; only their hashes are stored, so that the file lets nobody in."""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import locked, write_atomic

PREFIX = "qlab_"
RANDOM_BYTES = 32
# Looked for at every place, because a token may follow something that begins as one does.
TOKENS_IN_TEXT = re.compile(rb"(?=(qlab_[A-Za-z0-9_-]{43}))")
FORMAT = 1


class Role(StrEnum):
    """What a person may see: the own attempts, or everybody's."""

    STUDENT = "student"
    STAFF = "staff"


@dataclass(frozen=True)
class Person:
    """Whom a token belongs to.

    Attributes:
        id: a student's id on the roster; a member of staff's name.
        role: student or staff.
    """

    id: str
    role: Role


@dataclass(frozen=True)
class Issued:
    """A token that was issued, without the token itself.

    Attributes:
        person: whose it is.
        issued, expires: when, in UTC.
        sha256: of the token.
    """

    person: Person
    issued: datetime
    expires: datetime
    sha256: str

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> "Issued":
        """What `entry` says; ValueError, KeyError or TypeError if it says something else."""
        times = (datetime.fromisoformat(entry["issued"]), datetime.fromisoformat(entry["expires"]))
        if not all(isinstance(entry[name], str) for name in ("id", "sha256")) or any(not each.tzinfo for each in times):
            raise ValueError("an entry makes no sense")
        return cls(Person(entry["id"], Role(entry["role"])), *times, entry["sha256"])

    def entry(self) -> dict[str, str]:
        """The entry of the file."""
        times = {"issued": self.issued.isoformat(), "expires": self.expires.isoformat()}
        return {"id": self.person.id, "role": str(self.person.role), **times, "sha256": self.sha256}


ByHash = dict[str, Issued]
NO_FILE = (0, 0, 0)


class Tokens:
    """The tokens of a course, in served/tokens.json; a change of the file counts at once.

    Any number of threads and processes may read and issue at the same time.

    Args:
        course: whose.
        now: the time; tests have their own.
    """

    def __init__(self, course: Course, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.path = course.root / "served" / "tokens.json"
        self._now = now
        self._cached: tuple[tuple[int, int, int], ByHash] = (NO_FILE, {})

    def person(self, token: str) -> Person | None:
        """Whose token it is; None if it is unknown or expired. Whether a student is still on the roster, ask that."""
        found = self._working(token.encode("utf-8", "replace"))
        return found.person if found else None

    def mentioned_in(self, text: str | bytes) -> bool:
        """Whether anybody's token that works is in a text, such as a notebook."""
        return bool(self.people_in(text))

    def people_in(self, text: str | bytes) -> set[Person]:
        """The people whose tokens, if they work, are in a text."""
        content = text.encode("utf-8", "replace") if isinstance(text, str) else text
        # Looked up by hash at once: a file of megabytes may be full of what looks like one.
        known = self._read()
        found = (known.get(_hash(match[1])) for match in TOKENS_IN_TEXT.finditer(content))
        return {issued.person for issued in found if issued and not self.has_expired(issued)}

    def issued(self, role: Role) -> dict[str, Issued]:
        """The tokens of everybody of a role, by id, those that have expired too."""
        return {each.person.id: each for each in self._read().values() if each.person.role == role}

    def has(self, id_: str) -> bool:
        """Whether anybody of this id, in whatever role, was given a token, which may have expired."""
        return any(each.person.id == id_ for each in self._read().values())

    def has_expired(self, issued: Issued) -> bool:
        """Whether a token does not work any more."""
        return issued.expires <= self._now()

    def issue(
        self,
        ids: Iterable[str],
        role: Role,
        expires: datetime,
        *,
        renew: bool = True,
        deliver: Callable[[Mapping[str, str]], None] = lambda tokens: None,
    ) -> dict[str, str]:
        """Make tokens; former ones of these people in this role stop working.

        Args:
            ids: whose, as in `Person`.
            role: student or staff.
            expires: with a time zone.
            renew: whether those get a new one who have one that works.
            deliver: called with the tokens before they begin to work, since nobody can read them later. If it
                raises an error, former tokens stay.

        Returns:
            The tokens by id.

        Raises:
            UserError: the file cannot be read or written; former tokens stay.
        """
        with self._locked():
            before = self._read()
            kept = {each.person.id for each in before.values() if each.person.role == role and not renew
                    and not self.has_expired(each)}  # fmt: skip
            tokens = {id_: PREFIX + secrets.token_urlsafe(RANDOM_BYTES) for id_ in ids if id_ not in kept}
            if tokens:
                deliver(tokens)
                now = self._now()
                new = [Issued(Person(id_, role), now, expires, _hash(token.encode())) for id_, token in tokens.items()]
                replaced = {each.person for each in new}
                self._write([*(each for each in before.values() if each.person not in replaced), *new])
        return tokens

    def forget(self, id_: str) -> None:
        """Remove a person's tokens, in whatever role."""
        if not self.has(id_):
            return
        with self._locked():
            self._write(each for each in self._read().values() if each.person.id != id_)

    def _working(self, token: bytes) -> Issued | None:
        if len(token) > 100:  # no token, and somebody may send megabytes
            return None
        found = self._read().get(_hash(token))
        return found if found and not self.has_expired(found) else None

    def _read(self) -> ByHash:
        try:
            before, known = self._cached
            if _signature(self.path.stat()) == before:
                return known
            with self.path.open("rb") as file:
                signature = _signature(os.fstat(file.fileno()))
                content = json.loads(file.read())
            if content["format"] != FORMAT:
                raise ValueError("a later version wrote it")
            read = {each.sha256: each for each in map(Issued.parse, content["tokens"])}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.path} cannot be read ({error}): put a copy of it back, or delete it and make new links with "
                "autograder roster --links."
            ) from error
        self._cached = (signature, read)
        return read

    def _write(self, tokens: Iterable[Issued]) -> None:
        entries = [each.entry() for each in tokens]
        write_atomic(self.path, json.dumps({"format": FORMAT, "tokens": entries}, indent=1) + "\n", 0o600)

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.path.with_suffix(".lock"))


def _signature(stat: os.stat_result) -> tuple[int, int, int]:
    """What is different after the file was replaced."""
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _hash(token: bytes) -> str:
    """A token has 256 random bits, so that a fast hash is enough: nobody can try them all."""
    return hashlib.sha256(token).hexdigest()
