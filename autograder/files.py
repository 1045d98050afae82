"""Writes files and folders in one step, so that nobody ever sees half of one."""

import shutil
import tempfile
from pathlib import Path

from autograder.errors import UserError
from qlab import files


def write_atomic(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write a file (text as UTF-8) in one step: a reader sees the old content or the new one, never a part of it.

    Args:
        path, content: what to write, and where.
        durable: return only when it would survive a power cut.

    Raises:
        UserError: the disk is full, or permission is missing.
    """
    try:
        files.write_atomic(path, content, durable=durable)
    except OSError as error:
        raise UserError(
            f"{path} could not be written ({error.strerror}): make room or give permission, then run this again."
        ) from error


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
