"""One submission as plain data: read from its folder once, then sent to wherever it is graded."""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from qlab.notebook import NotebookError, load

MOST_FILES = 200
LARGEST_FILES = 20 * 2**20  # bytes of all files beside the notebook
TIMESTAMP = "timestamp.txt"  # when it was handed in, as nbgrader notes it: not the student's, and no other submission


@dataclass(frozen=True)
class Submission:
    """What a student handed in.

    Attributes:
        student: whose.
        content: the notebook file's bytes.
        files: what lies beside it, by path; never notebooks, links or devices.
        reason: why there is no content; "" where there is.
        remarks: what was left out.
    """

    student: str
    content: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    reason: str = ""
    remarks: tuple[str, ...] = ()

    @classmethod
    def read(cls, student: str, path: Path) -> "Submission":
        """Read a notebook and what lies beside it."""
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
        """Of all that was handed in; "" where there is no notebook that can be read."""
        if self.reason:
            return ""
        digest = hashlib.sha256(self.content)
        for name, content in sorted(self.files.items()):
            digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def _files_beside(path: Path) -> tuple[dict[str, bytes], tuple[str, ...]]:
    found: dict[str, bytes] = {}
    left_out, size = [], 0
    for folder, folders, names in os.walk(path.parent):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(".ipynb") or name.startswith(".") or file == path.parent / TIMESTAMP:
                continue
            try:
                status = file.lstat()
            except OSError:  # a path that is longer than paths can be
                left_out.append(name)
                continue
            size += status.st_size
            # A second name of a file that lies elsewhere may be anybody's: the gradebook's, another submission's.
            if (
                status.st_nlink > 1
                or not stat.S_ISREG(status.st_mode)
                or size > LARGEST_FILES
                or len(found) >= MOST_FILES
            ):
                left_out.append(name)
                continue
            try:
                found[str(file.relative_to(path.parent))] = file.read_bytes()
            except (OSError, UnicodeError):
                left_out.append(name)
    # A name that is no UTF-8 cannot be written down anywhere.
    bad = [name for name in found if name != _text(name)]
    for name in bad:
        del found[name]
    if not left_out and not bad:
        return found, ()
    shown = ", ".join(map(_text, [*left_out, *bad][:3]))
    count = len(left_out) + len(bad)
    return found, (f"{count} files beside the notebook were left out (links, devices, too large): {shown}",)


def _text(name: str) -> str:
    """A file's name, or what holds one, as it can be written down."""
    return name.encode("utf-8", "replace").decode("utf-8")
