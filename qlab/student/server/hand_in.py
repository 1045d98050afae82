"""Handing in: the upload, which survives one lost connection, and the wait for the mark."""

import hashlib
import time
from collections.abc import Callable

from qlab.student.errors import StudentError
from qlab.student.server.answers import Attempt
from qlab.student.server.client import Server
from qlab.student.server.problems import BusyError, LostError
from qlab.student.server.sign_ins import SignIn

PAUSE = 2.0  # seconds before what was lost is sent again
MOST_PATIENCE = 15.0  # seconds that a busy server may ask for; a person waits for longer ones
FIRST_LOOK, LAST_LOOK = 0.3, 3.0  # seconds between two looks, growing
PATIENCE = 600.0  # seconds for the mark
LOSSES = 5  # looks that may fail one after the other


def refuse_token(content: bytes, parts: dict[str, str], known: list[SignIn]) -> None:
    """Let no notebook out that holds one of the student's tokens.

    Args:
        content: the file's bytes.
        parts: the texts in it, by where a student finds them, such as "cell q1".
        known: the servers on which the student is signed in.

    Raises:
        StudentError: it holds one; the message says where.
    """
    for one in known:
        places = [place for place, text in parts.items() if one.token.is_in(text.encode())]
        if places or one.token.is_in(content):
            place = places[0] if places else "the file"
            raise StudentError(
                f"your personal link is in {place}, and whoever reads the notebook could hand in as you: delete it "
                "there, with the cell's output, save, and hand in again; nothing was sent."
            )


def upload(server: Server, lab: str, content: bytes) -> tuple[Attempt, bool]:
    """Send a notebook, once more if the connection was lost or the server is busy; see `Server.upload`.

    Raises:
        StudentError: it was not accepted, or nobody knows.
    """
    try:
        attempt, new = server.upload(lab, content)
    except (LostError, BusyError) as error:
        # Safe: for the file of the newest attempt the server answers with that attempt, and counts nothing twice.
        wait = PAUSE if isinstance(error, LostError) or error.seconds is None else error.seconds
        if wait > MOST_PATIENCE:
            raise
        time.sleep(wait)
        attempt, new = server.upload(lab, content)
    if attempt.file.lower() != hashlib.sha256(content).hexdigest():
        raise StudentError("the file changed on its way to the server: hand in again, if need be in another network.")
    return attempt, new


def marked(server: Server, attempt: Attempt, progress: Callable[[str], None] = lambda _: None) -> Attempt:
    """Wait until an attempt has its mark; returns it as it is if that takes longer than PATIENCE.

    Args:
        server: that accepted it.
        attempt: as it was accepted.
        progress: called with what is waited for.

    Raises:
        StudentError: the connection stays lost, or the server no longer answers as ours does.
    """
    end, pause, losses = time.monotonic() + PATIENCE, FIRST_LOOK, 0
    while not attempt.final and time.monotonic() < end:
        progress(f"place {attempt.place} in the queue" if attempt.place else "grading")
        time.sleep(pause)
        pause = min(LAST_LOOK, pause * 1.3)
        try:
            attempt, losses = server.attempt(attempt.id), 0
        except (LostError, BusyError) as error:
            losses += 1
            if losses == LOSSES:
                raise
            pause = max(pause, min(getattr(error, "seconds", None) or PAUSE, MOST_PATIENCE))
    return attempt
