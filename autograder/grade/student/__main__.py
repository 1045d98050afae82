"""The fork server: imports what notebooks import, then forks a student's process for each request.

    python -m autograder.grade.student CONTROL

CONTROL is the descriptor of an inherited socket (SOCK_SEQPACKET). A request is a packet of JSON with the sockets of the
new process and of its watchdog attached. The fork server ends once nobody holds the other end of CONTROL.

Each request makes two processes: a watchdog outside the submission's namespaces, and in them the student's process.
"""

import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

import qlab
from autograder.grade.limits import Limits
from autograder.grade.student import SCRATCH, isolation, session
from autograder.grade.student.shell import Shell, make_shell
from autograder.grade.student.watchdog import Watchdog
from autograder.grade.wire import Channel, ChannelClosedError

MAX_REQUEST = 4096
NOT_FOR_NOTEBOOKS = {"qlab.notebook"}  # no notebook imports it, and what it imports takes long


def main() -> None:
    """Warm up, then serve until nobody is left who could send a request."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends us by closing the socket
    shell = warm_up()
    control.send(b"ready")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that ended watchdogs do not become zombies
    while True:
        request, descriptors, *_ = socket.recv_fds(control, MAX_REQUEST, 2)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            connection, questions = descriptors
            _watch_over_student(json.loads(request), connection, questions, shell)
        for descriptor in descriptors:
            os.close(descriptor)


def warm_up() -> Shell:
    """Import what notebooks import, and seed the generators, so that every submission draws the same random numbers."""
    torch.set_num_threads(1)
    for module in pkgutil.walk_packages(qlab.__path__, "qlab."):
        if module.name not in NOT_FOR_NOTEBOOKS:
            with suppress(ImportError):  # an engine that is not installed
                importlib.import_module(module.name)
    # Looks the CPU up in /proc, which students' processes do not have.
    torch.backends.quantized.engine = torch.backends.quantized.engine
    shell = make_shell()
    np.random.seed(0)  # the global generator, which students use
    torch.manual_seed(0)
    gc.collect()
    gc.freeze()  # or the first collection in each fork would write to, and so copy, every page
    return shell


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
