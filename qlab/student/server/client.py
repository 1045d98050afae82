"""Requests to a course's server: over HTTP, within limits of time and size, and never on to another server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from urllib.parse import quote, urlsplit

import httpx

from qlab import __version__
from qlab.student.errors import StudentError
from qlab.student.server.address import is_this_computer
from qlab.student.server.answers import Attempt, NotOurs, read_attempt, read_attempts_left, read_json
from qlab.student.server.problems import failure, not_ours, refusal
from qlab.student.server.sign_ins import SignIn

TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # seconds without a sign of life
LONGEST = 120.0  # seconds for one answer, however slowly it trickles in
LARGEST = 8 * 2**20  # bytes of an answer
NOTEBOOK = "application/x-ipynb+json"


class Server:
    """A course's server, with one student's token.

    Every method raises StudentError: LostError if the connection broke, BusyError if the server asks to wait,
    NotSignedInError if it does not know the token.
    """

    def __init__(self, sign_in: SignIn) -> None:
        self.address = sign_in.address
        # These do not show the token where a traceback prints local variables, as a dict would.
        self._headers = httpx.Headers(
            {
                "Authorization": f"Bearer {sign_in.token.secret}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # so that LARGEST limits what is unpacked, too
                "User-Agent": f"qlab/{__version__}",
            }
        )

    @cached_property
    def _client(self) -> httpx.Client:
        # A proxy's own localhost is another computer.
        mounts = {f"all://{urlsplit(self.address).netloc}": None} if is_this_computer(self.address) else None
        try:
            return httpx.Client(timeout=TIMEOUT, follow_redirects=False, mounts=mounts)
        except (ImportError, ValueError, OSError, httpx.InvalidURL):
            raise StudentError(
                "the network settings cannot be used: check the variables HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE."
            ) from None

    def upload(self, lab: str, content: bytes) -> tuple[Attempt, bool]:
        """Send a notebook; returns the attempt, and whether it is a new one."""
        status, body = self._request("POST", f"labs/{quote(lab, safe='')}/attempts", content)
        return self._attempt(body), status == 201

    def attempt(self, id: str) -> Attempt:
        """What has become of an upload."""
        return self._attempt(self._request("GET", f"attempts/{id}")[1])

    def receipt(self, id: str) -> bytes:
        """The signed receipt of an attempt that has a mark, byte for byte."""
        _, body = self._request("GET", f"attempts/{id}/receipt")
        with self._only_ours():
            if not isinstance(read_json(body), dict):
                raise NotOurs
        return body

    def attempts_left(self) -> dict[str, int | None]:
        """For each lab of the course, how many attempts are left today; None where there is no limit."""
        _, body = self._request("GET", "labs")
        with self._only_ours():
            return read_attempts_left(read_json(body))

    def _attempt(self, body: bytes) -> Attempt:
        with self._only_ours():
            return read_attempt(read_json(body))

    @contextmanager
    def _only_ours(self) -> Iterator[None]:
        try:
            yield
        except NotOurs:
            raise not_ours(self.address) from None

    def _request(self, method: str, path: str, content: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of a success; whatever else happens is a StudentError."""
        try:
            headers = self._headers.copy()
            if content is not None:
                headers["Content-Type"] = NOTEBOOK
            url = f"{self.address}/api/{path}"
            with self._client.stream(method, url, content=content, headers=headers) as response:
                body = _body(response)
        except httpx.HTTPError as error:
            raise failure(error, self.address) from None
        except (httpx.InvalidURL, UnicodeError):
            raise StudentError(f"{self.address} is not an address: check it against your personal link.") from None
        if body is None:
            raise not_ours(self.address)
        if response.status_code not in (200, 201):
            raise refusal(response.status_code, response.headers, body, self.address)
        return response.status_code, body


def _body(response: httpx.Response) -> bytes | None:
    """The body; None if it is larger than any of ours.

    Raises:
        httpx.ReadTimeout: it takes too long as a whole.
    """
    parts, size, end = [], 0, time.monotonic() + LONGEST
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            return None
        if time.monotonic() > end:
            raise httpx.ReadTimeout("it trickles", request=response.request)
    return b"".join(parts)
