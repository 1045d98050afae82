"""Removes a person from a course: submissions, marks, pages, and the key by which the history names the person."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.history import Keys
from autograder.course_folder.layout import Course, lab_names
from autograder.course_folder.roster import Student
from autograder.deductions import extensions
from autograder.report import graders, mark_history

OWN = ("submitted/{}", "autograded/{}", "feedback/{}", "kept/*/{}", "records/*/{}.json", "collected/*/{}.json")
MAY_NAME = (
    "*.csv", "*.xlsx", "*.txt", "reports/*.html", "feedback/*.zip", "feedback/*/*/*.html", "records/*/*.json",
    "collected/*/*.json",
)  # fmt: skip
SHORTEST_NUMBER = 4  # characters of an LMS's number that is looked for in tables and pages


def traces(course: Course, student: str) -> list[Path]:
    """The student's own folders and records."""
    name = _escaped(student)
    return sorted(path for pattern in OWN for path in course.root.glob(pattern.format(name)))


def is_known(course: Course, student: str) -> bool:
    """Whether anything in the course is about this id."""
    on_roster = any(person.id == student for person in gradebook.roster(course))
    return on_roster or bool(traces(course, student)) or student in Keys.of(course).students


def forget(course: Course, student: str) -> None:
    """Remove everything that is the student's. If this is stopped, the same call goes on.

    The history keeps its lines, and nothing says any more whose they are. Backups of the gradebook keep the marks of
    all others.
    """
    mark_history.update(course)  # so that no change waits under the student's name
    for lab in lab_names(course):
        if student in extensions.granted(course, lab):
            extensions.grant(course, lab, {student: None})
    for path in traces(course, student):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    graders.forget(course, student)
    gradebook.forget(course, student)
    keys = Keys.of(course)
    if keys.students.pop(student, None) is not None:
        keys.write()


def still_naming(course: Course, person: Student) -> list[Path]:
    """Tables, pages and zips in the course folder that still name the person, because people made them earlier."""
    names = {person.id, person.email, person.name, person.lms_id if len(person.lms_id) >= SHORTEST_NUMBER else ""}
    patterns = [re.escape(name) for name in names if name]
    # In a table, a comma, a quotation mark or a tab may be between the two names, in either order.
    for parts in ((person.first, person.last), (person.last, person.first)):
        patterns += [r"\W{1,5}".join(map(re.escape, filter(None, parts)))] if any(parts) else []
    pattern = re.compile("|".join(rf"(?<!\w)(?:{each})(?!\w)" for each in patterns))
    paths = sorted({path for pattern_ in MAY_NAME for path in course.root.glob(pattern_) if path.is_file()})
    return [path for path in paths if any(pattern.search(text) for text in _texts(path))]


def _texts(path: Path) -> Iterator[str]:
    """What is in a file; of a zip, which a workbook is too, its names and the text in it."""
    if not zipfile.is_zipfile(path):
        yield path.read_text("utf-8", errors="replace")
        return
    with zipfile.ZipFile(path) as archive:
        yield "\n".join(archive.namelist())
        yield from (archive.read(name).decode("utf-8", errors="replace") for name in archive.namelist())


def _escaped(student: str) -> str:
    """An id as a part of a glob pattern that means only itself."""
    return re.sub(r"([*?[])", r"[\1]", student)
