"""A table of submission times from the LMS: Moodle's grading worksheet, or any CSV with a student and a time."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.course_folder.roster import Roster, squeeze
from autograder.course_folder.roster_csv import read_table
from autograder.course_folder.settings import Timezone
from autograder.errors import UserError

TIME_COLUMNS = (
    "lastmodifiedsubmission", "submittedat", "submissiontime", "submissiondate", "datesubmitted", "submitted",
    "timestamp", "time", "when", "date", "提交时间", "提交時間", "提出日時",
)  # fmt: skip
STUDENT_COLUMNS = (
    "studentid", "idnumber", "id", "学号", "學號", "username", "emailaddress", "email", "fullname", "name", "student",
    "姓名",
)  # fmt: skip
NUMBER_COLUMNS = ("identifier",)  # Moodle's "Participant 4711"; the number is also in the names of its folders


@dataclass(frozen=True)
class SubmissionTimes:
    """What such a table says.

    Attributes:
        by_student: when each student submitted, in UTC, by id.
        by_number: students' ids by the LMS's own numbers for them.
    """

    by_student: dict[str, datetime] = field(default_factory=dict)
    by_number: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, roster: Roster, timezone: Timezone) -> "SubmissionTimes":
        """The table in a file. Rows of people who are not on the roster are skipped, and so are empty times.

        Raises:
            UserError: the file cannot be read, or has no column of times or of students.
        """
        header, rows = read_table(path)
        names = [squeeze(name) for name in header]
        student_columns = [names.index(name) for name in STUDENT_COLUMNS if name in names]
        time_columns = [names.index(name) for name in TIME_COLUMNS if name in names]
        number_columns = [names.index(name) for name in NUMBER_COLUMNS if name in names]
        if not student_columns or not time_columns:
            what = "students" if time_columns else "times"
            raise UserError(f"{path} has no column of {what}: name the columns in its first line, such as id,time.")
        times = cls()
        for line, row in rows:
            cells = [*row, *[""] * (len(header) - len(row))]
            senders = (roster.sender(cells[column]).only for column in student_columns if cells[column])
            student = next(filter(None, senders), "")
            if not student:
                continue
            for column in number_columns:
                if digits := re.search(r"\d+", cells[column]):
                    times.by_number[digits[0]] = student
            if re.search(r"\d", cells[time_columns[0]]):
                times.by_student[student] = _parse_time(cells[time_columns[0]], timezone, f"{path}, line {line}")
        return times


def _parse_time(text: str, timezone: Timezone, where: str) -> datetime:
    """A time as LMSs write it for people, in English or ISO; refused where it is unclear which is day and month."""
    from dateutil import parser

    if re.match(r"\d{1,2}[/.]\d{1,2}[/.]\d", text):
        raise UserError(
            f"{where}: it is unclear which number in “{text}” is the day and which the month: "
            "write it as 2026-10-12 23:59."
        )
    try:
        return timezone.utc(parser.parse(text))
    except (ValueError, OverflowError) as error:
        raise UserError(f"{where}: “{text}” is not a time that can be read: write it as 2026-10-12 23:59.") from error
