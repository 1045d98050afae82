"""Feedback pages in one zip, named so that the LMS gives each to its student.

Moodle's "upload multiple feedback files in a zip" reads the participant's number from a folder's name,
`Name_number_assignsubmission_file_`. Canvas's upload of submissions reads its numbers of student and file from the
name that it gave the file itself, and shows the file under the name that the student's had: where that was a zip,
the page goes back in a zip.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from autograder.course_folder.layout import Course
from autograder.files import write_atomic

if TYPE_CHECKING:
    from autograder.collect.lms_names import Sent

EPOCH = (1980, 1, 1, 0, 0, 0)  # the same pages make the same zip
NOT_IN_A_NAME = re.compile(r'[/\\:*?"<>|\x00-\x1f_]')


class Naming(StrEnum):
    """Whose naming the zip has: `plain` is a folder a student."""

    MOODLE = "moodle"
    CANVAS = "canvas"
    PLAIN = "plain"

    @property
    def lms(self) -> str:
        """The LMS's name."""
        return self.value.capitalize()


@dataclass(frozen=True)
class Bundle:
    """What was written.

    Attributes:
        path: the zip.
        students: whose feedback is in it.
        unnamed: students who have feedback, of whom it is not known what the LMS calls them.
        renamed: students whose page Canvas will show under the name of another kind of file.
    """

    path: Path
    students: tuple[str, ...]
    unnamed: tuple[str, ...]
    renamed: tuple[str, ...]


def write_zip(course: Course, lab: str, naming: Naming, names: Mapping[str, "Sent"]) -> Bundle:
    """Put the feedback pages of a lab into one zip.

    Args:
        course, lab: see there; the pages are those that `write_feedback` wrote.
        naming: see there.
        names: what the LMS calls each student's submission; not asked for where the naming is plain.
    """
    pages = {path.parts[-3]: path for path in sorted(course.root.glob(f"feedback/*/{lab}/{lab}.html"))}
    content = io.BytesIO()
    taken, renamed = [], []
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, page in pages.items():
            sent = names.get(student)
            if naming is Naming.PLAIN:
                _add(archive, f"{_in_a_name(student)}/{lab}_feedback.html", page.read_bytes())
            elif sent is None:
                continue
            elif naming is Naming.MOODLE:
                folder = f"{_in_a_name(sent.label.sender)}_{sent.label.number}_assignsubmission_file_"
                _add(archive, f"{folder}/{lab}_feedback.html", page.read_bytes())
            elif sent.name.lower().endswith(".zip"):
                _add(archive, sent.name, _zipped(f"{lab}_feedback.html", page.read_bytes()))
            else:
                _add(archive, f"{PurePath(sent.name).stem}.html", page.read_bytes())
                renamed.append(student)
            taken.append(student)
    target = course.root / "feedback" / f"{lab}_{naming}.zip"
    write_atomic(target, content.getvalue())
    return Bundle(target, tuple(taken), tuple(sorted(set(pages) - set(taken))), tuple(renamed))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        _add(archive, name, content)
    return packed.getvalue()


def _in_a_name(text: str) -> str:
    """Text as a part of a file's name; lines are what Moodle divides its names at."""
    return NOT_IN_A_NAME.sub("-", text)
