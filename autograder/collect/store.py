"""Puts submissions where grading looks for them: whole folders in one step, and nothing is ever lost."""

import hashlib
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from autograder.collect import dates
from autograder.collect.gather import NOTEBOOK, CollectedSubmission, CollectResult, SubmittedFile
from autograder.course_folder.layout import Course
from autograder.deductions import late
from autograder.files import replace_folder, write_atomic
from autograder.grade.submission import TIMESTAMP

NEW, REPLACED, UNCHANGED, OLDER = "new", "replaced", "unchanged", "older"


class SubmissionStore:
    """Where a lab's submissions go.

    Args:
        course, lab: whose.
        dry_run: only say what would be done.
    """

    def __init__(self, course: Course, lab: str, *, dry_run: bool):
        self._course, self._lab, self.dry_run = course, lab, dry_run

    def put(self, student: str, result: CollectResult) -> str:
        """Write a student's submission, and return what became of it: NEW, REPLACED, UNCHANGED or OLDER.

        What was there before is first copied to kept/; a submission older than that goes to kept/ itself.
        """
        submission = result.counted[student]
        folder = self._course.submission_folder(self._lab, student)
        status = self._status(folder, submission)
        if self.dry_run:
            return status
        for other in result.superseded[student]:
            self._keep(student, other)
        for file in submission.others:
            self._keep_file(student, file)
        if status == OLDER:
            self._keep(student, submission)
        elif status != UNCHANGED:
            self._replace(student, folder, submission)
        return status

    def take_away(self, student: str) -> None:
        """Move what counts for a student to kept/."""
        folder = self._course.submission_folder(self._lab, student)
        self._keep_folder(student, folder, _dated(late.read_timestamp(folder), _digest(folder)))
        shutil.rmtree(folder)

    def copy(self, student: str, other: str) -> None:
        """Give a student, who has no submission, the one of another student."""
        with tempfile.TemporaryDirectory(prefix=".collect-", dir=self._course.root) as scratch:
            new = Path(scratch) / self._lab
            shutil.copytree(self._course.submission_folder(self._lab, other), new, symlinks=True)
            replace_folder(new, self._course.submission_folder(self._lab, student))

    def _status(self, folder: Path, submission: CollectedSubmission) -> str:
        if not folder.is_dir() or not any(folder.iterdir()):
            return NEW
        before = dates.plausible(late.read_timestamp(folder))
        if before is not None and submission.when is not None and submission.when < before:
            return OLDER
        files = self._files(submission)
        surplus = {f"{self._lab}.ipynb", f"{self._lab}.pdf"} - set(files)
        same = all(_has_content(folder / name, content) for name, content in files.items())
        return UNCHANGED if same and not any((folder / name).exists() for name in surplus) else REPLACED

    def _files(self, submission: CollectedSubmission) -> dict[str, bytes]:
        """The files of a submission, by the names that they get."""
        files = {self._file_name(file): file.path.read_bytes() for file in submission.files}
        if submission.when is not None:
            files[TIMESTAMP] = late.timestamp(submission.when).encode()
        return files

    def _file_name(self, file: SubmittedFile) -> str:
        return f"{self._lab}{'.ipynb' if file.kind == NOTEBOOK else '.pdf'}"

    def _replace(self, student: str, folder: Path, submission: CollectedSubmission) -> None:
        with tempfile.TemporaryDirectory(prefix=".collect-", dir=self._course.root) as scratch:
            new = Path(scratch) / self._lab
            for name, content in self._files(submission).items():
                write_atomic(new / name, content)
            if folder.is_dir():
                before = late.read_timestamp(folder)
                self._keep_folder(student, folder, _dated(before, _digest(folder)))
            replace_folder(new, folder)

    def _keep(self, student: str, submission: CollectedSubmission) -> None:
        """Store a submission that does not count, in a folder of its own."""
        name = _dated(submission.when, "".join(file.sha256[:8] for file in submission.files))
        for file, content in self._files(submission).items():
            target = self._course.superseded(self._lab, student) / name / file
            if not _has_content(target, content):
                write_atomic(target, content)

    def _keep_file(self, student: str, file: SubmittedFile) -> None:
        folder = self._course.superseded(self._lab, student) / _dated(file.owner.when, file.sha256[:8])
        target = folder / self._file_name(file)
        if not target.exists():
            write_atomic(target, file.path.read_bytes())

    def _keep_folder(self, student: str, folder: Path, name: str) -> None:
        """Copy a folder of submitted/, whatever it holds."""
        target = self._course.superseded(self._lab, student) / name
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".keep-", dir=target.parent) as scratch:
            copy = Path(scratch) / name
            shutil.copytree(folder, copy, symlinks=True)
            copy.rename(target)


def _has_content(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _dated(when: datetime | None, digest: str) -> str:
    return f"{f'{when:%Y%m%d-%H%M%S}' if when else 'undated'}-{digest}"


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            digest.update(f"{path.relative_to(folder)}\0".encode("utf-8", "replace") + path.read_bytes())
    return digest.hexdigest()[:16]
