"""A collection from beginning to end: what was found, where it went, and the table that says so."""

import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder import gradebook
from autograder.collect.archives import Refused
from autograder.collect.gather import BY_DISK, Gathered, Gatherer, Handed
from autograder.collect.store import NEW, OLDER, REPLACED, UNCHANGED, Places
from autograder.collect.times import Times
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster, id_problem
from autograder.course_folder.settings import Rules, Zone
from autograder.errors import StoppedError, UserError

WIDTH = 150  # where nobody's terminal says otherwise
TOLD = {NEW: "", REPLACED: "replaces an earlier one, which is in kept/", UNCHANGED: "was there already"}
MOST_NAMES = 40


@dataclass(frozen=True)
class Wanted:
    """How to collect.

    Attributes:
        deadline: when the lab is due, as a person writes it; "" for what the gradebook says.
        timezone: of times that name none; "" for the course's rule, or else this machine's.
        times: a table of the LMS that says when students handed in.
        dry: only say what would be done.
    """

    deadline: str = ""
    timezone: str = ""
    times: Path | None = None
    dry: bool = False


@dataclass(frozen=True)
class Row:
    """A line of the table: a student, what counts, when, how late, and what a person should know."""

    student: str
    file: str
    when: str
    late: str
    remark: str


@dataclass
class Collection:
    """What a collection found and did.

    Attributes:
        rows: a line a student who handed in.
        refused: what was not taken.
        missing: students, id and name, of whom nothing was ever collected.
        said: what else a person should know.
        became: how many submissions were new, replaced, unchanged, older.
    """

    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    became: dict[str, int] = field(default_factory=dict)

    def show(self, *, terminal: bool) -> None:
        """Print it."""
        console = Console(width=None if terminal else WIDTH)
        table = Table("student", "file", "when", "late", "remark", box=None, pad_edge=False, header_style="bold")
        for row in self.rows:
            table.add_row(*map(Text, (row.student, row.file, row.when, row.late, row.remark)))
        if self.rows:
            console.print(table)
        if self.refused:
            console.print(Text(f"\nnot taken: {len(self.refused)}", style="bold"))
            for one in self.refused:
                console.print(Text(f"  {_one_line(one.shown)}: {_one_line(one.reason)}"), soft_wrap=True)
        if self.missing:
            console.print(Text(f"\nnothing from {len(self.missing)} on the roster", style="bold"))
            more = f" and {len(self.missing) - MOST_NAMES} more" if len(self.missing) > MOST_NAMES else ""
            console.print(Text(f"  {', '.join(self.missing[:MOST_NAMES])}{more}"), soft_wrap=True)
        for text in self.said:
            console.print(Text(text), soft_wrap=True)


def collect(course: Course, lab: str, sources: Sequence[Path], wanted: Wanted) -> Collection:
    """Bring what students handed in for a lab to submitted/.

    Raises:
        UserError: there is no roster, or a time or a table cannot be understood.
        StoppedError: Ctrl-C; what is collected by then is kept.
    """
    course.check_released(lab)
    # nbgrader's own commands take any text for an id; one that is no folder's name is nobody's here.
    roster = Roster(student for student in gradebook.roster(course) if not id_problem(student.id))
    if not len(roster):
        raise UserError("the course has no students yet: run autograder roster students.csv first.")
    zone = Zone(wanted.timezone) if wanted.timezone else Rules.of(course.root).zone
    times = Times.read(wanted.times, roster, zone) if wanted.times else Times()
    due = zone.parse(wanted.deadline) if wanted.deadline else gradebook.deadline(course, lab)
    with tempfile.TemporaryDirectory(prefix="autograder-collect-") as scratch:
        try:
            given = frozenset(path.name for path in course.release(lab).rglob("*"))
            gathered = Gatherer(roster, lab, zone, Path(scratch), times, given).gather(sources)
        except KeyboardInterrupt as stop:
            raise StoppedError("stopped while reading; nothing was written.") from stop
        if wanted.deadline and not wanted.dry:
            gradebook.set_deadline(course, lab, due or zone.parse(wanted.deadline))
        places = Places(course, lab, dry=wanted.dry)
        return _Teller(course, lab, roster, zone, due, gathered, places).tell()


@dataclass
class _Teller:
    course: Course
    lab: str
    roster: Roster
    zone: Zone
    due: datetime | None
    gathered: Gathered
    places: Places

    def tell(self) -> Collection:
        """Put each submission in its place, and write the lines."""
        made = Collection(refused=self.gathered.refused)
        longer = gradebook.extensions(self.course, self.lab)
        there = set(self.course.submitted(self.lab))
        counted = sorted(self.gathered.counted, key=lambda student: (student not in self.roster.students, student))
        for number, student in enumerate(counted):
            try:
                became = self.places.put(student, self.gathered)
            except KeyboardInterrupt as stop:
                told = f"stopped; {number} of {len(counted)} are collected. The same command goes on from there."
                raise StoppedError(told) from stop
            made.became[became] = made.became.get(became, 0) + 1
            made.rows.append(self._row(student, became, longer.get(student)))
        missing = set(self.roster.students) - there - set(counted)
        made.missing = [self._missing(student) for student in sorted(missing)]
        made.said = list(self._said(counted, there))
        return made

    def _missing(self, student: str) -> str:
        """A student without a submission, and what came instead of one."""
        refused = ["a file was not taken"] if student in self.gathered.refused_of else []
        told = _one_line("; ".join([*refused, *self._left_out(student)]))
        return f"{self.roster.shown(student)}{f' ({told})' if told else ''}"

    def _row(self, student: str, became: str, longer: timedelta | None) -> Row:
        handed = self.gathered.counted[student]
        aside = self.gathered.aside[student]
        handed_in = [*aside, handed]
        told = [
            TOLD.get(became, ""),
            "older than what is there: kept in kept/, not counted" if became == OLDER else "",
            f"{len(handed_in)} submissions, the newest counts, the others are in kept/" if aside else "",
            *handed.remarks,
            *self._left_out(student),
        ]
        files = ", ".join(piece.name for piece in handed.pieces)
        when = f"{self.zone.show(handed.when)} {handed.owner.by}" if handed.when else "not known"
        remark = "; ".join(filter(None, told))
        return Row(self.roster.shown(student), _one_line(files), when, self._late(handed, longer), _one_line(remark))

    def _left_out(self, student: str) -> list[str]:
        names = self.gathered.left_out.get(student, [])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return [f"left out: {', '.join(names[:3])}{more}"] if names else []

    def _late(self, handed: Handed, longer: timedelta | None) -> str:
        """How late, by the deadline; else what the LMS says."""
        if handed.when is None or self.due is None:
            return "yes, says the LMS" if handed.owner.late else "?" if self.due else ""
        seconds = (handed.when - self.due - (longer or timedelta())).total_seconds()
        return "" if seconds <= 0 else span(seconds)

    def _said(self, counted: Sequence[str], there: Set[str]) -> "list[str]":
        told = [f"\ntimes are {self.zone.shown}"]
        told += [f"deadline {self.zone.show(self.due)}" if self.due else "no deadline: --deadline sets one"]
        unknown = [student for student in counted if self.gathered.counted[student].when is None]
        if unknown:
            told.append(
                f"of {len(unknown)} it is not known when they handed in (Moodle and Canvas write into their archives "
                "when you downloaded them): --times TABLE.csv says it; until then they lose nothing for being late"
            )
        if any(self.gathered.counted[student].owner.by == BY_DISK for student in counted):
            told.append("“disk” is the date of the file here, which may be when you downloaded it")
        out = [*self.gathered.left_out.get("", [])]
        # Of those who handed in before; the others have it beside their name in one of the lists.
        again = sorted(student for student in there if student and student not in counted)
        out += [f"{name} of {student}" for student in again for name in self.gathered.left_out.get(student, [])]
        if out:
            more = f" and {len(out) - 5} more" if len(out) > 5 else ""
            told.append(f"left out, neither notebook nor PDF: {', '.join(map(_one_line, out[:5]))}{more}")
        return [told[0] + "; " + told[1], *told[2:]]


def span(seconds: float) -> str:
    """A length of time in its two largest units: 1 d 2 h."""
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:.0f} {unit}")
    return " ".join(parts[:2]) or "1 s"


def _one_line(text: str) -> str:
    """Text of a file's name as a terminal may show it: no line ends, no control signs, all of it in UTF-8."""
    kept = "".join(sign if sign.isprintable() else "?" for sign in text)
    return kept.encode("utf-8", "replace").decode("utf-8")
