"""Writing files so that nobody ever sees half of one."""

import shutil
import tempfile
from pathlib import Path

from autograder.errors import UserError
from qlab import files


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) in one step: whoever reads it sees the old content or the new, never a part.

    Raises:
        UserError: no room on the disk, or no permission.
    """
    try:
        files.write_atomic(path, content)
    except OSError as error:
        raise UserError(
            f"{path} could not be written ({error.strerror}): make room or give permission, then run again."
        ) from error


def replace_folder(new: Path, old: Path) -> None:
    """Put a finished folder where an old one stands."""
    old.parent.mkdir(parents=True, exist_ok=True)
    if old.exists():
        trash = Path(tempfile.mkdtemp(prefix=".old-", dir=old.parent))
        old.rename(trash / old.name)
        new.rename(old)
        shutil.rmtree(trash)
    else:
        new.rename(old)
