"""A course's own rules: rules.toml in the course folder, plain settings with everything off by default."""

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder.errors import UserError

EXAMPLE = 'timezone = "Asia/Taipei"'


@dataclass(frozen=True)
class Zone:
    """A time zone: one by name, or this machine's where the name is ""."""

    name: str = ""

    @cached_property
    def _zone(self) -> ZoneInfo | None:
        try:
            return ZoneInfo(self.name) if self.name else None
        except (ValueError, KeyError, OSError) as error:
            raise UserError(f"“{self.name}” is no time zone: name one like Europe/Berlin or UTC.") from error

    @property
    def shown(self) -> str:
        """Its name for people."""
        return self.name or f"this machine's time ({datetime.now().astimezone().tzname()})"

    def utc(self, time: datetime) -> datetime:
        """A moment in UTC; one that names no zone is in this one."""
        if time.tzinfo is None:
            time = time.replace(tzinfo=self._zone) if self._zone else time.astimezone()
        return time.astimezone(UTC)

    def show(self, time: datetime) -> str:
        """A moment, to the second, as a clock of this zone shows it."""
        return f"{time.astimezone(self._zone):%Y-%m-%d %H:%M:%S}"

    def parse(self, text: str) -> datetime:
        """A moment as a person writes it, in UTC.

        Raises:
            UserError: it is none.
        """
        try:
            return self.utc(datetime.fromisoformat(text.strip()))
        except (ValueError, OverflowError) as error:
            told = "write it as 2026-10-12 23:59, or with its zone as 2026-10-12T23:59+08:00"
            raise UserError(f"“{text}” is no point in time: {told}.") from error


@dataclass(frozen=True)
class Rules:
    """The rules of a course.

    Attributes:
        zone: of deadlines, and of times in an LMS's file names, which name none.
        missing_screenshot: per cent of a lab's points for each screenshot that is missing in the report; 0 is off.
        screenshots: how many a report has to have, by lab; a lab that is not named needs none.
    """

    zone: Zone = Zone()
    missing_screenshot: float = 0.0
    screenshots: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> "Rules":
        """The rules in a course folder.

        Raises:
            UserError: rules.toml cannot be read, or names something that is no rule.
        """
        path = root / "rules.toml"
        try:
            given: dict[str, Any] = tomllib.loads(path.read_text("utf-8-sig")) if path.is_file() else {}
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}): mend it, then run again.") from error
        zone, share, counts = (
            given.pop("timezone", ""),
            given.pop("missing_screenshot", 0),
            given.pop("screenshots", {}),
        )
        if given:
            known = "timezone, missing_screenshot, screenshots"
            raise UserError(f"{path}: {', '.join(given)} is no rule; there are {known}.")
        if type(share) not in (int, float) or not 0 <= share <= 100:
            raise UserError(f"{path}: missing_screenshot = {share!r} has to be per cent, from 0 to 100.")
        if not isinstance(counts, dict) or not all(type(count) is int and count >= 0 for count in counts.values()):
            raise UserError(f"{path}: [screenshots] has to name labs and how many each needs, such as lab1 = 3.")
        if not isinstance(zone, str):
            raise UserError(f"{path}: timezone has to be a name, such as {EXAMPLE}.")
        made = cls(Zone(zone), float(share), counts)
        made.zone.utc(datetime.now())  # told here where the zone is none
        return made

    def screenshots_of(self, lab: str) -> int:
        """How many screenshots a lab's report has to have: named by the lab's name or its beginning."""
        named = (count for name, count in self.screenshots.items() if lab == name or lab.startswith(f"{name}_"))
        return max(named, default=0)
