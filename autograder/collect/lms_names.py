"""What the LMS calls each student's submission, because feedback has to go back under the same name."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.collect.archives import File, Reader
from autograder.collect.budget import RefusedError
from autograder.collect.labels import Label
from autograder.collect.owners import OwnerFinder
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster
from autograder.course_folder.settings import CourseSettings
from autograder.errors import UserError

TABLE = ".csv"  # Moodle's grading worksheet says the same as its archive


@dataclass(frozen=True)
class LmsName:
    """What an LMS calls a student's submission.

    Attributes:
        name: the name in the download; "" if it is only known from a table.
        label: what that name says.
        group: the group that the LMS means by it; "" if it means the student alone.
    """

    name: str
    label: Label
    group: str = ""


def lms_names(course: Course, lab: str, lms: str, downloads: Iterable[Path]) -> dict[str, LmsName]:
    """The LMS's name of each student's submission, from what was downloaded from it.

    Args:
        course, lab: whose submissions.
        lms: "Moodle" or "Canvas"; names of any other are skipped.
        downloads: the archives or unpacked folders that were collected; for Moodle, its grading worksheet will do.

    Raises:
        UserError: a download does not exist.
    """
    roster, timezone = Roster(gradebook.roster_in_lab(course, lab)), CourseSettings.of(course.root).timezone
    owners = OwnerFinder(roster, timezone, lab=lab)
    names: dict[str, LmsName] = {}
    for path in downloads:
        if not path.exists():
            raise UserError(f"{path} does not exist: name the file or folder that you downloaded from the LMS.")
        if path.suffix.lower() == TABLE:
            for number, student in SubmissionTimes.read(path, roster, timezone).by_number.items():
                name = roster.students[student].name if student in roster.students else student
                if student not in names or names[student].group:
                    names[student] = LmsName("", Label("Moodle", name or student, number))
            continue
        reader = Reader(timezone, lambda name: bool(roster.inside(name).students))
        for entry in reader.walk(path):
            # A file that cannot be read, such as a damaged zip, still has a name, and its student still gets feedback.
            file = entry if isinstance(entry, File) else File(entry.levels, bytes)
            for student, lms_name in _name_of(owners, file):
                before = names.get(student)
                if lms_name.label.lms == lms and (before is None or _rank(lms_name) > _rank(before)):
                    names[student] = lms_name
    return names


def _rank(lms_name: LmsName) -> tuple[bool, bool]:
    """The greater is the better name: a student's own, and of several files a zip.

    Canvas shows the feedback under that name (see feedback_zip).
    """
    return not lms_name.group, lms_name.name.lower().endswith(".zip")


def _name_of(owners: OwnerFinder, file: File) -> Iterator[tuple[str, LmsName]]:
    """The file's students and what the LMS called it; nothing if the names do not settle whose it is."""
    label = owners.lms_label(file)
    if label is None or label[1].is_receipt:
        return
    (number, part), said = label
    with suppress(RefusedError):
        owner = owners.owner(file)
        whom = owners.named_by(said)
        for student in owner.students:
            # Whom only the file names beside its sender, the LMS does not know under this name.
            if not whom or student in whom:
                group = owner.group if len(whom) > 1 else ""
                yield student, LmsName(file.levels[number].parts[part], said, group)
