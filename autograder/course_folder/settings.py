"""A course's own settings: rules.toml in the course folder; a course without that file uses the defaults."""

import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder.course_folder.grading_rules import GradingRules
from autograder.course_folder.layout import Course, lab_names
from autograder.course_folder.serve_rules import ServeRules, names_labs
from autograder.errors import UserError

EXAMPLE = 'timezone = "Asia/Taipei"'
SETTINGS = (
    "timezone",
    "missing_screenshot",
    "screenshots",
    "group_labs",
    "weights",
    "best",
    "bonus",
    "total",
    "grades",
    "serve",
)
LAST_SECOND = time(23, 59, 59)
WITH_LABS = {"weights", "best", "bonus"}  # the settings whose labs have to exist


def until(text: str) -> datetime:
    """The time that a text in ISO's form says; for a date alone the last second of that day.

    Raises:
        ValueError: it is none.
    """
    with suppress(ValueError):
        return datetime.combine(date.fromisoformat(text), LAST_SECOND)
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class Timezone:
    """A time zone, given by name; "" is this machine's."""

    name: str = ""

    @cached_property
    def _zone(self) -> ZoneInfo | None:
        try:
            return ZoneInfo(self.name) if self.name else None
        except (ValueError, KeyError, OSError) as error:
            raise UserError(f"“{self.name}” is not a time zone: name one like Europe/Berlin or UTC.") from error

    @property
    def place(self) -> str:
        """Its name for people who do not know this machine."""
        return self.name or datetime.now().astimezone().tzname() or "local time"

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return self.name or f"this machine's time ({self.place})"

    def utc(self, time: datetime, *, latest: bool = False) -> datetime:
        """A time in UTC; a naive one is taken to be in this zone.

        When the clocks are put back, an hour comes twice. A time in it is the earlier one, and with `latest` the later
        one, so that a doubt about when somebody handed in, and one about a deadline, are both to the student's favour.
        """
        if time.tzinfo is not None:
            return time.astimezone(UTC)
        return (max if latest else min)(self._aware(time.replace(fold=fold)).astimezone(UTC) for fold in (0, 1))

    def _aware(self, time: datetime) -> datetime:
        return time.replace(tzinfo=self._zone) if self._zone else time.astimezone()

    def names(self, time: datetime) -> set[str]:
        """What this zone calls itself at a naive time, in lower case: CET or CEST."""
        return {(self._aware(time.replace(fold=fold)).tzname() or "").casefold() for fold in (0, 1)}

    def show(self, time: datetime) -> str:
        """A time, to the second, as a clock in this zone shows it."""
        return f"{time.astimezone(self._zone):%Y-%m-%d %H:%M:%S}"

    def parse(self, text: str) -> datetime:
        """A deadline as a person writes it, in UTC; a date without a time means the whole day.

        Raises:
            UserError: it is not a time.
        """
        try:
            return self.utc(until(text.strip()), latest=True)
        except (ValueError, OverflowError) as error:
            fix = "write it as 2026-10-12 23:59, or with its zone as 2026-10-12T23:59+08:00"
            raise UserError(f"“{text}” is not a date and time: {fix}.") from error


@dataclass(frozen=True)
class CourseSettings:
    """The settings of a course.

    Attributes:
        timezone: of deadlines, and of times without a zone, as LMSs write them into file names.
        missing_screenshot: the percentage of a lab's points that each missing screenshot costs; 0 is off.
        screenshots: how many screenshots a report must contain, by lab; a lab that is not listed needs none.
        group_labs: labs that are the groups' work, so that what one member hands in is everybody's.
        grading: how the course's total comes from the labs' marks.
        serve: how official marks are served.
    """

    timezone: Timezone = Timezone()
    missing_screenshot: float = 0.0
    screenshots: dict[str, int] = field(default_factory=dict)
    group_labs: tuple[str, ...] = ()
    grading: GradingRules = field(default_factory=GradingRules)
    serve: ServeRules = field(default_factory=ServeRules)

    @classmethod
    def of(cls, root: Path) -> "CourseSettings":
        """The settings in a course folder.

        Raises:
            UserError: rules.toml cannot be read, or contains something that is not a setting.
        """
        path = root / "rules.toml"
        if not path.is_file():
            return cls()
        try:
            # Decimals stay decimal: 0.1 in the file is a tenth, not the nearest binary number.
            entries: dict[str, Any] = tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}): fix it, then run again.") from error
        try:
            with_labs = WITH_LABS & set(entries) or names_labs(entries.get("serve"))
            return cls._parse(entries, lab_names(Course(root)) if with_labs else [])
        except UserError as error:
            raise UserError(f"{path}: {error}") from error

    @classmethod
    def _parse(cls, entries: dict[str, Any], labs: list[str]) -> "CourseSettings":
        if unknown := [name for name in entries if name not in SETTINGS]:
            raise UserError(f"{', '.join(unknown)} is not a setting; the settings are {', '.join(SETTINGS)}.")
        timezone = _timezone(entries.get("timezone", ""))
        return cls(
            timezone,
            _percentage(entries.get("missing_screenshot", 0)),
            _screenshots(entries.get("screenshots", {})),
            _group_labs(entries.get("group_labs", [])),
            GradingRules.parse(entries, labs),
            ServeRules.parse(entries.get("serve", {}), labs, timezone.parse),
        )

    def screenshots_of(self, lab: str) -> int:
        """How many screenshots a lab's report must contain; the lab may be listed by its name or its beginning."""
        return max((count for name, count in self.screenshots.items() if _means(name, lab)), default=0)

    def for_groups(self, lab: str) -> bool:
        """Whether a lab is the groups' work; it may be listed by its name or its beginning."""
        return any(_means(name, lab) for name in self.group_labs)


def _means(name: str, lab: str) -> bool:
    """Whether a lab is listed by this name: its own or its beginning."""
    return lab == name or lab.startswith(f"{name}_")


def _timezone(name: Any) -> Timezone:
    if not isinstance(name, str):
        raise UserError(f"timezone must be a name, such as {EXAMPLE}.")
    zone = Timezone(name)
    zone.utc(datetime.now())  # so that a zone that does not exist is an error here
    return zone


def _percentage(value: Any) -> float:
    if type(value) not in (int, Decimal) or not Decimal(value).is_finite() or not 0 <= value <= 100:
        raise UserError(f"missing_screenshot = {value} must be a percentage, from 0 to 100.")
    return float(value)


def _screenshots(table: Any) -> dict[str, int]:
    if not isinstance(table, dict) or not all(type(count) is int and count >= 0 for count in table.values()):
        raise UserError("[screenshots] must list labs and how many each needs, such as lab1 = 3.")
    return table


def _group_labs(labs: Any) -> tuple[str, ...]:
    if not isinstance(labs, list) or not all(isinstance(lab, str) for lab in labs):
        raise UserError('group_labs must list labs, such as group_labs = ["lab2", "lab3"].')
    return tuple(labs)
