"""One submission as plain data, read from its folder once and then sent to wherever it is graded."""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from qlab.notebook import NotebookError, load

MAX_FILES = 200
MAX_TOTAL_BYTES = 20 * 2**20  # bytes of all files beside the notebook
TIMESTAMP = "timestamp.txt"  # nbgrader's file with the submission time, which is no part of the submission


@dataclass(frozen=True)
class Submission:
    """What a student handed in.

    Attributes:
        student: whose.
        content: the bytes of the notebook file.
        files: the files beside it, by path; never notebooks, links or devices.
        reason: why there is no content; "" if there is.
        remarks: what was left out.
    """

    student: str
    content: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    reason: str = ""
    remarks: tuple[str, ...] = ()

    @classmethod
    def read(cls, student: str, path: Path) -> "Submission":
        """Read a notebook and the files beside it."""
        links = [part for part in (path.parent.parent, path.parent) if part.is_symlink()]
        if links:
            return cls(student, reason=f"{links[0].name} is a link, not a folder: hand in the files themselves.")
        try:
            content = load(path)
        except NotebookError as error:
            return cls(student, reason=_text(str(error)))
        files, remarks = _files_beside(path)
        return cls(student, content, files, "", remarks)

    @property
    def sha256(self) -> str:
        """The hash of everything that was submitted; "" if the notebook cannot be read."""
        if self.reason:
            return ""
        digest = hashlib.sha256(self.content)
        for name, content in sorted(self.files.items()):
            digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def _files_beside(path: Path) -> tuple[dict[str, bytes], tuple[str, ...]]:
    files: dict[str, bytes] = {}
    left_out, size = [], 0
    for folder, folders, names in os.walk(path.parent):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(".ipynb") or name.startswith(".") or file == path.parent / TIMESTAMP:
                continue
            try:
                status = file.lstat()
            except OSError:  # the path is too long
                left_out.append(name)
                continue
            size += status.st_size
            # A hard link may be a second name of a file elsewhere: the gradebook, or another submission.
            if (
                status.st_nlink > 1
                or not stat.S_ISREG(status.st_mode)
                or size > MAX_TOTAL_BYTES
                or len(files) >= MAX_FILES
            ):
                left_out.append(name)
                continue
            try:
                files[str(file.relative_to(path.parent))] = file.read_bytes()
            except (OSError, UnicodeError):
                left_out.append(name)
    # A name that is not valid UTF-8 could not be stored as text anywhere.
    not_utf8 = [name for name in files if name != _text(name)]
    for name in not_utf8:
        del files[name]
    left_out += not_utf8
    if not left_out:
        return files, ()
    examples = ", ".join(map(_text, left_out[:3]))
    remark = f"{len(left_out)} files beside the notebook were left out (links, devices, too large): {examples}"
    return files, (remark,)


def _text(name: str) -> str:
    """A file name, or a text with one, as valid UTF-8."""
    return name.encode("utf-8", "replace").decode("utf-8")
