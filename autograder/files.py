"""Writing files so that nobody ever sees half of one."""

import os
import shutil
import tempfile
from pathlib import Path

from autograder.errors import UserError


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) in one step: whoever reads it sees the old content or the new, never a part.

    Raises:
        UserError: no room on the disk, or no permission.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            temporary = Path(file.name)
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.chmod(0o644)
        os.replace(temporary, path)  # noqa: PTH105  # Path.replace is the same call; os.replace says "atomic" to a reader
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
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
