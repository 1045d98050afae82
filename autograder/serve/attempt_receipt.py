"""The receipt of an attempt: signed when somebody asks, with the marks of that moment as far as they are shown."""

from autograder.serve.attempts import Attempt, State
from autograder.serve.downloads import UNSAFE
from autograder.serve.receipts import Receipt, sign
from autograder.serve.refusals import RefusedError
from autograder.serve.service import Service
from autograder.serve.shown import ShownAttempt
from autograder.serve.signing_key import signing_key

NOT_YET = "there is no receipt yet: it comes with the mark; ask again in a moment."


def has_receipt(view: ShownAttempt) -> bool:
    """Whether nothing of an attempt is still to be done."""
    return view.attempt.state.is_final


def receipt_of(service: Service, view: ShownAttempt) -> str:
    """The signed receipt, as the text of a file.

    Raises:
        RefusedError: the attempt still waits to be graded.
    """
    if not has_receipt(view):
        raise RefusedError(404, NOT_YET, 1)
    course = service.view.state.settings.serve.url or service.course.root.name
    attempt = view.attempt
    graded = attempt.graded if attempt.state == State.GRADED else None
    receipt = Receipt(
        course,
        attempt.student,
        attempt.lab,
        attempt.number,
        attempt.file,
        f"{attempt.received:%Y-%m-%dT%H:%M:%SZ}",
        f"{graded:%Y-%m-%dT%H:%M:%SZ}" if graded else None,
        attempt.release,
        view.points,
        view.out_of,
        {name: None if mark.waiting else mark.points for name, mark in view.questions.items()},
    )
    return sign(receipt, signing_key(service.course))


def receipt_name(attempt: Attempt) -> str:
    """What the file of a receipt is called."""
    return f"{UNSAFE.sub('_', attempt.lab)}_receipt_{attempt.number}.json"
