"""One question once more, after its check was fixed: everything else of a record stays as it was."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.pool import Pool, Waiting
from autograder.grade.record import Record
from autograder.grade.scheduler import Start
from autograder.grade.submission import Submission
from autograder.grade.worker import Done, Job, pack
from autograder.gradebook import CellMark
from autograder.report.marks import StudentMarks, class_marks

ABOUT_A_CELL = re.compile(r"^the (?:check|cell) (\S+) (?:failed by itself|ended with|was stopped)")
NOT_GRADED = "was never graded"
NEW_FILE = "handed in another file since"


@dataclass(frozen=True)
class Change:
    """A student whose mark for the question is another one now.

    Attributes:
        student: whose.
        before, after: points for the question.
        total_before, total_after: of the lab.
    """

    student: str
    before: float | None
    after: float | None
    total_before: float
    total_after: float


@dataclass
class Regraded:
    """What came of it.

    Attributes:
        graded: how many were graded again.
        changes: whose mark changed, sorted.
        by_hand: students whose check says something else now, while a person's mark stays.
        left_out: why somebody was not graded again, by student.
    """

    graded: int = 0
    changes: list[Change] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def find_question(lab: GradedLab, name: str) -> str:
    """The lab's question of that name, however it is written.

    Raises:
        UserError: it has none, or a person reads all of it.
    """
    checked = dict.fromkeys(question_of(cell) for cell in lab.order if cell.endswith("-check"))
    found = [question for question in checked if question.lower() == name.strip().lower()]
    if not found:
        raise UserError(f"“{name}” is no question of {lab.name} that is checked: choose one of {', '.join(checked)}.")
    return found[0]


class Regrading:
    """Grades one question of a class again; marks given by hand stay, and so do all other questions.

    Args:
        course, lab: see there; the lab with the check as it is now.
        question: such as "Q3".
        sandboxed: whether students' code runs in a sandbox.
        store: puts a record into the gradebook; None writes nothing anywhere.
    """

    def __init__(
        self, course: Course, lab: GradedLab, question: str, *, sandboxed: bool, store: Callable[[Record], None] | None
    ):
        self.course = course
        self.lab = lab
        self.question = question
        self.result = Regraded()
        self._sandboxed = sandboxed
        self._store = store
        self._marks = gradebook.marks(course, lab.name)
        self._totals = self._read_totals()

    def run(self, students: Sequence[str], start: Start, progress: Callable[[str], None] = lambda _: None) -> None:
        """Grade the question of these students; what is done so far is in `result`, also after Ctrl-C."""
        for one, done in Pool(self.lab, start).run(self._jobs(students, progress)):
            self._take(one, done)
            progress(done.record.student)

    def read_totals_again(self) -> None:
        """The totals as they are after all was written: rules such as late penalties may follow the points."""
        totals = self._read_totals()
        changes = [replace(one, total_after=totals.get(one.student, one.total_after)) for one in self.result.changes]
        self.result.changes = changes

    def _read_totals(self) -> dict[str, float]:
        rows = class_marks(self.course, self.lab.name)
        return {row.record.student: row.total for row in rows if row.total is not None}

    def _jobs(self, students: Sequence[str], progress: Callable[[str], None]) -> Iterator[Waiting]:
        packed, submitted = pack(self.lab), self.course.submitted(self.lab.name)
        for student in students:
            submission = Submission.read(student, submitted[student])
            before = Record.read(self.course.record(self.lab.name, student))
            if before is None or before.sha256 != submission.sha256 or before.reason:
                why = NOT_GRADED if before is None else before.reason and f"has no mark: {before.reason}"
                self.result.left_out[student] = why or NEW_FILE
                progress(student)
                continue
            # With the seed of before only the check can make a difference.
            yield Waiting(Job(submission, packed, self.lab.limits, before.seed, self._sandboxed), before)

    def _take(self, one: Waiting, done: Done) -> None:
        before = one.before
        if before is None or done.record.reason:
            self.result.left_out[done.record.student] = done.record.reason
            return
        stored = self._marks.get(before.student, {})
        after = merged(before, done.record, self.question)
        old, new = StudentMarks(before, stored), StudentMarks(after, _marks_after(stored, before, after))
        self._note(old, new, stored)
        if old.questions.get(self.question) != new.questions.get(self.question):
            told = f"{self.question} was graded again after its check was fixed"
            after = replace(after, remarks=tuple(dict.fromkeys((*after.remarks, told))))
        if self._store is not None:
            self._write(after, done, self._store)

    def _note(self, old: StudentMarks, new: StudentMarks, stored: dict[str, CellMark]) -> None:
        self.result.graded += 1
        student, before = old.record.student, old.questions[self.question].points
        after = new.questions[self.question].points
        if before != after:
            total = self._totals.get(student, old.total or 0.0)
            change = Change(student, before, after, total, total + (after or 0.0) - (before or 0.0))
            self.result.changes = sorted([*self.result.changes, change], key=lambda one: one.student)
        was, now = old.record.marks(), new.record.marks()
        if any(mark.by_hand and was.get(cell) != now.get(cell) for cell, mark in stored.items()):
            self.result.by_hand = sorted([*self.result.by_hand, student])

    def _write(self, record: Record, done: Done, store: Callable[[Record], None]) -> None:
        """The notebook, then the record, then the gradebook, as grading does."""
        target = self.course.autograded(record.lab, record.student)
        if done.notebook is not None:
            old = target.read_text("utf-8") if target.is_file() else ""
            write_atomic(target, _with_cells_of(old, done.notebook, self.question))
        path = self.course.record(record.lab, record.student)
        record.write(path)
        store(Record.read(path) or record)


def merged(before: Record, now: Record, question: str) -> Record:
    """The record of before with this question, what it took and what was said of its cells as they are now."""

    def of_question(cell: str) -> bool:
        return question_of(cell) == question

    def about_it(remark: str) -> bool:
        found = ABOUT_A_CELL.match(remark)
        return found is not None and of_question(found[1])

    kept = {grade.cell: grade for grade in before.cells}
    cells = tuple(grade if of_question(grade.cell) else kept.get(grade.cell, grade) for grade in now.cells)
    kept_remarks = [remark for remark in before.remarks if not about_it(remark)]
    seconds = {**before.seconds, **{cell: took for cell, took in now.seconds.items() if of_question(cell)}}
    return replace(
        before,
        # Of the release that the lab is now: what was graded with it counts as graded with it.
        release=now.release,
        version=now.version,
        cells=cells,
        remarks=(*kept_remarks, *filter(about_it, now.remarks)),
        seconds=seconds,
        limits=now.limits,
        sandboxed=before.sandboxed and now.sandboxed,
        resubmitted=False,  # whatever a person marked since is of this file
    )


def _marks_after(stored: dict[str, CellMark], before: Record, after: Record) -> dict[str, CellMark]:
    """What the gradebook will hold: a person's points as they are, extra credit beside the check's."""
    was, found = before.marks(), dict(stored)
    for grade in after.cells:
        mark = stored.get(grade.cell)
        if mark is None or mark.by_hand:
            continue
        extra = (mark.points or 0) - (was.get(grade.cell) or 0)
        points = None if grade.points is None else grade.points + extra
        found[grade.cell] = replace(mark, points=points, out_of=grade.out_of, waiting=grade.points is None)
    return found


def _with_cells_of(old: str, new: str, question: str) -> str:
    """The graded notebook of before with the new one's cells of this question; the new one where there is none."""

    def name(cell: dict[str, Any]) -> str:
        found = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
        return str(found) if question_of(found) == question else ""

    try:
        notebook = json.loads(old)
        fresh = {name(cell): cell for cell in json.loads(new)["cells"] if name(cell)}
        notebook["cells"] = [fresh.get(name(cell), cell) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return new
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
