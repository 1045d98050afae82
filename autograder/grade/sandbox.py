"""The sandbox around the warm process, made by bubblewrap: no network, no files but Python's and qlab's, none writable.

Nothing here imports torch before the warm process is started: while that gets warm on one core, this process can import
what it needs on the other. Linux only. Inside of the sandbox each submission gets namespaces of its own (see
student/isolation.py).
"""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.errors import UserError
from autograder.grade.limits import Limits
from autograder.grade.student import SCRATCH

if TYPE_CHECKING:
    from autograder.grade.wire import Channel

START_SECONDS = 120.0  # importing torch from a cold disk is slow
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage"  # where glibc reads whether it may ask for them
CODE = Path(__file__).resolve().parent  # this room; it holds no lab and no marks
TRUSTED = "or, for notebooks of people you trust, add --no-sandbox"


class NoSandboxError(UserError):
    """No sandbox can be had here; the message says why and what to do."""


class WarmProcess:
    """The warm process that forks submissions' processes.

    Args:
        isolated: in a sandbox; otherwise with the rights of whoever grades, for notebooks of people one trusts.
        hidden: folders that cannot be looked into, wherever they lie.
    """

    def __init__(self, *, isolated: bool = True, hidden: Iterable[Path] = ()):
        if sys.platform != "linux":
            raise NoSandboxError(
                "students' code runs in processes that only Linux can isolate: grade there, or in WSL."
            )
        self.isolated = isolated
        self._ready = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python = [sys.executable, "-m", "autograder.grade.student", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*_bubblewrap(hidden), *python] if isolated else python,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **_environment()},
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
        from autograder.grade.wire import ClosedError, LateError

        self._control.settimeout(START_SECONDS)
        try:
            ready = self._control.recv(16) == b"ready"
        except OSError:
            ready = False
        if not ready:
            raise NoSandboxError(f"the sandbox does not start here ({self._told()}): mend that ({TRUSTED}).")
        trial = self.connect(Limits())
        try:
            trial.send({"do": "used"})
            reply = trial.receive(START_SECONDS)
        except (ClosedError, LateError, WireError) as error:
            raise NoSandboxError(f"the sandbox does not answer ({self._told()}; {TRUSTED}).") from error
        finally:
            trial.close()
        if "ended" in reply:
            raise NoSandboxError(f"{reply['ended']}: the kernel has to allow user namespaces ({TRUSTED}).")
        self._ready = True

    def connect(self, limits: Limits) -> "Channel":
        """A new submission's process, as the judge talks to it; closing the channel ends it and all that it started.

        Raises:
            ClosedError: the warm process is gone.
        """
        from autograder.grade.wire import Channel, ClosedError

        ours, theirs = socket.socketpair()
        request = json.dumps({"limits": limits.plain(), "isolated": self.isolated}).encode()
        with theirs:
            try:
                socket.send_fds(self._control, [request], [theirs.fileno()])
            except OSError as error:
                raise ClosedError from error
        return Channel(ours)

    def close(self) -> None:
        """Let it end."""
        self._control.close()
        if self._ready:  # one that is still getting warm does not see it yet
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _told(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"


def _environment() -> dict[str, str]:
    """What a notebook's process finds in its environment; the hash seed makes a re-grade the same run."""
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    return {
        "PATH": path,
        "PYTHONPATH": os.pathsep.join(map(str, [CODE.parents[1], _package("qlab").parent, *_installed()])),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        # All memory in huge pages, where the kernel has them for who asks: a fork copies the page table, and the warm
        # process is forked several times a submission.
        "PYTHONMALLOC": "malloc",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def _bubblewrap(hidden: Iterable[Path]) -> list[str]:
    found = shutil.which("bwrap")
    if found is None:
        raise NoSandboxError(
            f"students' code runs in a sandbox, and bubblewrap is missing: apt-get install bubblewrap ({TRUSTED})."
        )
    arguments = [found, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    # As root each submission becomes another user, which takes the right to do so and no other.
    root = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    arguments += root if os.getuid() == 0 else ["--unshare-user"]
    home = {"HOME": SCRATCH, "TMPDIR": SCRATCH, "MPLCONFIGDIR": SCRATCH}
    if data := os.environ.get("QLAB_DATA"):
        home["QLAB_DATA"] = str(Path(data).resolve())
    arguments += ["--clearenv"]
    for name, value in {**_environment(), **home}.items():
        arguments += ["--setenv", name, value]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--perms", "0755", "--tmpfs", SCRATCH, *_font_list()]
    visible = _visible(home.get("QLAB_DATA"))
    for folder in sorted({parent for path in visible for parent in path.parents if parent != Path("/")}):
        arguments += ["--perms", "0755", "--dir", str(folder)]
    for path in visible:
        where = ["--symlink", str(path.readlink())] if path.is_symlink() else ["--ro-bind", str(path)]
        arguments += [*where, str(path)]
    arguments += _covered([*hidden, CODE.parents[1], CODE.parent], visible)
    # An ordinary user owns /dev here, and all submissions share it.
    arguments += ["--remount-ro", "/dev"]
    if not any(path.is_relative_to("/tmp") for path in visible):
        arguments += ["--symlink", SCRATCH, "/tmp"]
    return [*arguments, "--remount-ro", "/", "--chdir", "/", "--"]


def _visible(data: str | None) -> list[Path]:
    """What can be read in the sandbox: the system's programs, this Python with its packages, qlab, and this room."""
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve(), *_installed()]
    wanted = [*map(Path, (*SYSTEM, HUGE_PAGES)), *python, *_code(), *([Path(data)] if data else [])]
    return _outermost(path for path in wanted if os.path.lexists(path))


def _code() -> list[Path]:
    """What runs in the sandbox: the folders and files of qlab and of this room."""
    return [_package("qlab"), CODE, CODE.parent / "__init__.py", CODE.parent / "errors.py"]


def _covered(folders: Iterable[Path], visible: Iterable[Path]) -> list[str]:
    """Cover folders that lie in what is visible: a course or a clone may be anywhere, in /usr/src/app say.

    What runs in the sandbox is put back into them. A folder that holds the installed packages themselves stays.
    """
    arguments = []
    for folder in _outermost(folder.resolve() for folder in folders):
        inside = any(folder.is_relative_to(path) and folder != path for path in visible)
        if not inside or any(path.is_relative_to(folder) for path in (Path(sys.prefix), *_installed())):
            continue
        arguments += ["--perms", "0555", "--tmpfs", str(folder)]
        inner = [path for path in _code() if path.is_relative_to(folder)]
        between = {parent for path in inner for parent in path.parents if folder in parent.parents}
        for parent in sorted(between):
            arguments += ["--perms", "0755", "--dir", str(parent)]
        for path in inner:
            arguments += ["--ro-bind", str(path), str(path)]
        arguments += ["--remount-ro", str(folder)]
    return arguments


def _package(name: str) -> Path:
    """The folder of a package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise UserError(f"{name} is not installed here: pip install -e '.[grade]'.")
    return Path(spec.origin).resolve().parent


def _installed() -> list[Path]:
    """The folders that hold installed packages."""
    return sorted({_package(name).parent for name in ("torch", "numpy", "IPython", "matplotlib")})


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """The paths that do not lie in another of them."""
    found: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in found if not other.is_symlink()):
            found.append(path)
    return found


def _font_list() -> list[str]:
    """Matplotlib's list of fonts, which takes it seconds to make where there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "matplotlib"
    lists = sorted(cache.glob("fontlist-*.json"))
    return [part for path in lists for part in ("--ro-bind", str(path), f"{SCRATCH}/{path.name}")]
