"""What a course's server answers, read with care: what comes from elsewhere may be anything."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from qlab.check.outcome import Outcome
from qlab.student.server.personal_token import without_tokens

FINAL = {"graded", "superseded", "not counted", "no mark"}
STATES = {"waiting", "grading"} | FINAL
ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
LONGEST = 2_000  # characters of one text


class NotOurs(Exception):  # noqa: N818  # it is a finding, which the client turns into a sentence
    """An answer that no course's server gives: a login page of a network, another program, a cut-off text."""


@dataclass(frozen=True)
class Attempt:
    """What became of an upload.

    Attributes:
        id: names it in requests.
        number: 1 is the student's first in this lab.
        file: the SHA-256 of the file that arrived.
        state: one of STATES.
        place: in the queue, 1 is next; None if it does not wait.
        message: one sentence for people, or "".
        points, out_of: the mark; None until there is one, or if the course does not show it.
        outcomes: of the questions, empty unless the course shows them.
        page: the address for people, or "".
    """

    id: str
    number: int
    file: str
    state: str
    place: int | None
    message: str
    points: float | None
    out_of: float | None
    outcomes: tuple[Outcome, ...]
    page: str

    @property
    def final(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in FINAL

    @property
    def right(self) -> bool:
        """Whether it got a mark, or none that is shown, and no question that is shown fails."""
        return self.state != "no mark" and all(outcome.right for outcome in self.outcomes)


def read_json(body: bytes) -> Any:
    """The JSON in an answer, its texts without control characters, tokens and excessive length.

    Raises:
        NotOurs: it is none.
    """
    try:
        return _cleaned(json.loads(body, parse_constant=_refuse))
    except (ValueError, RecursionError) as error:
        raise NotOurs from error


def read_attempt(data: Any) -> Attempt:
    """An attempt.

    Raises:
        NotOurs: the data are none.
    """
    try:
        place = data["place"]
        attempt = Attempt(
            str(data["id"]),
            int(data["number"]),
            str(data["file"]).removeprefix("sha256:"),
            str(data["state"]),
            None if place is None else int(place),
            str(data.get("message") or ""),
            _number(data["points"]),
            _number(data["out_of"]),
            tuple(Outcome.from_json(outcome) for outcome in data.get("outcomes") or ()),
            str(data.get("page") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise NotOurs from error
    if attempt.state not in STATES or not ID.fullmatch(attempt.id):
        raise NotOurs
    return attempt


def read_attempts_left(data: Any) -> dict[str, int | None]:
    """The labs of a course, and how many attempts the student has left today in each; None where it is unlimited.

    Raises:
        NotOurs: the data are no list of labs.
    """
    try:
        left = {str(lab["lab"]): lab["attempts_left"] for lab in data}
        return {lab: None if count is None else int(count) for lab, count in left.items()}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotOurs from error


def read_detail(body: bytes) -> str:
    """The server's own sentence on what is wrong; "" if it gave none."""
    try:
        data = read_json(body)
    except NotOurs:
        return ""
    detail = data.get("detail") if isinstance(data, dict) else None
    return " ".join(detail.split()) if isinstance(detail, str) else ""


def _refuse(constant: str) -> float:
    raise ValueError(constant)  # NaN and the infinities are no JSON


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool | str) or not math.isfinite(number := float(value)):
        raise ValueError(value)
    return number


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_tokens("".join(sign for sign in value[:LONGEST] if sign.isprintable() or sign in "\n\u00a0"))
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return {_cleaned(key): _cleaned(item) for key, item in value.items()} if isinstance(value, dict) else value
