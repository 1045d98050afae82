"""The queue for grading by hand: texts to be read, and marks given by hand that have to be looked at again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.grade.lab import question_of
from autograder.grade.student_answers import Answer, answers_in

# Scripts without spaces between words: every character counts as one word, as their writers count.
WITHOUT_SPACES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(rf"[{WITHOUT_SPACES}]|(?:(?![{WITHOUT_SPACES}])\w)+(?:['’.-](?:(?![{WITHOUT_SPACES}])\w)+)*")


@dataclass(frozen=True)
class PendingAnswer:
    """A cell that a person has to look at.

    Attributes:
        lab, student: which lab, whose.
        question, cell: the question and the cell's grade_id.
        out_of: the most points that the cell gives.
        words: how many the answer has; None if the notebook cannot be read or the cell is no answer.
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


def pending_answers(course: Course, lab: str) -> Iterator[PendingAnswer]:
    """Every cell of a lab to be graded by hand, by question: reading one question in a row makes marks consistent."""
    pending = [
        (question_of(cell), student, cell, mark)
        for student, cells in gradebook.marks(course, lab).items()
        for cell, mark in cells.items()
        if mark.waiting
    ]
    answers: dict[str, dict[str, Answer]] = {}
    for question, student, cell, mark in sorted(pending, key=lambda entry: entry[:3]):
        path = course.autograded(lab, student)
        if student not in answers:
            answers[student] = answers_in(path)
        answer = answers[student].get(cell)
        words = None if answer is None else count_words(answer.source)
        yield PendingAnswer(lab, student, question, cell, mark.out_of, words, path, mark.by_hand)


def count_words(text: str) -> int:
    """How many words a text in any script has; pictures, URLs, HTML tags and signs in formulas do not count."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|(?<=\])\([^)]*\)|<[^>]*>|https?://\S+", " ", text)
    return len(WORD.findall(text))
