"""A student's submissions: which files belong together, which of them count, and which submission counts."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from autograder.collect import dates
from autograder.collect.checkpoints import ONLY_A_COPY, is_checkpoint
from autograder.collect.counting import NEVER, CountingRule, Dated
from autograder.collect.owners import BY_TABLE, Owner

NOTEBOOK, PDF, MANIFEST = "notebook", "pdf", "manifest"
# Browsers append an ending of their own to files of a type that they do not know.
ENDINGS = {".ipynb": NOTEBOOK, ".ipynb.json": NOTEBOOK, ".ipynb.txt": NOTEBOOK, ".pdf": PDF}
MANIFEST_NAME = "manifest.json"


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
        commit: the commit that it is from, with its date; "" if it does not come from a clone.
    """

    owner: Owner
    kind: str
    name: str
    path: Path
    sha256: str
    modified: datetime | None = None
    commit: str = ""

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
        commit: the commit that it is, with its date; "" if it does not come from a clone.
    """

    owner: Owner
    notebook: SubmittedFile | None
    pdf: SubmittedFile | None
    others: tuple[SubmittedFile, ...] = ()
    remarks: tuple[str, ...] = ()
    commit: str = ""

    @property
    def files(self) -> list[SubmittedFile]:
        """The files that count."""
        return [file for file in (self.notebook, self.pdf) if file is not None]

    def has_same_files(self, other: "CollectedSubmission") -> bool:
        """Whether both consist of the same bytes."""
        return [file.sha256 for file in self.files] == [file.sha256 for file in other.files]

    @property
    def dated(self) -> Dated:
        """What is known of when it was submitted."""
        made = max((file.modified for file in self.files if file.modified), default=None)
        return Dated(self.owner.when, made, self.owner.lms, self.owner.late)

    @property
    def when(self) -> datetime | None:
        """When it was submitted; None if nobody says."""
        return self.owner.when


def submissions_of(
    files: Iterable[SubmittedFile], rule: CountingRule, times: Mapping[str, datetime]
) -> dict[str, list[CollectedSubmission]]:
    """Each student's submissions, of which the last counts.

    Args:
        files: of all students.
        rule: which of a student's submissions counts.
        times: when students submitted, as the LMS's table has it.
    """
    units: defaultdict[tuple[str, str], list[SubmittedFile]] = defaultdict(list)
    for file in files:
        units[file.owner.student, file.owner.unit].append(file)
    submissions: defaultdict[str, list[CollectedSubmission]] = defaultdict(list)
    for (student, _), unit in units.items():
        if (submission := _submission(unit)) is not None:
            submissions[student].append(submission)
    for student, candidates in submissions.items():
        # sorted() is stable: of two equal ones, the one that was read later counts.
        *older, counted = _sorted(rule, student, _with_table_times(student, candidates, times))
        # Moodle packs a group's files once for each member.
        older = [each for each in older if not (each.owner.group and each.has_same_files(counted))]
        submissions[student] = [*older, counted]
    return submissions


def _sorted(rule: CountingRule, student: str, submissions: list[CollectedSubmission]) -> list[CollectedSubmission]:
    """A student's submissions; the last counts. What a stranger handed in never counts if there is anything else."""
    return sorted(submissions, key=lambda one: (one.owner.confirmed, rule.rank(student, one.dated)))


def _with_table_times(
    student: str, candidates: Iterable[CollectedSubmission], times: Mapping[str, datetime]
) -> list[CollectedSubmission]:
    """The submissions, with the table's time where it is theirs.

    A table has one time for each student: that of the student's newest. A group's is the newest of its members'.
    """
    by_sender: defaultdict[str, list[CollectedSubmission]] = defaultdict(list)
    for submission in candidates:
        by_sender[submission.owner.by].append(submission)
    dated = []
    for sender, submissions in by_sender.items():
        *older, newest = _sorted(CountingRule(), student, submissions)
        whose = (sender,) if sender else newest.owner.students
        when = max((times[name] for name in whose if name in times), default=None)
        dated += [*older, _with_table_time(newest, when)]
    return dated


def _with_table_time(submission: CollectedSubmission, when: datetime | None) -> CollectedSubmission:
    """The submission with the time in the LMS's table, if there is one and it can be right."""
    if when is None:
        return submission
    if problem := dates.problem(when):
        remark = f"the table's time, {when:%Y-%m-%d}, {problem}: not counted"
        owner = replace(submission.owner, unread=True)
        return replace(submission, owner=owner, remarks=(remark, *submission.remarks))
    return replace(submission, owner=replace(submission.owner, when=when, time_source=BY_TABLE))


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
    # ILIAS gives each file its own time: a submission is as late as its last file that counts.
    counting = [file for file in (notebook, pdf) if file is not None]
    last = max(counting, key=lambda file: file.order).owner
    owner = replace(best, late=late, when=last.when, time_source=last.time_source, unread=last.unread)
    return CollectedSubmission(owner, notebook, pdf, (*others, *copies), tuple(remarks), counting[0].commit)


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
