"""Putting submissions where grading finds them: whole folders in one step, and nothing is ever lost."""

import hashlib
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from autograder.collect.gather import NOTEBOOK, Gathered, Handed
from autograder.course_folder.layout import Course
from autograder.deductions import late
from autograder.files import replace_folder, write_atomic
from autograder.grade.submission import TIMESTAMP

NEW, REPLACED, UNCHANGED, OLDER = "new", "replaced", "unchanged", "older"


class Places:
    """Where a lab's submissions go.

    Args:
        course, lab: see there.
        dry: only say what would be done.
    """

    def __init__(self, course: Course, lab: str, *, dry: bool):
        self._course, self._lab, self._dry = course, lab, dry

    def put(self, student: str, gathered: Gathered) -> str:
        """Write what a student handed in, and say what became of it: NEW, REPLACED, UNCHANGED or OLDER.

        What was there before is copied to kept/ first; what is older than that goes to kept/ itself.
        """
        handed = gathered.counted[student]
        folder = self._course.handed_in(self._lab, student)
        became = self._becomes(folder, handed)
        if self._dry:
            return became
        for other in gathered.aside[student]:
            self._keep(student, other)
        for piece in handed.others:
            self._keep_file(student, piece.path, piece.sha256, piece.owner.when, piece.kind)
        if became == OLDER:
            self._keep(student, handed)
        elif became != UNCHANGED:
            self._replace(student, folder, handed)
        return became

    def _becomes(self, folder: Path, handed: Handed) -> str:
        if not folder.is_dir() or not any(folder.iterdir()):
            return NEW
        before = late.read_timestamp(folder)
        if before is not None and handed.when is not None and handed.when < before:
            return OLDER
        files = self._files(handed)
        more = {f"{self._lab}.ipynb", f"{self._lab}.pdf"} - set(files)
        same = all(_same(folder / name, content) for name, content in files.items())
        return UNCHANGED if same and not any((folder / name).exists() for name in more) else REPLACED

    def _files(self, handed: Handed) -> dict[str, bytes]:
        """The files of a submission by the names that they get."""
        endings = {piece: ".ipynb" if piece.kind == NOTEBOOK else ".pdf" for piece in handed.pieces}
        files = {f"{self._lab}{ending}": piece.path.read_bytes() for piece, ending in endings.items()}
        if handed.when is not None:
            files[TIMESTAMP] = late.timestamp(handed.when).encode()
        return files

    def _replace(self, student: str, folder: Path, handed: Handed) -> None:
        with tempfile.TemporaryDirectory(prefix=".collect-", dir=self._course.root) as scratch:
            built = Path(scratch) / self._lab
            for name, content in self._files(handed).items():
                write_atomic(built / name, content)
            if folder.is_dir():
                before = late.read_timestamp(folder)
                self._keep_folder(student, folder, _dated(before, _digest(folder)))
            replace_folder(built, folder)

    def _keep(self, student: str, handed: Handed) -> None:
        """A submission that does not count, in a folder of its own."""
        name = _dated(handed.when, "".join(piece.sha256[:8] for piece in handed.pieces))
        for file, content in self._files(handed).items():
            target = self._course.kept(self._lab, student) / name / file
            if not _same(target, content):
                write_atomic(target, content)

    def _keep_file(self, student: str, path: Path, sha256: str, when: datetime | None, kind: str) -> None:
        ending = ".ipynb" if kind == NOTEBOOK else ".pdf"
        target = self._course.kept(self._lab, student) / _dated(when, sha256[:8]) / f"{self._lab}{ending}"
        if not target.exists():
            write_atomic(target, path.read_bytes())

    def _keep_folder(self, student: str, folder: Path, name: str) -> None:
        """A copy of a folder of submitted/, whatever is in it."""
        target = self._course.kept(self._lab, student) / name
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".keep-", dir=target.parent) as scratch:
            copy = Path(scratch) / name
            shutil.copytree(folder, copy, symlinks=True)
            copy.rename(target)


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _dated(when: datetime | None, digest: str) -> str:
    return f"{f'{when:%Y%m%d-%H%M%S}' if when else 'undated'}-{digest}"


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found.update(f"{path.relative_to(folder)}\0".encode("utf-8", "replace") + path.read_bytes())
    return found.hexdigest()[:16]
