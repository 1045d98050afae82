"""The sheet of a whole course: everybody on the roster, each lab's points, the total and the grade by rules.toml."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from autograder import gradebook
from autograder.course_folder.grading_rules import GradingRules
from autograder.course_folder.layout import Course, lab_names
from autograder.course_folder.roster import Student
from autograder.course_folder.settings import CourseSettings, Timezone
from autograder.deductions import extensions
from autograder.deductions.handing_in import SETTLE
from autograder.export.course_total import CourseTotal, Total, exact_points
from autograder.grade.lab import question_of
from autograder.gradebook import CellMark
from autograder.report.marks import LATE, NOT_GRADED, NOTHING, Deduction, StudentMarks, class_marks

UNSETTLED = f"late by an unknown amount, nothing taken off: {SETTLE}"


@dataclass(frozen=True)
class LabMark:
    """What a student has in a lab.

    Attributes:
        points: before anything is deducted; None if there is no mark.
        off: the points that are deducted.
        extension: the student's own deadline, in the course's time zone; "" if there is none.
        pending: whether something was handed in that has no mark.
        waiting: questions that are still to be graded by hand.
        unsettled: whether it was late, and a person has to say by how much.
        reason: why there is no mark, or what was deducted.
    """

    points: Fraction | None = None
    off: Fraction = Fraction()
    extension: str = ""
    pending: bool = False
    waiting: tuple[str, ...] = ()
    unsettled: bool = False
    reason: str = ""

    @property
    def total(self) -> Fraction | None:
        """The points that count: 0 for whoever handed in nothing, None for what has no mark yet."""
        if self.points is None:
            return None if self.pending else Fraction()
        return max(Fraction(), self.points - self.off)

    @property
    def remarks(self) -> str:
        """What a person should know."""
        by_hand = f"{', '.join(self.waiting)} still to be graded by hand" if self.waiting else ""
        late = UNSETTLED if self.unsettled else ""
        return "; ".join(filter(None, (self.reason, late, by_hand)))


@dataclass(frozen=True)
class SheetRow:
    """A student's row.

    Attributes:
        student: who.
        labs: the student's marks, by lab.
        total: of the course.
    """

    student: Student
    labs: Mapping[str, LabMark]
    total: Total

    @property
    def pending(self) -> list[str]:
        """Labs that were handed in and have no mark."""
        return [lab for lab, mark in self.labs.items() if mark.pending]

    @property
    def waiting(self) -> bool:
        """Whether a part of a lab is still to be graded by hand."""
        return any(mark.waiting for mark in self.labs.values())

    @property
    def unsettled(self) -> bool:
        """Whether a lab was late, and a person has to say by how much."""
        return any(mark.unsettled for mark in self.labs.values())


@dataclass(frozen=True)
class GradeSheet:
    """The sheet.

    Attributes:
        rules: by which the totals come about.
        out_of: the most points of each lab in the sheet; 0 if it is not known.
        rows: one per student, sorted by id.
        unmarked: labs in the sheet for which nobody has a mark.
    """

    rules: GradingRules
    out_of: dict[str, Fraction]
    rows: tuple[SheetRow, ...]
    unmarked: tuple[str, ...] = ()

    @cached_property
    def short(self) -> dict[str, str]:
        """The labs' short names, such as lab1; the whole name where two labs would have the same."""
        names = [lab.split("_")[0] for lab in self.out_of]
        return {lab: name if names.count(name) == 1 else lab for lab, name in zip(self.out_of, names, strict=True)}

    @cached_property
    def course_total(self) -> CourseTotal:
        """The arithmetic of the totals."""
        return CourseTotal(self.rules, self.out_of)


def grade_sheet(course: Course) -> GradeSheet:
    """The sheet of a course, with all marks and deductions as they are stored now.

    Raises:
        UserError: rules.toml makes no sense.
    """
    settings = CourseSettings.of(course.root)
    roster = {student.id: student for student in gradebook.roster(course)}
    maxima = gradebook.maxima(course)
    labs = [_Lab.of(course, lab, settings.timezone) for lab in lab_names(course)]
    labs = [lab for lab in labs if lab.marks or lab.name in settings.grading.labs]
    out_of = {lab.name: lab.out_of or exact_points(maxima.get(lab.name, 0.0)) for lab in labs}
    total = CourseTotal(settings.grading, out_of)
    people = sorted({*roster, *(student for lab in labs for student in lab.marks)})
    rows = tuple(_row(roster.get(person, Student(person)), labs, total) for person in people)
    return GradeSheet(settings.grading, out_of, rows, tuple(lab.name for lab in labs if not lab.is_marked))


def _row(student: Student, labs: Iterable["_Lab"], total: CourseTotal) -> SheetRow:
    marks = {lab.name: lab.mark(student.id) for lab in labs}
    return SheetRow(student, marks, total.of({lab: mark.total or Fraction() for lab, mark in marks.items()}))


@dataclass
class _Lab:
    """A lab's marks.

    Attributes:
        name: the lab's.
        out_of: the most points that anybody could get.
        marks: by student; of whoever handed in something.
        deadlines: the own deadlines of students with an extension.
    """

    name: str
    out_of: Fraction = Fraction()
    marks: dict[str, LabMark] = field(default_factory=dict)
    deadlines: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, course: Course, name: str, timezone: Timezone) -> "_Lab":
        deadlines = {student: timezone.show(time) for student, time in extensions.deadlines(course, name).items()}
        lab = cls(name, deadlines=deadlines)
        for row in class_marks(course, name):
            lab.out_of = max(lab.out_of, exact_points(row.out_of))
            lab._add(row.record.student, _of_record(row))
        late = gradebook.penalties(course, name)
        for student, cells in gradebook.marks(course, name).items():
            lab._add(student, _of_cells(cells, late.get(student, 0.0)))  # stock nbgrader graded it: there is no record
        for student in course.submitted(name):
            lab._add(student, LabMark(pending=True, reason=NOT_GRADED))
        return lab

    def _add(self, student: str, mark: LabMark) -> None:
        self.marks.setdefault(student, mark)

    @property
    def is_marked(self) -> bool:
        """Whether anybody has a mark."""
        return any(mark.points is not None for mark in self.marks.values())

    def mark(self, student: str) -> LabMark:
        missing = LabMark(reason=NOTHING if self.is_marked else "")
        return replace(self.marks.get(student, missing), extension=self.deadlines.get(student, ""))


def _of_record(row: StudentMarks) -> LabMark:
    if row.total is None:
        return LabMark(pending=True, reason=f"no mark: {row.record.reason}")
    points = sum((exact_points(mark.points or 0) for mark in row.questions.values()), Fraction())
    off = sum((exact_points(deduction.points) for deduction in row.deductions), Fraction())
    reason = "; ".join(entry.text for entry in row.deductions)
    return LabMark(points, off, waiting=tuple(row.waiting), unsettled=row.unsettled, reason=reason)


def _of_cells(cells: Mapping[str, CellMark], late: float) -> LabMark:
    points = sum((exact_points(mark.points or 0) for mark in cells.values()), Fraction())
    reason = Deduction(late, LATE).text if late else ""
    return LabMark(points, exact_points(late), waiting=tuple(_waiting(cells)), reason=reason)


def _waiting(cells: Mapping[str, CellMark]) -> Iterator[str]:
    yield from dict.fromkeys(question_of(name) for name, mark in cells.items() if mark.waiting)
