"""Which file is whose, and which of several counts."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath

from autograder.collect.archives import File, Reader, Refused, RefusedError, Step
from autograder.collect.labels import Label, blackboard_note, read_label
from autograder.collect.times import Times
from autograder.course_folder.roster import Match, Roster
from autograder.course_folder.settings import Zone

NOTEBOOK, PDF, MANIFEST = "notebook", "pdf", "manifest"
# Browsers add their own ending to a file whose kind they do not know.
ENDINGS = {".ipynb": NOTEBOOK, ".ipynb.json": NOTEBOOK, ".ipynb.txt": NOTEBOOK, ".pdf": PDF}
MANIFEST_NAME = "manifest.json"
NEVER = datetime.min.replace(tzinfo=UTC)
# Moodle and Canvas write into their archives when the teacher downloaded them, not when the students handed in.
STAMP_THE_DOWNLOAD = ("Moodle", "Canvas")
RENAME = "rename it to Lab_ID_Name and collect it alone"
BY_LMS, BY_TABLE, BY_ARCHIVE, BY_DISK = "LMS", "table", "archive", "disk"


@dataclass(frozen=True)
class Owner:
    """Whose a file is.

    Attributes:
        student: of the roster.
        unit: what files of the same submission share.
        certain: whether somebody else than the sender says so.
        when, by: when it was handed in, in UTC, and who says that; None where nobody does.
        late: whether the LMS calls it late.
        remark: what a person should know.
    """

    student: str
    unit: str
    certain: bool = True
    when: datetime | None = None
    by: str = ""
    late: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Piece:
    """A file that was taken: where its bytes lie meanwhile, and what it is."""

    owner: Owner
    kind: str
    name: str
    path: Path
    sha256: str
    own_clock: datetime | None = None

    @property
    def order(self) -> tuple[datetime, datetime]:
        """The newer one is larger; the sender's own clock decides only where no other does."""
        return self.owner.when or NEVER, self.own_clock or NEVER


@dataclass(frozen=True)
class Handed:
    """A submission: its files, and what is to be told of it."""

    owner: Owner
    notebook: Piece | None
    pdf: Piece | None
    others: tuple[Piece, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def pieces(self) -> list[Piece]:
        """The files that count."""
        return [piece for piece in (self.notebook, self.pdf) if piece is not None]

    @property
    def order(self) -> tuple[bool, datetime, datetime]:
        """The one that counts is the largest."""
        return self.owner.certain, *max(piece.order for piece in self.pieces)

    @property
    def when(self) -> datetime | None:
        """When it was handed in."""
        return max((piece.owner.when for piece in self.pieces if piece.owner.when), default=None)


@dataclass
class Gathered:
    """All that was found.

    Attributes:
        counted: the submission of each student that counts.
        aside: the others, by student.
        refused: what is not taken.
        left_out: names of files that are neither notebook nor PDF, by student.
        refused_of: students of whom something was refused.
    """

    counted: dict[str, Handed] = field(default_factory=dict)
    aside: dict[str, list[Handed]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    refused_of: set[str] = field(default_factory=set)


@dataclass
class Gatherer:
    """Finds each file's student.

    Attributes:
        roster: of the course.
        lab: whose notebooks are wanted.
        zone: of times that name none.
        scratch: a folder for the files that are taken.
        times: what the LMS's table says, before all that archives say.
        given: names of the files that the lab came with, which students hand in with it.
    """

    roster: Roster
    lab: str
    zone: Zone
    scratch: Path
    times: Times = field(default_factory=Times)
    given: frozenset[str] = frozenset()

    def gather(self, sources: Iterable[Path]) -> Gathered:
        """Everything in these archives and folders."""
        result, pieces = Gathered(), list[Piece]()
        reader = Reader(self.zone, lambda name: bool(self.roster.inside(name).students))
        for source in sources:
            for found in reader.walk(source):
                if isinstance(found, Refused):
                    result.refused.append(found)
                    continue
                try:
                    piece = self._take(found, result.left_out, len(pieces))
                except RefusedError as error:
                    result.refused.append(Refused(found.shown, str(error), found.steps))
                else:
                    pieces += [piece] if piece is not None else []
        self._choose(pieces, result)
        result.refused_of = set(self._whose(result.refused))
        return result

    def _whose(self, refused: Iterable[Refused]) -> Iterator[str]:
        """The students of what was refused, as far as that can be told."""
        for one in refused:
            try:
                yield self._owner(File(one.shown.split(" › ")[0], one.steps, bytes)).student
            except RefusedError:
                continue

    def _take(self, file: File, left_out: dict[str, list[str]], number: int) -> Piece | None:
        """The file, if it is one that is wanted; None for what LMSs add, and for files of other kinds."""
        label = next(self._labels(file), None)
        if blackboard_note(file.name) or (label is not None and label[1].receipt):
            return None
        kind = kind_of(file.name)
        if kind is None and file.name in self.given:
            return None
        if kind is None:
            # Only told, where it can be: a picture beside a notebook harms nobody.
            try:
                left_out.setdefault(self._owner(file).student, []).append(file.name)
            except RefusedError:
                left_out.setdefault("", []).append(file.shown)
            return None
        try:
            owner = self._owner(file)
        except RefusedError:
            if kind == MANIFEST:
                return None
            raise
        content = file.read()
        if kind == NOTEBOOK:
            owner = self._looked_into(content, owner)
        path = self.scratch / str(number)
        path.write_bytes(content)
        # The last part may be the label itself: what the student called the file is behind it.
        name = (read_label(file.name) or Label("", "")).file or file.name
        return Piece(owner, kind, name, path, hashlib.sha256(content).hexdigest(), file.steps[-1].when)

    def _looked_into(self, content: bytes, owner: Owner) -> Owner:
        """Another lab's notebook is refused; one that cannot be read is taken, and grading says why it cannot."""
        try:
            notebook = json.loads(content.decode("utf-8-sig"))
            lab = notebook["metadata"]["qlab"]["lab"]
        except (KeyError, TypeError):
            return owner
        except (ValueError, RecursionError):
            return replace(owner, remark=_joined(owner.remark, "the notebook is damaged"))
        if isinstance(lab, str) and lab != self.lab:
            raise RefusedError(f"it is a notebook of {lab[:60]}: collect it for that lab")
        return owner

    def _labels(self, file: File) -> Iterator[tuple[tuple[int, int], Label]]:
        """What LMSs say on the way to a file, with the place, from outside."""
        for number, step in enumerate(file.steps):
            for place, part in enumerate(step.parts):
                if label := read_label(part):
                    yield (number, place), label

    def student_of(self, file: File) -> str:
        """The id of the student whose the file is.

        Raises:
            RefusedError: nobody's of the roster, or it cannot be told whose.
        """
        return self._owner(file).student

    def _owner(self, file: File) -> Owner:
        """Whose the file is.

        Raises:
            RefusedError: nobody's of the roster, or it cannot be told whose.
        """
        found = next(self._labels(file), None)
        owner = self._labelled(file, *found) if found else self._named(file)
        if owner.student in self.times.by_student:
            owner = replace(owner, when=self.times.by_student[owner.student], by=BY_TABLE)
        return owner

    def _labelled(self, file: File, place: tuple[int, int], label: Label) -> Owner:
        """By what the LMS says; what the student says helps where the LMS's name is nobody's or several people's."""
        sender, own = self._sender(label), self._said_inside(file, place, label)
        above = self._said_above(file, place)
        if above.students and not above.students & sender.students:
            # Inside of a student's own folder or zip, what looks like an LMS's label is the student's.
            raise RefusedError(f"it lies in what is of {self._people(above)} and is labelled {label.sender}: {RENAME}")
        unit = f"{file.source} {file.steps[: place[0]]} {label.unit}"
        when, by = self._time(file.steps[place[0]], label)
        remark, certain = "", True
        if student := sender.only:
            if own.students and student not in own.students:
                remark = f"the file is named as if it were of {self._people(own)}"
            elif sender.part:
                remark = f"{label.lms} says {label.sender}"
        elif sender.students:
            both = sender.students & own.students
            if len(both) != 1:
                raise RefusedError(f"{label.sender} may be {self._people(sender)}: {RENAME}")
            (student,) = both
        else:
            student = own.only
            if not student:
                raise RefusedError(self._nobody(label.sender or file.name))
            certain = not label.sender
            remark = f"known by the file's name only; {label.lms} says {label.sender or 'nobody'}"
        return Owner(student, unit, certain, when, by, label.late, remark)

    def _sender(self, label: Label) -> Match:
        if student := self.times.by_number.get(label.number):
            return Match(frozenset({student}))
        if label.lms != "Blackboard":
            # Canvas numbers users, Moodle the participants of one assignment: no roster knows those.
            number = label.number if label.lms == "Canvas" else ""
            return self.roster.sender(label.sender, number) if label.sender else Match()
        # Assignment_user: the user name is what stands behind one of the lines, the shortest that is somebody's.
        pieces = label.sender.split("_")
        found = (self.roster.exact("_".join(pieces[start:])) for start in range(len(pieces) - 1, 0, -1))
        return next((match for match in found if match.students), Match())

    def _said_above(self, file: File, place: tuple[int, int]) -> Match:
        """Whom folders and archives name that the label lies in."""
        number, part = place
        above = [*(text for step in file.steps[:number] for text in step.parts), *file.steps[number].parts[:part]]
        return next((match for text in above if (match := self.roster.inside(text)).students), Match())

    def _said_inside(self, file: File, place: tuple[int, int], label: Label) -> Match:
        """What the student called the file and what is around it, below the LMS's label."""
        below = [label.file]
        for number, step in enumerate(file.steps[place[0] :]):
            below += step.parts[place[1] + 1 :] if number == 0 else step.parts
        return next((match for text in below if (match := self.roster.inside(text)).students), Match())

    def _named(self, file: File) -> Owner:
        """By the names of file, folders and archives; all that name somebody have to name the same."""
        places = [(number, place) for number, step in enumerate(file.steps) for place in range(len(step.parts))]
        matches = {where: self.roster.inside(file.steps[where[0]].parts[where[1]]) for where in places}
        matches = {where: match for where, match in matches.items() if match.students}
        around = self.roster.inside(file.source)
        if around.students and all(around.students & match.students for match in matches.values()):
            # The archive is the student's: its entries are dated by the student's clock.
            matches = {(0, -1): around, **matches}
        if not matches:
            raise RefusedError(self._nobody(file.name))
        doubts = [match.doubt for match in matches.values() if match.doubt]
        common = frozenset.intersection(*(match.students for match in matches.values()))
        if doubts or len(common) != 1:
            everyone = Match(frozenset().union(*(match.students for match in matches.values())))
            why = doubts[0] if doubts else f"its names may be of {self._people(everyone)}"
            raise RefusedError(f"{why}: {RENAME}")
        (student,), (number, place) = common, next(iter(matches))
        step = file.steps[number]
        # Files that lie beside each other are one submission; a folder or an archive of the student's is one, too.
        last = number == len(file.steps) - 1 and place == len(step.parts) - 1
        unit = (file.source, file.steps[:number], step.parts[: place if last else place + 1])
        when, by = self._time(step, None)
        return Owner(student, repr(unit), True, when, by)

    def _time(self, step: Step, label: Label | None) -> tuple[datetime | None, str]:
        """When the thing was handed in that carries the student's name, by whom that is known."""
        if label is not None and label.when is not None:
            return self.zone.utc(label.when), BY_LMS
        if step.when is None or (label is not None and label.lms in STAMP_THE_DOWNLOAD):
            return None, ""
        return step.when, BY_ARCHIVE if step.packed else BY_DISK

    def _people(self, match: Match) -> str:
        return " or ".join(sorted(map(self.roster.shown, match.students)))

    def _nobody(self, name: str) -> str:
        alike = self.roster.alike(PurePath(name).stem)
        return f"nobody on the roster is called {name}{f', the nearest is {alike}' if alike else ''}: {RENAME}"

    def _choose(self, pieces: Iterable[Piece], result: Gathered) -> None:
        """One submission a student: the newest; the others are kept aside."""
        units: defaultdict[tuple[str, str], list[Piece]] = defaultdict(list)
        for piece in pieces:
            units[piece.owner.student, piece.owner.unit].append(piece)
        submissions: defaultdict[str, list[Handed]] = defaultdict(list)
        for (student, _), together in units.items():
            if (handed := _handed(together)) is not None:
                submissions[student].append(handed)
        for student, handed_in in submissions.items():
            # sorted is stable: of equals the one that came later counts.
            *older, newest = sorted(handed_in, key=lambda one: one.order)
            result.aside[student], result.counted[student] = older, newest


def _handed(pieces: list[Piece]) -> Handed | None:
    """A submission of its files: the newest notebook and the newest PDF; None where there is neither."""
    newest: dict[str, Piece] = {}
    for piece in sorted(pieces, key=lambda piece: piece.order):
        newest[piece.kind] = piece
    notebook, pdf = newest.get(NOTEBOOK), newest.get(PDF)
    if notebook is None and pdf is None:
        return None
    others = [piece for piece in pieces if piece.kind != MANIFEST and piece not in (notebook, pdf)]
    remarks = dict.fromkeys(piece.owner.remark for piece in pieces if piece.owner.remark)
    if notebook is None:
        remarks["a PDF and no notebook"] = None
    if others:
        remarks[f"{len(others) + 1} files of a kind, the newest counts: {(notebook or pdf or pieces[0]).name}"] = None
    if MANIFEST in newest:
        remarks |= dict.fromkeys(_changed_since(newest[MANIFEST], pieces))
    best = max((piece.owner for piece in pieces), key=lambda owner: (owner.certain, owner.when or NEVER))
    late = any(piece.owner.late for piece in pieces)
    return Handed(replace(best, late=late), notebook, pdf, tuple(others), tuple(remarks))


def _changed_since(manifest: Piece, pieces: Iterable[Piece]) -> list[str]:
    """Files that are not what qlab submit packed, by their hashes."""
    try:
        said = json.loads(manifest.path.read_text("utf-8-sig"))
        hashes = said.get("files", said)
        known = {str(name): str(value).lower().removeprefix("sha256:") for name, value in hashes.items()}
    except (ValueError, AttributeError, RecursionError):
        return ["its manifest cannot be read"]
    files = [piece for piece in pieces if piece.kind != MANIFEST and known.get(piece.name)]
    return [f"{piece.name} was changed after qlab submit" for piece in files if known[piece.name] != piece.sha256]


def kind_of(name: str) -> str | None:
    """What a file is by its name; None for what is not collected."""
    if name == MANIFEST_NAME:
        return MANIFEST
    return next((kind for ending, kind in ENDINGS.items() if name.lower().endswith(ending)), None)


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))
