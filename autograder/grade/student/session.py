"""One submission's process: it runs cells one after the other, and forks a copy of itself for each check.

A check's calls happen in the copy: what they crash, use up or change is gone with it.
"""

import os
import random
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from autograder.grade.codec import WireError
from autograder.grade.limits import Limits
from autograder.grade.student import checks_stub as verdicts
from autograder.grade.student import watchdog as keeper
from autograder.grade.student.namespace import Names
from autograder.grade.student.shell import OUTPUTS, Shell, TooLong, limited, run
from autograder.grade.wire import Channel, ClosedError, encode

TOO_LATE = 113  # the copy's exit status where a call ran too long
PLAIN = (bool, int, float, type(None), torch.Tensor)  # types whose values are packed without a line of the student's
DONE = 114  # and where the judge has asked all that it wanted


def serve(channel: Channel, shell: Shell, limits: Limits, folder: Path) -> None:
    """Do what the judge asks for until it closes the connection."""
    verdicts.install()
    random.seed(0)  # each fork draws its own
    itself = os.getpid()
    while True:
        try:
            message = channel.receive()
        except ClosedError:
            return
        answer = _do(message, channel, shell, limits, folder)
        if os.getpid() != itself:
            return  # a cell has forked, and its child came all the way here: one of us answers
        if answer is not None:
            channel.send(answer)


def _do(message: dict[str, Any], channel: Channel, shell: Shell, limits: Limits, folder: Path) -> dict[str, Any] | None:
    match message["do"]:
        case "files":
            _write(folder, message["files"])
        case "cell":
            return _cell(shell, message["source"], message["seconds"], limits.output)
        case "verdict":
            verdicts.found(message["name"], message["verdict"], shell.user_ns)
        case "check":
            return _check(channel, shell, message["forbidden"])
        case "missing":
            missing = [name for name in message["names"] if name not in shell.user_ns]
            return {"missing": missing[0] if missing else ""}
        case "plain":
            return _plain(tuple(shell.user_ns[name] for name in message["names"]))
        case "used":
            return {"bytes": _used(folder)}
        case _:
            return None  # it was for a copy that is gone, and that it is gone has been told
    return {}


def _plain(values: tuple[Any, ...]) -> dict[str, Any]:
    found = {"values": values if all(type(value) in PLAIN for value in values) else None}
    try:
        encode(found)
    except WireError:
        return {"values": None}  # a copy will say what is wrong with them
    return found


def _cell(shell: Shell, source: str, seconds: float, output: int) -> dict[str, Any]:
    went = run(shell, source, seconds, output)
    try:
        encode(went)
    except WireError:
        told = "[the outputs of this cell were left out: there are too many]\n"
        went["outputs"] = [{"output_type": "stream", "name": "stderr", "text": told}]
    return went


def _write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    # The lab's files come last: what a student put where one of their folders belongs is left out.
    for name, content in reversed({**verdicts.without_checks(files), **verdicts.FILES}.items()):
        path = folder / name
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    os.chdir(folder)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.parent.rglob("*") if path.is_file() and not path.is_symlink())


def _check(channel: Channel, shell: Shell, forbidden: tuple[str, ...]) -> dict[str, Any]:
    """Let a copy of this process answer the judge until the check is over; what is left to answer after that."""
    randomness = random.getstate()  # a fork would draw it anew
    try:
        copy = os.fork()
    except OSError as error:
        return {"copy_ended": f"no process can be started for the check ({error.strerror})"}
    if copy == 0:
        try:
            random.setstate(randomness)
            _answer(channel, Names(shell.user_ns, tuple(forbidden)))
        except TooLong:
            os._exit(TOO_LATE)
        finally:
            os._exit(1)
    _, status = os.waitpid(copy, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == DONE:
        return {}
    return {"copy_ended": "late" if code == TOO_LATE else keeper.told(status)}


def _answer(channel: Channel, names: Names) -> None:
    """The copy's whole life; the last thing it was asked for is answered when it is gone."""
    OUTPUTS.begin(0)  # what a graded call prints is nobody's to see: it may be a hidden input
    # A copy of a process that computed with several threads waits for them in vain.
    torch.set_num_threads(1)
    itself = os.getpid()
    channel.send({})
    while (message := channel.receive())["do"] != "end":
        with limited(message.pop("seconds")):
            answer = _answered(names, message)
        if os.getpid() != itself:
            os._exit(0)
        channel.send_encoded(answer)
    os._exit(DONE)


def _answered(names: Names, message: dict[str, Any]) -> bytes:
    """What was asked for, as it goes over the wire."""
    try:
        return encode(names.do(message), names.keep)
    except WireError as error:
        name, told = "a value that is too large", str(error)
    except Exception as error:  # of the student's own, where a value of a class of theirs is asked what it holds
        name, told = type(error).__name__, str(error)
    return encode({"error": f"what came back cannot be looked at: {told}"[:1000], "error_name": name[:100]})
