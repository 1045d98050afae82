"""Whose a file is and when it was submitted, judged by the names on the way to it: labels of LMSs, ids, people."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath

from autograder.collect.archives import File, Level
from autograder.collect.labels import Label, read_label
from autograder.collect.times import SubmissionTimes
from autograder.collect.unpacking import RefusedError
from autograder.course_folder.roster import Match, Roster
from autograder.course_folder.settings import Timezone

# The archives of Moodle and Canvas carry the time at which the teacher downloaded them, not that of the submission.
LMSS_WITHOUT_TIMES = ("Moodle", "Canvas")
RENAME = "rename it to Lab_ID_Name and collect it by itself"
BY_LMS, BY_TABLE, BY_ARCHIVE, BY_DISK = "LMS", "table", "archive", "disk"


@dataclass(frozen=True)
class Owner:
    """Whose a file is.

    Attributes:
        student: an id on the roster.
        unit: equal for files of the same submission.
        confirmed: whether anyone but the sender says so.
        when: when it was submitted, in UTC; None if nobody says.
        time_source: who says that: BY_LMS, BY_TABLE, BY_ARCHIVE or BY_DISK.
        late: whether the LMS calls it late.
        remark: what a person should know.
    """

    student: str
    unit: str
    confirmed: bool = True
    when: datetime | None = None
    time_source: str = ""
    late: bool = False
    remark: str = ""


@dataclass(frozen=True)
class OwnerFinder:
    """Finds each file's student.

    Attributes:
        roster: of the course.
        timezone: of times without one.
        times: the LMS's table of submission times, which overrides what archives say.
    """

    roster: Roster
    timezone: Timezone
    times: SubmissionTimes = field(default_factory=SubmissionTimes)

    def owner(self, file: File) -> Owner:
        """Whose the file is.

        Raises:
            RefusedError: nobody's on the roster, or the names do not settle whose.
        """
        label = next(labels(file), None)
        owner = self._by_label(file, *label) if label else self._by_names(file)
        if owner.student in self.times.by_student:
            owner = replace(owner, when=self.times.by_student[owner.student], time_source=BY_TABLE)
        return owner

    def _by_label(self, file: File, place: tuple[int, int], label: Label) -> Owner:
        """By what the LMS says. What the student wrote only helps if the LMS's name fits nobody or several people."""
        sender, own = self._sender(label), self._named_below(file, place, label)
        above = self._named_above(file, place)
        if above.students and not above.students & sender.students:
            # Inside a student's own folder or zip, what looks like an LMS's label was written by the student.
            raise RefusedError(f"it was submitted by {self._people(above)} but is labelled {label.sender}: {RENAME}")
        unit = f"{file.source} {file.levels[: place[0]]} {label.unit}"
        when, time_source = self._time(file.levels[place[0]], label)
        remark, confirmed = "", True
        if student := sender.only:
            if own.students and student not in own.students:
                remark = f"the file name says that it belongs to {self._people(own)}"
            elif sender.partial:
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
            confirmed = not label.sender
            remark = f"identified by the file name only; {label.lms} says {label.sender or 'nobody'}"
        return Owner(student, unit, confirmed, when, time_source, label.late, remark)

    def _sender(self, label: Label) -> Match:
        if student := self.times.by_number.get(label.number):
            return Match(frozenset({student}))
        if label.lms != "Blackboard":
            # Canvas's number belongs to the user. Moodle's belongs to one assignment, so no roster has it.
            number = label.number if label.lms == "Canvas" else ""
            return self.roster.sender(label.sender, number) if label.sender else Match()
        # Assignment_username, and both may contain underscores: take the shortest ending that is somebody's user name.
        parts = label.sender.split("_")
        matches = (self.roster.exact("_".join(parts[start:])) for start in range(len(parts) - 1, 0, -1))
        return next((match for match in matches if match.students), Match())

    def _named_above(self, file: File, place: tuple[int, int]) -> Match:
        """Whom the folders and archives around the label name."""
        number, part = place
        above = [*(text for level in file.levels[:number] for text in level.parts), *file.levels[number].parts[:part]]
        return next((match for text in above if (match := self.roster.inside(text)).students), Match())

    def _named_below(self, file: File, place: tuple[int, int], label: Label) -> Match:
        """Whom the student's own names say: those of the file and of whatever lies between the label and it."""
        below = [label.file]
        for number, level in enumerate(file.levels[place[0] :]):
            below += level.parts[place[1] + 1 :] if number == 0 else level.parts
        return next((match for text in below if (match := self.roster.inside(text)).students), Match())

    def _by_names(self, file: File) -> Owner:
        """By the names of file, folders and archives; those that name somebody must all name the same student."""
        places = [(number, part) for number, level in enumerate(file.levels) for part in range(len(level.parts))]
        matches = {place: self.roster.inside(file.levels[place[0]].parts[place[1]]) for place in places}
        matches = {place: match for place, match in matches.items() if match.students}
        outer = self.roster.inside(file.source)
        if outer.students and all(outer.students & match.students for match in matches.values()):
            # The whole archive is the student's, so its entries carry the times of the student's own clock.
            matches = {(0, -1): outer, **matches}
        if not matches:
            raise RefusedError(self._nobody(file.name))
        doubts = [match.doubt for match in matches.values() if match.doubt]
        common = frozenset.intersection(*(match.students for match in matches.values()))
        if doubts or len(common) != 1:
            everyone = Match(frozenset().union(*(match.students for match in matches.values())))
            why = doubts[0] if doubts else f"its names may mean {self._people(everyone)}"
            raise RefusedError(f"{why}: {RENAME}")
        (student,), (number, part) = common, next(iter(matches))
        level = file.levels[number]
        # Files beside each other are one submission, and so is everything in a student's own folder or archive.
        is_file = number == len(file.levels) - 1 and part == len(level.parts) - 1
        unit = (file.source, file.levels[:number], level.parts[: part if is_file else part + 1])
        when, time_source = self._time(level, None)
        return Owner(student, repr(unit), True, when, time_source)

    def _time(self, level: Level, label: Label | None) -> tuple[datetime | None, str]:
        """When the file or folder that carries the student's name was submitted, and who says so."""
        if label is not None and label.when is not None:
            return self.timezone.utc(label.when), BY_LMS
        if level.modified is None or (label is not None and label.lms in LMSS_WITHOUT_TIMES):
            return None, ""
        return level.modified, BY_ARCHIVE if level.in_archive else BY_DISK

    def _people(self, match: Match) -> str:
        return " or ".join(sorted(map(self.roster.display_name, match.students)))

    def _nobody(self, name: str) -> str:
        closest = self.roster.closest(PurePath(name).stem)
        return f"nobody on the roster is called {name}{f', the closest is {closest}' if closest else ''}: {RENAME}"


def labels(file: File) -> Iterator[tuple[tuple[int, int], Label]]:
    """What LMSs say on the way to a file, from outside to inside; each with its place: level and part."""
    for number, level in enumerate(file.levels):
        for part, text in enumerate(level.parts):
            if label := read_label(text):
                yield (number, part), label
