"""Receipts: what was handed in, when, and the marks it got, signed so that anybody can see that nobody changed it.

A receipt is a JSON file. Its signature covers a canonical encoding of all other entries, so that it may be indented or
sorted anew, but no entry can be changed, added or removed.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from autograder.errors import UserError
from autograder.serve.signing_key import fingerprint
from autograder.text import visible

FORMAT = "qlab-receipt-1"
LONGEST = 1_000_000  # bytes
MOST_POINTS = 1e9
Entries = dict[str, Any]


@dataclass(frozen=True)
class Receipt:
    """What a receipt states.

    Attributes:
        course: its name, or the address of its server.
        student: the id.
        lab: its full name.
        attempt: its number among the student's attempts at this lab, from 1.
        sha256: of the notebook's bytes, in hexadecimal digits.
        received, graded: when, in UTC, as 2026-10-12T20:33:00Z; graded is None if it is not graded yet.
        release: that of the lab with which it was graded, or "".
        points, out_of: None if there is no mark.
        questions: points by question.
    """

    course: str
    student: str
    lab: str
    attempt: int
    sha256: str
    received: str
    graded: str | None = None
    release: str = ""
    points: float | None = None
    out_of: float | None = None
    questions: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def is_plausible(self) -> bool:
        """Whether everything has its type; what somebody wrote by hand need not."""
        texts = (self.course, self.student, self.lab, self.sha256, self.received, self.release, self.graded or "")
        marks = self.questions.values() if isinstance(self.questions, dict) else (self,)
        numbers = (self.attempt, *(mark for mark in (self.points, self.out_of, *marks) if mark is not None))
        return all(isinstance(text, str) for text in texts) and all(map(_is_number, numbers))

    @property
    def text(self) -> str:
        """What it states, as part of a sentence; without what a terminal would obey."""
        mark = "no mark" if self.points is None else f"{self.points:g} of {self.out_of or 0:g} points"
        handed_in = f"{self.student} handed in {self.lab}, attempt {self.attempt}, received {self.received}"
        graded = f"graded {self.graded}" if self.graded else "not graded yet"
        text = f"{handed_in}, {graded}: {mark} (course {self.course}, file {self.sha256[:12]})"
        return " ".join(visible(text).split())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < MOST_POINTS


def sign(receipt: Receipt, key: Ed25519PrivateKey) -> str:
    """The receipt as the text of a file."""
    entries: Entries = {"format": FORMAT, **asdict(receipt), "key": fingerprint(key.public_key())}
    signature = base64.b64encode(key.sign(_canonical(entries))).decode("ascii")
    return json.dumps({**entries, "signature": signature}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class SignedReceipt:
    """A receipt as somebody shows it, not verified yet.

    Attributes:
        receipt: what it states.
        entries: everything in the file.
    """

    receipt: Receipt
    entries: Entries

    @classmethod
    def read(cls, path: Path) -> "SignedReceipt":
        """The receipt in a file.

        Raises:
            UserError: it cannot be read, is none, or is one of a later version.
        """
        entries = _entries(path)
        if entries["format"] != FORMAT:
            raise UserError(f"{path} is a receipt of a later version: update this program, then verify it again.")
        names = [each.name for each in fields(Receipt)]
        if all(name in entries for name in names):
            receipt = Receipt(**{name: entries[name] for name in names})
            if receipt.is_plausible:
                return cls(receipt, entries)
        raise UserError(
            f"{path} is not genuine: it was changed by hand, or a part of it is missing; ask for the file as the "
            "server gave it."
        )

    def is_by(self, key: Ed25519PublicKey) -> bool:
        """Whether it says of itself that this key signed it."""
        return bool(self.entries.get("key") == fingerprint(key))

    def is_unchanged(self, key: Ed25519PublicKey) -> bool:
        """Whether the signature is that of this key, and of these entries."""
        unsigned = {name: value for name, value in self.entries.items() if name != "signature"}
        try:
            key.verify(base64.b64decode(self.entries["signature"], validate=True), _canonical(unsigned))
        except (InvalidSignature, KeyError, TypeError, ValueError):
            return False
        return True


def _entries(path: Path) -> Entries:
    """The entries of a file that says of itself that it is a receipt."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise ValueError("it is too long")
        entries = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name the file of a receipt.") from error
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict) or not re.fullmatch(r"qlab-receipt-\d{1,9}", str(entries.get("format"))):
        raise UserError(f"{path} is not a receipt: name a file that the server gave as one.")
    return entries


def _once(pairs: list[tuple[str, Any]]) -> Entries:
    """Entries whose names all differ: a name that comes twice could be read in two ways."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name comes twice")
    return entries


def _canonical(entries: Entries) -> bytes:
    """The same bytes for the same entries, whatever their order, the spaces between them, and 85 written as 85.0."""
    text = json.dumps(_plain(entries), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
