"""What a class made of a lab: marks, questions, mistakes by name, time, repairs, and what needs a person."""

import io
import json
import re
import tokenize
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, median

import jinja2

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.record import Record
from autograder.grade.student_answers import answers_in
from autograder.report.marks import StudentMarks, class_marks, lab_title
from qlab.notebook import grade_id

BINS = 10
CANDIDATES = 5  # notebooks that are looked at for an example: the shortest answer shows the mistake best
MOST_LINES = 30  # of an example
WORTH_SHOWING = 0.1  # seconds; what takes less in every submission is nobody's concern
MOST_NOTES = 40  # a section of remarks is read by people
HIDDEN_NAME = "…"

# How remarks of grading begin or what they hold, where they tell of more than a repair.
ENDED = re.compile(r"^the cell \S+ (was stopped: |ended with )|^too many cells ended |^it took more than ")
CHECK_FAILED = re.compile(r"^the check \S+ failed by itself")


@dataclass(frozen=True)
class QuestionResult:
    """A question over the class.

    Attributes:
        name, title, out_of: "Q1", what it asks for, its maximum.
        full, part, none: how many have all the points, some, or none.
        waiting: how many wait for a person; counted there alone.
        mean: of the points of those who do not wait; None where all do.
    """

    name: str
    title: str
    out_of: float
    full: int
    part: int
    none: int
    waiting: int
    mean: float | None


@dataclass(frozen=True)
class MistakeResult:
    """A mistake: where, how many made it, what they were told, and an answer that has it, without its author.

    `example` is "" where the answer was left as it was handed out, or no notebook can be read.
    """

    question: str
    name: str
    count: int
    hint: str
    example: str


@dataclass(frozen=True)
class CellTime:
    """Seconds that a cell took over the class."""

    cell: str
    median: float
    longest: float


@dataclass(frozen=True)
class Note:
    """A remark, and whose submission it is about."""

    text: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class ClassReport:
    """A lab's report for the course meeting.

    Attributes:
        lab, title: the lab's name and heading.
        students: how many handed in.
        out_of: the most points that could be had.
        totals: the points of those who have a mark, sorted.
        unfinished: how many of the totals will still grow or shrink: a part waits for a person.
        questions, mistakes, times: see there; in the lab's order, mistakes of a question by how many made them.
        seconds: of a whole submission: the median and the longest.
        repaired: what was mended or odd about files.
        ended: cells that raised or were stopped.
        taken_off: what totals lost by the course's rules, such as late penalties.
        needs_person: what nobody but a person can settle.
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

    @property
    def mean(self) -> float | None:
        """Of the totals."""
        return mean(self.totals) if self.totals else None

    @property
    def median(self) -> float | None:
        """Of the totals."""
        return median(self.totals) if self.totals else None

    @property
    def histogram(self) -> list[int]:
        """How many totals lie in each tenth of the points; full marks lie in the last."""
        counts = [0] * BINS
        for total in self.totals:
            counts[min(BINS - 1, max(0, int(BINS * total / (self.out_of or 1))))] += 1
        return counts

    def text(self) -> str:
        """The report as JSON."""
        derived = {"mean": self.mean, "median": self.median, "histogram": self.histogram}
        return json.dumps({**asdict(self), **derived}, indent=1, ensure_ascii=False) + "\n"


def class_report(course: Course, lab: GradedLab) -> ClassReport:
    """The report of what was graded so far."""
    seen = _Seen()
    for row in class_marks(course, lab.name):
        seen.add(row)
    return ClassReport(
        lab.name,
        lab_title(lab),
        seen.students,
        seen.out_of,
        tuple(sorted(seen.totals)),
        seen.unfinished,
        tuple(question.result() for question in seen.questions.values()),
        tuple(_mistakes(seen, lab, course)),
        tuple(_times(seen, lab)),
        (median(seen.submissions), max(seen.submissions)) if seen.submissions else (0.0, 0.0),
        _notes(seen.repaired),
        _notes(seen.ended),
        _notes(seen.taken_off),
        _notes(seen.needs_person),
    )


def write_page(report: ClassReport, path: Path) -> Path:
    """Write the report as one HTML page that needs nothing else: no network, no script."""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (Path(__file__).parent / "class_report.html").read_text("utf-8")
    )
    write_atomic(path, template.render(report=report))
    return path


@dataclass
class _Question:
    """A question while the class is counted."""

    name: str
    title: str = ""
    out_of: float = 0.0
    points: list[float] = field(default_factory=list)
    waiting: int = 0

    def result(self) -> QuestionResult:
        full, none = sum(p >= self.out_of for p in self.points), sum(p <= 0 for p in self.points)
        part = len(self.points) - full - none
        average = mean(self.points) if self.points else None
        return QuestionResult(self.name, self.title, self.out_of, full, part, none, self.waiting, average)


@dataclass
class _Seen:
    """The class, counted student by student: nothing of a submission is kept but numbers, names and remarks."""

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
            question = self.questions.setdefault(name, _Question(name))
            question.out_of = mark.out_of
            if mark.waiting:
                question.waiting += 1
            elif mark.points is not None:
                question.points.append(mark.points)
        for grade in row.record.cells:
            if grade.outcome is not None and grade.question in self.questions:
                found = self.questions[grade.question]
                found.title = found.title or grade.outcome.title

    def _add_mistakes(self, record: Record) -> None:
        for grade in record.cells:
            for name in grade.outcome.mistakes if grade.outcome else ():
                key = (grade.question, name)
                self.counts[key] += 1
                if len(makers := self.made_by.setdefault(key, [])) < CANDIDATES:
                    makers.append(record.student)
                if grade.outcome and not self.hints.get(key):
                    self.hints[key] = grade.outcome.next

    def _add_remarks(self, row: StudentMarks) -> None:
        record = row.record
        if record.reason:
            self.needs_person.setdefault(f"no mark: {record.reason}", []).append(record.student)
        for name in row.waiting:
            self.needs_person.setdefault(f"{name} waits to be read", []).append(record.student)
        if not record.sandboxed:
            self.needs_person.setdefault("graded without a sandbox", []).append(record.student)
        for deduction in row.deductions:
            self.taken_off.setdefault(deduction.why, []).append(record.student)
        for remark in record.remarks:
            kind = self.repaired
            if ENDED.match(remark):
                kind = self.ended
            elif CHECK_FAILED.match(remark):
                kind = self.needs_person
            kind.setdefault(remark, []).append(record.student)


def _notes(found: dict[str, list[str]]) -> tuple[Note, ...]:
    """The remarks that concern most first; of many, the first ones and how many there are more."""
    notes = [Note(text, tuple(students)) for text, students in found.items()]
    notes.sort(key=lambda note: -len(note.students))
    if len(notes) > MOST_NOTES:
        left = notes[MOST_NOTES:]
        whose = dict.fromkeys(student for note in left for student in note.students)
        notes = [*notes[:MOST_NOTES], Note(f"and {len(left)} more, see the marks table", tuple(whose))]
    return tuple(notes)


def _times(seen: _Seen, lab: GradedLab) -> Iterable[CellTime]:
    """The lab's cells in their order; cells of students' own are none of the lab's."""
    for cell in lab.released.cells:
        took = seen.cells.get(cell.id)
        if took and max(took) >= WORTH_SHOWING:
            yield CellTime(cell.id, median(took), max(took))


def _mistakes(seen: _Seen, lab: GradedLab, course: Course) -> Iterable[MistakeResult]:
    order = list(dict.fromkeys(question_of(name) for name in lab.order))
    people = {student.id: student for student in gradebook.roster(course)}
    stubs = {grade_id(cell): cell.source for cell in lab.released.cells}

    def place(key: tuple[str, str]) -> tuple[int, int, str]:
        return (order.index(key[0]) if key[0] in order else len(order), -seen.counts[key], key[1])

    for question, name in sorted(seen.counts, key=place):
        answers = []
        for student in seen.made_by[question, name]:
            if text := _answer(course.autograded(lab.name, student), question, stubs):
                known = people.get(student) or Student(student)
                names = (student, known.name, known.first, known.last, known.email, known.lms_id)
                answers.append(anonymous(text, names))
        example = min(answers, key=len, default="")
        count, hint = seen.counts[question, name], seen.hints.get((question, name), "")
        yield MistakeResult(question, name, count, hint, example)


def _answer(path: Path, question: str, stubs: dict[str, str]) -> str:
    """A student's code for a question; "" where it cannot be read or is as it was handed out."""
    own = [answer for answer in answers_in(path).values() if answer.code and question_of(answer.cell) == question]
    return "\n\n".join(one.source for one in own if one.source.strip() != stubs.get(one.cell, "").strip())


def anonymous(source: str, names: Iterable[str]) -> str:
    """An answer without comments, where people sign, and without these names; at most so many lines as are read."""
    lines = [line for line in without_comments(source).splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], HIDDEN_NAME]
    text = "\n".join(lines)
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", HIDDEN_NAME, text, flags=re.IGNORECASE)
    return text


def without_comments(source: str) -> str:
    """Python without its comments; text that is no Python loses what stands behind a #."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return "\n".join(re.sub(r"#.*", "", line).rstrip() for line in source.splitlines())
    lines = source.splitlines()
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)
