"""Which files are submissions, what belongs together, and which of several submissions counts."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from autograder.collect import dates
from autograder.collect.archives import File, Reader, RefusedFile
from autograder.collect.budget import RefusedError
from autograder.collect.checkpoints import ONLY_A_COPY, is_checkpoint
from autograder.collect.labels import Label, is_blackboard_note, read_label
from autograder.collect.owners import Owner, OwnerFinder
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Roster
from autograder.course_folder.settings import Timezone
from qlab.notebook import NotebookError, parse

NOTEBOOK, PDF, MANIFEST = "notebook", "pdf", "manifest"
# Browsers append an ending of their own to files of a type that they do not know.
ENDINGS = {".ipynb": NOTEBOOK, ".ipynb.json": NOTEBOOK, ".ipynb.txt": NOTEBOOK, ".pdf": PDF}
MANIFEST_NAME = "manifest.json"
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class SubmittedFile:
    """A file that was collected.

    Attributes:
        owner: whose it is.
        kind: NOTEBOOK, PDF or MANIFEST.
        name: what the student called it.
        path: where its bytes are meanwhile.
        sha256: of its bytes.
        modified: the time that the archive around it gives, which may be the student's own clock.
    """

    owner: Owner
    kind: str
    name: str
    path: Path
    sha256: str
    modified: datetime | None = None

    @property
    def order(self) -> tuple[datetime, datetime]:
        """The newer file compares greater; the student's own clock decides only if nobody else gives a time."""
        return self.owner.when or NEVER, self.modified or NEVER


@dataclass(frozen=True)
class CollectedSubmission:
    """One submission.

    Attributes:
        owner: whose it is.
        notebook, pdf: the files that count, or None.
        others: further notebooks and PDFs, which do not.
        remarks: what a person should know.
    """

    owner: Owner
    notebook: SubmittedFile | None
    pdf: SubmittedFile | None
    others: tuple[SubmittedFile, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def files(self) -> list[SubmittedFile]:
        """The files that count."""
        return [file for file in (self.notebook, self.pdf) if file is not None]

    @property
    def order(self) -> tuple[bool, datetime, datetime]:
        """Of a student's submissions, the greatest counts."""
        return self.owner.confirmed, *max(file.order for file in self.files)

    @property
    def when(self) -> datetime | None:
        """When it was submitted; None if nobody says."""
        return max((file.owner.when for file in self.files if file.owner.when), default=None)


@dataclass
class CollectResult:
    """Everything in the downloads.

    Attributes:
        counted: each student's submission that counts.
        superseded: the other submissions, by student.
        refused: what was not collected.
        left_out: names of files that are neither notebook nor PDF, by student; "" for files of nobody.
        students_with_refusals: students of whom something was refused.
    """

    counted: dict[str, CollectedSubmission] = field(default_factory=dict)
    superseded: dict[str, list[CollectedSubmission]] = field(default_factory=dict)
    refused: list[RefusedFile] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    students_with_refusals: set[str] = field(default_factory=set)


@dataclass
class Collector:
    """Collects one lab's submissions from downloads.

    Attributes:
        roster: of the course.
        lab: whose notebooks are collected.
        timezone: of times without one.
        scratch: a folder for the files meanwhile.
        times: the LMS's table of submission times, which overrides what archives say.
        lab_files: names of the files that the lab came with, which students submit along with it.
    """

    roster: Roster
    lab: str
    timezone: Timezone
    scratch: Path
    times: SubmissionTimes = field(default_factory=SubmissionTimes)
    lab_files: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._owners = OwnerFinder(self.roster, self.timezone, self.times)

    def collect(self, sources: Iterable[Path]) -> CollectResult:
        """Everything in these archives and folders."""
        result, files = CollectResult(), list[SubmittedFile]()
        reader = Reader(self.timezone, lambda name: bool(self.roster.inside(name).students))
        for source in sources:
            for entry in reader.walk(source):
                if isinstance(entry, RefusedFile):
                    result.refused.append(entry)
                    continue
                try:
                    file = self._take(entry, result.left_out, len(files))
                except RefusedError as error:
                    result.refused.append(RefusedFile(entry.levels, str(error)))
                else:
                    files += [file] if file is not None else []
        _choose(files, result)
        result.students_with_refusals = set(self._students_of(result.refused))
        return result

    def _students_of(self, refused: Iterable[RefusedFile]) -> Iterator[str]:
        """The students of files that were refused, where the names settle it."""
        for entry in refused:
            try:
                yield self._owners.owner(File(entry.levels, bytes)).student
            except RefusedError:
                continue

    def _take(self, entry: File, left_out: dict[str, list[str]], number: int) -> SubmittedFile | None:
        """The file, if it is to be collected; None for what LMSs and the lab itself add, and other types of files."""
        label = self._owners.lms_label(entry)
        if is_blackboard_note(entry.name) or (label is not None and label[1].is_receipt):
            return None
        kind = kind_of(entry.name)
        if kind is None and entry.name in self.lab_files:
            return None
        if kind is None:
            # Only reported, never refused: a picture beside a notebook harms nobody.
            try:
                left_out.setdefault(self._owners.owner(entry).student, []).append(entry.name)
            except RefusedError:
                left_out.setdefault("", []).append(entry.display_path)
            return None
        try:
            owner = self._owners.owner(entry)
        except RefusedError:
            if kind == MANIFEST:
                return None
            raise
        content = entry.read()
        if kind == NOTEBOOK:
            owner = self._check_notebook(content, owner)
        path = self.scratch / str(number)
        path.write_bytes(content)
        # If the file's own name is an LMS's label, the label ends with what the student called it.
        name = (read_label(entry.name) or Label("", "")).file or entry.name
        modified = dates.plausible(entry.levels[-1].modified)
        return SubmittedFile(owner, kind, name, path, hashlib.sha256(content).hexdigest(), modified)

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


def _choose(files: Iterable[SubmittedFile], result: CollectResult) -> None:
    """Group files into submissions; each student's newest counts, the others are superseded."""
    units: defaultdict[tuple[str, str], list[SubmittedFile]] = defaultdict(list)
    for file in files:
        units[file.owner.student, file.owner.unit].append(file)
    submissions: defaultdict[str, list[CollectedSubmission]] = defaultdict(list)
    for (student, _), unit in units.items():
        if (submission := _submission(unit)) is not None:
            submissions[student].append(submission)
    for student, candidates in submissions.items():
        # sorted() is stable: of two equal ones, the one that was read later counts.
        *older, newest = sorted(candidates, key=lambda submission: submission.order)
        result.superseded[student], result.counted[student] = older, newest


def _submission(files: list[SubmittedFile]) -> CollectedSubmission | None:
    """The submission that these files make: the newest notebook and the newest PDF; None if there is neither.

    A checkpoint copy beside a notebook is passed over.
    """
    files, copies = _without_checkpoints(files)
    newest: dict[str, SubmittedFile] = {}
    for file in sorted(files, key=lambda file: file.order):
        newest[file.kind] = file
    notebook, pdf = newest.get(NOTEBOOK), newest.get(PDF)
    if notebook is None and pdf is None:
        return None
    others = [file for file in files if file.kind != MANIFEST and file not in (notebook, pdf)]
    remarks = dict.fromkeys(file.owner.remark for file in files if file.owner.remark)
    if notebook is None:
        remarks["a PDF and no notebook"] = None
    elif is_checkpoint(notebook.name):
        remarks[ONLY_A_COPY] = None
    remarks |= dict.fromkeys(f"{copy.name} is a checkpoint copy: not counted" for copy in copies)
    if others:
        remarks[f"several files of the same kind, the newest counts: {(notebook or pdf or files[0]).name}"] = None
    if MANIFEST in newest:
        remarks |= dict.fromkeys(_changes_since(newest[MANIFEST], files))
    best = max((file.owner for file in files), key=lambda owner: (owner.confirmed, owner.when or NEVER))
    late = any(file.owner.late for file in files)
    return CollectedSubmission(replace(best, late=late), notebook, pdf, (*others, *copies), tuple(remarks))


def _without_checkpoints(files: list[SubmittedFile]) -> tuple[list[SubmittedFile], list[SubmittedFile]]:
    """The files without checkpoint copies, and the copies; all files and none if they contain no other notebook."""
    copies = [file for file in files if file.kind == NOTEBOOK and is_checkpoint(file.name)]
    rest = [file for file in files if file not in copies]
    return (rest, copies) if any(file.kind == NOTEBOOK for file in rest) else (files, [])


def _changes_since(manifest: SubmittedFile, files: Iterable[SubmittedFile]) -> list[str]:
    """Remarks about files whose hashes are not those in the manifest that qlab submit packed."""
    try:
        content = json.loads(manifest.path.read_text("utf-8-sig"))
        hashes = content.get("files", content)
        expected = {str(name): str(value).lower().removeprefix("sha256:") for name, value in hashes.items()}
    except (ValueError, AttributeError, RecursionError):
        return ["its manifest cannot be read"]
    listed = [file for file in files if file.kind != MANIFEST and expected.get(file.name)]
    return [f"{file.name} was changed after qlab submit" for file in listed if expected[file.name] != file.sha256]


def kind_of(name: str) -> str | None:
    """NOTEBOOK, PDF or MANIFEST, judged by the name; None for what is not collected."""
    if name == MANIFEST_NAME:
        return MANIFEST
    return next((kind for ending, kind in ENDINGS.items() if name.lower().endswith(ending)), None)
