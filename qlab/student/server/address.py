"""The address of a course's server, and the personal link that signs a student in there."""

import ipaddress
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from qlab.student.errors import StudentError
from qlab.student.server.personal_token import SHAPE, Token

USUAL_PORTS = {"https": 443, "http": 80}
AROUND = " \t\r\n<>\"'()[],;."  # what mail programs and sentences put around a link
NO_LINK = (
    "this is not a whole personal link: copy all of it from the course's message; it begins with https:// "
    "and ends in #qlab_ and 43 more characters."
)


def read_link(link: str) -> tuple[str, Token]:
    """The server and the token of a personal link.

    Raises:
        StudentError: it is not a whole link. The message does not repeat it, for it may contain the token.
    """
    address, _, fragment = link.strip(AROUND).partition("#")
    if not SHAPE.fullmatch(fragment):
        raise StudentError(NO_LINK)
    return server_address(address), Token(fragment)


def server_address(url: str) -> str:
    """A server's address in its one form: lower case, without the usual port, a slash at the end, ? and #.

    Raises:
        StudentError: it is not an address that begins with https:// (or http://).
    """
    shown = url.strip(AROUND).partition("#")[0].partition("?")[0]
    try:
        parts = urlsplit(shown)
        host = _host(parts)
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), ""
    if parts.scheme not in USUAL_PORTS or not host or not shown.isprintable() or " " in shown:
        raise StudentError("this is not the address of a server: it looks like https://quant.example.edu/labs.")
    if "@" in parts.netloc:
        raise StudentError("an address with a name or a password in it is not used: leave out what is before the @.")
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def _host(parts: SplitResult) -> str:
    name = parts.hostname or ""
    bracketed = f"[{name}]" if ":" in name else name
    return bracketed if parts.port in (None, USUAL_PORTS.get(parts.scheme)) else f"{bracketed}:{parts.port}"


def is_address(text: str) -> bool:
    """Whether somebody means an address, or pastes a link, and not a folder."""
    return "://" in text or SHAPE.search(text) is not None


def require_tls(address: str, *, insecure_http: bool) -> None:
    """Let http:// through for this computer only, or if it is asked for.

    Raises:
        StudentError: others on the way could read the token.
    """
    if address.startswith("http:") and not insecure_http and not is_this_computer(address):
        raise StudentError(
            f"over http:// everybody on the way can read your personal link: use https{address.removeprefix('http')}, "
            "or --insecure-http if the course tells you to."
        )


def is_this_computer(address: str) -> bool:
    """Whether requests to the address never leave this computer."""
    host = urlsplit(address).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
