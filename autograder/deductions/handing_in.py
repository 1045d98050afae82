"""When each student handed in, by whose word, and until when they could: for tables, reports and feedback pages."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.settings import CourseSettings, Timezone
from autograder.deductions import extensions, late
from autograder.files import write_atomic

FORMAT = 1
IN_TIME = "in-time"
SETTLE = "run autograder extend, or collect again with --times"


@dataclass(frozen=True)
class CollectNote:
    """What collect noted about a submission beside it; the attributes are the fields of a JSON file.

    Attributes:
        digest: of the files in submitted/; the note only counts while they are the same.
        source: who says when it was handed in: "LMS", "table", "server" or nobody.
        late: whether the LMS calls it late.
        lms: which LMS named it; "" if none did.
        made: the date of the file in its archive or on the disk, which says nothing about when it was handed in.
        count: the rule by which it counts: "newest" or "in-time".
        submissions: how many were read when it was collected.
        commit: the commit that it is, with its date; "" if it does not come from a clone.
    """

    digest: str
    source: str = ""
    late: bool = False
    lms: str = ""
    made: datetime | None = None
    count: str = ""
    submissions: int = 1
    commit: str = ""

    def write(self, path: Path) -> None:
        """Write the note, unless it is there already."""
        data = {"format": FORMAT, **asdict(self), "made": self.made.isoformat() if self.made else None}
        text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
        if not path.is_file() or path.read_text("utf-8") != text:
            write_atomic(path, text)

    @classmethod
    def read(cls, path: Path, folder: Path) -> "CollectNote | None":
        """The note about what is in a folder; None if there is none, or only about other files."""
        try:
            data = json.loads(path.read_text("utf-8"))
            if data.pop("format") != FORMAT or data["digest"] != digest(folder):
                return None
            made = data.pop("made")
            return cls(**data, made=datetime.fromisoformat(made) if made else None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def digest(folder: Path) -> str:
    """A hash of the notebooks and PDFs in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*")):
        if path.suffix in (".ipynb", ".pdf") and path.is_file() and not path.is_symlink():
            found.update(f"{path.name}\0".encode("utf-8", "replace") + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


@dataclass(frozen=True)
class HandingIn:
    """How a student handed in a lab.

    Attributes:
        when: when, in UTC; None if nobody says.
        due: the lab's deadline; None if it has none.
        extended: the student's own deadline; None if it is the lab's.
        said_late: whether the LMS calls it late, and nobody says by how much.
        note: what collect noted; None if it did not bring this submission.
        timezone: in which to show times.
    """

    when: datetime | None
    due: datetime | None
    extended: datetime | None
    said_late: bool
    note: CollectNote | None
    timezone: Timezone

    @property
    def unsettled(self) -> bool:
        """Whether a person has to say how late it is."""
        return self.said_late and self.when is None and self.extended is None

    @property
    def extension(self) -> str:
        """The extension in a sentence; "" if there is none."""
        return f"extended to {self.timezone.show(self.extended)}" if self.extended else ""

    @property
    def counted(self) -> str:
        """Why this submission counts, if there is a choice; "" if it is simply the newest."""
        if self.note is None or self.note.count != IN_TIME:
            return ""
        return "the last submission before the deadline counts, or else the first after it"

    @property
    def remarks(self) -> tuple[str, ...]:
        """For the marks table."""
        lms = self.note.lms if self.note and self.note.lms else "the LMS"
        unsettled = f"late, says {lms}, but not by how much: {SETTLE}" if self.unsettled else ""
        commit = self.note.commit if self.note else ""
        return tuple(filter(None, (unsettled, self.extension, "counted: in time" if self.counted else "", commit)))

    @property
    def for_student(self) -> tuple[str, ...]:
        """Sentences for the feedback page."""
        when = f"Handed in on {self.timezone.show(self.when)}." if self.when else ""
        due = f"The deadline was {self.timezone.show(self.due)}." if self.due and (self.when or self.extended) else ""
        yours = f"Yours was extended to {self.timezone.show(self.extended)}." if self.extended else ""
        unknown = "It was late, says the LMS; by how much is not known, and so nothing was taken off."
        counted = f"{self.counted[0].upper()}{self.counted[1:]}." if self.counted else ""
        zone = f"Times are in {self.timezone.place}." if when or due or yours else ""
        return tuple(filter(None, (when, due, yours, zone, unknown if self.unsettled else "", counted)))


def handing_in(course: Course, lab: str, only: str = "") -> dict[str, HandingIn]:
    """How students handed in a lab: everybody who handed in or has an extension, or only one of them."""
    due, own = gradebook.deadline(course, lab), extensions.deadlines(course, lab)
    timezone = CourseSettings.of(course.root).timezone
    return dict(_each(course, lab, due, own, timezone, only))


def _each(
    course: Course, lab: str, due: datetime | None, own: dict[str, datetime], timezone: Timezone, only: str
) -> Iterator[tuple[str, HandingIn]]:
    submitted = _folders(course, lab, only)
    for student in [only] if only in {*submitted, *own} else [] if only else sorted({*submitted, *own}):
        folder = submitted.get(student)
        note = CollectNote.read(course.handed_in(lab, student), folder) if folder else None
        when = late.read_timestamp(folder) if folder else None
        yield student, HandingIn(when, due, own.get(student), bool(note and note.late), note, timezone)


def _folders(course: Course, lab: str, only: str) -> dict[str, Path]:
    """What everybody has handed in, or only one of them."""
    if not only:
        return {student: path.parent for student, path in course.submitted(lab).items()}
    folder = course.submission_folder(lab, only)
    return {only: folder} if folder.is_dir() else {}
