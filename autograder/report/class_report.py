"""How a class did in a lab: marks, questions, mistakes by name, time, repairs, and what needs a person."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, median

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster, Student
from autograder.deductions.handing_in import SETTLE
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.record import GradingRecord
from autograder.grade.student_answers import answers_in
from autograder.pages import render_page
from autograder.report.examples import anonymize
from autograder.report.feedback import lab_title
from autograder.report.marks import QuestionMark, StudentMarks, class_marks
from autograder.text import cleaned
from qlab.cells import grade_id

BINS = 10
MAX_CANDIDATES = 5  # notebooks considered for an example: the shortest answer shows the mistake best
MIN_SECONDS = 0.1  # cells that are faster in every submission are not listed
MAX_NOTES = 40  # per section, because people read them

# How those remarks of grading begin that are about more than a repair.
CELL_FAILED = re.compile(r"^the cell \S+ (was stopped: |ended with )|^too many cells ended |^it took more than ")
CHECK_FAILED = re.compile(r"^the check \S+ failed by itself")


@dataclass(frozen=True)
class QuestionResult:
    """How a class did in one question.

    Attributes:
        name, title, out_of: such as "Q1", what it asks for, its maximum.
        full, part, none: how many students have all the points, some, or none.
        waiting: how many have a part that is still to be graded by hand.
        mean: the mean points, of a question with a waiting part those of its other parts; None if nobody has any.
        so_far, so_far_out_of: the mean points of those who have a waiting part and points for another, and the most
            that such other parts give; None and 0 if there is nobody.
    """

    name: str
    title: str
    out_of: float
    full: int
    part: int
    none: int
    waiting: int
    mean: float | None
    so_far: float | None = None
    so_far_out_of: float = 0.0


@dataclass(frozen=True)
class MistakeResult:
    """A mistake that students made.

    Attributes:
        question: where.
        name: of the mistake.
        count: how many students made it.
        hint: the next step that the check names.
        example: an anonymous answer with it; "" if there is none, or only stubs.
    """

    question: str
    name: str
    count: int
    hint: str
    example: str


@dataclass(frozen=True)
class CellTime:
    """How long a cell took, in seconds, over the class."""

    cell: str
    median: float
    longest: float


@dataclass(frozen=True)
class Note:
    """A remark, and the students whose submissions it is about."""

    text: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class ClassReport:
    """A lab's report for the course meeting.

    Attributes:
        lab, title: the lab's name and heading.
        students: how many handed in.
        out_of: the most points that the lab gives.
        totals: the points of those who have a mark, sorted.
        unfinished: how many totals may still change, because a part is to be graded by hand.
        questions, mistakes, times: in the lab's order; the mistakes of a question by how many made them.
        seconds: for a whole submission, the median and the longest.
        repaired: what was odd about files, and repaired.
        ended: cells that raised or were stopped.
        taken_off: the course's deductions, such as late penalties.
        needs_person: what only a person can settle.
        handed_in: extensions, times that nobody says, and the rule by which submissions count.
    """

    lab: str
    title: str
    students: int
    out_of: float
    totals: tuple[float, ...]
    unfinished: int
    questions: tuple[QuestionResult, ...]
    mistakes: tuple[MistakeResult, ...]
    times: tuple[CellTime, ...]
    seconds: tuple[float, float]
    repaired: tuple[Note, ...]
    ended: tuple[Note, ...]
    taken_off: tuple[Note, ...]
    needs_person: tuple[Note, ...]
    handed_in: tuple[Note, ...] = ()

    @property
    def mean(self) -> float | None:
        """The mean total."""
        return mean(self.totals) if self.totals else None

    @property
    def median(self) -> float | None:
        """The median total."""
        return median(self.totals) if self.totals else None

    @property
    def histogram(self) -> list[int]:
        """How many totals are in each tenth of the points; full marks are in the last."""
        counts = [0] * BINS
        for total in self.totals:
            counts[min(BINS - 1, max(0, int(BINS * total / (self.out_of or 1))))] += 1
        return counts

    def text(self) -> str:
        """The report as JSON."""
        derived = {"mean": self.mean, "median": self.median, "histogram": self.histogram}
        return json.dumps({**asdict(self), **derived}, indent=1, ensure_ascii=False) + "\n"


def class_report(course: Course, lab: GradedLab) -> ClassReport:
    """The report on all submissions graded so far; ids and examples, which no record has cleaned, are cleaned here."""
    statistics = _ClassStatistics()
    for row in class_marks(course, lab.name):
        statistics.add(row)
    report = ClassReport(
        lab.name,
        lab_title(lab),
        statistics.students,
        statistics.out_of,
        tuple(sorted(statistics.totals)),
        statistics.unfinished,
        tuple(question.result() for question in statistics.questions.values()),
        tuple(_mistakes(statistics, lab, course)),
        tuple(_times(statistics, lab)),
        (median(statistics.submissions), max(statistics.submissions)) if statistics.submissions else (0.0, 0.0),
        _notes(statistics.repaired),
        _notes(statistics.ended),
        _notes(statistics.taken_off),
        _notes(statistics.needs_person),
        _notes(statistics.handed_in),
    )
    return cleaned(report)


def write_page(report: ClassReport, path: Path) -> Path:
    """Write the report as one self-contained HTML page."""
    write_atomic(path, render_page("class_report.html", report=report))
    return path


@dataclass
class _Question:
    """A question, while the students are counted."""

    name: str
    title: str = ""
    out_of: float = 0.0
    points: list[float] = field(default_factory=list)
    waiting: int = 0
    points_so_far: list[float] = field(default_factory=list)
    so_far_out_of: float = 0.0

    def add(self, mark: QuestionMark) -> None:
        self.out_of = mark.out_of
        self.waiting += mark.waiting
        if mark.points is not None and mark.waiting:
            self.points_so_far.append(mark.points)
            self.so_far_out_of = max(self.so_far_out_of, mark.so_far)
        elif mark.points is not None:
            self.points.append(mark.points)

    def result(self) -> QuestionResult:
        full, none = sum(p >= self.out_of for p in self.points), sum(p <= 0 for p in self.points)
        part = len(self.points) - full - none
        return QuestionResult(
            self.name, self.title, self.out_of, full, part, none, self.waiting,
            _mean([*self.points, *self.points_so_far]), _mean(self.points_so_far), self.so_far_out_of,
        )  # fmt: skip


def _mean(numbers: list[float]) -> float | None:
    return mean(numbers) if numbers else None


@dataclass
class _ClassStatistics:
    """The class, counted student by student: only numbers, names and remarks, so that a large class fits in memory."""

    students: int = 0
    out_of: float = 0.0
    unfinished: int = 0
    totals: list[float] = field(default_factory=list)
    submissions: list[float] = field(default_factory=list)
    questions: dict[str, _Question] = field(default_factory=dict)
    made_by: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    hints: dict[tuple[str, str], str] = field(default_factory=dict)
    cells: dict[str, list[float]] = field(default_factory=dict)
    repaired: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, list[str]] = field(default_factory=dict)
    taken_off: dict[str, list[str]] = field(default_factory=dict)
    handed_in: dict[str, list[str]] = field(default_factory=dict)
    needs_person: dict[str, list[str]] = field(default_factory=dict)

    def add(self, row: StudentMarks) -> None:
        record = row.record
        self.students += 1
        if row.total is not None:
            self.totals.append(row.total)
            self.unfinished += bool(row.waiting)
            self.out_of = max(self.out_of, row.out_of)
            self.submissions.append(sum(record.seconds.values()))
        self._add_marks(row)
        self._add_mistakes(record)
        for cell, seconds in record.seconds.items():
            self.cells.setdefault(cell, []).append(seconds)
        self._add_remarks(row)

    def _add_marks(self, row: StudentMarks) -> None:
        for name, mark in row.questions.items():
            self.questions.setdefault(name, _Question(name)).add(mark)
        for grade in row.record.cells:
            if grade.outcome is not None and grade.question in self.questions:
                question = self.questions[grade.question]
                question.title = question.title or grade.outcome.title

    def _add_mistakes(self, record: GradingRecord) -> None:
        for grade in record.cells:
            for name in grade.outcome.mistakes if grade.outcome else ():
                key = (grade.question, name)
                self.counts[key] += 1
                if len(students := self.made_by.setdefault(key, [])) < MAX_CANDIDATES:
                    students.append(record.student)
                if grade.outcome and not self.hints.get(key):
                    self.hints[key] = grade.outcome.next

    def _add_remarks(self, row: StudentMarks) -> None:
        record = row.record
        if record.reason:
            self.needs_person.setdefault(f"no mark: {record.reason}", []).append(record.student)
        for name in row.waiting:
            self.needs_person.setdefault(f"{name} is still to be graded by hand", []).append(record.student)
        for sentence in record.unusual:
            self.needs_person.setdefault(sentence, []).append(record.student)
        if not record.sandboxed:
            self.needs_person.setdefault("graded without a sandbox", []).append(record.student)
        self._add_handing_in(row)
        for deduction in row.deductions:
            self.taken_off.setdefault(deduction.why, []).append(record.student)
        for remark in record.remarks:
            section = self.repaired
            if CELL_FAILED.match(remark):
                section = self.ended
            elif CHECK_FAILED.match(remark):
                section = self.needs_person
            section.setdefault(remark, []).append(record.student)

    def _add_handing_in(self, row: StudentMarks) -> None:
        handed_in, student = row.handing_in, row.record.student
        if handed_in is None:
            return
        if handed_in.unsettled:
            self.needs_person.setdefault(f"late by an unknown amount: {SETTLE}", []).append(student)
        elif handed_in.due and handed_in.when is None:
            self.handed_in.setdefault("nobody says when: counts as in time", []).append(student)
        for sentence in filter(None, (handed_in.extension, handed_in.counted)):
            self.handed_in.setdefault(sentence, []).append(student)


def _notes(remarks: dict[str, list[str]]) -> tuple[Note, ...]:
    """The remarks, those about the most students first; beyond MAX_NOTES, one note says how many more there are."""
    notes = [Note(text, tuple(students)) for text, students in remarks.items()]
    notes.sort(key=lambda note: -len(note.students))
    if len(notes) > MAX_NOTES:
        rest = notes[MAX_NOTES:]
        students = dict.fromkeys(student for note in rest for student in note.students)
        notes = [*notes[:MAX_NOTES], Note(f"and {len(rest)} more, see the marks table", tuple(students))]
    return tuple(notes)


def _times(statistics: _ClassStatistics, lab: GradedLab) -> Iterable[CellTime]:
    """The lab's cells in their order; cells that students added are left out."""
    for cell in lab.released.cells:
        seconds = statistics.cells.get(cell.id)
        if seconds and max(seconds) >= MIN_SECONDS:
            yield CellTime(cell.id, median(seconds), max(seconds))


def _mistakes(statistics: _ClassStatistics, lab: GradedLab, course: Course) -> Iterable[MistakeResult]:
    order = list(dict.fromkeys(question_of(name) for name in lab.order))
    roster = Roster(gradebook.roster_in_lab(course, lab.name))

    def position(key: tuple[str, str]) -> tuple[int, int, str]:
        return (order.index(key[0]) if key[0] in order else len(order), -statistics.counts[key], key[1])

    def names(student: str) -> list[str]:
        # Partners sign what they hand in together.
        people = [roster.students.get(name, Student(name)) for name in (student, *roster.partners(student))]
        return [name for person in people for name in names_of(person)]

    for question, name in sorted(statistics.counts, key=position):
        example = shortest_example(course, lab, question, statistics.made_by[question, name], names)
        count, hint = statistics.counts[question, name], statistics.hints.get((question, name), "")
        yield MistakeResult(question, name, count, hint, example)


def shortest_example(
    course: Course, lab: GradedLab, question: str, students: Iterable[str], names: Callable[[str], Iterable[str]]
) -> str:
    """The shortest of these students' answers, which shows a mistake best, without names; "" if all are stubs.

    Args:
        course, lab: where.
        question: which answer.
        students: who have the mistake.
        names: the names that a student's answer must not show.
    """
    stubs = {grade_id(cell): cell.source for cell in lab.released.cells}
    answers = []
    for student in students:
        if text := _answer(course.autograded(lab.name, student), question, stubs):
            answers.append(anonymize(text, names(student)))
    return min(answers, key=len, default="")


def names_of(person: Student) -> tuple[str, ...]:
    """What somebody may have signed with."""
    return person.id, person.name, person.first, person.last, person.email, person.lms_id


def _answer(path: Path, question: str, stubs: dict[str, str]) -> str:
    """A student's code for a question; "" if it cannot be read or is still the stub."""
    answers = [answer for answer in answers_in(path).values() if answer.code and question_of(answer.cell) == question]
    changed = (answer for answer in answers if answer.source.strip() != stubs.get(answer.cell, "").strip())
    return "\n\n".join(answer.source for answer in changed)
