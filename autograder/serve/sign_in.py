"""Who sends a request: a token in the header (the terminal) or in the cookie (the browser), and who is tried out."""

import hmac
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request

from autograder.serve.refusals import RefusedError
from autograder.serve.service import Service
from autograder.serve.throttle import Throttle
from autograder.serve.tokens import Person, Role

COOKIE = "qlab_token"
NOT_SIGNED_IN = "sign in with your personal link; your teaching assistant sends you a new one if it does not work."
FAILURES, FAILURES_PER_MINUTE = 20, 10.0  # wrong tokens from one address
FIELD = "form_key"  # of a form: what only a page of ours can know


class SignIn:
    """Tells who sends a request.

    Args:
        service: whose tokens and roster count.
    """

    def __init__(self, service: Service):
        self._service = service
        self._failures = Throttle(FAILURES, FAILURES_PER_MINUTE)

    def person(self, request: Request, token: str | None = None) -> Person:
        """Who sends it.

        Args:
            request: which.
            token: whose it is, if it comes neither in the header nor in the cookie.

        Raises:
            RefusedError: nobody who may; or too many wrong tokens came from there.
        """
        token = token_of(request) if token is None else token
        person = self.find(token) if token else None
        if person is not None:
            return person  # whoever else there tries out links: a class may have one address
        address = request.client.host if request.client else ""
        if token and (seconds := self._failures.take(address)):
            raise RefusedError(429, "too many wrong links came from your address: wait a minute.", seconds)
        raise RefusedError(401, NOT_SIGNED_IN)

    def find(self, token: str) -> Person | None:
        """Whose token it is; None for nobody's, or that of somebody who left the course."""
        person = self._service.tokens.person(token)
        if person is None or (person.role == Role.STUDENT and person.id not in self._service.view.state.students):
            return None
        return person

    def student(self, request: Request) -> str:
        """The id of the student who sends it.

        Raises:
            RefusedError: it is no student.
        """
        person = self.person(request)
        if person.role != Role.STUDENT:
            raise RefusedError(403, "only students hand in; your link is a teacher's.")
        return person.id

    def staff(self, request: Request) -> str:
        """The name of the teacher who sends it.

        Raises:
            RefusedError: it is no teacher; a student is told no more than that there is no such page.
        """
        person = self.person(request)
        if person.role != Role.STAFF:
            raise RefusedError(404, "there is no such page.")
        return person.id


def token_of(request: Request) -> str:
    """The token that a request carries; "" if it carries none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return request.cookies.get(COOKIE, "")


def form_key(request: Request) -> str:
    """What a form has to send along so that we know that it is ours: only who has the cookie can compute it."""
    return hmac.new(request.cookies.get(COOKIE, "").encode(), b"form", sha256).hexdigest()


def check_origin(request: Request, key: str = "") -> None:
    """Refuse what a page of somebody else makes a browser send.

    Args:
        request: which changes something.
        key: what its form sent as `form_key`; "" if a script of ours sent it.

    Raises:
        RefusedError: it comes from another site, or from a form that is not ours.
    """
    if request.headers.get("authorization"):
        return  # no browser adds it by itself
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site not in (None, "same-origin") or (origin and urlsplit(origin).netloc != request.headers.get("host"))
    if foreign or (key and not hmac.compare_digest(key, form_key(request))):
        raise RefusedError(403, "this request came from another site: open the page itself and try again.")
    if not (key or site or origin):
        raise RefusedError(403, "this request does not say which page it comes from: use an up-to-date browser.")
