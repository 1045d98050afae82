"""What `qlab sign-in`, `qlab sign-out` and `qlab submit --to URL` do and print."""

import json
import os
import sys
import time
from getpass import getpass
from urllib.parse import urljoin

from qlab.check.render import as_text
from qlab.student.completeness import completeness, name_in_lab
from qlab.student.errors import StudentError
from qlab.student.lab_copies import LabCopy
from qlab.student.printing import count, print_beside, progress
from qlab.student.rerun_mark import RERUN
from qlab.student.server import sign_ins
from qlab.student.server.address import read_link, require_tls
from qlab.student.server.answers import Attempt
from qlab.student.server.client import Server
from qlab.student.server.hand_in import marked, refuse_token, upload
from qlab.student.server.problems import BusyError, LostError
from qlab.student.server.receipts import save_receipt
from qlab.student.server.sign_ins import SignIn
from qlab.student.server.times import saved

AUTOSAVE = 120  # seconds after which JupyterLab saves by itself
COUNTS = "it is handed in and counts"


def sign_in(link: str | None, *, insecure_http: bool) -> None:
    """Ask the server whether it knows a personal link, and keep its token; asks for the link if there is none.

    Raises:
        StudentError: the link is not whole, or the server does not know it. If nobody answers, the link is kept.
    """
    address, token = read_link(_typed_link() if link is None else link)
    require_tls(address, insecure_http=insecure_http)
    new = SignIn(address, token)
    _close_to_others()
    try:
        labs = Server(new).attempts_left()
    except (LostError, BusyError) as error:
        sign_ins.remember(new)
        print_beside("! ", f"your link is kept, but the server has not seen it: {error}")
        return
    sign_ins.remember(new)
    print(f"You are signed in to {address}, which takes {count(len(labs), 'lab')}.")
    print("Hand in with: qlab submit lab1 --to server")


def _typed_link() -> str:
    """The link from a hidden prompt, or from the standard input if that is a file or a pipe."""
    try:
        link = getpass("Your personal link (it stays invisible): ") if sys.stdin.isatty() else sys.stdin.readline()
    except (EOFError, KeyboardInterrupt):
        print()
        link = ""
    if not link.strip():
        raise StudentError("no link was given: paste the personal link from the course's message, all of it.")
    return link


def sign_out(to: str | None) -> None:
    """Delete the token for a server; it can be left out if there is one only."""
    one = sign_ins.the_only_one("qlab sign-out") if to is None else sign_ins.signed_in(to)
    if one is None:
        raise StudentError("this is not the address of a server: it looks like https://quant.example.edu/labs.")
    sign_ins.forget(one.address)
    print(f"You are signed out of {one.address}. The link itself stays valid: if others have it, ask for a new one.")


def hand_in(copy: LabCopy, one: SignIn, *, wait: bool, insecure_http: bool) -> bool:
    """Upload a saved notebook and print what comes back; returns whether nothing is wrong with it.

    Raises:
        StudentError: it was not accepted.
    """
    if os.environ.get(RERUN):
        raise StudentError("`qlab check` runs this notebook just now, so nothing was sent.")
    require_tls(one.address, insecure_http=insecure_http)
    _close_to_others()
    content = _read(copy)
    refuse_token(content, _parts(copy), sign_ins.sign_ins())
    _say_when_saved(copy)
    for sentence in completeness(copy).missing:
        print_beside("! ", sentence)
    server = Server(one)
    attempt = _uploaded(server, copy, content)
    right = _followed(server, copy, attempt) if wait else _left_waiting(attempt)
    _print_rest(server, copy, attempt)
    return right


def _close_to_others() -> None:
    if remark := sign_ins.close_to_others():
        print_beside("! ", remark)


def _read(copy: LabCopy) -> bytes:
    try:
        return copy.path.read_bytes()
    except OSError as error:
        raise StudentError(f"{copy.path} cannot be read ({error.strerror}): check the name of the file.") from error


def _parts(copy: LabCopy) -> dict[str, str]:
    """The texts of a notebook by where a student finds them: each cell with its outputs, and the metadata."""
    found = {"the notebook's metadata": json.dumps({**copy.raw, "cells": []})}
    for place, cell in enumerate(copy.raw["cells"], 1):
        found[f"cell {name_in_lab(cell) or place}"] = json.dumps(cell)
    return found


def _say_when_saved(copy: LabCopy) -> None:
    """What is handed in is the file, which may be older than what a student sees in Jupyter."""
    moment = copy.path.stat().st_mtime
    print(f"{copy.path.name}, {saved(moment)}.", flush=True)
    if time.time() - moment > AUTOSAVE:
        print_beside("! ", "if you have changed it since, save it and hand in again.")


def _uploaded(server: Server, copy: LabCopy, content: bytes) -> Attempt:
    progress(f"sending it to {server.address}")
    try:
        attempt, new = upload(server, copy.lab, content)
    except KeyboardInterrupt:
        raise StudentError("interrupted: run it again to be sure; the same file is never counted twice.") from None
    finally:
        progress("")
    known = "Accepted" if new else "The server has this file already, and counts it once"
    print(f"{known}: attempt {attempt.number}.", flush=True)
    return attempt


def _followed(server: Server, copy: LabCopy, attempt: Attempt) -> bool:
    """Wait for the mark and print it with the cards; returns whether everything that is shown is right."""
    try:
        attempt = marked(server, attempt, progress)
    except (StudentError, KeyboardInterrupt) as error:
        progress("")
        reason = str(error) or "you stopped waiting for the mark."
        print_beside("! ", f"{COUNTS}, but {reason}")
        return False
    progress("")
    for outcome in attempt.outcomes:
        print(f"\n{as_text(outcome)}", flush=True)
    print()
    if attempt.points is not None:
        print(f"{attempt.points:g} of {attempt.out_of or 0:g} points.")
    if not attempt.final or attempt.message:
        print_beside("", attempt.message if attempt.final else _waiting(attempt))
    if attempt.final:
        _keep_receipt(server, copy, attempt)
    return attempt.final and attempt.right


def _left_waiting(attempt: Attempt) -> bool:
    print_beside("", _waiting(attempt))
    return True


def _waiting(attempt: Attempt) -> str:
    if attempt.final:
        return attempt.message or "It has its mark."
    place = f", at place {attempt.place} in the queue" if attempt.place else ""
    return f"It waits for its mark{place}. Run the same command again to see the mark: {COUNTS} once."


def _keep_receipt(server: Server, copy: LabCopy, attempt: Attempt) -> None:
    """Save the receipt; without it, the attempt counts as well."""
    try:
        path = save_receipt(copy.path, copy.lab, attempt.number, server.receipt(attempt.id))
    except StudentError as error:
        print_beside("! ", f"no receipt was saved: {error}")
    else:
        print(f"Your receipt is {path.name}, beside the notebook.")


def _print_rest(server: Server, copy: LabCopy, attempt: Attempt) -> None:
    """Attempts left and the page; the number of attempts is left out if the server does not tell it."""
    try:
        left = server.attempts_left().get(copy.lab)
    except StudentError:
        left = None
    if left is not None:
        print(f"{count(left, 'attempt')} left today.")
    if attempt.page:
        print(f"The page: {urljoin(f'{server.address}/', attempt.page)}")
