"""The warm process: it has imported what notebooks import, and forks a submission's process for each request.

    python -m autograder.grade.student CONTROL

CONTROL is the number of an inherited socket (SOCK_SEQPACKET). A request is a line of JSON with the socket of the new
process attached. The warm process ends when nobody holds the other end of CONTROL any more.
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
from autograder.grade.student import watchdog as keeper
from autograder.grade.student.shell import Shell, make_shell
from autograder.grade.wire import Channel, ClosedError

LONGEST_REQUEST = 4096
NOT_FOR_NOTEBOOKS = {"qlab.notebook"}  # reads notebooks; importing what it needs takes long


def main() -> None:
    """Warm up, then serve until nobody is left who could ask."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the command's, which ends us by closing the socket
    shell = warm()
    control.send(b"ready")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while True:
        request, descriptors, *_ = socket.recv_fds(control, LONGEST_REQUEST, 1)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            _keep(json.loads(request), descriptors[0], shell)
        for descriptor in descriptors:
            os.close(descriptor)


def warm() -> Shell:
    """Import what notebooks import, and leave the same state of randomness in every process to come."""
    torch.set_num_threads(1)
    for module in pkgutil.walk_packages(qlab.__path__, "qlab."):
        if module.name not in NOT_FOR_NOTEBOOKS:
            with suppress(ImportError):  # an engine that is not installed
                importlib.import_module(module.name)
    torch.backends.quantized.engine = torch.backends.quantized.engine  # looks at the CPU, which /proc tells only here
    shell = make_shell()
    np.random.seed(0)  # the generator that students use
    torch.manual_seed(0)
    gc.collect()
    gc.freeze()
    return shell


def _keep(request: dict[str, Any], descriptor: int, shell: Shell) -> None:
    """The life of a submission's keeper and, in its child, of the submission."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    limits, isolated = Limits(**request["limits"]), request["isolated"]
    connection = socket.socket(fileno=descriptor)
    channel, reason, proc, own = Channel(connection), "", -1, None
    try:
        if isolated:
            proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
            isolation.enter_namespaces(limits)
            folder = Path(SCRATCH)
        else:
            own = tempfile.TemporaryDirectory(prefix="qlab-grade-", ignore_cleanup_errors=True)
            folder = Path(own.name)
        child = os.fork()
        if child == 0:
            _be_student(channel, shell, limits, folder / "lab", proc)
        reason = keeper.watch(child, descriptor, limits, proc)
    except OSError as error:
        reason = f"no sandbox could be set up: {error}"
    finally:
        if own is not None:
            own.cleanup()
        with suppress(ClosedError):
            channel.send({"ended": reason})
        os._exit(0)


def _be_student(channel: Channel, shell: Shell, limits: Limits, folder: Path, proc: int) -> None:
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _without_standard_files()
        if proc >= 0:
            os.close(proc)
            isolation.become_student(limits)
        else:
            os.setsid()
        session.serve(channel, shell, limits, folder)
    finally:
        os._exit(0)


def _without_standard_files() -> None:
    """The warm process's stderr is a file of the grader's, which all submissions would share."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.close(null)


if __name__ == "__main__":
    main()
