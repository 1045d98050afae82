"""Extensions: who may hand in a lab later than the others, and until when.

They are kept in granted_extensions.csv in the course folder, one row per lab and student, because nbgrader has a place
for an extension only once something was handed in. `late.update` copies them to nbgrader's gradebook from then on.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.settings import Timezone, until
from autograder.errors import UserError
from autograder.files import write_atomic

HEADER = ["lab", "student_id", "extension"]
UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}
DURATION = re.compile(r"(?:\s*\d+\s*(?:w|d|h|min)\b|\s*\d+(?:w|d|h|min)(?=\d))+\s*", re.IGNORECASE)
PART = re.compile(r"(\d+)\s*(w|d|h|min)", re.IGNORECASE)
LONGEST = timedelta(days=1000)
NONE = "none"
HOW = "write 7d, 12h, 1w, 2d12h, a date such as 2026-10-19 or “2026-10-19 23:59”, or none to take one back"


@dataclass(frozen=True)
class Extension:
    """What a student was granted: more time, or another deadline.

    Attributes:
        longer: how much longer than the lab's deadline, whenever that is; None if there is a date.
        until: the student's own deadline, in UTC; None if there is a duration.
    """

    longer: timedelta | None = None
    until: datetime | None = None

    @classmethod
    def parse(cls, text: str, timezone: Timezone) -> "Extension | None":
        """An extension as a person writes it; None for "none". A date without a time means the whole day.

        Raises:
            UserError: it is neither a duration nor a date.
        """
        text = text.strip()
        if text.casefold() == NONE:
            return None
        if DURATION.fullmatch(text):
            parts = PART.findall(text)
            # The number of digits is limited because a timedelta is.
            longer = sum((int(count[:9]) * UNITS[unit.lower()] for count, unit in parts), timedelta())
            if not timedelta() < longer <= LONGEST:
                raise UserError(f"“{text}” is no extension of at most {LONGEST.days} days: {HOW}.")
            return cls(longer=longer)
        try:
            return cls(until=timezone.utc(until(text), latest=True))
        except (ValueError, OverflowError) as error:
            raise UserError(f"“{text}” is no extension: {HOW}.") from error

    def deadline(self, due: datetime | None) -> datetime | None:
        """The student's own deadline, in UTC; None if it depends on the lab's and that has none."""
        if self.until is not None:
            return self.until
        return due + self.longer if due is not None and self.longer is not None else None

    @property
    def duration(self) -> str:
        """How much longer, as people write it and `parse` reads it: 2d 12h; "" if there is a date."""
        if self.longer is None:
            return ""
        minutes = int(self.longer.total_seconds()) // 60
        parts = {"d": minutes // (24 * 60), "h": minutes // 60 % 24, "min": minutes % 60}
        return " ".join(f"{count}{unit}" for unit, count in parts.items() if count) or "0min"

    @property
    def text(self) -> str:
        """As it is stored: seconds with a plus, or a date in UTC."""
        if self.longer is not None:
            return f"+{self.longer.total_seconds():.0f} s"
        return "" if self.until is None else self.until.astimezone(UTC).isoformat()

    @classmethod
    def stored(cls, text: str) -> "Extension":
        """What `text` was made from; ValueError if it was not."""
        if match := re.fullmatch(r"\+(\d{1,9}) s", text):
            return cls(longer=timedelta(seconds=int(match[1])))
        until = datetime.fromisoformat(text)
        if until.tzinfo is None:
            raise ValueError("a date without a time zone")
        return cls(until=until.astimezone(UTC))


def granted(course: Course, lab: str) -> dict[str, Extension]:
    """The extensions of a lab by student: those in granted_extensions.csv, and others that nbgrader's gradebook knows.

    Raises:
        UserError: granted_extensions.csv cannot be read.
    """
    in_nbgrader = {student: Extension(longer=longer) for student, longer in gradebook.extensions(course, lab).items()}
    own = {student: extension for (name, student), extension in _read(course).items() if name == lab}
    return {**in_nbgrader, **own}


def deadlines(course: Course, lab: str) -> dict[str, datetime]:
    """Each extended student's own deadline, in UTC; nobody else is in it.

    An extension by a duration has no deadline before the lab has one.

    Raises:
        UserError: granted_extensions.csv cannot be read.
    """
    return deadlines_after(course, lab, gradebook.deadline(course, lab))


def deadlines_after(course: Course, lab: str, due: datetime | None) -> dict[str, datetime]:
    """As `deadlines`, if the lab were due at this time."""
    own = {student: extension.deadline(due) for student, extension in granted(course, lab).items()}
    return {student: deadline for student, deadline in own.items() if deadline is not None}


def grant(course: Course, lab: str, extensions: Mapping[str, Extension | None]) -> None:
    """Grant extensions to students, all or none; None takes one back.

    Raises:
        UserError: granted_extensions.csv cannot be read or written.
    """
    rows = _read(course)
    for student, extension in extensions.items():
        rows.pop((lab, student), None)
        if extension is not None:
            rows[lab, student] = extension
    _write(course, rows)
    # What was copied to nbgrader's gradebook before would count again there.
    gradebook.set_extensions(course, lab, dict.fromkeys(extensions))


def forget(course: Course, student: str) -> None:
    """Remove a student's extensions in every lab from granted_extensions.csv.

    Raises:
        UserError: it cannot be read or written.
    """
    rows = _read(course)
    kept = {place: extension for place, extension in rows.items() if place[1] != student}
    if len(kept) < len(rows):
        _write(course, kept)


def _write(course: Course, rows: Mapping[tuple[str, str], Extension]) -> None:
    table = io.StringIO()
    lines = [[name, student, extension.text] for (name, student), extension in sorted(rows.items(), key=_key)]
    csv.writer(table).writerows([HEADER, *lines])
    write_atomic(course.extensions, table.getvalue())


def _key(row: tuple[tuple[str, str], Extension]) -> tuple[str, str]:
    return row[0]


def _read(course: Course) -> dict[tuple[str, str], Extension]:
    """All of granted_extensions.csv: by lab and student."""
    path = course.extensions
    if not path.is_file():
        return {}
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
        if rows[0] != HEADER:
            raise ValueError("its first line is not lab,student_id,extension")
        return {(lab, student): Extension.stored(text) for lab, student, text in filter(None, rows[1:])}
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read ({error}): correct it, or delete it and grant the extensions again."
        ) from error
