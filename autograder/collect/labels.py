"""What LMSs write into the names of the files that teachers download; docs/collecting.md has the table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autograder.collect.written_times import UnreadableTimeError, parse_time

TIME = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
# In each of these the sender is as short as can be: whatever comes later may be what the student called the file, and
# a student can call a file as an LMS would.
BLACKBOARD = re.compile(rf"(?P<sender>.+?)_attempt_(?P<when>{TIME})(?:_(?P<file>.+))?", re.DOTALL)
MOODLE = re.compile(
    r"(?P<sender>.+?)(?:_(?P<number>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?", re.DOTALL
)
CANVAS = re.compile(r"(?P<sender>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_(?P<file_number>\d+)_(?P<file>.+)", re.DOTALL)
CANVAS_ANONYMOUS = re.compile(
    r"(?P<late>LATE_)?anon_(?P<late_too>LATE_)?(?P<number>[A-Za-z0-9]+)_(?P<file_number>\d+)_(?P<file>.+)", re.DOTALL
)
BRIGHTSPACE = re.compile(
    r"(?P<number>\d+)-\d+\s*-\s+(?P<sender>.+?)\s*-\s+(?P<when>\d{4}-\d\d?-\d\d?\b[^-]*?|[^-]*?(?<!\d)\d{4}(?!\d)[^-]*?)"
    r"(?:\s+-\s+(?P<file>.+))?",
    re.DOTALL,
)
CLOCK_WITHOUT_COLON = re.compile(r"(?<=\s)(\d{1,2})(\d{2})(?=\s*(?:[^\W\d][\w.]*)?\s*$)")  # 1100 PM
STUDENTS_OWN = re.compile(r"lab ?\d+", re.IGNORECASE)  # Lab2_1234_5678_x was named by a student, not by Canvas
# These are only read where something else says that they are the LMS's.
SAKAI = re.compile(r"(?P<sender>[^()]+)\((?P<login>[^()]+)\)")
SAKAI_FOLDER = "Submission attachment(s)"
SAKAI_FLAT = re.compile(rf"(?P<who>.+?)_{re.escape(SAKAI_FOLDER)}_(?P<file>.+)", re.DOTALL)
ILIAS = re.compile(r"(?P<sender>.+_(?P<login>[^_]+))_(?P<number>\d+)")
ILIAS_FILE = re.compile(r"(?P<date>\d{8})_?(?P<time>\d{6})_(?P<file>.+)", re.DOTALL)
ILIAS_LATE = re.compile(r"(?:late submission|verspätete abgabe) - (?P<file>.+)", re.IGNORECASE | re.DOTALL)
# Files that LMSs add to a download, beside those of students.
LMS_FILES = {
    "timestamp.txt", "comments.txt", "feedbackText.html", "grades.csv", "grades.xls", "grades.xlsx", "index.html",
    "submission_metadata.yml", "archive_filelist.csv",
}  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One of those who handed in together, as an LMS names them: id, email and name, each of which may be ""."""

    id: str
    email: str
    name: str


@dataclass(frozen=True)
class Label:
    """What an LMS says about a file or folder.

    Attributes:
        lms: such as Moodle.
        sender: what it calls the student or the team.
        number: its own number for the student, the team or the submission, or "".
        when: its time of the submission, in the LMS's time zone if it has none of its own; None if it gives none.
        late: whether it calls the submission late.
        file: what the student called the file; "" for a folder.
        is_receipt: whether it is the LMS's own text, not a student's file.
        login: the student's user name; "" if it gives none.
        members: all who handed it in, if a file of the LMS's lists them.
        remark: what a person should know about it, such as a time that cannot be read.
    """

    lms: str
    sender: str
    number: str = ""
    when: datetime | None = None
    late: bool = False
    file: str = ""
    is_receipt: bool = False
    login: str = ""
    members: tuple[Member, ...] = ()
    remark: str = ""

    @property
    def unit(self) -> str:
        """Equal for files of the same submission."""
        # ILIAS gives each file of a submission its own time.
        when = "" if self.lms == "ILIAS" else self.when or ""
        return f"{self.lms} {self.sender} {self.login} {self.number} {when}"


def read_label(name: str) -> Label | None:
    """What an LMS says in the name of a file or folder by itself; None if none does."""
    if match := MOODLE.fullmatch(name):
        is_receipt = match["plugin"] != "file"
        number, file = match["number"] or "", match["file"] or ""
        return Label("Moodle", match["sender"], number, file=file, is_receipt=is_receipt)
    if match := BLACKBOARD.fullmatch(name):
        return _blackboard(match)
    if match := CANVAS_ANONYMOUS.fullmatch(name):
        late = bool(match["late"] or match["late_too"])
        return Label("Canvas", "", match["number"], late=late, file=match["file"])
    if (match := CANVAS.fullmatch(name)) and not STUDENTS_OWN.fullmatch(match["sender"]):
        return Label("Canvas", match["sender"], match["number"], late=bool(match["late"]), file=match["file"])
    if match := BRIGHTSPACE.fullmatch(name):
        return _brightspace(match)
    if match := SAKAI_FLAT.fullmatch(name):
        return _sakai(match["who"], match["file"])
    return None


def read_folder_label(name: str, below: Sequence[str], *, stamped: bool) -> Label | None:
    """What an LMS says in the name of a folder together with the path in it; None if none does.

    Args:
        name: the folder's.
        below: the names in it on the way to the file.
        stamped: whether every file of the download has a date in front, so that it is ILIAS who wrote them.
    """
    if not below:
        return None
    if below[0] == SAKAI_FOLDER:
        return _sakai(name, "")
    match = ILIAS.fullmatch(name)
    return _ilias(match, below[-1], stamped=stamped) if match else None


def _blackboard(match: re.Match[str]) -> Label | None:
    """The sender is assignment_username, and either may contain underscores; only the roster can divide them."""
    try:
        when = datetime.strptime(match["when"], "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None
    return Label("Blackboard", match["sender"], when=when, file=match["file"] or "")


def _brightspace(match: re.Match[str]) -> Label:
    """Its time has no colon, because a file name cannot: Oct 12, 2026 1100 PM."""
    label = Label("Brightspace", match["sender"], match["number"], file=match["file"] or "")
    return _dated(label, CLOCK_WITHOUT_COLON.sub(r"\1:\2", match["when"].strip()), match["when"])


def _sakai(who: str, file: str) -> Label:
    """Its folders are called Last, First(user name), or by a number if the submissions are anonymous."""
    match = SAKAI.fullmatch(who)
    if match is None:
        return Label("Sakai", "", who, file=file)
    return Label("Sakai", match["sender"].strip(), file=file, login=match["login"])


def _ilias(folder: re.Match[str], name: str, *, stamped: bool) -> Label:
    """Its folders are called last_first_login_number; a file may have a date in front, or a word if it is late."""
    late = ILIAS_LATE.fullmatch(name)
    stamp = ILIAS_FILE.fullmatch(late["file"] if late else name)
    file = stamp["file"] if stamp else late["file"] if late else name
    label = Label("ILIAS", folder["sender"], folder["number"], late=bool(late), file=file, login=folder["login"])
    if stamp is None or not stamped:
        return label
    date, clock = stamp["date"], stamp["time"]
    return _dated(label, f"{date[:4]}-{date[4:6]}-{date[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:]}", f"{date}_{clock}")


def _dated(label: Label, text: str, written: str) -> Label:
    """The label with its time, or with a remark if that cannot be read."""
    try:
        return replace(label, when=parse_time(text))
    except UnreadableTimeError:
        return replace(label, remark=f"{label.lms}'s time “{written.strip()}” cannot be read: not counted")


def is_blackboard_note(name: str) -> bool:
    """Whether this is the text file that Blackboard adds to each attempt."""
    # Its .txt follows the time directly, so BLACKBOARD does not match its name.
    return re.fullmatch(rf".+_attempt_{TIME}\.txt", name, re.DOTALL) is not None
