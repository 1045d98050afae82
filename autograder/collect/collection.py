"""A collection from beginning to end: read the downloads, store what counts, and print a table that says so."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autograder import gradebook
from autograder.collect import clustered, groups_of_lab
from autograder.collect.archives import RefusedFile
from autograder.collect.clones import check_clones
from autograder.collect.counting import Count, CountingRule
from autograder.collect.gather import Collector, CollectResult
from autograder.collect.scratch import scratch_folder
from autograder.collect.store import DATED, NEW, OLDER, REPLACED, UNCHANGED, Stored, SubmissionStore
from autograder.collect.submissions import CollectedSubmission
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster
from autograder.course_folder.roster_csv import id_problem
from autograder.course_folder.settings import CourseSettings, Timezone
from autograder.deductions import extensions
from autograder.deductions.handing_in import SETTLE
from autograder.errors import StoppedError, UserError
from autograder.tables import print_table
from qlab.tables import Column

WIDTH = 150  # of the table where there is no terminal
REMARKS = {
    NEW: "",
    REPLACED: "replaces an earlier one, which is in kept/",
    UNCHANGED: "was there already",
    OLDER: "older than what is there: stored in kept/, not counted",
    DATED: "was there already, with another time",
}
OLDER_IN_TIME = "what is there counts, because it was in time: stored in kept/, not counted"
WHICH_COUNTS = {Count.NEWEST: "the newest counts", Count.IN_TIME: "the last one in time counts"}
MAX_NAMES = 40  # of missing students in the report


@dataclass(frozen=True)
class CollectOptions:
    """How to collect.

    Attributes:
        deadline: when the lab is due, as a person writes it; "" for what the gradebook says.
        timezone: of times without one; "" for the course's setting, or else this machine's.
        times: a table of the LMS with submission times.
        dry_run: only say what would be done.
        count: which of a student's submissions counts.
        by_commit_date: take, from a clone, the last commit before the deadline by the student's own clock.
    """

    deadline: str = ""
    timezone: str = ""
    times: Path | None = None
    dry_run: bool = False
    count: Count = Count.NEWEST
    by_commit_date: bool = False


@dataclass(frozen=True)
class Row:
    """A row of the table: a student, the files that count, when, how late, and what a person should know."""

    student: str
    files: str
    when: str
    late: str
    remark: str


@dataclass
class Collection:
    """What a collection read and did.

    Attributes:
        rows: one per student who submitted.
        refused: what was not collected.
        missing: students, id and name, from whom nothing was ever collected.
        notes: what else a person should know.
        counts: how many submissions there were of each status in `store`.
        unsettled: students of whom the LMS says that they were late, but nobody says by how much.
        undated: students whose time the LMS says, but it cannot be read or cannot be right.
        unread: lines of the table of times, and files of the LMS's with times, that cannot be read.
    """

    rows: list[Row] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    unsettled: list[str] = field(default_factory=list)
    undated: list[str] = field(default_factory=list)
    unread: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether there was something, and all of it was collected and dated, so that nobody has to look."""
        return bool(self.rows) and not (self.refused or self.unsettled or self.undated or self.unread)

    def show(self, *, terminal: bool) -> None:
        """Print it."""
        console = Console(width=None if terminal else WIDTH)
        columns = (
            *(Column("student"), Column("file", prose=True), Column("when"), Column("late")),
            Column("remark", prose=True),
        )
        if self.rows:
            print_table(columns, [(row.student, row.files, row.when, row.late, row.remark) for row in self.rows])
        if self.refused:
            console.print(Text(f"\nnot collected: {len(self.refused)}", style="bold"))
            for line in refusal_lines(self.refused):
                console.print(Text(f"  {_printable(line)}"), soft_wrap=True)
        if not self.rows and not self.refused:
            print("there is no notebook and no PDF in it: name the file or folder that you downloaded from the LMS")
        if self.unread:
            console.print(Text(f"\ntimes that cannot be read: {len(self.unread)}", style="bold"))
            for line in self.unread:
                console.print(Text(f"  {_printable(line)}"), soft_wrap=True)
        if self.missing:
            console.print(Text(f"\nnothing from {len(self.missing)} on the roster", style="bold"))
            more = f" and {len(self.missing) - MAX_NAMES} more" if len(self.missing) > MAX_NAMES else ""
            console.print(Text(f"  {', '.join(self.missing[:MAX_NAMES])}{more}"), soft_wrap=True)
        for text in self.notes:
            console.print(Text(text), soft_wrap=True)


def collect(course: Course, lab: str, sources: Sequence[Path], options: CollectOptions) -> Collection:
    """Bring what students submitted for a lab to submitted/.

    Raises:
        UserError: there is no roster, or a time or a table cannot be understood.
        StoppedError: Ctrl-C or SIGTERM; what was collected by then stays.
    """
    course.check_released(lab)
    # nbgrader's own commands accept any text as an id; one that cannot name a folder is ignored here.
    roster = Roster(student for student in gradebook.roster_in_lab(course, lab) if not id_problem(student.id))
    if not len(roster):
        raise UserError("the course has no students yet: run autograder roster students.csv first.")
    settings = CourseSettings.of(course.root)
    timezone = Timezone(options.timezone) if options.timezone else settings.timezone
    times = SubmissionTimes.read(options.times, roster, timezone) if options.times else SubmissionTimes()
    due = timezone.parse(options.deadline) if options.deadline else gradebook.deadline(course, lab)
    if options.count is Count.IN_TIME and due is None:
        raise UserError("--count in-time needs a deadline: give one with --deadline.")
    if options.by_commit_date:
        check_clones(sources, due)
    rule = CountingRule(options.count, due, extensions.deadlines_after(course, lab, due))
    with scratch_folder("autograder-collect-") as scratch:
        try:
            lab_files = frozenset(path.name for path in course.release(lab).rglob("*"))
            for_groups = settings.for_groups(lab)
            collector = Collector(
                roster, lab, timezone, scratch, times, lab_files, for_groups, rule, options.by_commit_date
            )
            result = collector.collect(sources)
        except KeyboardInterrupt as stop:
            raise StoppedError("stopped while reading; nothing was written.") from stop
        if options.deadline and not options.dry_run:
            gradebook.set_deadline(course, lab, due or timezone.parse(options.deadline))
        store = SubmissionStore(course, lab, rule, dry_run=options.dry_run)
        return _Storing(course, lab, roster, timezone, rule, times, result, store).run()


@dataclass
class _Storing:
    course: Course
    lab: str
    roster: Roster
    timezone: Timezone
    rule: CountingRule
    times: SubmissionTimes
    result: CollectResult
    store: SubmissionStore
    stored: dict[str, Stored] = field(default_factory=dict)

    def run(self) -> Collection:
        """Store each submission, and write the report about it."""
        collection = Collection(refused=self.result.refused, unread=(*self.times.problems, *self.result.unread))
        before = set(self.course.submitted(self.lab))
        counted = sorted(self.result.counted, key=lambda student: (student not in self.roster.students, student))
        groups: dict[str, str] = {}
        for number, student in enumerate(counted):
            try:
                stored = self.store.put(student, self.result)
            except KeyboardInterrupt as stop:
                raise StoppedError(
                    f"stopped; {number} of {len(counted)} are collected. Run the same command again for the others."
                ) from stop
            self.stored[student] = stored
            collection.counts[stored.status] = collection.counts.get(stored.status, 0) + 1
            collection.rows.append(self._row(student, stored))
            collection.unsettled += [student] if self._is_unsettled(student) else []
            collection.undated += [student] if self._is_undated(student) else []
            if stored.status != OLDER:
                groups[student] = groups_of_lab.group_in_lab(self.roster, self.result.counted[student].owner)
        if not self.store.dry_run:
            groups_of_lab.remember(self.course, self.lab, groups)
        missing = set(self.roster.students) - before - set(counted)
        collection.missing = [self._missing(student) for student in sorted(missing)]
        collection.notes = list(self._notes(counted, before))
        return collection

    def _missing(self, student: str) -> str:
        """A student without a submission, and what came instead of one."""
        refused = ["a file was not collected"] if student in self.result.students_with_refusals else []
        handed_in = [name for name in self.roster.partners(student) if self._has_file(name)]
        partners = [f"{' and '.join(handed_in)} of the same group handed in"] if handed_in else []
        instead = _printable("; ".join([*refused, *self._left_out(student), *partners]))
        return f"{self.roster.display_name(student)}{f' ({instead})' if instead else ''}"

    def _has_file(self, student: str) -> bool:
        return student in self.result.counted or self.course.submission_folder(self.lab, student).is_dir()

    def _row(self, student: str, stored: Stored) -> Row:
        submission = self.result.counted[student]
        superseded = self.result.superseded[student]
        which = f"{len(superseded) + 1} submissions, {WHICH_COUNTS[self.rule.count]}, the others are in kept/"
        is_outranked = stored.status == OLDER and self.rule.count is Count.IN_TIME
        late = f"late, says {submission.owner.lms}, but not by how much: nothing is taken off until you {SETTLE}"
        remarks = [
            late if self._is_unsettled(student) else "",
            OLDER_IN_TIME if is_outranked else REMARKS[stored.status],
            which if superseded else "",
            groups_of_lab.remark(submission, superseded),
            self._extension(student),
            *submission.remarks,
            submission.commit,
            *self._left_out(student),
        ]
        files = ", ".join(file.name for file in submission.files)
        when = f"{self.timezone.show(stored.when)} {stored.source}".strip() if stored.when else "unknown"
        return Row(
            self.roster.display_name(student),
            _printable(files),
            when,
            self._late(student, submission, stored),
            _printable("; ".join(filter(None, remarks))),
        )

    def _extension(self, student: str) -> str:
        own = self.rule.extended.get(student)
        return f"extended to {self.timezone.show(own)}" if own else ""

    def _is_unsettled(self, student: str) -> bool:
        """Whether the LMS calls what counts late, and nobody has said by how much, or granted an extension."""
        stored, owner = self.stored[student], self.result.counted[student].owner
        return owner.late and stored.when is None and stored.status != OLDER and student not in self.rule.extended

    def _is_undated(self, student: str) -> bool:
        """Whether the LMS says when what counts was handed in, but not so that it can be used, and nobody else does."""
        stored, owner = self.stored[student], self.result.counted[student].owner
        return owner.unread and stored.when is None and stored.status != OLDER

    def _left_out(self, student: str) -> list[str]:
        names = self.result.left_out.get(student, [])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return [f"left out: {', '.join(names[:3])}{more}"] if names else []

    def _late(self, student: str, submission: CollectedSubmission, stored: Stored) -> str:
        """How late, judged by the deadline; without a time or a deadline, what the LMS says."""
        due = self.rule.deadline(student)
        if stored.when is None or due is None:
            return "yes, says the LMS" if submission.owner.late else "?" if due else ""
        seconds = (stored.when - due).total_seconds()
        return "" if seconds <= 0 else format_duration(seconds)

    def _notes(self, counted: Sequence[str], before: Set[str]) -> "list[str]":
        due = self.rule.due
        deadline = f"deadline {self.timezone.show(due)}" if due else "no deadline: set one with --deadline"
        notes = [f"\ntimes are {self.timezone.display_name}; {deadline}; {WHICH_COUNTS[self.rule.count]}"]
        without_time = [student for student in counted if self.stored[student].when is None]
        if without_time:
            notes.append(
                f"no submission time for {len(without_time)}: only an LMS's table, label or metadata says when "
                "somebody handed in, so give its table with --times TABLE.csv; until then these students lose nothing "
                "for being late"
            )
        unknown = set(without_time)
        dated = ((download, date) for download, student, date in self.result.dates if student in unknown)
        notes += clustered.notes(dated, self.timezone)
        notes += [self.times.remark] if self.times.remark else []
        notes += groups_of_lab.notes(self.course, self.lab, self.roster, self.result)
        left_out = [*self.result.left_out.get("", [])]
        # Only of students who submitted before: the others have theirs beside their names, in the table or below it.
        earlier = sorted(student for student in before if student and student not in counted)
        left_out += [f"{name} of {student}" for student in earlier for name in self.result.left_out.get(student, [])]
        if left_out:
            more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
            notes.append(f"left out, neither notebook nor PDF: {', '.join(map(_printable, left_out[:5]))}{more}")
        return notes


def refusal_lines(refused: Sequence[RefusedFile]) -> list[str]:
    """A line per refused file; files of one student, or in one archive inside a download, share a line if they are
    refused alike.
    """
    groups: dict[object, list[RefusedFile]] = {}
    for number, file in enumerate(refused):
        inside = len(file.levels) > 2
        key = (file.levels[:-1] if inside else file.student, file.reason) if inside or file.student else number
        groups.setdefault(key, []).append(file)
    more = {key: f" (and {len(files) - 1} more there)" if len(files) > 1 else "" for key, files in groups.items()}
    return [f"{files[0].display_path}: {files[0].reason}{more[key]}" for key, files in groups.items()]


def format_duration(seconds: float) -> str:
    """A duration in its two largest units: 1 d 2 h."""
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:.0f} {unit}")
    return " ".join(parts[:2]) or "1 s"


def _printable(text: str) -> str:
    """Text out of a student's file name, safe for a terminal: one line, no control characters, valid UTF-8."""
    visible = "".join(character if character.isprintable() else "?" for character in text)
    return visible.encode("utf-8", "replace").decode("utf-8")
