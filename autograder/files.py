"""Writes files and folders in one step, so that nobody ever sees half of one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
        lock = FileLock(path, seconds)
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
