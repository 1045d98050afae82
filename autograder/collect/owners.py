"""Whose a file is and when it was submitted, judged by the names on the way to it: labels of LMSs, ids, people.

Whoever is named first, from outside to inside, made everything inside: dates and what looks like an LMS's label in
there are the student's own. All names must mean the same student; only an LMS's label outweighs the names inside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations
from pathlib import PurePath

from autograder.collect import dates
from autograder.collect.archives import File
from autograder.collect.budget import RefusedError
from autograder.collect.labels import Label, read_label
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Match, Roster
from autograder.course_folder.settings import Timezone

RENAME = "rename it to Lab_ID_Name and collect it by itself"
Place = tuple[int, int]  # of a name on the way to a file: level and part
LAST_TRUSTED_LEVEL = 1  # the disk is level 0, the download's entries are level 1; archives in there are students' own
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
    _inside: dict[str, Match] = field(default_factory=dict, init=False, repr=False, compare=False)

    def owners(self, file: File) -> list[Owner]:
        """Whose the file is: one student's, or that of all who handed it in together.

        Raises:
            RefusedError: nobody's on the roster, or the names do not settle whose.
        """
        label = self.lms_label(file)
        return [self._timed(self._by_label(file, *label) if label else self._by_names(file))]

    def _timed(self, owner: Owner) -> Owner:
        """The owner with the time in the LMS's table, if there is one."""
        when = self.times.by_student.get(owner.student)
        if when is None:
            return owner
        if problem := dates.problem(when):
            return replace(owner, remark=_joined(owner.remark, _disbelief("the table's", when, problem)))
        return replace(owner, when=when, time_source=BY_TABLE)

    def lms_label(self, file: File) -> tuple[Place, Label] | None:
        """What an LMS says on the way to a file, and where; None if nothing does, or only a student's own names do."""
        for place, text in _places(file):
            # A download's own name is no label: whoever sent the archive may have chosen it.
            is_download = place == (0, 0) and not _is_file(file, place)
            if not is_download and (label := read_label(text)):
                return place, label
            if self._named(text).students:
                return None
        return None

    def _by_label(self, file: File, place: Place, label: Label) -> Owner:
        """By what the LMS says. What the student wrote only helps if the LMS's name fits nobody or several people."""
        sender, own = self._sender(label), self._named_below(file, place, label)
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
        number, part = place
        unit = repr((file.levels[:number], file.levels[number].parts[:part], label.unit))
        trusted = number <= LAST_TRUSTED_LEVEL
        owner = Owner(student, unit, confirmed, late=label.late and trusted, remark=remark)
        return self._dated(owner, self._label_time(label), BY_LMS) if trusted and label.when else owner

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

    def _named(self, text: str) -> Match:
        """Whom a name means that a student may have chosen, even if it looks like an LMS's label."""
        match, label = self._match(text), read_label(text)
        return self._sender(label) if label and not match.students else match

    def _match(self, text: str) -> Match:
        """As `Roster.inside`, which is slow, and the files of a download share most of their names."""
        if text not in self._inside:
            self._inside[text] = self.roster.inside(text)
        return self._inside[text]

    def _named_below(self, file: File, place: tuple[int, int], label: Label) -> Match:
        """Whom the student's own names say: those of the file and of whatever lies between the label and it."""
        below = [label.file]
        for number, level in enumerate(file.levels[place[0] :]):
            below += level.parts[place[1] + 1 :] if number == 0 else level.parts
        return next((match for text in below if (match := self._match(text)).students), Match())

    def _by_names(self, file: File) -> Owner:
        """By the names of file, folders and archives; those that name somebody must all name the same student."""
        matches = {place: match for place, text in _places(file) if (match := self._named(text)).students}
        if not matches:
            raise RefusedError(self._nobody(file.name))
        doubts = [match.doubt for match in matches.values() if match.doubt]
        common = frozenset.intersection(*(match.students for match in matches.values()))
        if doubts or len(common) != 1:
            everyone = Match(frozenset().union(*(match.students for match in matches.values())))
            why = self._contradiction(file, matches) or f"its names may mean {self._people(everyone)}"
            raise RefusedError(f"{doubts[0] if doubts else why}: {RENAME}")
        (student,), place = common, next(iter(matches))
        number, part = place
        level = file.levels[number]
        # Files beside each other are one submission, and so is everything in a student's own folder or archive.
        unit = repr((file.levels[:number], level.parts[: part if _is_file(file, place) else part + 1]))
        if number > LAST_TRUSTED_LEVEL or level.modified is None:
            return Owner(student, unit)
        return self._dated(Owner(student, unit), level.modified, BY_ARCHIVE if level.in_archive else BY_DISK)

    def _contradiction(self, file: File, matches: dict[Place, Match]) -> str:
        """The first two names on the way to the file that mean different students; "" if there are none."""
        texts = dict(_places(file))
        for (outer, match), (inner, other) in combinations(matches.items(), 2):
            if not match.students & other.students:
                if label := read_label(texts[inner]):
                    return f"it was submitted by {self._people(match)} but is labelled {label.sender}"
                names = f"“{texts[outer]}” says {self._people(match)}, but “{texts[inner]}” in it says"
                return f"{names} {self._people(other)}"
        return ""

    def _label_time(self, label: Label) -> datetime | None:
        """The time in a label, in UTC; None for one so far away that it has none there."""
        try:
            return self.timezone.utc(label.when) if label.when else None
        except (OverflowError, ValueError):
            return None

    def _dated(self, owner: Owner, when: datetime | None, source: str) -> Owner:
        """The owner with a time, unless that cannot be when it was submitted."""
        problem = dates.problem(when) if when else "cannot be right"
        if when is None or problem:
            return replace(owner, remark=_joined(owner.remark, _disbelief("its", when, problem)))
        return replace(owner, when=when, time_source=source)

    def _people(self, match: Match) -> str:
        return " or ".join(sorted(map(self.roster.display_name, match.students)))

    def _nobody(self, name: str) -> str:
        closest = self.roster.closest(PurePath(name).stem)
        return f"nobody on the roster is called {name}{f', the closest is {closest}' if closest else ''}: {RENAME}"


def _places(file: File) -> Iterator[tuple[Place, str]]:
    """The names on the way to a file, from outside to inside, each with its place."""
    for number, level in enumerate(file.levels):
        for part, text in enumerate(level.parts):
            yield (number, part), text


def _is_file(file: File, place: Place) -> bool:
    """Whether a place is that of the file's own name."""
    return place == (len(file.levels) - 1, len(file.levels[-1].parts) - 1)


def _disbelief(whose: str, when: datetime | None, problem: str) -> str:
    return f"{whose} time{f', {when:%Y-%m-%d},' if when else ''} {problem}: not counted"


def _joined(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))
