"""The sandbox around the fork server, made by bubblewrap: no network, and no files but Python's and this package's.

All files are read-only. There are two walls. This one is around the fork server and so around all submissions; it
decides which files exist.
Inside it, each submission gets namespaces of its own (student/isolation.py), so that submissions do not see each other.
Linux only.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from autograder.errors import UserError
from autograder.grade.student import SCRATCH

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage"  # glibc reads there whether it may ask for huge pages
CODE = Path(__file__).resolve().parent  # this package, which contains no lab and no marks
TRUSTED = "or, for notebooks of people you trust, add --no-sandbox"


class NoSandboxError(UserError):
    """There can be no sandbox on this machine; the message says why and what to do."""


def student_environment() -> dict[str, str]:
    """The environment variables of students' processes."""
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    return {
        "PATH": path,
        "PYTHONPATH": os.pathsep.join(map(str, [CODE.parents[1], package_folder("qlab").parent, *_installed()])),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",  # so that grading again is the same run: it sets the order of sets
        # All memory in huge pages, if the kernel gives them to whoever asks: a fork copies the page table, and there
        # are several forks per submission.
        "PYTHONMALLOC": "malloc",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def bubblewrap_command(hidden: Iterable[Path]) -> list[str]:
    """The command that runs whatever is appended to it in the sandbox.

    Args:
        hidden: folders to cover with empty ones.

    Raises:
        NoSandboxError: bubblewrap is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise NoSandboxError(
            f"students' code runs in a sandbox, and bubblewrap is missing: apt-get install bubblewrap ({TRUSTED})."
        )
    arguments = [program, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    # If root grades, each submission switches to another user, which takes these two capabilities and no others.
    root = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    arguments += root if os.getuid() == 0 else ["--unshare-user"]
    home = {"HOME": SCRATCH, "TMPDIR": SCRATCH, "MPLCONFIGDIR": SCRATCH}
    if data := os.environ.get("QLAB_DATA"):
        home["QLAB_DATA"] = str(Path(data).resolve())
    arguments += ["--clearenv"]
    for name, value in {**student_environment(), **home}.items():
        arguments += ["--setenv", name, value]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--perms", "0755", "--tmpfs", SCRATCH, *_font_cache()]
    visible = _visible(home.get("QLAB_DATA"))
    for folder in sorted({parent for path in visible for parent in path.parents if parent != Path("/")}):
        arguments += ["--perms", "0755", "--dir", str(folder)]
    for path in visible:
        where = ["--symlink", str(path.readlink())] if path.is_symlink() else ["--ro-bind", str(path)]
        arguments += [*where, str(path)]
    arguments += _covered([*hidden, CODE.parents[1], CODE.parent, *_copies_of_qlab()], visible)
    # If an ordinary user grades, that user owns /dev, which all submissions share: one could leave files for another.
    arguments += ["--remount-ro", "/dev"]
    if not any(path.is_relative_to("/tmp") for path in visible):
        arguments += ["--symlink", SCRATCH, "/tmp"]
    return [*arguments, "--remount-ro", "/", "--chdir", "/", "--"]


def _visible(data: str | None) -> list[Path]:
    """What can be read in the sandbox: the system's programs, this Python with its packages, and this package."""
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve(), *_installed()]
    paths = [*map(Path, (*SYSTEM, HUGE_PAGES)), *python, *_code(), *([Path(data)] if data else [])]
    return _outermost(path for path in paths if os.path.lexists(path))


def _code() -> list[Path]:
    """The code that runs in the sandbox: of this package. qlab comes from memory: see `library`."""
    return [CODE, CODE.parent / "__init__.py", CODE.parent / "errors.py"]


def _covered(folders: Iterable[Path], visible: Iterable[Path]) -> list[str]:
    """Arguments that cover these folders, if they are inside a visible one: a course may be anywhere, say in /usr/src.

    Code that runs in the sandbox is put back on top. A folder that contains the installed packages is not covered.
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


def _copies_of_qlab() -> list[Path]:
    """Every folder in which qlab is, or is installed."""
    parents = {*_installed(), *(Path(path) for path in sys.path if path)}
    return [package_folder("qlab"), *(path / "qlab" for path in sorted(parents) if (path / "qlab").is_dir())]


def package_folder(name: str) -> Path:
    """The folder of a package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise UserError(f"{name} is not installed here: pip install -e '.[grade]'.")
    return Path(spec.origin).resolve().parent


def _installed() -> list[Path]:
    """The folders of installed packages."""
    return sorted({package_folder(name).parent for name in ("torch", "numpy", "IPython", "matplotlib")})


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """The paths that are not inside another of them."""
    outermost: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in outermost if not other.is_symlink()):
            outermost.append(path)
    return outermost


def _font_cache() -> list[str]:
    """Arguments for matplotlib's list of fonts, which takes seconds to make if it is missing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "matplotlib"
    lists = sorted(cache.glob("fontlist-*.json"))
    return [part for path in lists for part in ("--ro-bind", str(path), f"{SCRATCH}/{path.name}")]
