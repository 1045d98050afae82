"""What the LMS calls each student's submission: feedback goes back under the same name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.collect.archives import File, Reader, RefusedError
from autograder.collect.gather import Gatherer
from autograder.collect.labels import Label, read_label
from autograder.collect.times import Times
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster
from autograder.course_folder.settings import Rules
from autograder.errors import UserError

TABLE = ".csv"  # Moodle's grading worksheet says the same as its archive


@dataclass(frozen=True)
class Sent:
    """What an LMS calls a student's submission: its name as it stands in the download, and what that says."""

    name: str
    label: Label


def lms_names(course: Course, lab: str, lms: str, downloads: Iterable[Path]) -> dict[str, Sent]:
    """The LMS's name of each student's submission, from what was downloaded from it.

    Args:
        course, lab: see there.
        lms: "Moodle" or "Canvas"; names of another one are passed over.
        downloads: the archives or unpacked folders that were collected; for Moodle its grading worksheet will do.

    Raises:
        UserError: a download is not there, or the course has no students.
    """
    roster, zone = Roster(gradebook.roster(course)), Rules.of(course.root).zone
    found: dict[str, Sent] = {}
    for path in downloads:
        if not path.exists():
            raise UserError(f"{path} is not there: name the file or folder that you downloaded from the LMS.")
        if path.suffix.lower() == TABLE:
            for number, student in Times.read(path, roster, zone).by_number.items():
                name = roster.students[student].name if student in roster.students else student
                found.setdefault(student, Sent("", Label("Moodle", name or student, number)))
            continue
        gatherer = Gatherer(roster, lab, zone, course.root)
        reader = Reader(zone, lambda name: bool(roster.inside(name).students))
        for entry in reader.walk(path):
            # What cannot be read, such as a damaged zip, has a name all the same, and its student gets feedback on it.
            file = entry if isinstance(entry, File) else File(path.name, entry.steps, bytes)
            for student, sent in _sent(gatherer, file):
                # Of several files of a student, one that is a zip itself: see what Canvas needs it for.
                if sent.label.lms == lms and (student not in found or _is_zip(sent) > _is_zip(found[student])):
                    found[student] = sent
    return found


def _is_zip(sent: Sent) -> bool:
    return sent.name.lower().endswith(".zip")


def _sent(gatherer: Gatherer, file: File) -> Iterator[tuple[str, Sent]]:
    """Whose the file is and what the LMS called it; nothing where it cannot be told."""
    for step in file.steps:
        for part in step.parts:
            label = read_label(part)
            if label is not None and not label.receipt:
                try:
                    yield gatherer.student_of(file), Sent(part, label)
                except RefusedError:
                    return
                return
