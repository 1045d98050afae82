"""The fork server for students' processes: a warm Python, usually in the sandbox, that forks one per submission.

Importing torch takes seconds and a fork takes milliseconds, so the import happens once. For each lab the fork server
forks a server of its own, which imports the lab's library: qlab without the functions that the lab asks for.

Nothing here imports torch before the fork server is started: while it warms up on one core, this process imports what
it needs on another.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.grade.limits import Limits
from autograder.grade.sandbox import TRUSTED, NoSandboxError, bubblewrap_command, student_environment

if TYPE_CHECKING:
    from autograder.grade.library import Library
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
        self._servers: dict[frozenset[str], socket.socket] = {}  # by what their libraries withhold
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
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
        """Wait until it is warm.

        Raises:
            NoSandboxError: the sandbox does not start.
        """
        if not self._ready:
            if not _is_ready(self._control):
                raise NoSandboxError(f"the sandbox does not start here ({self._last_error()}): fix that ({TRUSTED}).")
            self._ready = True

    def prepare(self, library: "Library") -> None:
        """Have a server with this library, which has shown that it can isolate a submission.

        Raises:
            NoSandboxError: there can be none.
        """
        from autograder.grade.codec import WireError
        from autograder.grade.wire import ChannelClosedError, ChannelTimeoutError

        self.wait()
        if library.withheld in self._servers:
            return
        try:
            self._servers[library.withheld] = self._start(library)
            # A sandbox may start and still not allow the inner namespaces, which only a submission's process shows.
            trial = self.connect(Limits(), library)
            try:
                trial.channel.send({"op": "used"})
                reply = trial.channel.receive(START_SECONDS)
            finally:
                trial.close()
        except (ChannelClosedError, ChannelTimeoutError, WireError) as error:
            raise NoSandboxError(f"the sandbox does not answer ({self._last_error()}; {TRUSTED}).") from error
        if "ended" in reply:
            raise NoSandboxError(f"{reply['ended']}: the kernel has to allow user namespaces ({TRUSTED}).")

    def _start(self, library: "Library") -> socket.socket:
        from autograder.grade.student_process import CALL
        from autograder.grade.wire import Channel, ChannelClosedError

        # SEQPACKET keeps packets apart, so that one request cannot run into the next.
        control, its_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours, theirs = socket.socketpair()
        with ours, its_control, theirs:
            try:
                socket.send_fds(self._control, [b"{}"], [its_control.fileno(), theirs.fileno()])
            except OSError as error:
                raise ChannelClosedError from error
            its_control.close()
            theirs.close()
            channel = Channel(ours)
            channel.send(
                {"modules": {name: source.encode() for name, source in library.modules.items()}}, START_SECONDS
            )
            # Modules may call what is withheld while they are imported, for their constants.
            while (message := channel.receive(START_SECONDS)).get("op") == CALL:
                channel.send(library.served.reply(message, ()), START_SECONDS)
        return control

    def connect(self, limits: Limits, library: "Library | None" = None) -> "Connection":
        """The judge's ends of connections to a new student's process and to its watchdog.

        Closing them ends that process and all its children.

        Args:
            limits: of the process.
            library: what can be imported in it; by default, all of qlab.

        Raises:
            ChannelClosedError: the fork server is gone.
        """
        from autograder.grade.library import Library
        from autograder.grade.meter import Meter
        from autograder.grade.student_process import Connection
        from autograder.grade.wire import Channel, ChannelClosedError

        library = library or Library.whole()
        self.prepare(library)
        ours, students = socket.socketpair()
        asking, watchdogs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps({"limits": limits.plain(), "isolated": self.isolated}).encode()
        with students, watchdogs:
            try:
                socket.send_fds(self._servers[library.withheld], [request], [students.fileno(), watchdogs.fileno()])
            except OSError as error:
                raise ChannelClosedError from error
        return Connection(Channel(ours), Meter(asking))

    def close(self) -> None:
        """End it. Students' processes that it has forked go on until their channels are closed."""
        for server in (self._control, *self._servers.values()):
            server.close()
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


def _is_ready(server: socket.socket) -> bool:
    """Wait until a server says so; False if it ends before."""
    server.settimeout(START_SECONDS)
    try:
        return server.recv(16) == b"ready"
    except OSError:
        return False


# This process's fork servers: with and without a sandbox. Workers are forked from this process and share them.
_servers: dict[bool, ForkServer] = {}
_hidden: set[Path] = set()
_shared = False


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


@contextmanager
def shared_fork_servers() -> Iterator[None]:
    """A context in which one fork server serves several labs: what grades a lab leaves it open for the next."""
    global _shared
    _shared = True
    try:
        yield
    finally:
        _shared = False
        for sandboxed in list(_servers):
            close_fork_server(sandboxed)


def end_fork_server(sandboxed: bool) -> None:
    """Close the fork server after a lab, unless it is shared."""
    if not _shared:
        close_fork_server(sandboxed)


def close_fork_server(sandboxed: bool) -> None:
    """Close the fork server, if there is one; the next submission starts another."""
    if server := _servers.pop(sandboxed, None):
        server.close()
