"""Atomic writing of files."""

import os
import tempfile
from pathlib import Path


def write_atomic(path: Path, content: str | bytes, mode: int = 0o644, *, durable: bool = False) -> None:
    """Write a file (text as UTF-8) atomically: a reader sees either the old or the new content, never a part of it.

    Args:
        path, content: what to write where; its folder is made.
        mode: who may read it; 0o600 is for secrets, which nobody else can read even while they are written.
        durable: return only when it would survive a power cut.

    Raises:
        OSError: there is no space or no permission; the old file is unchanged.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            temporary = Path(file.name)
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(mode)
        os.replace(temporary, path)  # noqa: PTH105  # Path.replace is the same call; os.replace says "atomic" to a reader
        if durable:
            _sync_folder(path.parent)
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Have the disk remember a file's new name; only POSIX systems can and must be asked to."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
