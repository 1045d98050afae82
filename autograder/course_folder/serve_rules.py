"""How a course serves official marks: the table [serve] in rules.toml, and what it says otherwise about single labs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from autograder.collect.counting import Count
from autograder.errors import UserError
from qlab.lab_names import matching

EXAMPLE = 'url = "https://quant.example.edu/labs"'
LINKS_LAST = timedelta(days=200)  # longer than a term with its examinations
MOST_ATTEMPTS = 10_000


class Show(StrEnum):
    """What a student sees of a mark at once: cards and points, points only, or that the file was received."""

    FULL = "full"
    POINTS = "points"
    RECEIVED = "received"


class Late(StrEnum):
    """What becomes of an upload after the student's own deadline."""

    ACCEPT = "accept"
    REFUSE = "refuse"


@dataclass(frozen=True)
class LabRules:
    """The rules of one lab.

    Attributes:
        attempts_per_day: how many uploads count per student and calendar day in the course's time zone; 0: any number.
        show: what a student sees of a mark at once.
        late: what becomes of an upload after the student's own deadline.
        count: which of a student's uploads counts.
    """

    attempts_per_day: int = 20
    show: Show = Show.FULL
    late: Late = Late.ACCEPT
    count: Count = Count.NEWEST


CHOICES: dict[str, type[StrEnum]] = {"show": Show, "late": Late, "count": Count}
OF_LAB = ("attempts_per_day", *CHOICES)
OF_COURSE = ("url", "links_expire", *OF_LAB)


@dataclass(frozen=True)
class ServeRules:
    """The rules of a course.

    Attributes:
        url: where people reach the server, without a slash at the end; "" if nobody said.
        links_expire: when links stop working, in UTC; None if nobody said.
        usual: the rules of a lab that has none of its own.
        labs: the rules of the others, by their names.
    """

    url: str = ""
    links_expire: datetime | None = None
    usual: LabRules = LabRules()
    labs: Mapping[str, LabRules] = field(default_factory=dict)

    def of(self, lab: str) -> LabRules:
        """The rules of a lab, by its full name."""
        return self.labs.get(lab, self.usual)

    def link(self, token: str) -> str:
        """The address by which a person signs in; the part behind # is never sent, so that no log has it.

        Raises:
            UserError: nobody said where the server is.
        """
        if not self.url:
            raise UserError(f"rules.toml does not say where people reach the server: add {EXAMPLE} below [serve].")
        return f"{self.url}/#{token}"

    def expiry(self, now: datetime) -> datetime:
        """When a link that is made now stops working, in UTC.

        Raises:
            UserError: that would be at once.
        """
        expires = now + LINKS_LAST if self.links_expire is None else self.links_expire
        if expires <= now:
            raise UserError("links_expire in rules.toml has passed, so no link would work: write a later date there.")
        return expires

    @classmethod
    def parse(cls, table: Any, labs: Iterable[str], in_utc: Callable[[str], datetime]) -> "ServeRules":
        """The rules in the table [serve] of rules.toml.

        Args:
            table: its entries.
            labs: the course's labs; [serve.lab3] may name one by a beginning.
            in_utc: makes a time in UTC of one in ISO's form, which may be a date, or raises UserError.

        Raises:
            UserError: one sentence about the first entry that makes no sense.
        """
        if not isinstance(table, dict):
            raise UserError(f"serve must be a table, [serve], with settings such as {EXAMPLE}.")
        own = {name: value for name, value in table.items() if isinstance(value, dict) and name not in OF_COURSE}
        entries = {name: value for name, value in table.items() if name not in own}
        _check_names("serve", entries, OF_COURSE)
        usual = _lab_rules("serve", entries, LabRules())
        rules: dict[str, LabRules] = {}
        for name, of_lab in own.items():
            lab = _find(name, tuple(labs))
            if lab in rules:
                raise UserError(f"[serve.{name}] is about {lab}, which has a table already: keep one of them.")
            _check_names(f"serve.{name}", of_lab, OF_LAB)
            rules[lab] = _lab_rules(f"serve.{name}", of_lab, usual)
        return cls(_url(entries.get("url", "")), _links_expire(entries.get("links_expire"), in_utc), usual, rules)


def names_labs(table: Any) -> bool:
    """Whether a table [serve] has tables of labs in it, so that one has to know which labs there are."""
    return isinstance(table, dict) and any(isinstance(value, dict) for value in table.values())


def _check_names(where: str, entries: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if unknown := [name for name in entries if name not in known]:
        raise UserError(f"[{where}] {', '.join(unknown)} is not a setting; the settings there are {', '.join(known)}.")


def _find(name: str, labs: tuple[str, ...]) -> str:
    """The one lab that a table is about."""
    matches = matching(name, labs)
    if len(matches) == 1:
        return matches[0]
    what = f"may mean {', '.join(matches)}" if matches else "is neither a setting nor a lab of this course"
    raise UserError(f"[serve.{name}]: {name} {what}: choose from {', '.join(labs)}.")


def _lab_rules(where: str, entries: Mapping[str, Any], usual: LabRules) -> LabRules:
    """The rules that differ from the usual ones, and those for the rest."""
    changed: dict[str, Any] = {
        name: _choice(where, name, entries[name], kind) for name, kind in CHOICES.items() if name in entries
    }
    if "attempts_per_day" in entries:
        changed["attempts_per_day"] = _attempts(where, entries["attempts_per_day"])
    return replace(usual, **changed)


def _choice(where: str, name: str, value: Any, kind: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str) or value not in list(kind):
        choices = " or ".join(f'"{choice}"' for choice in kind)
        raise UserError(f"[{where}] {name} = {_shown(value)} must be {choices}.")
    return kind(value)


def _attempts(where: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MOST_ATTEMPTS:
        raise UserError(
            f"[{where}] attempts_per_day = {_shown(value)} must be a whole number from 0 (no limit) to {MOST_ATTEMPTS}."
        )
    return value


def _url(value: Any) -> str:
    if value == "":
        return ""
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        valid = False
    if not valid or parts.username is not None or set("?#\\ ") & set(value) or not value.isprintable():
        raise UserError(
            f"[serve] url = {_shown(value)} must be an address that begins with https:// (or http://) and has no "
            f"? and no # in it, such as {EXAMPLE}."
        )
    return str(value).rstrip("/")


def _links_expire(value: Any, in_utc: Callable[[str], datetime]) -> datetime | None:
    if value is None:
        return None
    fix = "links_expire = 2027-02-01, without quotation marks, for the end of that day"
    if not isinstance(value, date):  # a datetime is one too
        raise UserError(f"[serve] links_expire = {_shown(value)} is not a date: write it as {fix}.")
    try:
        return in_utc(value.isoformat())
    except UserError:
        raise UserError(f"[serve] links_expire = {value} cannot be right: write it as {fix}.") from None


def _shown(value: Any) -> str:
    """A value as rules.toml has it."""
    return f'"{value}"' if isinstance(value, str) else str(value)
