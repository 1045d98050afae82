"""What can go wrong between a student and a course's server, each as one sentence that names the fix."""

import socket
import ssl
from collections.abc import Iterator
from urllib.request import getproxies

import httpx

from qlab.student.errors import StudentError
from qlab.student.server.answers import read_detail
from qlab.student.server.times import retry_after, span

TWICE = "the same file is never counted twice"
RENEW = "ask the course for a new personal link and run `qlab sign-in` with it"


class LostError(StudentError):
    """The connection was lost or timed out: what was sent may have arrived, and may be sent again."""


class BusyError(StudentError):
    """The server takes nothing at present; `seconds` is how long it asks to wait, None if it does not say."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotSignedInError(StudentError):
    """The server does not know the token."""


def not_ours(address: str) -> StudentError:
    """What answers there is no course's server."""
    return StudentError(
        f"what answers at {address} is not the course's server: check the address, and if your network asks for "
        "a login, open any page in a browser and log in first."
    )


def failure(error: Exception, address: str) -> StudentError:
    """The sentence for an error of the connection."""
    host = httpx.URL(address).netloc.decode()
    causes = list(_causes(error))
    proxy = " and the proxy in HTTPS_PROXY" if getproxies() else ""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return StudentError(
                f"the certificate of {host} cannot be verified ({cause.verify_message}): check the address and your "
                "computer's date, or name your network's own certificates in SSL_CERT_FILE; nothing was sent."
            )
        if isinstance(cause, ssl.SSLError):
            return StudentError(f"{host} does not speak https: check the address and its port; nothing was sent.")
        if isinstance(cause, socket.gaierror):
            return LostError(f"there is no {host}: check the address and your internet connection{proxy}.")
    if isinstance(error, httpx.ProxyError):
        return StudentError(f"the proxy does not let you reach {host}: check HTTPS_PROXY and NO_PROXY.")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return LostError(f"nothing answers at {host}: check the address{proxy}, or try again in a few minutes.")
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return LostError(
            f"{host} cannot be reached: check your internet connection{proxy}, then run the command again."
        )
    if isinstance(error, httpx.TimeoutException):
        return LostError(f"{host} took too long to answer: run the command again; {TWICE}.")
    return LostError(f"the connection to {host} was lost: run the command again; {TWICE}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def refusal(status: int, headers: httpx.Headers, body: bytes, address: str) -> StudentError:
    """The sentence for an answer that is not a success: the server's own one, or ours where it has none."""
    detail = read_detail(body)
    if 300 <= status < 400:
        return _moved(headers.get("location", ""), address)
    if status == 401:
        return NotSignedInError(f"{address} does not know your personal link, or no longer: {RENEW}.")
    if status in (429, 503):
        return _busy(status, detail, retry_after(headers.get("retry-after", "")), address)
    if detail in ("", "Not Found", "Method Not Allowed"):  # a web framework's own words, or those of no one we know
        return _without_detail(status, address)
    return StudentError(_sentence(detail))


def _without_detail(status: int, address: str) -> StudentError:
    if status == 403:
        return StudentError(f"{address} does not accept this (403): ask the course whether the deadline has passed.")
    if status == 413:
        return StudentError(
            "the notebook is too large for the server: clear the outputs of its cells, save, try again."
        )
    if status in (502, 504):
        return BusyError(f"the course's server behind {address} is down ({status}): try again in a few minutes.", None)
    if status >= 500:
        return StudentError(f"{address} has failed ({status}): try again, and tell the course if it happens twice.")
    return not_ours(address)


def _busy(status: int, detail: str, seconds: float | None, address: str) -> BusyError:
    ours = "you have sent too much in a short time" if status == 429 else f"{address} accepts nothing at the moment"
    wait = "in a few minutes" if seconds is None else f"in {span(seconds)}"
    return BusyError(f"{(detail or ours).rstrip('.')}; run the command again {wait}.", seconds)


def _moved(location: str, address: str) -> StudentError:
    shown = "".join(sign for sign in location.partition("?")[0].partition("#")[0] if sign.isprintable())[:200]
    return StudentError(
        f"{address} sends you on to {shown or 'another page'}, and your token does not go along: if that is your "
        "network's login, log in there with a browser; otherwise ask the course for the new address."
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
