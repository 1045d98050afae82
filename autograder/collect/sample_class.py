"""The bundled class: submissions made from a lab's samples/, as students would have handed them in.

samples/class.toml says who answers what and what is wrong with the file; samples/answers/ holds the texts. The
notebooks are made from the release as it is now, so they never fall behind it.
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
from qlab.notebook import grade_id

HEADER = re.compile(r"^# %% (right|wrong): (.+)$", re.MULTILINE)
ESSAY_HEADER = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class WrittenAnswer:
    """An answer on file.

    Attributes:
        question: "q1": the grade_id of the cell that it belongs into.
        right: whether its author meant it to be.
        name: its author's own words for it.
        source: the text of the cell.
    """

    question: str
    right: bool
    name: str
    source: str


def written_answers(lab: str, course: Course | None = None) -> list[WrittenAnswer]:
    """Every answer on file of a lab, in order; the lab may be the course's own."""
    return answers_in(source_folder(lab, course))


def answers_in(source: Path) -> list[WrittenAnswer]:
    """Every answer on file in the folder of a lab's source, in order."""
    found = []
    for path in sorted((source / "samples" / "answers").glob("*.py")):
        _, *parts = HEADER.split(path.read_text("utf-8"))
        for kind, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            found.append(WrittenAnswer(path.stem, kind == "right", name.strip(), text.strip()))
    return found


def essays(lab: str, course: Course | None = None) -> dict[str, str]:
    """The texts for questions that are read by hand, by heading; the lab may be the course's own."""
    return essays_in(source_folder(lab, course))


def essays_in(source: Path) -> dict[str, str]:
    """The texts for questions that are read by hand in the folder of a lab's source, by heading."""
    path = source / "samples" / "answers" / "essays.md"
    _, *parts = ESSAY_HEADER.split(path.read_text("utf-8")) if path.is_file() else [""]
    return {name.strip(): text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def class_list(lab: str, course: Course | None = None) -> list[dict[str, Any]]:
    """The students of a lab's sample class; the lab may be the course's own."""
    return class_in(source_folder(lab, course))


def class_in(source: Path) -> list[dict[str, Any]]:
    """The sample class in the folder of a lab's source; empty if there is none.

    Each student has answers, damage and what is expected.
    """
    return list(_table(source / "samples" / "class.toml").get("student", []))


def names_in(source: Path) -> dict[str, dict[str, str]]:
    """What each wrong answer on file is to be called: question -> the answer's name -> the mistake's, or ""."""
    return _table(source / "samples" / "answers" / "named.toml")


def _table(path: Path) -> dict[str, Any]:
    """A TOML file; empty where there is none."""
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path} cannot be read ({error}): mend it, then run again.") from error


def hand_in(lab: GradedLab, course: Course) -> list[str]:
    """Write the class's submissions into submitted/; files that are as they should be are left alone.

    Raises:
        UserError: a file is in the way that this did not write: a student's.
    """
    written = course.root / "submitted" / ".sample-class.json"
    ours: dict[str, str] = json.loads(written.read_text("utf-8")) if written.is_file() else {}
    answers = {(answer.question, answer.name): answer.source for answer in written_answers(lab.name, course)}
    texts = essays(lab.name, course)
    students = []
    for student in class_list(lab.name, course):
        content = submission(student, lab, answers, texts)
        path = course.root / "submitted" / student["id"] / lab.name / f"{lab.name}.ipynb"
        if path.is_file() and _hash(path) not in (ours.get(student["id"]), hashlib.sha256(content).hexdigest()):
            raise UserError(f"{path} is not of the sample class: give the demo a folder of its own with --course DIR.")
        if not path.is_file() or path.read_bytes() != content:
            write_atomic(path, content)
        ours[student["id"]] = _hash(path)
        students.append(student["id"])
    write_atomic(written, json.dumps(ours, indent=1) + "\n")
    return students


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def submission(
    student: dict[str, Any], lab: GradedLab, answers: dict[tuple[str, str], str], texts: dict[str, str]
) -> bytes:
    """A student's file, byte for byte."""
    notebook: NotebookNode = nbformat.from_dict(json.loads(json.dumps(lab.released)))
    for cell in notebook.cells:
        chosen = student.get("answers", {}).get(grade_id(cell))
        if chosen is not None:
            cell.source = _text_of(chosen, grade_id(cell), answers, texts)
    for name in student.get("delete", []):
        notebook.cells = [cell for cell in notebook.cells if grade_id(cell) != name]
    for name in student.get("copy", []):
        place = [grade_id(cell) for cell in notebook.cells].index(name)
        copy = nbformat.from_dict(json.loads(json.dumps(notebook.cells[place])))
        copy.id = f"{copy.id}-copy"
        notebook.cells.insert(place + 1, copy)
    if release := student.get("release"):
        notebook.metadata.qlab.release = release
    content: bytes = nbformat.writes(notebook).encode("utf-8")
    if student.get("byte_order_mark"):
        content = b"\xef\xbb\xbf" + content
    return content[: int(len(content) * student.get("keep", 1.0))]


def _text_of(chosen: str, cell: str, answers: dict[tuple[str, str], str], texts: dict[str, str]) -> str:
    for text in (answers.get((cell, chosen)), texts.get(chosen)):
        if text is not None:
            return text
    if "\n" in chosen or "=" in chosen:
        return chosen.strip()
    raise UserError(f"class.toml gives {cell} the answer “{chosen}”, which is not on file.")
