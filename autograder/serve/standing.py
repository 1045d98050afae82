"""Where a student stands in a lab: the attempts so far, which of them counts, and whether another one is allowed."""

from dataclasses import dataclass

from autograder.serve.access import attempt_of_partner
from autograder.serve.attempts import State
from autograder.serve.course_view import LabView
from autograder.serve.refusals import RefusedError
from autograder.serve.service import Service
from autograder.serve.shown import ShownAttempt, shown_now


@dataclass(frozen=True)
class Standing:
    """Where a student stands in a lab.

    Attributes:
        lab: which.
        current: the attempt that counts, the student's own or a partner's; None if there is none.
        from_partner: whether it is a partner's.
        attempts: how many the student has sent.
        attempts_left: today; None if there is no limit.
        closed: why nothing can be handed in now; "" if something can.
    """

    lab: LabView
    current: ShownAttempt | None
    from_partner: bool
    attempts: int
    attempts_left: int | None
    closed: str


def standing(service: Service, student: str, lab: LabView) -> Standing:
    """Where a student stands in a lab."""
    own, now = service.attempts.of(lab.name, student), service.clock.now()
    theirs = attempt_of_partner(service, lab.name, student)
    counts = [attempt for attempt in own if attempt.state not in (State.SUPERSEDED, State.NOT_COUNTED)]
    current = None
    if theirs is not None:
        current = shown_now(service, theirs, to=student)
    elif counts:
        current = shown_now(service, counts[-1])
    left = service.intake.attempts_left(lab, own, now)
    return Standing(lab, current, theirs is not None, len(own), left, _closed(service, student, lab))


def _closed(service: Service, student: str, lab: LabView) -> str:
    try:
        service.intake.check_allowed(lab, student, service.attempts.of(lab.name, student), service.clock.now())
    except RefusedError as error:
        return error.sentence
    return ""
