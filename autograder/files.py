"""Writes files and folders in one step, so that nobody ever sees half of one."""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from autograder.errors import UserError
from qlab import files


def write_atomic(path: Path, content: str | bytes, mode: int = 0o644, *, durable: bool = False) -> None:
    """Write a file (text as UTF-8) in one step: a reader sees the old content or the new one, never a part of it.

    Args:
        path, content, mode, durable: as in `qlab.files.write_atomic`.

    Raises:
        UserError: the disk is full, or permission is missing.
    """
    try:
        files.write_atomic(path, content, mode, durable=durable)
    except OSError as error:
        raise UserError(
            f"{path} could not be written ({error.strerror}): make room or give permission, then run this again."
        ) from error


@contextmanager
def locked(path: Path, seconds: float = 30) -> Iterator[None]:
    """Keep every other process and thread that locks this file out; a process that dies frees it.

    Raises:
        UserError: somebody else has it for longer than `seconds`, or it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, seconds, thread_local=False)  # one thread may take it and another one give it back
        lock.acquire()
    except Timeout as error:
        raise UserError(f"another program is writing in {path.parent}: run this again when it is done.") from error
    except OSError as error:
        raise UserError(
            f"{path} could not be locked ({error.strerror}): make room or give permission, then run this again."
        ) from error
    try:
        yield
    finally:
        lock.release()


class SharedLock:
    """A lock that any number of threads of this process hold at once, and that keeps other processes out meanwhile.

    Args:
        path: the file that is locked; another process takes it with `locked`.
    """

    def __init__(self, path: Path):
        self._path = path
        self._mutex = threading.Lock()
        self._holders = 0
        self._file = ExitStack()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it.

        Raises:
            UserError: as in `locked`.
        """
        with self._mutex:
            if not self._holders:
                self._file.enter_context(locked(self._path))
            self._holders += 1
        try:
            yield
        finally:
            with self._mutex:
                self._holders -= 1
                if not self._holders:
                    self._file.close()


def replace_folder(new: Path, old: Path) -> None:
    """Move a finished folder to where an old one is, and delete the old one."""
    old.parent.mkdir(parents=True, exist_ok=True)
    if old.exists():
        trash = Path(tempfile.mkdtemp(prefix=".old-", dir=old.parent))
        old.rename(trash / old.name)
        new.rename(old)
        shutil.rmtree(trash)
    else:
        new.rename(old)
