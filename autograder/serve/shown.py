"""What a student sees of an attempt: the course decides whether cards, points, or only that it was received."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from autograder.course_folder.serve_rules import Show
from autograder.grade.record import GradingRecord
from autograder.report.marks import QuestionMark, StudentMarks, student_marks
from autograder.serve.attempts import Attempt, State
from autograder.serve.service import Service
from qlab.check.outcome import Outcome

RECEIVED = "It was received. The course gives out marks later."
MESSAGES = {
    State.RECEIVED: "It was received and waits to be graded.",
    State.WAITING: "It waits to be graded.",
    State.GRADED: "It is graded.",
    State.NO_MARK: "There is no mark: ",
    State.SUPERSEDED: "It was not graded: ",
    State.NOT_COUNTED: "It was received, but ",
}


@dataclass(frozen=True)
class ShownAttempt:
    """An attempt as its student may see it.

    Attributes:
        attempt: which one.
        state: "waiting", "grading", "graded", "no mark", "superseded" or "not counted".
        place: in the queue; 1 is the next. None if it does not wait.
        message: what has become of it, in a sentence.
        points, out_of: None if there are none yet, or the course does not show them.
        marks: the marks as they are now, with comments and deductions; None if they are not of this attempt's file, or
            not shown.
        outcomes: what the checks said; empty if there is nothing to show.
        questions: the marks by question, as `marks` has them or as they were then; empty if they are not shown.
        mistakes: the names of the mistakes by question; empty if they are not shown.
    """

    attempt: Attempt
    state: str
    place: int | None
    message: str
    points: float | None = None
    out_of: float | None = None
    marks: StudentMarks | None = None
    outcomes: tuple[Outcome, ...] = ()
    questions: Mapping[str, QuestionMark] = field(default_factory=dict)
    mistakes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def shown_now(service: Service, attempt: Attempt, *, to: str = "", to_staff: bool = False) -> ShownAttempt:
    """What may be seen of an attempt; whether its marks may have changed since is found out.

    Args:
        service: where it was handed in.
        attempt: which one.
        to: a partner, whose own marks these are, with deductions of their own; "" for whoever sent it.
        to_staff: show everything.
    """
    same = [each for each in service.attempts.of(attempt.lab, attempt.student) if each.file == attempt.file]
    is_newest = [each.id for each in same[-1:]] == [attempt.id]
    return shown(service, attempt, is_newest=is_newest, to=to, to_staff=to_staff)


def shown(
    service: Service, attempt: Attempt, *, is_newest: bool = True, to: str = "", to_staff: bool = False
) -> ShownAttempt:
    """What a student may see of an attempt.

    Args:
        service: where it was handed in.
        attempt: which one.
        is_newest: whether it is the student's newest graded attempt, whose marks may have changed since.
        to, to_staff: as in `shown_now`.
    """
    lab = service.view.state.labs.get(attempt.lab)
    show = Show.FULL if to_staff else lab.rules.show if lab is not None else Show.RECEIVED
    place = service.queue.place(attempt.lab, attempt.student) if not attempt.state.is_final else None
    if attempt.state == State.NO_MARK and is_newest and (marks := _current_marks(service, attempt, to)) is not None:
        attempt = replace(attempt, state=State.GRADED, message="", questions=marks.by_question)  # graded since
    state = "grading" if place == 0 else "waiting" if attempt.state == State.RECEIVED else str(attempt.state)
    message = f"{MESSAGES[attempt.state]}{attempt.message}"
    if attempt.state == State.GRADED and attempt.waiting:
        message = f"It is graded, but for what a person has to read: {', '.join(attempt.waiting)}."
    if attempt.state != State.GRADED:
        return ShownAttempt(attempt, state, place or None, message)
    if show == Show.RECEIVED:
        return ShownAttempt(attempt, state, None, RECEIVED)
    marks = _current_marks(service, attempt, to) if is_newest else None
    points, out_of = (attempt.points, attempt.out_of) if marks is None else (marks.total, marks.out_of)
    if show == Show.POINTS:
        return ShownAttempt(attempt, state, None, message, points, out_of)
    if marks is not None:
        mistakes, outcomes = marks.record.mistakes, _outcomes(marks)
        return ShownAttempt(attempt, state, None, message, points, out_of, marks, outcomes, marks.questions, mistakes)
    questions = {name: QuestionMark(*mark, mark[0] is None) for name, mark in attempt.questions.items()}
    return ShownAttempt(attempt, state, None, message, points, out_of, questions=questions, mistakes=attempt.mistakes)


def _outcomes(marks: StudentMarks) -> tuple[Outcome, ...]:
    """What the checks said, without the running totals, which are about the notebook at that time."""
    return tuple(replace(grade.outcome, so_far="") for grade in marks.record.cells if grade.outcome)


def _current_marks(service: Service, attempt: Attempt, to: str) -> StudentMarks | None:
    """The marks of now, if they are this file's."""
    student = to or attempt.student
    record = GradingRecord.read(service.course.record(attempt.lab, student))
    if record is None or record.sha256 != attempt.file or record.reason:
        return None
    return student_marks(service.course, attempt.lab, student)
