"""Whose a file is and when it was submitted, judged by the names on the way to it: labels of LMSs, ids, people.

Whoever is named first, from outside to inside, made everything inside: what looks like an LMS's label in there is the
student's own. All names must mean the same student; only an LMS's label outweighs the names inside it. Only an LMS
says when something was submitted: dates of archives' entries and of files on the disk say when these were made.
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
from autograder.collect.lms_files import LmsFiles
from autograder.collect.senders import (
    by_ending,
    by_group,
    by_login,
    by_member,
    is_lms_file,
    label_at,
    may_be_a_group,
)
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Match, Roster
from autograder.course_folder.settings import Timezone

GROUPS = "autograder roster --groups groups.csv"
RENAME = "rename it to Lab_ID_Name and collect it by itself"
Place = tuple[int, int]  # of a name on the way to a file: level and part
LAST_TRUSTED_LEVEL = 1  # the disk is level 0, the download's entries are level 1; archives in there are students' own
BY_LMS, BY_TABLE = "LMS", "table"
BY_SERVER = "server"  # our own, which took the upload itself
NUMBERED = {"Canvas", "Brightspace"}  # they write the user's number beside the name


@dataclass(frozen=True)
class Owner:
    """Whose a file is.

    Attributes:
        student: an id on the roster.
        unit: equal for files of the same submission.
        confirmed: whether anyone but the sender says so.
        when: when it was submitted, in UTC; None if nobody says.
        time_source: who says that: BY_LMS, BY_TABLE or BY_SERVER.
        late: whether the LMS calls it late.
        remark: what a person should know.
        partners: other students whose submission it is too; each of them gets a copy.
        group: the name of the group that handed it in, or "".
        by: the member who handed it in for the group; "" if the group did, or there is none.
        lms: the LMS that named the file; "" if none did.
        unread: whether the LMS says when, but its time cannot be read or cannot be right.
    """

    student: str
    unit: str
    confirmed: bool = True
    when: datetime | None = None
    time_source: str = ""
    late: bool = False
    remark: str = ""
    partners: tuple[str, ...] = ()
    group: str = ""
    by: str = ""
    lms: str = ""
    unread: bool = False

    @property
    def students(self) -> tuple[str, ...]:
        """Everybody whose submission it is."""
        return (self.student, *self.partners)

    def each(self) -> "Iterator[Owner]":
        """The same for each of these students."""
        for student in self.students:
            yield replace(self, student=student, partners=tuple(sorted({*self.students} - {student})))


@dataclass(frozen=True)
class OwnerFinder:
    """Finds each file's student.

    Attributes:
        roster: of the course.
        timezone: of times without one.
        times: the LMS's table of submission times, which also knows people by the LMS's numbers.
        for_groups: whether the lab is the groups' work, so that what one member hands in is everybody's.
        lab: its name, which says nothing about who handed it in, even if a group is called Linear.
        lms_files: what the LMS's own files in the download say.
    """

    roster: Roster
    timezone: Timezone
    times: SubmissionTimes = field(default_factory=SubmissionTimes)
    for_groups: bool = False
    lab: str = ""
    lms_files: LmsFiles = field(default_factory=LmsFiles)
    _inside: dict[str, Match] = field(default_factory=dict, init=False, repr=False, compare=False)

    def owner(self, file: File) -> Owner:
        """Whose the file is.

        Raises:
            RefusedError: nobody's on the roster, or the names do not settle whose.
        """
        label = self.lms_label(file)
        owner = self._by_label(file, *label) if label else self._by_names(file)
        if self.for_groups and not owner.partners and (partners := self.roster.partners(owner.student)):
            group = self.roster.group_of([owner.student])
            return replace(owner, partners=partners, group=group, by=owner.student)
        return owner

    def lms_label(self, file: File) -> tuple[Place, Label] | None:
        """What an LMS says on the way to a file, and where; None if nothing does, or only a student's own names do."""
        for place, text in _places(file):
            # A download's own name is no label: whoever sent the archive may have chosen it.
            is_download = place == (0, 0) and not _is_file(file, place)
            if not is_download and (label := label_at(file, *place, self.lms_files, self.roster)):
                return place, label
            if self._named(text).students:
                return None
        return None

    def is_lms_file(self, file: File) -> bool:
        """Whether this is a file that an LMS added to the download, which no student handed in."""
        return is_lms_file(file, LAST_TRUSTED_LEVEL)

    def _by_label(self, file: File, place: Place, label: Label) -> Owner:
        """By what the LMS says. What the student wrote only helps if the LMS's name fits nobody or several people."""
        own = self._named_below(file, place, label)
        owner = self._by_members(label) or self._by_group(label, own) or self._by_sender(file, label, own)
        number, part = place
        unit = repr((file.levels[:number], file.levels[number].parts[:part], label.unit))
        owner = replace(owner, unit=unit, lms=label.lms)
        if number > LAST_TRUSTED_LEVEL:
            return owner
        owner = replace(owner, late=label.late, remark=_joined(owner.remark, label.remark), unread=bool(label.remark))
        if label.when:
            return self._dated(owner, self._label_time(label), BY_LMS)
        when = self.times.when_by_number.get(label.number) if label.lms == "Moodle" else None
        return self._dated(owner, when, BY_TABLE) if when else owner

    def _by_members(self, label: Label) -> Owner | None:
        """All whom a file of the LMS's lists as those who handed in; None if there is no such list."""
        if not label.members:
            return None
        found = {member: by_member(member, self.roster) for member in label.members}
        students = dict.fromkeys(filter(None, found.values()))
        if not students:
            raise RefusedError(self._nobody(label.sender))
        unknown = [member.name or member.email or member.id for member, student in found.items() if not student]
        remark = f"{label.lms} also names {', '.join(unknown)}, not on the roster" if unknown else ""
        first, *others = students
        return Owner(first, "", remark=remark, partners=tuple(others))

    def named_by(self, label: Label) -> tuple[str, ...]:
        """The students whom an LMS's label itself names: one, or the members of a group; none if it names nobody."""
        if label.members:
            return tuple(filter(None, (by_member(member, self.roster) for member in label.members)))
        group, member = by_group(label, self.roster)
        if group and not (member and label.lms == "Moodle"):
            return self.roster.members(group)
        only = member or self._sender(label).only
        return (only,) if only else ()

    def _by_group(self, label: Label, own: Match) -> Owner | None:
        """All members, if the LMS says that a group handed it in; None if it does not."""
        group, member = by_group(label, self.roster)
        members = self.roster.members(group)
        if not members:
            return None
        if member and member not in members:
            raise RefusedError(
                f"{label.lms} says that {self.roster.display_name(member)} handed it in for {group}, but on the roster "
                f"{group} is {self._people(Match(frozenset(members)), ' and ')}: correct the groups ({GROUPS}), then "
                "collect it again"
            )
        outsiders = own.students and not own.students & set(members)
        remark = f"the file name says that it belongs to {self._people(own)}" if outsiders else ""
        name = self.roster.group_of(members) or group
        return Owner(members[0], "", remark=remark, partners=members[1:], group=name)

    def _by_sender(self, file: File, label: Label, own: Match) -> Owner:
        """The student who sent it, with those whom the file names beside the student, if they are one group."""
        self._check_number(label)
        sender = self._sender(label)
        remark, confirmed = "", True
        if student := sender.only:
            if own.students and student not in own.students:
                remark = f"the file name says that it belongs to {self._people(own)}"
            elif sender.partial:
                remark = f"{label.lms} says {label.sender}"
            elif not self.times.by_number.get(label.number) and may_be_a_group(label, self.roster.students[student]):
                remark = (
                    f"{label.lms} says {label.sender}, which is not this student's name: if it is a group, say who is "
                    f"in it ({GROUPS}), then collect it again"
                )
        elif sender.together:
            return self._together(sender, remark=f"{label.lms} says {label.sender}")
        elif sender.students:
            both = sender.students & own.students
            if len(both) != 1:
                raise RefusedError(f"{label.sender} may be {self._people(sender)}: {RENAME}")
            (student,) = both
        else:
            if own.together:
                return self._together(own, confirmed=not label.sender, remark=_by_file_name(label))
            student = own.only
            if not student:
                hint = f"; if it is a group, say who is in it ({GROUPS})" if label.sender else ""
                raise RefusedError(f"{self._nobody(label.sender or file.name)}{hint}")
            confirmed = not label.sender
            remark = _by_file_name(label)
        if own.together and student in own.students:
            return replace(self._together(own), remark=remark)
        return Owner(student, "", confirmed, remark=remark)

    def _check_number(self, label: Label) -> None:
        """Refuse a label whose number is one student's and whose name is another's: a student can write one like it."""
        if label.lms not in NUMBERED or not label.sender:
            return
        by_number, by_name = self.roster.exact("", label.number), self.roster.exact(label.sender)
        if by_number.students and by_name.students and not by_number.students & by_name.students:
            raise RefusedError(
                f"{label.lms} says {label.sender}, which is {self._people(by_name)}, but the number {label.number} is "
                f"that of {self._people(by_number)}: {RENAME}, or correct the number in the roster"
            )

    def _together(self, match: Match, *, confirmed: bool = True, remark: str = "") -> Owner:
        first, *others = sorted(match.students)
        group = self.roster.group_of(match.students)
        return Owner(first, "", confirmed, remark=remark, partners=tuple(others), group=group)

    def _sender(self, label: Label) -> Match:
        if student := self.times.by_number.get(label.number) if label.lms == "Moodle" else "":
            return Match(frozenset({student}))
        if label.login:
            return by_login(label, self.roster)
        if label.lms == "Brightspace":
            match = self.roster.sender(label.sender)
            return match if match.students else self.roster.exact("", label.number)
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
        if match.students:
            return match
        return self._sender(label) if label else by_ending(text, self.roster)

    def _match(self, text: str) -> Match:
        """As `Roster.inside`, which is slow, and the files of a download share most of their names."""
        if text not in self._inside:
            self._inside[text] = self.roster.inside(text.replace(self.lab, " ") if self.lab else text)
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
            raise RefusedError(self._nobody(*_innermost(file)))
        doubts = [match.doubt for match in matches.values() if match.doubt]
        together = next((match for match in matches.values() if match.together), Match())
        common = frozenset.intersection(*(match.students for match in matches.values()))
        # Several names may say the same group, or the group and one of its members.
        of_group = bool(common) and all(match.students <= together.students for match in matches.values())
        if doubts or not (len(common) == 1 or of_group):
            everyone = Match(frozenset().union(*(match.students for match in matches.values())))
            why = self._contradiction(file, matches) or f"its names may mean {self._people(everyone)}"
            hint = f"; if they work together, say so ({GROUPS})" if len(common) > 1 else ""
            raise RefusedError(f"{doubts[0] if doubts else why}: {RENAME}{hint}")
        whose = self._together(together) if of_group else Owner(min(common), "")
        place = next(iter(matches))
        number, part = place
        level = file.levels[number]
        # Files beside each other are one submission, and so is everything in a student's own folder or archive.
        unit = repr((file.levels[:number], level.parts[: part if _is_file(file, place) else part + 1]))
        owner = replace(whose, unit=unit)
        if number > LAST_TRUSTED_LEVEL or level.modified is None or not dates.problem(level.modified):
            return owner
        return replace(owner, remark=_disbelief("its", level.modified, dates.problem(level.modified)))

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
            return replace(owner, remark=_joined(owner.remark, _disbelief("its", when, problem)), unread=True)
        return replace(owner, when=when, time_source=source)

    def _people(self, match: Match, between: str = " or ") -> str:
        return between.join(sorted(map(self.roster.display_name, match.students)))

    def _nobody(self, *names: str) -> str:
        closest = next(filter(None, (self.roster.closest(PurePath(name).stem) for name in names)), "")
        nearest = f", the closest is {closest}" if closest else ""
        return f"nobody on the roster is called {' or '.join(names)}, and no group{nearest}: {RENAME}"


def _places(file: File) -> Iterator[tuple[Place, str]]:
    """The names on the way to a file, from outside to inside, each with its place."""
    for number, level in enumerate(file.levels):
        for part, text in enumerate(level.parts):
            yield (number, part), text


def _innermost(file: File) -> list[str]:
    """The file's name and, before it, that of the folder or archive around it, which may be the student's."""
    return [text for place, text in _places(file) if place != (0, 0) or _is_file(file, place)][-2:]


def _is_file(file: File, place: Place) -> bool:
    """Whether a place is that of the file's own name."""
    return place == (len(file.levels) - 1, len(file.levels[-1].parts) - 1)


def _disbelief(whose: str, when: datetime | None, problem: str) -> str:
    return f"{whose} time{f', {when:%Y-%m-%d},' if when else ''} {problem}: not counted"


def _by_file_name(label: Label) -> str:
    return f"identified by the file name only; {label.lms} says {label.sender or 'nobody'}"


def _joined(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))
