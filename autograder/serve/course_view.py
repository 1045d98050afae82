"""What the server knows of its course, read again when it may have changed: people, labs, deadlines, rules."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from autograder import gradebook
from autograder.collect.counting import CountingRule
from autograder.course_folder.layout import Course, lab_names
from autograder.course_folder.roster import Roster, Student
from autograder.course_folder.roster_csv import id_problem
from autograder.course_folder.serve_rules import LabRules
from autograder.course_folder.settings import CourseSettings
from autograder.deductions import extensions
from autograder.errors import UserError
from autograder.grade.lab import GradedLab
from autograder.report.feedback import lab_title

FRESH_SECONDS = 5.0  # a new deadline counts after at most so long


@dataclass(frozen=True)
class LabView:
    """A lab that can be handed in.

    Attributes:
        name, title: of the lab.
        due: its deadline, in UTC; None if it has none.
        extended: the deadlines of students who have their own.
        rules: what the course's rules say about it.
        for_groups: whether it is the groups' work.
        out_of: the most points that it gives.
    """

    name: str
    title: str
    due: datetime | None
    extended: Mapping[str, datetime]
    rules: LabRules
    for_groups: bool
    out_of: float

    @property
    def counting(self) -> CountingRule:
        """Which of a student's submissions counts."""
        return CountingRule(self.rules.count, self.due, self.extended)

    def deadline(self, student: str) -> datetime | None:
        """The student's own deadline, or else the lab's."""
        return self.counting.deadline(student)


@dataclass(frozen=True)
class CourseState:
    """The course at one time.

    Attributes:
        settings: rules.toml.
        students: the roster, by id.
        labs: those that are released, by name.
    """

    settings: CourseSettings
    students: Mapping[str, Student]
    labs: Mapping[str, LabView]

    @cached_property
    def roster(self) -> Roster:
        """The students, with their groups."""
        return Roster(self.students.values())


class CourseView:
    """Hands out the state of a course, which is read at most once in FRESH_SECONDS.

    Raises:
        UserError: the course cannot be read at all; later failures keep what was known and are told in `problem`.
    """

    def __init__(self, course: Course):
        self._course = course
        self._lock = threading.Lock()
        self._titles: dict[str, str] = {}
        self.problem = ""
        self._state = self._read()
        self._read_at = time.monotonic()

    @property
    def state(self) -> CourseState:
        """The course as it is, or as it was a few seconds ago."""
        if time.monotonic() - self._read_at > FRESH_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._state, self.problem = self._read(), ""
            except UserError as error:
                self.problem = str(error)
            finally:
                self._read_at = time.monotonic()
                self._lock.release()
        return self._state

    def _read(self) -> CourseState:
        settings, maxima = CourseSettings.of(self._course.root), gradebook.maxima(self._course)
        people = {each.id: each for each in gradebook.roster(self._course) if not id_problem(each.id)}
        labs = {}
        for name in released_labs(self._course):
            due = gradebook.deadline(self._course, name)
            own = extensions.deadlines_after(self._course, name, due)
            rules, shared = settings.serve.of(name), settings.for_groups(name)
            labs[name] = LabView(name, self._title(name), due, own, rules, shared, maxima.get(name, 0.0))
        return CourseState(settings, people, labs)

    def _title(self, lab: str) -> str:
        if lab not in self._titles:
            self._titles[lab] = lab_title(GradedLab.of(lab, self._course))
        return self._titles[lab]


def released_labs(course: Course) -> list[str]:
    """The labs that this course has released."""
    labs = []
    for name in lab_names(course):
        try:
            course.check_released(name)
        except UserError:
            continue
        labs.append(name)
    return labs
