"""Feedback pages in one zip, named so that the LMS gives each to its student.

Moodle's "upload multiple feedback files in a zip" reads the participant's number from a folder's name,
`Name_number_assignsubmission_file_`. Canvas's upload of submissions reads the numbers of student and file from the
name that Canvas gave the submitted file, and shows the page under the student's own file name. If that was a zip, the
page is therefore sent back in a zip.
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
    from autograder.collect.lms_names import LmsName

ENTRY_TIME = (1980, 1, 1, 0, 0, 0)  # always the same, so that the same pages make the same zip
FORBIDDEN_IN_NAME = re.compile(r'[/\\:*?"<>|\x00-\x1f_]')


class Naming(StrEnum):
    """The LMS whose file names the zip has; `plain` has one folder per student."""

    MOODLE = "moodle"
    CANVAS = "canvas"
    PLAIN = "plain"

    @property
    def lms(self) -> str:
        """The LMS's name."""
        return self.value.capitalize()


@dataclass(frozen=True)
class Bundle:
    """The zip that was written.

    Attributes:
        path: the zip.
        students: whose feedback is in it.
        unnamed: students whose feedback is not, because nothing says what the LMS calls them.
        renamed: students whose page Canvas will show under the name of a file of another type.
        by_partner: students who see a partner's page, because Canvas knows the group's file only once.
    """

    path: Path
    students: tuple[str, ...]
    unnamed: tuple[str, ...]
    renamed: tuple[str, ...]
    by_partner: tuple[str, ...] = ()


def write_zip(course: Course, lab: str, naming: Naming, names: Mapping[str, "LmsName"]) -> Bundle:
    """Put the feedback pages of a lab into one zip.

    Args:
        course, lab: whose pages; `write_feedback` has written them.
        naming: the LMS, or plain.
        names: what the LMS calls each student's submission; not used if the naming is plain.
    """
    pages = {path.parts[-3]: path for path in sorted(course.root.glob(f"feedback/*/{lab}/{lab}.html"))}
    content = io.BytesIO()
    students, renamed = [], []
    others: list[str] = []
    by_partner: dict[str, str] = {}
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, page in pages.items():
            lms_name = names.get(student)
            if naming is Naming.PLAIN:
                _add(archive, f"{_file_name_part(student)}/{lab}_feedback.html", page.read_bytes())
            elif lms_name is None or (naming is Naming.MOODLE and lms_name.group):
                # The number in Moodle's name for a group is the group's: an import would take it for a participant's.
                continue
            elif by_partner.setdefault(lms_name.name, student) != student and lms_name.name:
                others.append(student)
            elif naming is Naming.MOODLE:
                folder = f"{_file_name_part(lms_name.label.sender)}_{lms_name.label.number}_assignsubmission_file_"
                _add(archive, f"{folder}/{lab}_feedback.html", page.read_bytes())
            elif lms_name.name.lower().endswith(".zip"):
                _add(archive, lms_name.name, _zipped(f"{lab}_feedback.html", page.read_bytes()))
            else:
                _add(archive, f"{PurePath(lms_name.name).stem}.html", page.read_bytes())
                renamed.append(student)
            students.append(student)
    target = course.root / "feedback" / f"{lab}_{naming}.zip"
    write_atomic(target, content.getvalue())
    unnamed = tuple(sorted(set(pages) - set(students)))
    return Bundle(target, tuple(students), unnamed, tuple(renamed), tuple(others))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, ENTRY_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        _add(archive, name, content)
    return packed.getvalue()


def _file_name_part(text: str) -> str:
    """Text that can be part of a file name; underscores are replaced too, because Moodle splits names at them."""
    return FORBIDDEN_IN_NAME.sub("-", text)
