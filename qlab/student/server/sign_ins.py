"""The servers on which a student is signed in: their tokens, in a file that only the student can read."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path

from qlab.files import write_atomic
from qlab.student.errors import StudentError
from qlab.student.server.address import is_address, server_address
from qlab.student.server.personal_token import SHAPE, Token

THE_ONE = "server"  # `--to server` means the server on which one is signed in
OTHERS = 0o077  # the permissions of everybody but the owner
HOW = "run `qlab sign-in` and paste your personal link"


@dataclass(frozen=True)
class SignIn:
    """A server's address and the student's token for it."""

    address: str
    token: Token


def config_file() -> Path:
    """The file in the user's configuration: ~/.config/qlab, %APPDATA%\\qlab or ~/Library/Application Support/qlab."""
    return user_config_path("qlab", appauthor=False, roaming=True) / "servers.json"


def sign_ins() -> list[SignIn]:
    """Every server on which the student is signed in.

    Raises:
        StudentError: the file is damaged or cannot be read.
    """
    path = config_file()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StudentError(f"{path} cannot be read ({error.strerror}): give yourself permission.") from error
    try:
        entries = {str(address): str(entry["token"]) for address, entry in json.loads(content).items()}
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        entries = {"": ""}
    if not all(SHAPE.fullmatch(secret) for secret in entries.values()):
        raise StudentError(f"{path} is damaged: delete it and sign in again.") from None
    return [SignIn(address, Token(secret)) for address, secret in entries.items()]


def close_to_others() -> str:
    """Take the file and its folder from everybody else; returns a sentence if others could read the file till now.

    Raises:
        StudentError: the file belongs to somebody else.
    """
    path = config_file()
    if os.name != "posix" or not path.exists():  # elsewhere the user's folder is the user's alone
        return ""
    try:
        path.parent.chmod(0o700)
        if not path.stat().st_mode & OTHERS:
            return ""
        path.chmod(0o600)
    except OSError as error:
        raise StudentError(f"{path} is not yours alone ({error.strerror}): delete it and sign in again.") from error
    return f"others on this computer could read {path}; now they cannot. If you share it, ask for a new personal link."


def remember(new: SignIn) -> None:
    """Keep a token, in place of a former one for the same server."""
    _write([*(one for one in sign_ins() if one.address != new.address), new])


def forget(address: str) -> None:
    """Delete the token for a server; the file goes with the last one."""
    if others := [one for one in sign_ins() if one.address != address]:
        _write(others)
    else:
        config_file().unlink(missing_ok=True)


def _write(all_of_them: list[SignIn]) -> None:
    path = config_file()
    entries = {one.address: {"token": one.token.secret} for one in all_of_them}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, json.dumps(entries, indent=1), mode=0o600)
    except OSError as error:
        raise StudentError(f"{path} could not be written ({error.strerror}): free space or give permission.") from error
    close_to_others()


def signed_in(to: str) -> SignIn | None:
    """The server that somebody means by --to: `server`, an address, or a page below it; None if it is a folder.

    Raises:
        StudentError: it is a server, but not one on which the student is signed in, or it could be several.
    """
    if to == THE_ONE:
        return the_only_one("--to")
    if not is_address(to):
        return _without_scheme(to)
    address, known = server_address(to), sign_ins()
    matches = [one for one in known if f"{address}/".startswith(f"{one.address}/")]
    if not matches:
        only = f", only to {', '.join(one.address for one in known)}" if known else ""
        raise StudentError(f"you are not signed in to {address}{only}: {HOW}.")
    return max(matches, key=lambda one: len(one.address))


def _without_scheme(to: str) -> SignIn | None:
    """The server whose address somebody typed without https://; a damaged file keeps nobody from using a folder."""
    with suppress(StudentError):
        return next((one for one in sign_ins() if one.address.partition("://")[2] == to.rstrip("/")), None)
    return None


def the_only_one(option: str) -> SignIn:
    """The server of a student who is signed in to one; `option` is how one of several is named."""
    known = sign_ins()
    if not known:
        raise StudentError(f"you are not signed in to any server: {HOW}.")
    if len(known) > 1:
        choice = ", ".join(one.address for one in known)
        raise StudentError(
            f"you are signed in to several servers, {choice}: name one, as in {option} {known[0].address}."
        )
    return known[0]
