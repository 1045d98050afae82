"""Who may see which attempt: whoever sent it, teachers, and partners while it is their group's submission."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from fastapi import Request

from autograder.serve.attempts import Attempt, State
from autograder.serve.refusals import RefusedError
from autograder.serve.service import Service
from autograder.serve.shown import ShownAttempt, shown_now
from autograder.serve.sign_in import SignIn
from autograder.serve.tokens import Person, Role

PLACED = (State.WAITING, State.GRADED, State.NO_MARK)


def find_attempt(service: Service, sign_in: SignIn, request: Request, attempt_id: str) -> ShownAttempt:
    """The attempt with an id, as whoever asks may see it.

    Raises:
        RefusedError: there is none, or it is somebody else's, which sounds the same.
    """
    return seen_by(service, sign_in.person(request), attempt_id)


def seen_by(service: Service, person: Person, attempt_id: str) -> ShownAttempt:
    """The attempt with an id, as somebody may see it.

    Raises:
        RefusedError: as in `find_attempt`.
    """
    attempt = service.attempts.find(attempt_id)
    if attempt is not None and person.role == Role.STAFF:
        return shown_now(service, attempt, to_staff=True)
    if attempt is not None and attempt.student == person.id:
        return shown_now(service, attempt)
    if attempt is not None and attempt == attempt_of_partner(service, attempt.lab, person.id):
        return shown_now(service, attempt, to=person.id)
    raise RefusedError(404, "you have no such attempt.")


def attempt_of_partner(service: Service, lab_name: str, student: str) -> Attempt | None:
    """The attempt of a partner that is the student's submission too; None if there is none."""
    theirs = [each for each in _of_partners(service, lab_name, student) if each.state in PLACED]
    if not theirs:
        return None
    newest = max(theirs, key=lambda attempt: attempt.received)
    own = [each for each in service.attempts.of(lab_name, student) if each.state in PLACED]
    if own and own[-1].received >= newest.received:
        return None
    submitted = service.course.submission_folder(lab_name, student) / f"{lab_name}.ipynb"
    return newest if file_hash(submitted) == newest.file else None


def partners(service: Service, lab_name: str, student: str) -> tuple[str, ...]:
    """The others of the student's group, where a lab is the groups' work."""
    lab = service.view.state.labs.get(lab_name)
    return tuple(sorted(service.view.state.roster.partners(student))) if lab is not None and lab.for_groups else ()


def _of_partners(service: Service, lab_name: str, student: str) -> Iterator[Attempt]:
    for partner in partners(service, lab_name, student):
        yield from service.attempts.of(lab_name, partner)


def file_hash(path: Path) -> str:
    """The SHA-256 of a file; "" if there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
