"""Which files of the downloads are submissions, and whose."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from autograder.collect import dates
from autograder.collect.archives import File, Level, Reader, RefusedFile
from autograder.collect.budget import RefusedError
from autograder.collect.clones import Clone, Commit, clones_in
from autograder.collect.counting import CountingRule
from autograder.collect.filenames import archive_kind
from autograder.collect.labels import Label, is_blackboard_note, read_label
from autograder.collect.lms_files import LmsFiles
from autograder.collect.owners import Owner, OwnerFinder, Place
from autograder.collect.submissions import (
    MANIFEST,
    NOTEBOOK,
    CollectedSubmission,
    SubmittedFile,
    kind_of,
    submissions_of,
)
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Roster
from autograder.course_folder.settings import Timezone
from qlab.notebook import NotebookError, parse


@dataclass
class CollectResult:
    """Everything in the downloads.

    Attributes:
        counted: each student's submission that counts.
        superseded: the other submissions, by student.
        refused: what was not collected.
        left_out: names of files that are neither notebook nor PDF, by student; "" for files of nobody.
        students_with_refusals: students of whom something was refused.
        dates: the download, the student and the date of each file of which no LMS says when it was submitted.
        unread: a sentence for each of the LMSs' own files with times that cannot be read.
    """

    counted: dict[str, CollectedSubmission] = field(default_factory=dict)
    superseded: dict[str, list[CollectedSubmission]] = field(default_factory=dict)
    refused: list[RefusedFile] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    students_with_refusals: set[str] = field(default_factory=set)
    dates: list[tuple[str, str, datetime]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


@dataclass
class Collector:
    """Collects one lab's submissions from downloads.

    Attributes:
        roster: of the course.
        lab: whose notebooks are collected.
        timezone: of times without one.
        scratch: a folder for the files meanwhile.
        times: the LMS's table of submission times, which overrides what names say.
        lab_files: names of the files that the lab came with, which students submit along with it.
        for_groups: whether the lab is the groups' work; see `OwnerFinder`.
        rule: which of a student's submissions counts.
        by_commit_date: take, from a clone, the last commit before the student's deadline, not what is checked out.
    """

    roster: Roster
    lab: str
    timezone: Timezone
    scratch: Path
    times: SubmissionTimes = field(default_factory=SubmissionTimes)
    lab_files: frozenset[str] = frozenset()
    for_groups: bool = False
    rule: CountingRule = field(default_factory=CountingRule)
    by_commit_date: bool = False

    def __post_init__(self) -> None:
        self._owners = OwnerFinder(self.roster, self.timezone, self.times, self.for_groups, self.lab)

    def collect(self, sources: Iterable[Path]) -> CollectResult:
        """Everything in these archives and folders."""
        result, files = CollectResult(), list[SubmittedFile]()
        for source in sources:
            self._read(source, result, files)
        for student, submissions in submissions_of(files, self.rule, self.times.by_student).items():
            result.superseded[student], result.counted[student] = submissions[:-1], submissions[-1]
        return result

    def _read(self, source: Path, result: CollectResult, files: list[SubmittedFile]) -> None:
        """Add what a download contains to the result and the files."""

        def on_roster(name: str) -> bool:
            return bool(self.roster.inside(name).students)

        lms_files = LmsFiles.of(source, self.timezone, on_roster) if _may_hold_several(source) else LmsFiles()
        self._owners = replace(self._owners, lms_files=lms_files)
        result.unread += lms_files.problems
        refused = []
        for entry, commit in self._entries(source, Reader(self.timezone, on_roster)):
            if isinstance(entry, RefusedFile):
                refused.append(entry)
                continue
            try:
                taken = [replace(file, commit=commit) for file in self._take(entry, result.left_out, len(files))]
            except RefusedError as error:
                refused.append(RefusedFile(entry.levels, str(error)))
                continue
            files += taken
            result.dates += _dates(source, entry, [file.owner.student for file in taken if not file.owner.when])
        for entry in refused:
            students = self._students_of(entry)
            result.students_with_refusals |= set(students)
            result.refused.append(replace(entry, student=students[0] if students else ""))

    def _entries(self, source: Path, reader: Reader) -> Iterator[tuple[File | RefusedFile, str]]:
        """All files of a download, each with the commit that it is from if it lies in a clone."""
        clones = clones_in(source)
        chosen = {parts: choice for parts, clone in clones.items() if (choice := self._chosen(clone))}
        for entry in reader.walk(source):
            names = entry.levels[0].parts
            parts = next((names[:end] for end in range(1, len(names)) if names[:end] in clones), ())
            if parts not in chosen:
                yield entry, self._commit_text(clones[parts].head) if parts else ""
        for parts, (commit, why) in chosen.items():
            for entry in clones[parts].files(commit):
                yield entry, f"{self._commit_text(commit)}, {why}"

    def _commit_text(self, commit: Commit | None) -> str:
        return commit.text(self.timezone.show(commit.date)) if commit else ""

    def _chosen(self, clone: Clone) -> tuple[Commit, str] | None:
        """The commit to take instead of what is checked out, and why; None if none is to be chosen, or for nobody's."""
        if not self.by_commit_date:
            return None
        level = Level((*clone.parts, f"{self.lab}.ipynb"), None, in_archive=False)
        try:
            students = self._owners.owner(File((level,), bytes)).students
        except RefusedError:
            return None  # and each of its files is refused
        deadlines = [deadline for student in students if (deadline := self.rule.deadline(student))]
        commit = clone.last_before(max(deadlines)) if deadlines else None
        if commit is None:
            return None
        in_time = commit.date <= max(deadlines)
        return commit, f"the {'last before' if in_time else 'first after'} the deadline by that clock"

    def _students_of(self, refused: RefusedFile) -> tuple[str, ...]:
        """The students of a file that was refused; none if the names do not settle it."""
        try:
            return self._owners.owner(File(refused.levels, bytes)).students
        except RefusedError:
            return ()

    def _take(self, entry: File, left_out: dict[str, list[str]], number: int) -> list[SubmittedFile]:
        """The file, once for each of its students; empty for what LMSs and the lab itself add, and for other types."""
        label = self._owners.lms_label(entry)
        if is_blackboard_note(entry.name) or (label is not None and label[1].is_receipt):
            return []
        if self._owners.is_lms_file(entry):
            return []
        kind = kind_of(entry.name)
        if kind is None and entry.name in self.lab_files:
            return []
        if kind is None:
            # Only reported, never refused: a picture beside a notebook harms nobody.
            try:
                for student in self._owners.owner(entry).students:
                    left_out.setdefault(student, []).append(entry.name)
            except RefusedError:
                left_out.setdefault("", []).append(entry.display_path)
            return []
        try:
            owner = self._owners.owner(entry)
        except RefusedError:
            if kind == MANIFEST:
                return []
            raise
        content = entry.read()
        if kind == NOTEBOOK:
            owner = self._check_notebook(content, owner)
        path = self.scratch / str(number)
        path.write_bytes(content)
        name = _students_name(entry, label)
        modified = dates.plausible(entry.levels[-1].modified)
        sha256 = hashlib.sha256(content).hexdigest()
        return [SubmittedFile(each, kind, name, path, sha256, modified) for each in owner.each()]

    def _check_notebook(self, content: bytes, owner: Owner) -> Owner:
        """Refuse another lab's notebook. A damaged one is collected, and grading says what is wrong with it."""
        try:
            notebook = json.loads(content.decode("utf-8-sig"))
            lab = notebook["metadata"]["qlab"]["lab"]
        except (KeyError, TypeError):
            return owner
        except (ValueError, RecursionError):
            return replace(owner, remark="; ".join(filter(None, (owner.remark, _why_unreadable(content)))))
        if isinstance(lab, str) and lab != self.lab:
            raise RefusedError(f"it is a notebook of {lab[:60]}: collect it for that lab")
        return owner


def _why_unreadable(content: bytes) -> str:
    """What a file is that grading will not be able to read, in the words that grading uses."""
    try:
        parse(content)
    except NotebookError as error:
        return f"no mark is possible: {str(error).removesuffix('.')}"
    return "the notebook is damaged"


def _may_hold_several(source: Path) -> bool:
    """Whether a download is more than a single file, so that an LMS may have put files of its own into it."""
    return source.is_dir() or archive_kind(source.name) is not None


def _dates(source: Path, entry: File, students: list[str]) -> Iterator[tuple[str, str, datetime]]:
    """The download that a file came in, and the date of its entry there; files beside each other are one download."""
    level = entry.levels[min(1, len(entry.levels) - 1)]
    date = dates.plausible(level.modified)
    if date and students:
        yield source.name if _may_hold_several(source) else source.resolve().parent.name, students[0], date


def _students_name(entry: File, found: tuple[Place, Label] | None) -> str:
    """What the student called the file: if its own name is an LMS's label, or ILIAS's, the label ends with it."""
    label = read_label(entry.name)
    if found is not None and found[0][0] == len(entry.levels) - 1:
        label = found[1]
    return label.file if label is not None and label.file else entry.name
