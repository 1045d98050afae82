"""Removes a person from a course: submissions, marks, pages, links, and the key by which the history names them."""

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.history import Keys
from autograder.course_folder.layout import Course
from autograder.course_folder.made_again import made_again
from autograder.course_folder.naming import Names
from autograder.course_folder.roster import Student
from autograder.deductions import extensions
from autograder.files import locked, write_atomic
from autograder.report import graders, mark_history
from autograder.report.marks import as_csv, write_marks
from autograder.serve.tokens import Tokens

OWN = ("submitted/{}", "autograded/{}", "feedback/{}", "kept/*/{}", "records/*/{}.json", "collected/*/{}.json")
OF_LABS = (
    "submitted/{}/*",
    "autograded/{}/*",
    "feedback/{}/*",
    "kept/*/{}",
    "records/*/{}.json",
    "served/attempts/*/{}",
)
SERVED_SUFFIXES = (".json", ".ipynb", ".part")
LARGEST_NOTE = 1 << 20  # bytes of a JSON file of the server that is looked into
WORK_OF_OTHERS = ("submitted", "kept", "autograded", "records", "collected", "served", "feedback")
TABLES_AND_PAGES = (".csv", ".xlsx", ".txt", ".html", ".zip")
OF_THE_COURSE = ("source", "release", "solutions", "labs")
# What a process that was killed left of a file or folder that it had not finished.
UNFINISHED = re.compile(r"\.(?:[a-z0-9_]{8}|(?:collect|keep|old)-[a-z0-9_]{8})")


@dataclass(frozen=True)
class Left:
    """What still names a forgotten person.

    Attributes:
        by_people: what somebody put into the folder, or wrote into the gradebook.
        work_of_others: what others handed in, which is theirs.
    """

    by_people: tuple[Path, ...]
    work_of_others: tuple[Path, ...]


def traces(course: Course, student: str) -> list[Path]:
    """The student's own folders and records."""
    name = _escaped(student)
    own = {path for pattern in OWN for path in course.root.glob(pattern.format(name))}
    return sorted(own | set(_served(course, student)))


def _served(course: Course, student: str) -> Iterable[Path]:
    """What the server keeps of a student: a folder or file with the id as its name, or a file that says so."""
    for path in (course.root / "served").rglob("*"):
        if path.is_dir():
            found = path.name == student
        else:
            found = path.suffix in SERVED_SUFFIXES and (path.stem == student or _is_about(path, student))
        if found:
            yield path


def _is_about(path: Path, student: str) -> bool:
    try:
        if path.suffix != ".json" or path.stat().st_size > LARGEST_NOTE:
            return False
        content = json.loads(path.read_text("utf-8"))
        return isinstance(content, dict) and content.get("student") == student
    except (OSError, ValueError, RecursionError):
        return False


def is_known(course: Course, student: str) -> bool:
    """Whether anything in the course is about this id, or this name of a member of staff."""
    on_roster = any(person.id == student for person in gradebook.roster(course))
    known = on_roster or bool(traces(course, student)) or student in Keys.of(course).students
    return known or Tokens(course).has(student)


def person_of(course: Course, student: str) -> Student:
    """The student as the roster has it; with an id alone if it is not there."""
    people = {person.id: person for person in gradebook.roster(course)}
    return people.get(student, Student(student))


def made_with(course: Course, student: str) -> dict[Path, str]:
    """Pages, tables and archives with something of the student in them, and the commands that make them again.

    A page about a lab may show an answer without the name, so all pages about a lab that the student did are among
    them.
    """
    names, own = Names(person_of(course, student)), traces(course, student)
    labs = _labs(course, student)
    return {
        path: command
        for path, lab, command in made_again(course)
        if (lab in labs or names.in_file(path, course.root)) and not any(folder in path.parents for folder in own)
    }


def _labs(course: Course, student: str) -> set[str]:
    """The labs that the student did."""
    name = _escaped(student)
    paths = (path for pattern in OF_LABS for path in course.root.glob(pattern.format(name)))
    return {path.name if path.parts[-2] == student else path.parent.name for path in paths}


def forget(course: Course, student: str) -> None:
    """Remove everything that is the student's. If this is stopped, the same call goes on.

    What commands make again is removed if anything of the student is in it, see `made_with`, and the marks table is
    written again. The history keeps its lines, and nothing says any more whose they are. Backups of the gradebook keep
    the marks of all others.
    """
    with ExitStack() as stack:
        for lock in course.writers if (course.root / "served").is_dir() else ():
            stack.enter_context(locked(lock))  # a server that runs would write again what it holds
        _forget(course, student)


def _forget(course: Course, student: str) -> None:
    mark_history.update(course)  # so that no change waits under the student's name
    # The roster is changed last, because it alone says what the student is called.
    _remove_unfinished(course, student)
    has_marks = course.marks.is_file()
    for path in (*made_with(course, student), *course.root.glob("records/*/.screenshots"), course.marks):
        path.unlink(missing_ok=True)
    _remove_link(course, student)
    Tokens(course).forget(student)
    extensions.forget(course, student)
    graders.forget(course, student)
    for path in traces(course, student):
        _remove(path)
    keys = Keys.of(course)
    if keys.students.pop(student, None) is not None:
        keys.write()
    gradebook.forget(course, student)
    if has_marks:
        write_marks(course)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)  # it may have been in a folder that is gone


def _remove_unfinished(course: Course, student: str) -> None:
    """Remove what a killed process left half done, if it names the student or is a file of the student's."""
    names = Names(person_of(course, student))
    own = {_digest(file) for path in traces(course, student) for file in (path, *path.rglob("*")) if _is_plain(file)}
    found = [path for path in course.root.rglob(".*") if UNFINISHED.fullmatch(path.name)]
    for path in found:
        files = [file for file in (path, *path.rglob("*")) if _is_plain(file)]
        if any(_digest(file) in own or names.in_file(file, course.root) for file in files):
            _remove(path)


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove_link(course: Course, student: str) -> None:
    """Remove the student's row from links.csv, which no command can make again."""
    if not course.links.is_file():
        return
    rows = list(csv.reader(io.StringIO(course.links.read_text("utf-8-sig", errors="replace"), newline="")))
    kept = [row for row in rows if row and row[0].lstrip("'") != student]
    if len(kept) == 1:
        course.links.unlink()
    elif len(kept) < len(rows):
        write_atomic(course.links, as_csv(kept), 0o600)


def left(course: Course, person: Student) -> Left:
    """What still names a forgotten person, in text, archives and the bytes of databases.

    An id of fewer than four characters is only looked for in tables and pages: elsewhere it may mean anything.
    """
    names, sure = Names(person), Names(person, sure=True)
    by_people: list[Path] = []
    of_others: list[Path] = []
    for path in sorted(course.root.rglob("*")):
        place = path.relative_to(course.root)
        if not path.is_file() or place.parts[0] in OF_THE_COURSE:
            continue
        others = place.parts[0] in WORK_OF_OTHERS and len(place.parts) > 2
        if (names if path.suffix in TABLES_AND_PAGES and not others else sure).in_file(path, course.root):
            (of_others if others else by_people).append(path)
    return Left(tuple(by_people), tuple(of_others))


def _escaped(student: str) -> str:
    """An id as a part of a glob pattern that means only itself."""
    return re.sub(r"([*?[])", r"[\1]", student)
