"""Divides the answers that people have to read among them: fair, and the same again on every other day.

Who reads whose answers is kept in a table in the course folder, because neither answers that were read nor those that
come late may change the share of the rest. A submission is never divided: whoever reads one answer reads the others.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab
from autograder.pages import render_page
from autograder.report.feedback import lab_title
from autograder.report.manual_grading import PendingAnswer

HEADER = ["student_id", "grader"]
Shares = dict[str, int]  # who reads a student's answers, from 1


@dataclass(frozen=True)
class Share:
    """What one person has to read.

    Attributes:
        grader: which person, from 1.
        answers: those that are left, by question.
        path: the page with links to them.
    """

    grader: int
    answers: tuple[PendingAnswer, ...]
    path: Path

    @property
    def submissions(self) -> int:
        """How many submissions the answers are from."""
        return len({answer.student for answer in self.answers})

    @property
    def words(self) -> int:
        """How many words the answers have, as far as they can be counted."""
        return sum(answer.words or 0 for answer in self.answers)


def share_out(course: Course, lab: GradedLab, pending: Sequence[PendingAnswer], count: int, url: str) -> list[Share]:
    """Divide a lab's answers among `count` people, and write a page of links into formgrader for each.

    Args:
        course, lab: whose.
        pending: the answers that are left.
        count: how many people read.
        url: of the server on which formgrader runs.

    Raises:
        UserError: the table of who reads whose answers cannot be read.
    """
    before = _read(course.graders(lab.name))
    shares = divide(pending, before, count)
    if shares != before:
        _write(course.graders(lab.name), shares)
    addresses = {
        student: f"{url.rstrip('/')}/formgrader/submissions/{quote(notebook)}/"
        for student, notebook in gradebook.notebook_ids(course, lab.name).items()
    }
    pages = [_write_page(course, lab, grader, count, pending, shares, addresses) for grader in range(1, count + 1)]
    for path in course.essays(lab.name, 1).parent.glob(f"{lab.name}_essays_*.html"):
        if path not in [page.path for page in pages]:
            path.unlink()  # of a reader whom there is no more
    return pages


def divide(pending: Iterable[PendingAnswer], before: Mapping[str, int], count: int) -> Shares:
    """Who reads whose answers, including those who were divided before.

    Whoever has a reader keeps that one, unless there are fewer readers now. A new submission goes to the reader with
    the fewest answers, and of several to the one with the fewest words. If there are more readers than before, the new
    ones take submissions over that are not read yet.
    """
    answers: dict[str, list[PendingAnswer]] = {}
    for answer in pending:
        answers.setdefault(answer.student, []).append(answer)
    shares = {student: grader for student, grader in before.items() if grader <= count}
    for student, own in answers.items():
        # A partner may have been divided before the group was known.
        known = [shares.pop(name) for name in (student, *own[0].partners) if name in shares]
        if known:
            shares[student] = known[0]
    load = _Load(shares, answers, count)
    new = [student for student in answers if student not in shares]
    for student in sorted(new, key=lambda name: (-len(answers[name]), -_words(answers[name]), name)):
        shares[student] = load.least()
        load.add(student, shares[student])
    if count > max(before.values(), default=count):
        _balance(shares, answers, load)
    return shares


class _Load:
    """How many answers, and how many words in them, each reader has."""

    def __init__(self, shares: Shares, answers: Mapping[str, list[PendingAnswer]], count: int):
        self._answers = answers
        self._sizes = {grader: [0, 0] for grader in range(1, count + 1)}
        for student, grader in shares.items():
            self.add(student, grader)

    def add(self, student: str, grader: int, sign: int = 1) -> None:
        """Add a student's answers; those that were read already count as one."""
        own = self._answers.get(student, [])
        self._sizes[grader][0] += sign * max(1, len(own))
        self._sizes[grader][1] += sign * _words(own)

    def least(self) -> int:
        """The reader with the fewest."""
        return min(self._sizes, key=lambda grader: (*self._sizes[grader], grader))

    def most(self) -> int:
        """The reader with the most."""
        return max(self._sizes, key=lambda grader: (*self._sizes[grader], grader))

    def gap(self, first: int, second: int) -> int:
        """How many answers the first reader has more than the second."""
        return self._sizes[first][0] - self._sizes[second][0]


def _balance(shares: Shares, answers: Mapping[str, list[PendingAnswer]], load: _Load) -> None:
    """Move submissions that are not read yet from whoever has most to whoever has least, while that helps."""
    while True:
        most, least = load.most(), load.least()
        movable = [student for student in answers if shares[student] == most]
        student = min(movable, key=lambda name: (len(answers[name]), name), default="")
        if not student or load.gap(most, least) <= len(answers[student]):
            return
        load.add(student, most, -1)
        load.add(student, least)
        shares[student] = least


def _words(answers: Iterable[PendingAnswer]) -> int:
    return sum(answer.words or 0 for answer in answers)


def _write_page(
    course: Course,
    lab: GradedLab,
    grader: int,
    count: int,
    pending: Iterable[PendingAnswer],
    shares: Shares,
    addresses: Mapping[str, str],
) -> Share:
    share = Share(
        grader, tuple(answer for answer in pending if shares[answer.student] == grader), course.essays(lab.name, grader)
    )
    by_cell: dict[str, list[PendingAnswer]] = {}
    for answer in share.answers:
        by_cell.setdefault(answer.cell, []).append(answer)
    page = render_page(
        "essays.html", title=lab_title(lab), share=share, count=count, cells=by_cell, addresses=addresses
    )
    write_atomic(share.path, page)
    return share


def forget(course: Course, student: str) -> None:
    """Remove a student from all tables of who reads whose answers."""
    for path in sorted(course.graders("*").parent.glob("*.csv")):
        shares = _read(path)
        if shares.pop(student, None) is not None:
            _write(path, shares)


def _write(path: Path, shares: Shares) -> None:
    table = io.StringIO()
    csv.writer(table).writerows([HEADER, *([student, str(grader)] for student, grader in sorted(shares.items()))])
    write_atomic(path, table.getvalue())


def _read(path: Path) -> Shares:
    """Who reads whose answers, as the table says; empty if there is none."""
    if not path.is_file():
        return {}
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
        if rows[0] != HEADER:
            raise ValueError("its first line is not student_id,grader")
        shares = {student: int(grader) for student, grader in filter(None, rows[1:])}
        if min(shares.values(), default=1) < 1:
            raise ValueError("readers are numbered from 1")
        return shares
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}): correct it, or delete it to divide anew.") from error
