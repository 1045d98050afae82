"""The fork server for students' processes: a warm Python, usually in the sandbox, that forks one per submission.

Importing torch and qlab takes seconds and a fork takes milliseconds, so the imports happen once. Nothing here imports
torch before the fork server is started: while it warms up on one core, this process imports what it needs on another.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.grade.limits import Limits
from autograder.grade.sandbox import TRUSTED, NoSandboxError, bubblewrap_command, student_environment

if TYPE_CHECKING:
    from autograder.grade.student_process import Connection

START_SECONDS = 120.0  # importing torch from a cold disk is slow


class ForkServer:
    """A process that forks students' processes on request.

    Args:
        isolated: run in a sandbox; otherwise with the rights of whoever grades, for notebooks of people one trusts.
        hidden: folders that students' code cannot look into, wherever they are.
    """

    def __init__(self, *, isolated: bool = True, hidden: Iterable[Path] = ()):
        if sys.platform != "linux":
            raise NoSandboxError(
                "students' code runs in processes that only Linux can isolate: grade there, or in WSL."
            )
        self.isolated = isolated
        self._ready = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        # SEQPACKET keeps packets apart, so that one request cannot run into the next.
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python = [sys.executable, "-m", "autograder.grade.student", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*bubblewrap_command(hidden), *python] if isolated else python,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **student_environment()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it is warm and has shown that it can isolate a submission.

        Raises:
            NoSandboxError: it cannot.
        """
        if self._ready:
            return
        from autograder.grade.codec import WireError
        from autograder.grade.wire import ChannelClosedError, ChannelTimeoutError

        self._control.settimeout(START_SECONDS)
        try:
            ready = self._control.recv(16) == b"ready"
        except OSError:
            ready = False
        if not ready:
            raise NoSandboxError(f"the sandbox does not start here ({self._last_error()}): fix that ({TRUSTED}).")
        # A sandbox may start and still not allow the inner namespaces, which only a submission's process shows.
        trial = self.connect(Limits())
        try:
            trial.channel.send({"op": "used"})
            reply = trial.channel.receive(START_SECONDS)
        except (ChannelClosedError, ChannelTimeoutError, WireError) as error:
            raise NoSandboxError(f"the sandbox does not answer ({self._last_error()}; {TRUSTED}).") from error
        finally:
            trial.close()
        if "ended" in reply:
            raise NoSandboxError(f"{reply['ended']}: the kernel has to allow user namespaces ({TRUSTED}).")
        self._ready = True

    def connect(self, limits: Limits) -> "Connection":
        """The judge's ends of connections to a new student's process and to its watchdog.

        Closing them ends that process and all its children.

        Raises:
            ChannelClosedError: the fork server is gone.
        """
        from autograder.grade.meter import Meter
        from autograder.grade.student_process import Connection
        from autograder.grade.wire import Channel, ChannelClosedError

        ours, students = socket.socketpair()
        asking, watchdogs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps({"limits": limits.plain(), "isolated": self.isolated}).encode()
        with students, watchdogs:
            try:
                socket.send_fds(self._control, [request], [students.fileno(), watchdogs.fileno()])
            except OSError as error:
                raise ChannelClosedError from error
        return Connection(Channel(ours), Meter(asking))

    def close(self) -> None:
        """End it. Students' processes that it has forked go on until their channels are closed."""
        self._control.close()
        if self._ready:  # it ends by itself, but only looks at the socket once it is warm
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:200] if lines else "it printed no error"


# This process's fork servers: with and without a sandbox. Workers are forked from this process and share them.
_servers: dict[bool, ForkServer] = {}
_hidden: set[Path] = set()


def hide_from_students(folder: Path) -> None:
    """Let no student's code look into a folder; call this before the fork server starts."""
    _hidden.add(folder)


def fork_server(sandboxed: bool, *, wait: bool = True) -> ForkServer:
    """This process's fork server, or the one that it inherited; started if there is none.

    Args:
        sandboxed: in a sandbox.
        wait: until it is ready.
    """
    if sandboxed not in _servers:
        _servers[sandboxed] = ForkServer(isolated=sandboxed, hidden=_hidden)
    if wait:
        _servers[sandboxed].wait()
    return _servers[sandboxed]


def close_fork_server(sandboxed: bool) -> None:
    """Close the fork server, if there is one; the next submission starts another."""
    if server := _servers.pop(sandboxed, None):
        server.close()
