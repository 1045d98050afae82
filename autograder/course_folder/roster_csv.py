"""Reading a roster from a CSV, as LMSs, registrars and people with spreadsheets write it."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course_folder.encodings import decode, examples
from autograder.course_folder.roster import Student, squeeze
from autograder.errors import UserError

# Headers as exports of LMSs and registrars write them, squeezed. If several columns fit, the first of these counts.
HEADERS = {
    "id": (
        "sisuserid", "studentid", "id", "idnumber", "studentnumber", "studentno", "matriculationnumber",
        "matrikelnummer", "学号", "學號", "学籍番号", "学生番号", "학번", "username", "userid", "loginid", "sisloginid",
        "login", "netid",
    ),
    "name": (
        "name", "fullname", "studentname", "student", "姓名", "名字", "氏名", "이름", "성명", "имя", "фио",
        "nomcomplet",
    ),
    "first": ("firstname", "givenname", "givennames", "forename", "vorname", "prénom", "名"),
    "last": ("lastname", "surname", "familyname", "nachname", "nom", "姓"),
    "email": (
        "email", "emailaddress", "mail", "emailaddresses", "邮箱", "郵箱", "电子邮件", "電子郵件", "メールアドレス",
        "이메일",
    ),
    "lms_id": ("lmsuserid", "lmsid", "canvasid", "id", "username", "userid"),
    # Not "groups", as Moodle calls a list of all groups that somebody is in.
    "group": (
        "group", "groupname", "team", "teamname", "gruppe", "groupe", "équipe", "grupo", "equipo", "小组", "小組",
        "分组", "分組", "组别", "組別", "グループ", "班組", "조", "그룹",
    ),
    "section": (
        "section", "sections", "sectionname", "tutorial", "tutorialgroup", "labsection", "übung", "übungsgruppe",
        "sección", "turma", "班级", "班級", "クラス", "분반",
    ),
}  # fmt: skip
DELIMITERS = ",;\t|"
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .ods begin, and .xls
MAX_ID_LENGTH = 100
FORBIDDEN_IN_ID = set('/\\:*?"<>|[]')
# Rows that LMSs add to their exports and that are no students.
NOT_STUDENTS = {"pointspossible", "studenttest", "teststudent"}


@dataclass(frozen=True)
class RosterFile:
    """What a CSV says about students.

    Attributes:
        students: in the file's order.
        split_names: whether the file says itself which part of a name is the first and which the last.
        guess: the encoding, if it was guessed; "" if it is beyond doubt.
        examples: the first names in which the encoding makes a difference.
    """

    students: list[Student]
    split_names: bool
    guess: str = ""
    examples: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, encoding: str = "", known: Iterable[str] = ()) -> "RosterFile":
        """The students in a CSV with a header line, whatever its columns, their order and the delimiter.

        Args:
            path: the file; see `encodings.decode`.
            encoding: the file's encoding, if it is not UTF-8.
            known: the ids of the students who are in the course already; a file about them alone needs no names.

        Raises:
            UserError: it cannot be read, has no column of ids or of names, or lists an id twice or one that cannot
                name a folder.
        """
        table = Table.read(path, encoding)
        columns = _columns(table.header)
        known_ids = {same_id(student): student for student in known}
        ids = [row[columns["id"]] for _, row in table.rows if "id" in columns and columns["id"] < len(row)]
        all_known = bool(ids) and all(same_id(text.removeprefix("'")) in known_ids for text in ids)
        for what, fields in (("ids", {"id"}), ("names", {"name", "first", "last"})):
            if not fields & set(columns) and not (what == "names" and all_known):
                message = f"{path} has no column of {what}: name the columns in its first line, for example id,name"
                # The header as it was read shows whether a guess was wrong.
                line = ",".join(table.header)[:80]
                hint = f". If “{line}” is not what the file says, give its encoding, such as --encoding big5"
                raise UserError(f"{message}{'' if line.isascii() else hint}.")
        students = [(number, _as_known(_student(row, columns), known_ids)) for number, row in table.rows]
        students = [(number, student) for number, student in students if squeeze(student.name) not in NOT_STUDENTS]
        refuse(path, _problems(students))
        if not students:
            raise UserError(f"{path} lists no students: below its first line, each line is one.")
        people = [student for _, student in students]
        return cls(people, bool({"first", "last"} & set(columns)), table.guess, table.examples)


def read_roster(path: Path, encoding: str = "") -> list[Student]:
    """The students in a CSV; see `RosterFile.read`."""
    return RosterFile.read(path, encoding).students


def refuse(path: Path, problems: Sequence[str]) -> None:
    """Raise a UserError about these problems of a file, if there are any."""
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise UserError(f"{path}: {'; '.join(problems[:5])}{more}. Nothing was changed: fix the file, then run again.")


@dataclass(frozen=True)
class Table:
    """A CSV.

    Attributes:
        header: its first line.
        rows: its other lines that are not empty, with their numbers.
        guess: the encoding, if it was guessed; else "".
        examples: the first cells in which the encoding makes a difference.
    """

    header: list[str]
    rows: list[tuple[int, list[str]]]
    guess: str = ""
    examples: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, encoding: str = "") -> "Table":
        """The table in a file; encoding and delimiter are found out.

        Raises:
            UserError: it cannot be read, or several encodings fit.
        """
        try:
            content = path.read_bytes()
            if content.startswith(WORKBOOKS):
                raise UserError("it is a workbook or another archive, not a CSV file: save its sheet as CSV in UTF-8.")
            decoded = decode(content, encoding, _names_columns)
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror}): name a CSV file.") from error
        except LookupError as error:
            raise UserError(f"there is no encoding called {encoding}: name one such as cp1252 or big5.") from error
        except UnicodeError as error:
            raise UserError(f"{path} is not text in {encoding or 'UTF-8'}: save it as CSV in UTF-8.") from error
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        try:
            rows = _rows(decoded.text)
        except csv.Error as error:
            raise UserError(f"{path} is not a CSV file ({error}): save it as CSV in UTF-8.") from error
        numbered = [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1)]
        numbered = [(number, row) for number, row in numbered if any(row)]
        header, lines = (numbered[0][1], numbered[1:]) if numbered else ([], [])
        shown = tuple(examples(decoded.text)) if decoded.guess else ()
        return cls(header, lines, decoded.guess, shown)


def read_table(path: Path, encoding: str = "") -> tuple[list[str], list[tuple[int, list[str]]]]:
    """A CSV's header and rows; see `Table.read`."""
    table = Table.read(path, encoding)
    return table.header, table.rows


def _rows(text: str) -> list[list[str]]:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=header.count)))


def _names_columns(text: str) -> bool:
    """Whether a header in another script names the columns of a roster, which no wrong encoding makes it do."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    columns = _columns(_rows(header)[0]) if header and not header.isascii() else {}
    return any(not squeeze(_rows(header)[0][index]).isascii() for index in columns.values())


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Which column holds what. One column is never both the id and the LMS's own id."""
    names = [squeeze(name) for name in header]
    columns: dict[str, int] = {}
    for what, headers in HEADERS.items():
        indices = [names.index(name) for name in headers if name in names]
        unused = [index for index in indices if index not in columns.values()]
        if unused:
            columns[what] = unused[0]
    return columns


def _student(row: Sequence[str], columns: dict[str, int]) -> Student:
    def cell(what: str) -> str:
        index = columns.get(what)
        return unicodedata.normalize("NFC", row[index]).strip() if index is not None and index < len(row) else ""

    # A leading apostrophe told a spreadsheet that this is text.
    first, last, student_id = cell("first"), cell("last"), cell("id").removeprefix("'")
    if not first and not last:
        first, last = _split_name(cell("name"))
    return Student(student_id, first, last, cell("email"), cell("lms_id"), cell("group"), cell("section"))


def _split_name(name: str) -> tuple[str, str]:
    """First and last name: split at a comma, else at the last space, else all of it is the last name."""
    if "," in name:
        last, _, first = name.partition(",")
        return first.strip(), last.strip()
    first, _, last = name.rpartition(" ")
    return first.strip(), last


def same_id(text: str) -> str:
    """Equal for ids that are the same to people and to folders: in upper or lower case, wide or narrow."""
    return unicodedata.normalize("NFKC", text).casefold()


def _as_known(student: Student, known: dict[str, str]) -> Student:
    return replace(student, id=known.get(same_id(student.id), student.id))


def _problems(students: Iterable[tuple[int, Student]]) -> list[str]:
    problems, lines = [], dict[str, int]()
    for number, student in students:
        key = same_id(student.id)
        if problem := id_problem(student.id):
            problems.append(f"line {number}: {problem}")
        elif "\n" in f"{student.first}{student.last}{student.email}{student.group}{student.section}":
            # An open quotation mark would swallow the students below, who would be missing without a word.
            problems.append(f"line {number}: a cell of {student.id} runs over several lines: close the quotation mark")
        elif key in lines:
            problems.append(f"line {number}: {student.id} is already in line {lines[key]}")
        lines.setdefault(key, number)
    return problems


def id_problem(text: str) -> str:
    """Why this cannot be a student's id, which also names a folder; "" if it can."""
    if not text:
        return "there is no id"
    if re.fullmatch(r"\d(\.\d+)?E\+\d+", text):
        return f"{text} is what a spreadsheet made of a long number: format the column as text"
    control = any(unicodedata.category(character)[0] == "C" for character in text)
    if text.startswith(".") or set(text) & FORBIDDEN_IN_ID or control:
        return f"{text!r} cannot name a folder"
    return f"{text[:20]}… is longer than {MAX_ID_LENGTH} characters" if len(text) > MAX_ID_LENGTH else ""
