"""When students handed in, by a table of the LMS: Moodle's grading worksheet, or any CSV with a student and a time."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.course_folder.roster import Roster, read_table, squeezed
from autograder.course_folder.settings import Zone
from autograder.errors import UserError

TIME_COLUMNS = (
    "lastmodifiedsubmission", "submittedat", "submissiontime", "submissiondate", "datesubmitted", "submitted",
    "timestamp", "time", "when", "date", "提交时间", "提交時間", "提出日時",
)  # fmt: skip
STUDENT_COLUMNS = (
    "studentid", "idnumber", "id", "学号", "學號", "username", "emailaddress", "email", "fullname", "name", "student",
    "姓名",
)  # fmt: skip
NUMBER_COLUMNS = ("identifier",)  # Moodle's "Participant 4711", which is in the names of its folders


@dataclass(frozen=True)
class Times:
    """What such a table says.

    Attributes:
        by_student: when, in UTC, by id.
        by_number: students' ids by the LMS's own number of them.
    """

    by_student: dict[str, datetime] = field(default_factory=dict)
    by_number: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, roster: Roster, zone: Zone) -> "Times":
        """The table in a file; lines of people who are not on the roster, and without a time, say nothing.

        Raises:
            UserError: it cannot be read, or has no column of times or students.
        """
        header, rows = read_table(path)
        names = [squeezed(name) for name in header]
        who = [names.index(name) for name in STUDENT_COLUMNS if name in names]
        when = [names.index(name) for name in TIME_COLUMNS if name in names]
        numbers = [names.index(name) for name in NUMBER_COLUMNS if name in names]
        if not who or not when:
            what = "students" if when else "times"
            raise UserError(f"{path} has no column of {what}: its first line has to name them, such as id,time.")
        made = cls()
        for line, row in rows:
            cells = [*row, *[""] * (len(header) - len(row))]
            student = next((found for place in who if cells[place] and (found := roster.sender(cells[place]).only)), "")
            if not student:
                continue
            for place in numbers:
                if digits := re.search(r"\d+", cells[place]):
                    made.by_number[digits[0]] = student
            if re.search(r"\d", cells[when[0]]):
                made.by_student[student] = _time(cells[when[0]], zone, f"{path}, line {line}")
        return made


def _time(text: str, zone: Zone, where: str) -> datetime:
    """A time as LMSs write it for people, in English or as a standard; none where day and month could be either."""
    from dateutil import parser

    if re.match(r"\d{1,2}[/.]\d{1,2}[/.]\d", text):
        raise UserError(f"{where}: in “{text}” day and month may be either: write it as 2026-10-12 23:59.")
    try:
        return zone.utc(parser.parse(text))
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{where}: “{text}” is no time that is understood here: write it as 2026-10-12 23:59."
        ) from error
