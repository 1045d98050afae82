"""The student's process: runs cells one after another, and forks a copy of itself for each check.

A check's calls happen in the copy, so whatever they crash, use up or change is gone with it.
"""

import os
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from autograder.grade.codec import WireError
from autograder.grade.limits import Limits
from autograder.grade.student import checks_stub
from autograder.grade.student.library import Line
from autograder.grade.student.namespace import NamespaceServer
from autograder.grade.student.shell import OUTPUTS, Shell, TooLong, run, time_limit
from autograder.grade.student.watchdog import exit_reason
from autograder.grade.wire import Channel, ChannelClosedError, encode
from qlab.check.forbidden_calls import NoSuchFunctionError

# A copy's exit status: a call ran too long, or the judge has asked all that it wanted to ask.
TOO_LATE, FINISHED = 113, 114
# Types whose values can be packed without running any of the student's code, as a subclass's methods would.
PLAIN = (bool, int, float, type(None), torch.Tensor)


def serve(channel: Channel, shell: Shell, limits: Limits, folder: Path) -> None:
    """Do what the judge asks for until it closes the connection."""
    checks_stub.install()
    Line.connect(channel)
    random.seed(0)  # Python seeds it anew in each fork
    pid = os.getpid()
    while True:
        try:
            message = channel.receive()
        except ChannelClosedError:
            return
        answer = _do(message, channel, shell, limits, folder)
        if os.getpid() != pid:
            return  # a cell has forked, and we are its child, which got all the way here: only the parent may answer
        if answer is not None:
            channel.send(answer)


def _do(message: dict[str, Any], channel: Channel, shell: Shell, limits: Limits, folder: Path) -> dict[str, Any] | None:
    match message["op"]:
        case "files":
            _write(folder, message["files"])
        case "cell":
            return _cell(shell, message, limits.output)
        case "verdict":
            checks_stub.add_question(message["name"], message["verdict"], shell.user_ns)
        case "check":
            return _check(channel, shell, message["forbidden"], message["seconds"])
        case "missing":
            missing = [name for name in message["names"] if name not in shell.user_ns]
            return {"missing": missing[0] if missing else ""}
        case "plain":
            return _plain(tuple(shell.user_ns[name] for name in message["names"]))
        case "used":
            return {"bytes": _used(folder)}
        case _:
            return None  # it was meant for a copy that is gone, which the judge has been told
    return {}


def _plain(values: tuple[Any, ...]) -> dict[str, Any]:
    reply = {"values": values if all(type(value) in PLAIN for value in values) else None}
    try:
        encode(reply)
    except WireError:
        return {"values": None}  # the judge will ask a copy, which says what is wrong with them
    return reply


def _cell(shell: Shell, message: dict[str, Any], output: int) -> dict[str, Any]:
    reply = run(shell, message["source"], message["seconds"], message["wall_seconds"], output)
    try:
        encode(reply)
    except WireError:
        note = "[the outputs of this cell were left out: there are too many]\n"
        reply["outputs"] = [{"output_type": "stream", "name": "stderr", "text": note}]
    return reply


def _write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    # Reversed, so that the lab's files come first: a student's file that is in the way of a lab's folder is left out.
    for name, content in reversed({**checks_stub.without_checks(files), **checks_stub.FILES}.items()):
        path = folder / name
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    os.chdir(folder)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.parent.rglob("*") if path.is_file() and not path.is_symlink())


def _check(channel: Channel, shell: Shell, forbidden: tuple[str, ...], seconds: float) -> dict[str, Any]:
    """Let a copy of this process answer the judge until the check is over; return the reply after that."""
    random_state = random.getstate()  # Python would seed it anew in the fork
    try:
        copy = os.fork()
    except OSError as error:
        return {"copy_ended": f"no process can be started for the check ({error.strerror})"}
    if copy == 0:
        try:
            random.setstate(random_state)
            _answer(channel, NamespaceServer(shell.user_ns, tuple(forbidden)), seconds)
        except TooLong:
            os._exit(TOO_LATE)
        finally:
            os._exit(1)
    _, status = os.waitpid(copy, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == FINISHED:
        return {}
    return {"copy_ended": "late" if code == TOO_LATE else exit_reason(status)}


def _answer(channel: Channel, server: NamespaceServer, seconds: float) -> None:
    """The copy's whole life. It does not reply to the last message: its parent does, once the copy is gone.

    Args:
        channel: to the judge.
        server: of the student's names.
        seconds: of processor time that all answers together may take.
    """
    OUTPUTS.begin(0)  # nothing that a graded call prints is recorded, because it may be a hidden input
    # A fork has only one thread. If torch's pool had several before, the copy would wait for them forever.
    torch.set_num_threads(1)
    pid = os.getpid()
    Line.connect(channel)
    channel.send({})
    while (message := channel.receive())["op"] != "end":
        # The judge thinks between messages, and that costs this process no processor time.
        if message["op"] == "served":
            continue  # the answer to a call that was interrupted
        with time_limit(seconds - time.process_time(), message.pop("wall_seconds")):
            reply = _encoded_reply(server, message)
        if os.getpid() != pid:
            os._exit(0)  # a child of the call, as in `serve`
        channel.send_encoded(reply)
    os._exit(FINISHED)


def _encoded_reply(server: NamespaceServer, message: dict[str, Any]) -> bytes:
    """The reply to a message, encoded within the time limit, because encoding may run the student's code."""
    try:
        return encode(server.handle(message), server.make_handle)
    except WireError as error:
        name, detail = "a value that is too large", str(error)
    except NoSuchFunctionError as error:  # the judge has found it, so it was removed here
        return encode({"error": str(error)[:1000], "error_name": type(error).__name__})
    except Exception as error:  # raised by a method of the student's class, such as __iter__, during packing
        name, detail = type(error).__name__, str(error)
    return encode({"error": f"the returned value cannot be examined: {detail}"[:1000], "error_name": name[:100]})
