"""The fork server: imports what notebooks import, then forks a server for each lab, which forks students' processes.

    python -m autograder.grade.student CONTROL

CONTROL is the descriptor of an inherited socket (SOCK_SEQPACKET). A request is a packet of JSON with two descriptors
attached. For a lab's server they are its own CONTROL, and a socket from which it gets the modules of qlab. For a
submission they are the sockets of the student's process and of its watchdog. A server ends once nobody holds the other
end of its CONTROL.

A submission has two processes: a watchdog outside of the submission's namespaces, and in them the student's process.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autograder.grade.limits import Limits
from autograder.grade.student import SCRATCH, isolation
from autograder.grade.student.library import Line, install
from autograder.grade.student.shell import Shell, make_shell
from autograder.grade.student.watchdog import Watchdog
from autograder.grade.wire import Channel, ChannelClosedError

MAX_REQUEST = 4096
# What qlab imports of others: once here, and not once for each lab.
OTHERS = ("ipywidgets", "matplotlib.pyplot", "torch.ao.quantization", "torch.nn.utils.fusion")
Request = dict[str, Any]


def main() -> None:
    """Warm up, then serve until nobody is left who could send a request."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends us by closing the socket
    shell = warm_up()
    control.send(b"ready")
    serve(control, lambda _, control, library: _serve_lab(control, library, shell))


def serve(control: socket.socket, start: Callable[[Request, int, int], None]) -> None:
    """Fork a process for each request, which does what it asks for and ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that ended processes do not become zombies
    while True:
        request, descriptors, *_ = socket.recv_fds(control, MAX_REQUEST, 2)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            try:
                start(json.loads(request), *descriptors)
            except Exception:
                traceback.print_exc(file=sys.__stderr__)  # where the command finds the reason
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def warm_up() -> Shell:
    """Import what notebooks import, but for qlab."""
    torch.set_num_threads(1)
    for name in OTHERS:
        with suppress(ImportError):
            importlib.import_module(name)
    # Looks the CPU up in /proc, which students' processes do not have.
    if hasattr(torch.backends, "quantized"):  # later versions of PyTorch may not have it
        torch.backends.quantized.engine = torch.backends.quantized.engine
    shell = make_shell()
    freeze()
    return shell


def _serve_lab(descriptor: int, library: int, shell: Shell) -> None:
    """Import the lab's library, then serve submissions of this lab."""
    control, channel = socket.socket(fileno=descriptor), Channel(socket.socket(fileno=library))
    Line.connect(channel)
    install({name: source.decode() for name, source in channel.receive()["modules"].items()})
    importlib.import_module("autograder.grade.student.session")  # here, once: it imports qlab
    # So that every submission draws the same random numbers; students use numpy's global generator.
    np.random.seed(0)
    torch.manual_seed(0)
    freeze()
    channel.send({"op": "ready"})
    channel.close()
    serve(control, lambda request, channel, meter: _watch_over_student(request, channel, meter, shell))


def freeze() -> None:
    """Keep the garbage collector from what is here: it would write to, and so copy, every page in each fork."""
    gc.collect()
    gc.freeze()


def _watch_over_student(request: dict[str, Any], descriptor: int, meter: int, shell: Shell) -> None:
    """The whole life of a submission's watchdog and, in its child, of the student's process; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    limits, isolated = Limits(**request["limits"]), request["isolated"]
    connection = socket.socket(fileno=descriptor)
    channel, questions, reason, temporary = Channel(connection), socket.socket(fileno=meter), "", None
    try:
        # Opened before entering the namespaces: the watchdog has to see processes inside them.
        proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        if isolated:
            isolation.enter_namespaces(limits)
            folder = Path(SCRATCH)
        else:
            temporary = tempfile.TemporaryDirectory(prefix="qlab-grade-", ignore_cleanup_errors=True)
            folder = Path(temporary.name)
        child = os.fork()
        if child == 0:
            questions.close()
            os.close(proc)
            _run_student(channel, shell, limits, folder / "lab", isolated)
        reason = Watchdog(child, descriptor, questions, limits, proc).watch()
    except OSError as error:
        reason = f"no sandbox could be set up: {error}"
    finally:
        if temporary is not None:
            temporary.cleanup()
        with suppress(ChannelClosedError):
            channel.send({"ended": reason})
        os._exit(0)


def _run_student(channel: Channel, shell: Shell, limits: Limits, folder: Path, isolated: bool) -> None:
    from autograder.grade.student import session  # it imports qlab, of which the lab decides

    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _close_standard_files()
        if isolated:
            isolation.become_student(limits)
        else:
            os.setsid()
        session.serve(channel, shell, limits, folder)
    finally:
        os._exit(0)


def _close_standard_files() -> None:
    """Point stdin, stdout and stderr at /dev/null: all submissions would share the fork server's stderr, a file."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.close(null)


if __name__ == "__main__":
    main()
