"""What waits for a person: texts to be read, and marks by hand to be looked at again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.grade.lab import question_of
from autograder.grade.student_answers import Answer, answers_in

# Scripts that are written without spaces: each of their characters counts as a word, as their writers count.
WITHOUT_SPACES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(rf"[{WITHOUT_SPACES}]|(?:(?![{WITHOUT_SPACES}])\w)+(?:['’.-](?:(?![{WITHOUT_SPACES}])\w)+)*")


@dataclass(frozen=True)
class Waiting:
    """A cell that a person has to look at.

    Attributes:
        lab, student: whose, of which lab.
        question, cell: the question and the cell's grade_id.
        out_of: what can be given.
        words: of the answer; None where its notebook cannot be read.
        file: the graded notebook.
        again: whether a person has marked it before, and another file was handed in since.
    """

    lab: str
    student: str
    question: str
    cell: str
    out_of: float
    words: int | None
    file: Path
    again: bool = False


def waiting(course: Course, lab: str) -> Iterator[Waiting]:
    """Every cell of a lab that waits, question by question: who reads one question in a row marks it alike."""
    found = [
        (question_of(cell), student, cell, mark)
        for student, cells in gradebook.marks(course, lab).items()
        for cell, mark in cells.items()
        if mark.waiting
    ]
    answers: dict[str, dict[str, Answer]] = {}
    for question, student, cell, mark in sorted(found, key=lambda one: one[:3]):
        path = course.autograded(lab, student)
        if student not in answers:
            answers[student] = answers_in(path)
        answer = answers[student].get(cell)
        words = None if answer is None else count_words(answer.source)
        yield Waiting(lab, student, question, cell, mark.out_of, words, path, mark.by_hand)


def count_words(text: str) -> int:
    """The words of a text in any script; pictures, links' addresses and formulas' signs are none."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|(?<=\])\([^)]*\)|<[^>]*>|https?://\S+", " ", text)
    return len(WORD.findall(text))
