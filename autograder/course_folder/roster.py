"""Who is in the course: reading a roster, and finding a student in what a file is called."""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from autograder.errors import UserError

# Headers without spaces and signs, as exports of LMSs and registrars write them; of several columns the first counts.
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
}  # fmt: skip
DELIMITERS = ",;\t|"
LONGEST_ID = 100
NOT_IN_AN_ID = set('/\\:*?"<>|[]')
# What LMSs add to their exports and is nobody.
NOBODY = {"pointspossible", "studenttest", "teststudent"}


@dataclass(frozen=True)
class Student:
    """One line of a roster.

    Attributes:
        id: what the gradebook knows the student by, and the name of the folders.
        first, last: names; a name that is not divided stands in last.
        email: or "".
        lms_id: what the LMS calls the student by, where that is something else than id.
    """

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    lms_id: str = ""

    @property
    def name(self) -> str:
        """The name as one writes it: the family name first where it is Chinese, Japanese or Korean."""
        if _is_cjk((self.last + self.first)[:1]):
            return self.last + self.first
        return f"{self.first} {self.last}".strip()

    @property
    def shown(self) -> str:
        """Id and name for a table."""
        return f"{self.id} {self.name}".strip()


def read(path: Path, encoding: str = "") -> list[Student]:
    """The students in a CSV with a header line; columns, order and delimiter are found out.

    Args:
        path: the file: UTF-8 with or without a mark, UTF-16 with one, else GB 2312 where its bytes allow that, else
            Windows-1252.
        encoding: what it is, where that guess is wrong.

    Raises:
        UserError: it cannot be read, has no column of ids, or holds an id twice or one that cannot name a folder.
    """
    header, numbered = read_table(path, encoding)
    columns = _columns(header)
    for what, known in (("ids", {"id"}), ("names", {"name", "first", "last"})):
        if not known & set(columns):
            told = f"{path} has no column of {what}: its first line has to name them, for example id,name,email"
            # Big5 passes for GB 2312 or Windows-1252: what was read shows whether the guess was wrong.
            line = ",".join(header)[:80]
            more = f". If “{line}” is not what stands there, name the encoding, such as --encoding big5"
            raise UserError(f"{told}{'' if line.isascii() else more}.")
    students = [(number, _student(row, columns)) for number, row in numbered]
    students = [(number, student) for number, student in students if squeezed(student.name) not in NOBODY]
    problems = _problems(students)
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise UserError(f"{path}: {'; '.join(problems[:5])}{more}. Nothing was changed: mend the file, then run again.")
    if not students:
        raise UserError(f"{path} names no student: below its first line each line is one.")
    return [student for _, student in students]


def read_table(path: Path, encoding: str = "") -> tuple[list[str], list[tuple[int, list[str]]]]:
    """A CSV's header and its other lines with their numbers, in whatever encoding and with whatever delimiter it has.

    Raises:
        UserError: it cannot be read.
    """
    try:
        text = _decoded(path.read_bytes(), encoding)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a CSV file.") from error
    except (UnicodeError, LookupError) as error:
        raise UserError(f"{path} is not text in {encoding or 'UTF-8'}: save it as CSV in UTF-8.") from error
    header = next((line for line in text.splitlines() if line.strip()), "")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=header.count)))
    except csv.Error as error:
        raise UserError(f"{path} is no CSV ({error}): save it as CSV in UTF-8.") from error
    numbered = [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1)]
    numbered = [(number, row) for number, row in numbered if any(row)]
    return (numbered[0][1], numbered[1:]) if numbered else ([], [])


def _decoded(content: bytes, encoding: str) -> str:
    if encoding:
        return content.decode(encoding)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    for guess in ("utf-8-sig", "gb2312"):
        try:
            return content.decode(guess)
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252")


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Which column holds what; the column of the ids is not the LMS's own number."""
    names = [squeezed(name) for name in header]
    found: dict[str, int] = {}
    for what, known in HEADERS.items():
        places = [names.index(name) for name in known if name in names]
        free = [place for place in places if place not in found.values()]
        if free:
            found[what] = free[0]
    return found


def _student(row: Sequence[str], columns: dict[str, int]) -> Student:
    def cell(what: str) -> str:
        place = columns.get(what)
        return unicodedata.normalize("NFC", row[place]).strip() if place is not None and place < len(row) else ""

    # A leading apostrophe is how a spreadsheet was told that this is text.
    first, last, number = cell("first"), cell("last"), cell("id").removeprefix("'")
    if not first and not last:
        first, last = _divided(cell("name"))
    return Student(number, first, last, cell("email"), cell("lms_id"))


def _divided(name: str) -> tuple[str, str]:
    """First and last name: divided at a comma, else at the last space, else not at all."""
    if "," in name:
        last, _, first = name.partition(",")
        return first.strip(), last.strip()
    first, _, last = name.rpartition(" ")
    return first.strip(), last


def _problems(students: Iterable[tuple[int, Student]]) -> list[str]:
    found, seen = [], dict[str, int]()
    for number, student in students:
        key = unicodedata.normalize("NFKC", student.id).casefold()
        if problem := id_problem(student.id):
            found.append(f"line {number}: {problem}")
        elif "\n" in f"{student.first}{student.last}{student.email}":
            # Whoever stands below would be a part of this name, and missing without a word.
            found.append(f"line {number}: the cells of {student.id} go on in the next line: close the quotation mark")
        elif key in seen:
            found.append(f"line {number}: {student.id} stands in line {seen[key]} already")
        seen.setdefault(key, number)
    return found


def id_problem(text: str) -> str:
    """Why this cannot be an id, which is the name of a folder too; "" where it can."""
    if not text:
        return "there is no id"
    if re.fullmatch(r"\d(\.\d+)?E\+\d+", text):
        return f"{text} is what a spreadsheet made of a long number: format the column as text"
    if text.startswith(".") or set(text) & NOT_IN_AN_ID or any(unicodedata.category(sign)[0] == "C" for sign in text):
        return f"{text!r} cannot name a folder"
    return f"{text[:20]}… is longer than {LONGEST_ID} characters" if len(text) > LONGEST_ID else ""


def squeezed(text: str) -> str:
    """Text without case, width, spaces and signs: what is compared."""
    return "".join(words(text))


def words(text: str) -> list[str]:
    """The words of a text without case and width; a Chinese, Japanese or Korean sign ends a word in another script."""
    found: list[str] = []
    kind = ""
    for sign in unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()):
        # Signs that stand on a letter (Devanagari's vowels) are a part of the word.
        now = "" if not (sign.isalnum() or unicodedata.category(sign)[0] == "M") else "cjk" if _is_cjk(sign) else "word"
        if now and now == kind:
            found[-1] += sign
        elif now:
            found.append(sign)
        kind = now
    return found


def _is_cjk(sign: str) -> bool:
    return bool(sign) and ("\u3040" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af" or sign >= "\U00020000")


def _plain(text: str) -> str:
    """Without accents, as some LMSs write names."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


@dataclass(frozen=True)
class Match:
    """Whose a name may be: nobody's, one student's, or several.

    Attributes:
        students: by id.
        doubt: why it is not simply the one's.
        part: whether only a part of the name says so, and no id.
    """

    students: frozenset[str] = frozenset()
    doubt: str = ""
    part: bool = False

    @property
    def only(self) -> str:
        """The one student, or ""."""
        return next(iter(self.students)) if len(self.students) == 1 and not self.doubt else ""


class Roster:
    """The students of a course, found by id, email, the LMS's id or name."""

    def __init__(self, students: Iterable[Student]):
        self.students = {student.id: student for student in students}
        self._codes: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        self._plain_codes: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        self._lms: defaultdict[str, set[str]] = defaultdict(set)
        self._names: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for student in self.students.values():
            self._add(student)
        self._whole_names: defaultdict[str, set[str]] = defaultdict(set)
        for name, owners in self._names.items():
            self._whole_names["".join(name)] |= owners

    def _add(self, student: Student) -> None:
        for code in (tuple(words(student.id)), tuple(words(student.email))):
            if code:
                numbered = len(code) > 2 or any(map(str.isdigit, "".join(code)))
                (self._codes if numbered else self._plain_codes)[code].add(student.id)
        for name in (student.lms_id, student.email.partition("@")[0]):
            if name:
                self._lms[squeezed(name)].add(student.id)
        spaced = f"{student.first} {student.last}"
        for text in {student.name, spaced, _plain(spaced)}:
            said = words(text)
            # Given name first, family name first, and whatever "van der" does to it.
            for start in range(len(said)):
                self._names[(*said[start:], *said[:start])].add(student.id)

    def __len__(self) -> int:
        return len(self.students)

    def shown(self, student: str) -> str:
        """Id and name."""
        return self.students[student].shown if student in self.students else student

    def exact(self, name: str, number: str = "") -> Match:
        """Whose something is that an LMS labelled with a user name, a full name, or with a number of its own."""
        for found in (
            self._lms.get(squeezed(number)) if number else None,
            self._codes.get(tuple(words(name))),
            self._plain_codes.get(tuple(words(name))),
            self._lms.get(squeezed(name)),
            self._whole_names.get(squeezed(name)),
        ):
            if found:
                return Match(frozenset(found))
        return Match()

    def sender(self, name: str, number: str = "") -> Match:
        """As `exact`; else by an id with a number in the name, or by a name in it: Ada Lovelace in Ada Lovelace King.

        A word of a name that is somebody's id is nothing: Ada King is not the student whose id is ada.
        """
        found = self.exact(name, number)
        return found if found.students else self._inside(name, {})

    def inside(self, text: str) -> Match:
        """Whose a file is that somebody named freely: by the ids and names in it.

        An id and a name of two different students are a doubt, which a person has to decide.
        """
        return self._inside(text, self._plain_codes)

    def _inside(self, text: str, plain: Mapping[tuple[str, ...], set[str]]) -> Match:
        """Numbers are ids; a word may be an id and somebody's name, and counts where nothing else is found."""
        said = words(text)
        codes, names = self._found(self._codes, said), self._found(self._names, said) | self._written_together(said)
        if not codes and not names:
            codes = self._found(plain, said)
        if codes and names:
            if not codes & names:
                whose = " and ".join(sorted({*map(self.shown, codes), *map(self.shown, names)}))
                return Match(codes | names, f"the id and the name in it are of {whose}")
            return Match(codes & names)
        return Match(codes or names, part=not codes)

    def _found(self, known: Mapping[tuple[str, ...], set[str]], said: Sequence[str]) -> frozenset[str]:
        """Whose words stand there in a row; those inside of a longer find do not count."""
        longest = max(map(len, known), default=0)
        taken: set[int] = set()
        found: set[str] = set()
        for length in range(min(longest, len(said)), 0, -1):
            for start in range(len(said) - length + 1):
                place = set(range(start, start + length))
                if not place & taken and (owners := known.get(tuple(said[start : start + length]))):
                    found |= owners
                    taken |= place
        return frozenset(found)

    def _written_together(self, said: Sequence[str]) -> frozenset[str]:
        """Names without spaces inside of a longer word of the same script: 王小明作业."""
        found = {
            name: owners
            for name, owners in self._whole_names.items()
            if len(name) > 1 and _is_cjk(name[0]) and any(name in word for word in said)
        }
        longest = [name for name in found if not any(name != other and name in other for other in found)]
        return frozenset(student for name in longest for student in found[name])

    def alike(self, text: str) -> str:
        """The student whose name is the most like this, shown; "" where none is."""
        from difflib import get_close_matches

        close = get_close_matches(squeezed(text), list(self._whole_names), 1, 0.75)
        return self.shown(sorted(self._whole_names[close[0]])[0]) if close else ""


def same_names(students: Sequence[Student]) -> list[tuple[Student, Student]]:
    """Pairs of students whose names cannot be told apart."""
    ordered = sorted((student for student in students if student.name), key=lambda one: (squeezed(one.name), one.id))
    return [(one, other) for one, other in pairwise(ordered) if squeezed(one.name) == squeezed(other.name)]
