"""A table of submission times from the LMS: Moodle's grading worksheet, or any CSV with a student and a time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.collect.written_times import UnreadableTimeError, parse_time
from autograder.course_folder.roster import Roster, squeeze
from autograder.course_folder.roster_csv import read_table
from autograder.course_folder.settings import Timezone
from autograder.errors import UserError

# Moodle's own words are those of its language packs, mod/assign/lang/*/assign.php: lastmodifiedsubmission.
TIME_COLUMNS = (
    "lastmodifiedsubmission", "zuletztgeändertabgabe", "dernièremodificationtravailremis",
    "dernièremodificationprésentation", "últimamodificaciónentrega", "fechadeentrega", "últimaatualizaçãosubmissão",
    "últimamodificaçãosubmissão", "últimamodificaçãoenvio", "ultimamodificaconsegna", "ultimamodificainvio",
    "senastmodifieratinlämning", "последнееизменениеответ", "最后修改提交", "最后修改学生", "最后修改作业",
    "最後修改繳交", "最後修改學生", "最後修改的作業", "最終更新日時提出", "최종수정제출", "최종수정일제출",
    "submittedat", "submissiontime", "submissiondate", "datesubmitted", "submitted", "timestamp", "time", "when",
    "date", "abgabezeit", "abgabedatum", "abgegebenam", "datederemise", "horadeentrega", "datadeentrega", "提交时间",
    "提交時間", "繳交時間", "提出日時", "제출시간", "제출일시",
)  # fmt: skip
STUDENT_COLUMNS = (
    "studentid", "idnumber", "rosteridentifier", "id", "学号", "學號", "学籍番号", "학번", "matrikelnummer", "idnummer",
    "numéroidentification", "númerodeid", "username", "anmeldename", "githubusername", "emailaddress", "email",
    "emailadresse", "电子邮件", "電子郵件信箱", "メールアドレス", "이메일주소", "fullname", "name",
    "student", "vollständigername", "nomcomplet", "nombrecompleto", "nomecompleto", "姓名", "全名", "氏名", "이름",
    "성명",
)  # fmt: skip
# Headings of other times: of the grade, which Moodle gives beside that of the submission, or of the deadline.
OTHER_TIMES = re.compile(
    r"grade|due|deadline|bewertung|note|calificaci|cualificaci|nota|avalia|valutazione|betyg|оценка|得分|評分|评分|教师|"
    r"老師|評定|평가|fällig|截止|期限"
)
# What people and LMSs write where nothing was handed in, squeezed.
NO_TIME = {
    "", "na", "none", "never", "no", "nosubmission", "notsubmitted", "missing", "keine", "keineabgabe", "nie", "jamais",
    "aucun", "aucune", "nunca", "ninguno", "ninguna", "nenhum", "nenhuma", "无", "無", "从未", "從未", "未提交",
    "未繳交", "なし", "未提出", "없음", "미제출",
}  # fmt: skip
NUMBERED = re.compile(r"(?P<kind>[^\d]*[^\W\d][^\d]*)(?P<number>\d+)")  # Moodle's "Participant 4711"


class _TwoTimesError(UnreadableTimeError):
    """A table gives one person, by id or by number, two times, and which is the newest submission's is unknown."""

    def __init__(self, whose: str, message: str):
        super().__init__(message)
        self.whose = whose


@dataclass(frozen=True)
class SubmissionTimes:
    """What such a table says.

    Attributes:
        by_student: when each student submitted, in UTC, by id.
        by_number: students' ids by the LMS's own numbers for them, which are in the names of Moodle's folders.
        when_by_number: when whoever has this number submitted; a table without names says no more.
        problems: a sentence for each line that cannot be read, with its text.
        remark: which columns were taken, if their headings do not say; "" if they do.
    """

    by_student: dict[str, datetime] = field(default_factory=dict)
    by_number: dict[str, str] = field(default_factory=dict)
    when_by_number: dict[str, datetime] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    remark: str = ""

    @classmethod
    def read(cls, path: Path, roster: Roster, timezone: Timezone) -> "SubmissionTimes":
        """The table in a file. Rows of people who are not on the roster are skipped, and so are empty times.

        Raises:
            UserError: the file cannot be read, or has no column of times or of students.
        """
        header, lines = read_table(path)
        rows = [(number, [*row, *[""] * (len(header) - len(row))]) for number, row in lines]
        columns = _Columns.of(header, [row for _, row in rows], roster, timezone)
        if columns.time is None or not (columns.students or columns.number is not None):
            what = "times" if columns.time is None else "students"
            raise UserError(f"{path} has no column of {what}: name the columns in its first line, such as id,time.")
        table, problems, doubtful = cls(remark=columns.remark), [], set[str]()
        for line, row in rows:
            try:
                table._add(row, columns, roster, timezone)
            except UnreadableTimeError as error:
                problems.append(f"{path.name}, line {line}: {error}")
                doubtful |= {error.whose} if isinstance(error, _TwoTimesError) else set()
        for whose in doubtful:
            table.by_student.pop(whose, None)
            table.when_by_number.pop(whose, None)
        return cls(table.by_student, table.by_number, table.when_by_number, tuple(problems), columns.remark)

    def _add(self, row: Sequence[str], columns: "_Columns", roster: Roster, timezone: Timezone) -> None:
        senders = (roster.sender(row[column]).only for column in columns.students if row[column])
        student = next(filter(None, senders), "")
        match = NUMBERED.fullmatch(row[columns.number]) if columns.number is not None else None
        number = match["number"] if match else ""
        if student and number:
            self.by_number[number] = student
        text = row[columns.time or 0]
        if squeeze(text) in NO_TIME or not (student or number):
            return
        try:
            when = timezone.utc(parse_time(text, timezone))
        except OverflowError as error:
            raise UnreadableTimeError(f"“{text}” is not a time that can be read") from error
        times, whose = (self.by_student, student) if student else (self.when_by_number, number)
        if times.setdefault(whose, when) != when:
            raise _TwoTimesError(whose, f"{whose} has another time above, so none counts: keep the newest")


@dataclass(frozen=True)
class _Columns:
    """Which column of a table holds what: by its heading, or else by what is in it, whatever the language.

    Attributes:
        time: when people submitted; None if no column says.
        students: ids, emails and names; the first that is somebody's counts.
        number: the LMS's own number of each person; None if there is none.
        remark: which columns were taken by what is in them.
    """

    time: int | None
    students: list[int]
    number: int | None
    remark: str

    @classmethod
    def of(cls, header: list[str], rows: list[list[str]], roster: Roster, timezone: Timezone) -> "_Columns":
        names = [squeeze(name) for name in header]
        time = next((names.index(name) for name in TIME_COLUMNS if name in names), None)
        by_content = []
        if time is None:
            others = (column for column, name in enumerate(names) if not OTHER_TIMES.search(name))
            time = next((column for column in others if _are_times([row[column] for row in rows], timezone)), None)
            by_content += [] if time is None else [f"times from “{header[time]}”"]
        people = [column for column in range(len(header)) if column != time]
        students = [names.index(name) for name in STUDENT_COLUMNS if name in names and names.index(name) != time]
        known = {column: sum(bool(roster.exact(row[column]).only) for row in rows if row[column]) for column in people}
        if not any(known[column] for column in students):
            found = sorted((column for column in people if known[column]), key=lambda column: -known[column])
            by_content += [f"students from “{header[found[0]]}”"] if found else []
            students += [column for column in found if column not in students]
        # A column of ids such as S101 looks the same, and is none: its numbers are nobody's in Moodle.
        numbered = (column for column in people if not known[column])
        number = next((column for column in numbered if _are_numbered([row[column] for row in rows])), None)
        return cls(time, students, number, f"the table's {' and '.join(by_content)}" if by_content else "")


def _are_times(cells: Sequence[str], timezone: Timezone) -> bool:
    """Whether most of these cells that contain a digit are times."""
    texts = [cell for cell in cells if re.search(r"\d", cell)]
    return bool(texts) and 2 * sum(_is_time(text, timezone) for text in texts) > len(texts)


def _is_time(text: str, timezone: Timezone) -> bool:
    try:
        parse_time(text, timezone)
    except (UnreadableTimeError, OverflowError):
        return False
    return True


def _are_numbered(cells: Sequence[str]) -> bool:
    """Whether these are numbers with one and the same word before them."""
    matches = [NUMBERED.fullmatch(cell) for cell in cells if cell]
    return bool(matches) and all(matches) and len({match["kind"].strip() for match in matches if match}) == 1
