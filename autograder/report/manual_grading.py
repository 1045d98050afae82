"""The queue for grading by hand: texts to be read, and marks given by hand that have to be looked at again."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.grade.lab import question_of
from autograder.grade.shared import partners
from autograder.grade.student_answers import Answer, answers_in
from autograder.gradebook import CellMark

Marks = dict[str, CellMark]  # by cell

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
        partners: the others in the student's group who have the same submission, and get the same mark.
    """

    lab: str
    student: str
    question: str
    cell: str
    out_of: float
    words: int | None
    file: Path
    again: bool = False
    partners: tuple[str, ...] = ()

    @property
    def students(self) -> str:
        """Whose it is, for a table."""
        return " ".join((self.student, *self.partners))


@dataclass(frozen=True)
class HandCount:
    """How many answers to a cell people have marked, and how many are left.

    Attributes:
        lab, cell: which.
        read, left: the numbers; what the members of a group handed in together counts once.
    """

    lab: str
    cell: str
    read: int
    left: int

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.lab.split('_')[0]} {self.cell}: {self.read} of {self.read + self.left} read, {self.left} left"


def pending_answers(course: Course, lab: str) -> Iterator[PendingAnswer]:
    """Every cell of a lab to be graded by hand, by question: reading one question in a row makes marks consistent.

    What the members of a group handed in together is listed once.
    """
    together = partners(course, lab)
    pending = [
        (question_of(cell), student, cell, mark)
        for student, cells in _once_per_unit(gradebook.marks(course, lab), together).items()
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
        others = together.get(student, ())
        yield PendingAnswer(lab, student, question, cell, mark.out_of, words, path, mark.by_hand, others)


def hand_counts(course: Course, lab: str) -> list[HandCount]:
    """How far grading by hand is, cell by cell, in the lab's order."""
    read: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for cells in _once_per_unit(gradebook.marks(course, lab), partners(course, lab)).values():
        read.update(cell for cell, mark in cells.items() if not mark.waiting and not mark.checked)
        left.update(cell for cell, mark in cells.items() if mark.waiting)
    return [HandCount(lab, cell, read[cell], left[cell]) for cell in sorted(read | left)]


def _once_per_unit(marks: Mapping[str, Marks], together: Mapping[str, tuple[str, ...]]) -> dict[str, Marks]:
    """The marks without those of partners; the first of them stands for all."""
    return {student: cells for student, cells in marks.items() if student <= min(together.get(student, (student,)))}


def count_words(text: str) -> int:
    """How many words a text in any script has; pictures, URLs, HTML tags and signs in formulas do not count."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|(?<=\])\([^)]*\)|<[^>]*>|https?://\S+", " ", text)
    return len(WORD.findall(text))
