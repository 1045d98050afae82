"""Puts submissions where grading looks for them: whole folders in one step, and nothing is ever lost."""

import hashlib
import shutil
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autograder.collect import dates
from autograder.collect.counting import CountingRule, Dated
from autograder.collect.gather import CollectResult
from autograder.collect.owners import BY_TABLE
from autograder.collect.submissions import NOTEBOOK, CollectedSubmission, SubmittedFile
from autograder.course_folder.layout import Course
from autograder.deductions import late
from autograder.deductions.handing_in import CollectNote, digest
from autograder.files import locked, replace_folder, write_atomic
from autograder.grade.submission import TIMESTAMP

NEW, REPLACED, UNCHANGED, OLDER, DATED = "new", "replaced", "unchanged", "older", "with another time"


@dataclass(frozen=True)
class Stored:
    """What became of a submission.

    Attributes:
        status: NEW; REPLACED, if it counts instead of another; UNCHANGED, if it was there already; DATED, if it was
            there with another time; or OLDER, if what is there counts instead of it.
        when: when it was handed in, in UTC, by its own time or the one that was noted before; None if nobody says.
        source: who says that.
    """

    status: str
    when: datetime | None
    source: str


class SubmissionStore:
    """Where a lab's submissions go.

    Args:
        course, lab: whose.
        rule: which of a student's submissions counts.
        dry_run: only say what would be done.
    """

    def __init__(self, course: Course, lab: str, rule: CountingRule, *, dry_run: bool):
        self._course, self._lab, self._rule, self.dry_run = course, lab, rule, dry_run

    def put(self, student: str, result: CollectResult) -> Stored:
        """Write a student's submission, and return what became of it.

        What was there before is first copied to kept/; a submission that does not count goes to kept/ itself.
        """
        # `autograder collect` and the server may both bring something of the same student.
        with nullcontext() if self.dry_run else locked(self._course.handed_in(self._lab, "").with_name(".lock")):
            return self._put(student, result)

    def _put(self, student: str, result: CollectResult) -> Stored:
        submission = result.counted[student]
        folder = self._course.submission_folder(self._lab, student)
        note = CollectNote.read(self._course.handed_in(self._lab, student), folder)
        status = self._status(student, folder, submission, note)
        when, source = submission.when, submission.owner.time_source
        if status == UNCHANGED and when is None:
            when = dates.plausible(late.read_timestamp(folder))
            source = note.source if note else ""
        if not self.dry_run:
            self._write(student, folder, result, status, source if when else "")
        return Stored(status, when, source)

    def _write(self, student: str, folder: Path, result: CollectResult, status: str, source: str) -> None:
        submission = result.counted[student]
        for other in result.superseded[student]:
            self._keep(student, other)
        for file in submission.others:
            self._keep_file(student, file)
        if status == OLDER:
            self._keep(student, submission)
            return
        if status == DATED and submission.when is not None:
            write_atomic(folder / TIMESTAMP, late.timestamp(submission.when))
        elif status != UNCHANGED:
            self._replace(student, folder, submission)
        dated, count = submission.dated, len(result.superseded[student]) + 1
        note = CollectNote(
            digest(folder), source, dated.late, dated.lms, dated.made, str(self._rule.count), count, submission.commit
        )
        note.write(self._course.handed_in(self._lab, student))

    def take_away(self, student: str) -> None:
        """Move what counts for a student to kept/."""
        folder = self._course.submission_folder(self._lab, student)
        self._keep_folder(student, folder, _dated(late.read_timestamp(folder), _digest(folder)))
        shutil.rmtree(folder)

    def copy(self, student: str, other: str) -> None:
        """Give a student, who has no submission, the one of another student, with what was noted about it."""
        folder = self._course.submission_folder(self._lab, other)
        with tempfile.TemporaryDirectory(prefix=".collect-", dir=self._course.root) as scratch:
            new = Path(scratch) / self._lab
            shutil.copytree(folder, new, symlinks=True)
            replace_folder(new, self._course.submission_folder(self._lab, student))
        if note := CollectNote.read(self._course.handed_in(self._lab, other), folder):
            note.write(self._course.handed_in(self._lab, student))

    def _status(self, student: str, folder: Path, submission: CollectedSubmission, note: CollectNote | None) -> str:
        if not folder.is_dir() or not any(folder.iterdir()):
            return NEW
        same = self._is_same(folder, submission)
        before = dates.plausible(late.read_timestamp(folder))
        old = Dated(before, note.made, note.lms, note.late) if note else Dated(before)
        # A table may correct the time of what is there.
        corrected = same and submission.owner.time_source == BY_TABLE
        if not corrected and not self._rule.replaces(student, submission.dated, old):
            return UNCHANGED if same and submission.when is None else OLDER
        if not same:
            return REPLACED
        return UNCHANGED if submission.when in (None, before) else DATED

    def _is_same(self, folder: Path, submission: CollectedSubmission) -> bool:
        """Whether a folder holds the files of a submission."""
        files = self._files(submission, with_time=False)
        surplus = {f"{self._lab}.ipynb", f"{self._lab}.pdf"} - set(files)
        same = all(_has_content(folder / name, content) for name, content in files.items())
        return same and not any((folder / name).exists() for name in surplus)

    def _files(self, submission: CollectedSubmission, *, with_time: bool = True) -> dict[str, bytes]:
        """The files of a submission, by the names that they get."""
        files = {self._file_name(file): file.path.read_bytes() for file in submission.files}
        if with_time and submission.when is not None:
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
