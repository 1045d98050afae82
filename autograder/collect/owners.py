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
from autograder.collect.labels import LMS_FILES, SAKAI_FOLDER, Label, read_folder_label, read_label
from autograder.collect.lms_files import LmsFiles
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Match, Roster
from autograder.course_folder.settings import Timezone

RENAME = "rename it to Lab_ID_Name and collect it by itself"
Place = tuple[int, int]  # of a name on the way to a file: level and part
LAST_TRUSTED_LEVEL = 1  # the disk is level 0, the download's entries are level 1; archives in there are students' own
BY_LMS, BY_TABLE = "LMS", "table"


@dataclass(frozen=True)
class Owner:
    """Whose a file is.

    Attributes:
        student: an id on the roster.
        unit: equal for files of the same submission.
        confirmed: whether anyone but the sender says so.
        when: when it was submitted, in UTC; None if nobody says.
        time_source: who says that: BY_LMS or BY_TABLE.
        late: whether the LMS calls it late.
        lms: the LMS that named the file; "" if none did.
        remark: what a person should know.
    """

    student: str
    unit: str
    confirmed: bool = True
    when: datetime | None = None
    time_source: str = ""
    late: bool = False
    lms: str = ""
    remark: str = ""


@dataclass(frozen=True)
class OwnerFinder:
    """Finds each file's student.

    Attributes:
        roster: of the course.
        timezone: of times without one.
        times: the LMS's table of submission times, which also knows people by the LMS's numbers.
        lms_files: what the LMS's own files in the download say.
    """

    roster: Roster
    timezone: Timezone
    times: SubmissionTimes = field(default_factory=SubmissionTimes)
    lms_files: LmsFiles = field(default_factory=LmsFiles)
    _inside: dict[str, Match] = field(default_factory=dict, init=False, repr=False, compare=False)

    def owners(self, file: File) -> list[Owner]:
        """Whose the file is: one student's, or that of all who handed it in together.

        Raises:
            RefusedError: nobody's on the roster, or the names do not settle whose.
        """
        label = self.lms_label(file)
        if label is None:
            return [self._by_names(file)]
        if label[1].members:
            return self._by_members(file, *label)
        return [self._by_label(file, *label)]

    def lms_label(self, file: File) -> tuple[Place, Label] | None:
        """What an LMS says on the way to a file, and where; None if nothing does, or only a student's own names do."""
        for place, text in _places(file):
            # A download's own name is no label: whoever sent the archive may have chosen it.
            is_download = place == (0, 0) and not _is_file(file, place)
            if not is_download and (label := self._label(file, place, text)):
                return place, label
            if self._named(text).students:
                return None
        return None

    def is_lms_file(self, file: File) -> bool:
        """Whether this is a file that an LMS added to the download, which no student handed in."""
        level = file.levels[-1]
        outside = len(file.levels) - 1 <= LAST_TRUSTED_LEVEL and SAKAI_FOLDER not in level.parts
        return outside and (file.name in LMS_FILES or file.name.endswith("_submissionText.html"))

    def _label(self, file: File, place: Place, text: str) -> Label | None:
        """What an LMS says at a place: in a file of its own, in this name, or in it and the names below it."""
        number, part = place
        parts = file.levels[number].parts
        key = (*(level.parts for level in file.levels[:number]), parts[: part + 1])
        if listed := self.lms_files.gradescope.get(key):
            return listed
        if label := read_label(text):
            return label
        label = read_folder_label(text, parts[part + 1 :], stamped=self.lms_files.stamped)
        if label is None:
            return None
        if label.lms == "Sakai" and key in self.lms_files.sakai:
            when = self.lms_files.sakai[key]
            unread = "" if when else "Sakai's timestamp.txt cannot be read: not counted"
            return replace(label, when=when, remark=unread)
        # Anybody may call a folder like ILIAS does, so it has to be somebody's.
        return label if label.lms != "ILIAS" or self._sender(label).students else None

    def _by_members(self, file: File, place: Place, label: Label) -> list[Owner]:
        """All on the roster whom a file of the LMS's lists as those who handed in."""
        students: dict[str, None] = {}
        unknown = []
        for member in label.members:
            exact = (self.roster.exact(name).only for name in (member.id, member.email) if name)
            student = next(filter(None, exact), "") or self.roster.sender(member.name).only
            if student:
                students[student] = None
            else:
                unknown.append(member.name or member.email or member.id)
        if not students:
            raise RefusedError(self._nobody(label.sender or file.name))
        remark = f"{label.lms} also names {', '.join(unknown)}, not on the roster" if unknown else ""
        return [self._owner(student, file, place, label, remark) for student in students]

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
        return self._owner(student, file, place, label, remark, confirmed=confirmed)

    def _owner(
        self, student: str, file: File, place: Place, label: Label, remark: str, *, confirmed: bool = True
    ) -> Owner:
        """The owner with what the label says of the time, unless the label is in an archive of a student's own."""
        number, part = place
        unit = repr((file.levels[:number], file.levels[number].parts[:part], label.unit))
        if number > LAST_TRUSTED_LEVEL:
            return Owner(student, unit, confirmed, lms=label.lms, remark=remark)
        remarks = _joined(remark, label.remark, self._is_a_teams(student, label))
        owner = Owner(student, unit, confirmed, late=label.late, lms=label.lms, remark=remarks)
        if label.when:
            return self._dated(owner, self._label_time(label), BY_LMS)
        when = self.times.when_by_number.get(label.number) if label.lms == "Moodle" else None
        return self._dated(owner, when, BY_TABLE) if when else owner

    def _is_a_teams(self, student: str, label: Label) -> str:
        """A remark if Canvas knows the student by number only, because the name may be a group's."""
        if label.lms != "Canvas" or not label.sender or student in self.roster.sender(label.sender).students:
            return ""
        return f"Canvas says {label.sender}: perhaps a group, or another name of the student"

    def _sender(self, label: Label) -> Match:
        if student := self.times.by_number.get(label.number) if label.lms == "Moodle" else "":
            return Match(frozenset({student}))
        if label.login:
            return self._by_login(label)
        if label.lms == "Brightspace":
            match = self.roster.sender(label.sender)
            return match if match.only else self.roster.exact(label.number)
        if label.lms != "Blackboard":
            # Canvas's number belongs to the user. Moodle's belongs to one assignment, so no roster has it.
            number = label.number if label.lms == "Canvas" else ""
            return self.roster.sender(label.sender, number) if label.sender else Match()
        # Assignment_username, and both may contain underscores: take the shortest ending that is somebody's user name.
        parts = label.sender.split("_")
        matches = (self.roster.exact("_".join(parts[start:])) for start in range(len(parts) - 1, 0, -1))
        return next((match for match in matches if match.students), Match())

    def _by_login(self, label: Label) -> Match:
        """By user name and name; they are a doubt if they mean different students."""
        login, name = self.roster.exact(label.login), self.roster.sender(label.sender)
        if not login.students or not name.students:
            return login if login.students else name
        both = login.students & name.students
        return Match(both) if both else Match(login.students | name.students, "user name and name differ")

    def _named(self, text: str) -> Match:
        """Whom a name means that a student may have chosen, even if it looks like an LMS's label."""
        match, label = self._match(text), read_label(text)
        if match.students:
            return match
        return self._sender(label) if label else self._by_ending(text)

    def _by_ending(self, text: str) -> Match:
        """GitHub Classroom calls a folder exercise-login, and Artemis a file exercise-login-number."""
        parts = PurePath(text).stem.split("-") if "." in text else text.split("-")
        if len(parts) > 2 and parts[-1].isdecimal():
            parts = parts[:-1]
        # The shortest ending that is somebody's, because both exercise and login may contain hyphens.
        endings = ("-".join(parts[start:]) for start in range(len(parts) - 1, 0, -1))
        return next((match for ending in endings if (match := self.roster.exact(ending)).students), Match())

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
        owner = Owner(student, unit)
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
