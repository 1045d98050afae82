"""The sample class: submissions made from a lab's samples/, as students would have submitted them.

samples/class.toml says who answers what and what is wrong with the file; samples/answers/ holds the texts. The
notebooks are made from the current release, so they never fall behind it.
"""

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.course_folder.layout import Course, source_folder
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab
from qlab.cells import grade_id

HEADER = re.compile(r"^# %% (right|wrong): (.+)$", re.MULTILINE)
ESSAY_HEADER = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class WrittenAnswer:
    """An answer on file.

    Attributes:
        question: the grade_id of the cell that it belongs to, such as "q1".
        right: whether its author meant it to be right.
        name: what its author calls it.
        source: the text of the cell.
    """

    question: str
    right: bool
    name: str
    source: str


def written_answers(lab: str, course: Course | None = None) -> list[WrittenAnswer]:
    """Every answer on file for a lab, in order; the lab may be the course's own."""
    return answers_in(source_folder(lab, course))


def answers_in(source: Path) -> list[WrittenAnswer]:
    """Every answer on file in the folder of a lab's source, in order."""
    answers = []
    for path in sorted((source / "samples" / "answers").glob("*.py")):
        _, *parts = HEADER.split(path.read_text("utf-8"))
        for kind, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            answers.append(WrittenAnswer(path.stem, kind == "right", name.strip(), text.strip()))
    return answers


def essays(lab: str, course: Course | None = None) -> dict[str, str]:
    """The answers on file to questions that are graded by hand, by heading; the lab may be the course's own."""
    return essays_in(source_folder(lab, course))


def essays_in(source: Path) -> dict[str, str]:
    """The answers on file to questions that are graded by hand, by heading, in the folder of a lab's source."""
    path = source / "samples" / "answers" / "essays.md"
    _, *parts = ESSAY_HEADER.split(path.read_text("utf-8")) if path.is_file() else [""]
    return {name.strip(): text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def class_list(lab: str, course: Course | None = None) -> list[dict[str, Any]]:
    """The students of a lab's sample class; see `class_in`. The lab may be the course's own."""
    return class_in(source_folder(lab, course))


def class_in(source: Path) -> list[dict[str, Any]]:
    """The sample class in the folder of a lab's source: each student with answers, damage and expected marks.

    Empty if there is none.
    """
    return list(_table(source / "samples" / "class.toml").get("student", []))


def names_in(source: Path) -> dict[str, dict[str, str]]:
    """What each wrong answer on file should be called: question -> the answer's name -> the mistake's name, or ""."""
    return _table(source / "samples" / "answers" / "named.toml")


def _table(path: Path) -> dict[str, Any]:
    """A TOML file; empty where there is none."""
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path} cannot be read ({error}): correct it, then run again.") from error


def write_submissions(lab: GradedLab, course: Course) -> list[str]:
    """Write the class's submissions into submitted/, except those that are there already; return the students' ids.

    Raises:
        UserError: a file is in the way that this function did not write, so it is a student's.
    """
    hash_file = course.root / "submitted" / ".sample-class.json"
    # The hash of each file that we wrote: a file with another hash must not be overwritten.
    hashes: dict[str, str] = json.loads(hash_file.read_text("utf-8")) if hash_file.is_file() else {}
    answers = {(answer.question, answer.name): answer.source for answer in written_answers(lab.name, course)}
    texts = essays(lab.name, course)
    students = []
    for student in class_list(lab.name, course):
        content = submission(student, lab, answers, texts)
        path = course.root / "submitted" / student["id"] / lab.name / f"{lab.name}.ipynb"
        if path.is_file() and _hash(path) not in (hashes.get(student["id"]), hashlib.sha256(content).hexdigest()):
            raise UserError(
                f"{path} does not belong to the sample class: give the demo a folder of its own with --course DIR."
            )
        if not path.is_file() or path.read_bytes() != content:
            write_atomic(path, content)
        hashes[student["id"]] = _hash(path)
        students.append(student["id"])
    write_atomic(hash_file, json.dumps(hashes, indent=1) + "\n")
    return students


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def submission(
    student: dict[str, Any], lab: GradedLab, answers: dict[tuple[str, str], str], texts: dict[str, str]
) -> bytes:
    """The bytes of a student's notebook file, damage included."""
    notebook: NotebookNode = nbformat.from_dict(json.loads(json.dumps(lab.released)))
    for cell in notebook.cells:
        answer = student.get("answers", {}).get(grade_id(cell))
        if answer is not None:
            cell.source = _source_of(answer, grade_id(cell), answers, texts)
    for name in student.get("delete", []):
        notebook.cells = [cell for cell in notebook.cells if grade_id(cell) != name]
    for name in student.get("copy", []):
        index = [grade_id(cell) for cell in notebook.cells].index(name)
        copy = nbformat.from_dict(json.loads(json.dumps(notebook.cells[index])))
        copy.id = f"{copy.id}-copy"
        notebook.cells.insert(index + 1, copy)
    if release := student.get("release"):
        notebook.metadata.qlab.release = release
    content: bytes = nbformat.writes(notebook).encode("utf-8")
    if student.get("byte_order_mark"):
        content = b"\xef\xbb\xbf" + content
    return content[: int(len(content) * student.get("keep", 1.0))]


def _source_of(answer: str, cell: str, answers: dict[tuple[str, str], str], texts: dict[str, str]) -> str:
    """The text of an answer in class.toml, which is the name of an answer on file, or code."""
    for text in (answers.get((cell, answer)), texts.get(answer)):
        if text is not None:
            return text
    if "\n" in answer or "=" in answer:
        return answer.strip()
    raise UserError(f"class.toml gives {cell} the answer “{answer}”, which is not on file.")
