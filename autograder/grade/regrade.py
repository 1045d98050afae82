"""Grades one question again after its check was fixed; everything else in a record stays as it was."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.grade.job import Job, JobResult, pack
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.lab_grading import writing_records
from autograder.grade.pool import Pool, QueuedJob
from autograder.grade.record import GradingRecord
from autograder.grade.scheduler import Workers
from autograder.grade.shared import same_result, units
from autograder.grade.submission import Submission
from autograder.gradebook import CellMark
from autograder.report.marks import StudentMarks, class_marks

ABOUT_A_CELL = re.compile(r"^the (?:check|cell) (\S+) (?:failed by itself|ended with|was stopped)")
NOT_GRADED = "was never graded"
NEW_FILE = "handed in another file since then"


@dataclass(frozen=True)
class Change:
    """A student whose mark for the question changes.

    Attributes:
        student: whose mark.
        before, after: points for the question.
        total_before, total_after: points for the lab.
    """

    student: str
    before: float | None
    after: float | None
    total_before: float
    total_after: float

    @property
    def difference(self) -> float:
        """By how many points the mark changes."""
        return (self.after or 0.0) - (self.before or 0.0)


@dataclass
class RegradeResult:
    """What grading a question again changed.

    Attributes:
        graded: how many submissions were graded again.
        changes: the marks that changed, sorted by student.
        by_hand: students whose check gives another result now, but who keep a mark given by hand.
        left_out: why a student was not graded again, by student.
    """

    graded: int = 0
    changes: list[Change] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def find_question(lab: GradedLab, name: str) -> str:
    """The lab's question of that name, in upper or lower case.

    Raises:
        UserError: there is none, or it has no check.
    """
    checked = dict.fromkeys(question_of(cell) for cell in lab.order if cell.endswith("-check"))
    matches = [question for question in checked if question.lower() == name.strip().lower()]
    if not matches:
        raise UserError(f"{lab.name} has no question “{name}” with a check: choose one of {', '.join(checked)}.")
    return matches[0]


class Regrading:
    """Grades one question of a class again; marks given by hand stay, and so do all other questions.

    Args:
        course, lab: where, and the lab with the fixed check.
        question: such as "Q3".
        sandboxed: whether students' code runs in a sandbox.
        store: stores a record in the gradebook; None for a dry run, which writes nothing.
    """

    def __init__(
        self,
        course: Course,
        lab: GradedLab,
        question: str,
        *,
        sandboxed: bool,
        store: Callable[[GradingRecord], None] | None,
    ):
        self.course = course
        self.lab = lab
        self.question = question
        self.result = RegradeResult()
        self._sandboxed = sandboxed
        self._store = store
        self._marks = gradebook.marks(course, lab.name)
        self._totals = self._read_totals()
        self._submitted = course.submitted(lab.name)
        self._partners: dict[str, list[GradingRecord]] = {}

    def run(self, students: Sequence[str], workers: Workers, progress: Callable[[str], None] = lambda _: None) -> None:
        """Grade the question of these students; `result` is up to date at any time, also after Ctrl-C."""
        for queued, job_result in Pool(self.lab, workers).run(self._jobs(students, progress)):
            assert queued.before is not None
            for before in (queued.before, *self._partners[queued.before.student]):
                self._take(before, job_result)
                progress(before.student)

    def read_totals_again(self) -> None:
        """Read the totals again after everything was written: deductions such as late penalties may have changed."""
        totals = self._read_totals()
        self.result.changes = [
            replace(change, total_after=totals.get(change.student, change.total_after))
            for change in self.result.changes
        ]

    def _read_totals(self) -> dict[str, float]:
        rows = class_marks(self.course, self.lab.name)
        return {row.record.student: row.total for row in rows if row.total is not None}

    def _jobs(self, students: Sequence[str], progress: Callable[[str], None]) -> Iterator[QueuedJob]:
        packed = pack(self.lab)
        for unit in units(self.course, self.lab.name, students):
            graded = [found for student in unit if (found := self._graded(student, progress)) is not None]
            while graded:
                (submission, before), *others = graded
                # Members of a group who have the same record are graded once.
                self._partners[before.student] = [other for _, other in others if same_result(before, other)]
                graded = [entry for entry in others if not same_result(before, entry[1])]
                # With the same seed, only the check can make a difference.
                yield QueuedJob(Job(submission, packed, self.lab.limits, before.seed, self._sandboxed), before)

    def _graded(self, student: str, progress: Callable[[str], None]) -> tuple[Submission, GradingRecord] | None:
        """A student's submission with its record; None if it is not graded as it is now."""
        submission = Submission.read(student, self._submitted[student])
        before = GradingRecord.read(self.course.record(self.lab.name, student))
        if before is not None and before.sha256 == submission.sha256 and not before.reason:
            return submission, before
        why = NOT_GRADED if before is None else before.reason and f"has no mark: {before.reason}"
        self.result.left_out[student] = why or NEW_FILE
        progress(student)
        return None

    def _take(self, before: GradingRecord, job_result: JobResult) -> None:
        now = replace(job_result.record, student=before.student)
        if now.reason:
            self.result.left_out[now.student] = now.reason
            return
        there = GradingRecord.read(self.course.record(self.lab.name, before.student))
        if there is None or there.sha256 != before.sha256:  # graded by the server since this began
            self.result.left_out[before.student] = NEW_FILE
            return
        stored = self._marks.get(before.student, {})
        after = merge(before, now, self.question)
        old, new = StudentMarks(before, stored), StudentMarks(after, _marks_after(stored, before, after))
        self._note(old, new, stored)
        if old.questions.get(self.question) != new.questions.get(self.question):
            remark = f"{self.question} was graded again after its check was fixed"
            after = replace(after, remarks=tuple(dict.fromkeys((*after.remarks, remark))))
        if self._store is not None:
            self._save(before, after, job_result, self._store)

    def _note(self, old: StudentMarks, new: StudentMarks, stored: dict[str, CellMark]) -> None:
        self.result.graded += 1
        student, before = old.record.student, old.questions[self.question].points
        after = new.questions[self.question].points
        if before != after:
            total = self._totals.get(student, old.total or 0.0)
            change = Change(student, before, after, total, total + (after or 0.0) - (before or 0.0))
            self.result.changes = sorted([*self.result.changes, change], key=lambda change: change.student)
        old_marks, new_marks = old.record.marks(), new.record.marks()
        if any(mark.by_hand and old_marks.get(cell) != new_marks.get(cell) for cell, mark in stored.items()):
            self.result.by_hand = sorted([*self.result.by_hand, student])

    def _save(
        self, before: GradingRecord, after: GradingRecord, job_result: JobResult, store: Callable[[GradingRecord], None]
    ) -> None:
        """Write the notebook, then the record, then the gradebook, unless somebody else has graded it meanwhile."""
        path = self.course.record(after.lab, after.student)
        with writing_records(self.course, after.lab):
            now = GradingRecord.read(path)
            if now is not None and now.sha256 == before.sha256:
                self._write(after, job_result)
            stored = GradingRecord.read(path) or after
        store(stored)

    def _write(self, record: GradingRecord, job_result: JobResult) -> None:
        target = self.course.autograded(record.lab, record.student)
        if job_result.notebook is not None:
            old = target.read_text("utf-8") if target.is_file() else ""
            write_atomic(target, _with_cells_of(old, job_result.notebook, self.question))
        path = self.course.record(record.lab, record.student)
        record.write(path)


def merge(before: GradingRecord, now: GradingRecord, question: str) -> GradingRecord:
    """The old record with this question's grades, times and remarks from the new one."""

    def of_question(cell: str) -> bool:
        return question_of(cell) == question

    def about_question(remark: str) -> bool:
        match = ABOUT_A_CELL.match(remark)
        return match is not None and of_question(match[1])

    old_cells = {grade.cell: grade for grade in before.cells}
    cells = tuple(grade if of_question(grade.cell) else old_cells.get(grade.cell, grade) for grade in now.cells)
    other_remarks = [remark for remark in before.remarks if not about_question(remark)]
    seconds = {**before.seconds, **{cell: value for cell, value in now.seconds.items() if of_question(cell)}}
    return replace(
        before,
        # The new release, so that the next grading takes the record as up to date.
        release=now.release,
        version=now.version,
        cells=cells,
        remarks=(*other_remarks, *filter(about_question, now.remarks)),
        seconds=seconds,
        limits=now.limits,
        sandboxed=before.sandboxed and now.sandboxed,
        resubmitted=False,  # whatever a person has marked since is about this file
    )


def _marks_after(stored: dict[str, CellMark], before: GradingRecord, after: GradingRecord) -> dict[str, CellMark]:
    """The marks that the gradebook will have: points given by hand stay, and so does extra credit on top of a check."""
    old_points, marks = before.marks(), dict(stored)
    for grade in after.cells:
        mark = stored.get(grade.cell)
        if mark is None or mark.by_hand:
            continue
        extra = (mark.points or 0) - (old_points.get(grade.cell) or 0)
        points = None if grade.points is None else grade.points + extra
        marks[grade.cell] = replace(mark, points=points, out_of=grade.out_of, waiting=grade.points is None)
    return marks


def _with_cells_of(old: str, new: str, question: str) -> str:
    """The old graded notebook with the new one's cells of this question; the new notebook if there is no old one."""

    def name(cell: dict[str, Any]) -> str:
        cell_id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
        return str(cell_id) if question_of(cell_id) == question else ""

    try:
        notebook = json.loads(old)
        new_cells = {name(cell): cell for cell in json.loads(new)["cells"] if name(cell)}
        notebook["cells"] = [new_cells.get(name(cell), cell) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return new
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
