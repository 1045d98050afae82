"""What LMSs write into the names of the files that teachers download; docs/collecting.md has the table."""

import re
from dataclasses import dataclass
from datetime import datetime

TIME = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
BLACKBOARD = re.compile(rf"(?P<sender>.+)_attempt_(?P<when>{TIME})(?:_(?P<file>.+))?", re.DOTALL)
# Moodle's folder for those who are in no group has no number.
MOODLE = re.compile(
    r"(?P<sender>.+?)(?:_(?P<number>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?", re.DOTALL
)
CANVAS = re.compile(r"(?P<sender>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_(?P<file_number>\d+)_(?P<file>.+)", re.DOTALL)
STUDENTS_OWN = re.compile(r"lab ?\d+", re.IGNORECASE)  # Lab2_1234_5678_x was named by a student, not by Canvas


@dataclass(frozen=True)
class Label:
    """What an LMS says about a file or folder.

    Attributes:
        lms: Moodle, Canvas or Blackboard.
        sender: what it calls the student or the group.
        number: its own number for the student, or "".
        when: its time of the submission, in the LMS's time zone; None if it gives none.
        late: whether it calls the submission late.
        file: what the student called the file; "" for a folder.
        is_receipt: whether it is the LMS's own text, not a student's file.
    """

    lms: str
    sender: str
    number: str = ""
    when: datetime | None = None
    late: bool = False
    file: str = ""
    is_receipt: bool = False

    @property
    def unit(self) -> str:
        """Equal for files of the same submission."""
        return f"{self.lms} {self.sender} {self.number} {self.when or ''}"


def read_label(name: str) -> Label | None:
    """What an LMS says in the name of a file or folder; None if none does."""
    if match := MOODLE.fullmatch(name):
        is_receipt = match["plugin"] != "file"
        return Label("Moodle", match["sender"], match["number"] or "", file=match["file"] or "", is_receipt=is_receipt)
    if match := BLACKBOARD.fullmatch(name):
        return _blackboard(match)
    if (match := CANVAS.fullmatch(name)) and not STUDENTS_OWN.fullmatch(match["sender"]):
        return Label(
            "Canvas",
            "" if match["sender"] == "anon" else match["sender"],
            match["number"],
            late=bool(match["late"]),
            file=match["file"],
        )
    return None


def _blackboard(match: re.Match[str]) -> Label | None:
    """The sender is assignment_username, and either may contain underscores; only the roster can divide them."""
    try:
        when = datetime.strptime(match["when"], "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None
    return Label("Blackboard", match["sender"], when=when, file=match["file"] or "")


def is_blackboard_note(name: str) -> bool:
    """Whether this is the text file that Blackboard adds to each attempt."""
    # Its .txt follows the time directly, so BLACKBOARD does not match its name.
    return re.fullmatch(rf".+_attempt_{TIME}\.txt", name, re.DOTALL) is not None
