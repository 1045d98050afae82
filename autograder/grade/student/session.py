"""One submission's process: it runs cells one after the other, and forks a copy of itself for each check.

A check's calls happen in the copy: what they crash, use up or change is gone with it.
"""

import os
import sys
from pathlib import Path

from autograder.grade.limits import Limits
from autograder.grade.student import keeper, verdicts
from autograder.grade.student.names import Names
from autograder.grade.student.shell import OUTPUTS, Shell, TooLong, limited, run
from autograder.grade.wire import Channel, ClosedError, WireError

TOO_LATE = 113  # the copy's exit status where a call ran too long


def serve(channel: Channel, shell: Shell, limits: Limits, folder: Path) -> None:
    """Do what the judge asks for until it closes the connection."""
    verdicts.install()
    while True:
        try:
            message = channel.receive()
        except ClosedError:
            return
        match message["do"]:
            case "files":
                _write(folder, message["files"])
                channel.send({})
            case "cell":
                channel.send(run(shell, message["source"], message["seconds"], limits.output))
            case "verdict":
                verdicts.found(message["name"], message["verdict"], shell.user_ns)
                channel.send({})
            case "check":
                _check(channel, shell, message["forbidden"])
            case "missing":
                missing = [name for name in message["names"] if name not in shell.user_ns]
                channel.send({"missing": missing[0] if missing else ""})
            case "used":
                channel.send({"bytes": _used(folder)})


def _write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in {**files, "checks.py": verdicts.SOURCE.encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    os.chdir(folder)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.parent.rglob("*") if path.is_file() and not path.is_symlink())


def _check(channel: Channel, shell: Shell, forbidden: tuple[str, ...]) -> None:
    """Let a copy of this process answer the judge until the check is over; tell where it ended before."""
    copy = os.fork()
    if copy == 0:
        try:
            _answer(channel, Names(shell.user_ns, tuple(forbidden)))
        except TooLong:
            os._exit(TOO_LATE)
        finally:
            os._exit(1)
    _, status = os.waitpid(copy, 0)
    if status:
        late = os.waitstatus_to_exitcode(status) == TOO_LATE
        channel.send({"copy_ended": "late" if late else keeper.told(status)})


def _answer(channel: Channel, names: Names) -> None:
    """The copy's whole life."""
    OUTPUTS.begin(0)  # what a graded call prints is nobody's to see: it may be a hidden input
    channel.send({})
    while (message := channel.receive())["do"] != "end":
        with limited(message.pop("seconds")):
            answer = names.do(message)
        try:
            channel.send(answer, names.keep)
        except WireError as error:
            told = f"what came back cannot be looked at: {error}"
            channel.send({"error": told, "error_name": "a value that is too large"})
    channel.send({})
    os._exit(0)
