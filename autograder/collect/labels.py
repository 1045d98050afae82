"""What LMSs write into the names of the files that they give a teacher; docs/collecting.md has the table."""

import re
from dataclasses import dataclass
from datetime import datetime

TIME = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
BLACKBOARD = re.compile(rf"(?P<sender>.+)_attempt_(?P<when>{TIME})(?:_(?P<file>.+))?", re.DOTALL)
MOODLE = re.compile(r"(?P<sender>.+)_(?P<number>\d+)_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?", re.DOTALL)
CANVAS = re.compile(r"(?P<sender>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_(?P<file_number>\d+)_(?P<file>.+)", re.DOTALL)
OWN = re.compile(r"lab ?\d+", re.IGNORECASE)  # Lab2_1234_5678_x is a student's, not Canvas's


@dataclass(frozen=True)
class Label:
    """What an LMS says of a file or folder.

    Attributes:
        lms: Moodle, Canvas or Blackboard.
        sender: what it calls the student.
        number: its own number of the student, or "".
        when: its time of the submission, in the LMS's zone; None where it says none.
        late: whether it calls the submission late.
        file: what the student called the file; "" for a folder.
        receipt: whether it is the LMS's own text, not a student's file.
    """

    lms: str
    sender: str
    number: str = ""
    when: datetime | None = None
    late: bool = False
    file: str = ""
    receipt: bool = False

    @property
    def unit(self) -> str:
        """What files of the same submission share."""
        return f"{self.lms} {self.sender} {self.number} {self.when or ''}"


def read_label(name: str) -> Label | None:
    """What an LMS says in a file's or a folder's name; None where none does."""
    if found := MOODLE.fullmatch(name):
        text = found["plugin"] != "file"
        return Label("Moodle", found["sender"], found["number"], file=found["file"] or "", receipt=text)
    if found := BLACKBOARD.fullmatch(name):
        return _blackboard(found)
    if (found := CANVAS.fullmatch(name)) and not OWN.fullmatch(found["sender"]):
        anonymous = found["sender"] == "anon"
        return Label(
            "Canvas",
            "" if anonymous else found["sender"],
            found["number"],
            late=bool(found["late"]),
            file=found["file"],
        )
    return None


def _blackboard(found: re.Match[str]) -> Label | None:
    """The assignment stands before the user name; either may have lines in it: told apart with the roster."""
    try:
        when = datetime.strptime(found["when"], "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None
    # Blackboard's own note on an attempt ends in .txt right behind the time, which is then no part of `when`.
    return Label("Blackboard", found["sender"], when=when, file=found["file"] or "")


def blackboard_note(name: str) -> bool:
    """Whether this is the text file that Blackboard writes on each attempt."""
    return re.fullmatch(rf".+_attempt_{TIME}\.txt", name, re.DOTALL) is not None
