"""What a second roster changes: it replaces what it says, and what it does not say stays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.course_folder.roster import Student, words

NOTHING = "-"  # in a cell: remove what was there
FIELDS = {"first": "first name", "last": "last name", "email": "email", "lms_id": "LMS number"}
FIELDS |= {"group": "group", "section": "section"}


@dataclass(frozen=True)
class Change:
    """A field of a student that gets another value.

    Attributes:
        student: whose, an id.
        field: what people call it.
        before, after: its values; "" for none.
    """

    student: str
    field: str
    before: str
    after: str

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.student}: {self.field} {self.before or 'none'} → {self.after or 'none'}"


@dataclass(frozen=True)
class RosterUpdate:
    """What a roster does to the students whom the gradebook knows.

    Attributes:
        students: whom to enter, with all that is known about them.
        new: the ids of those whom the gradebook does not know.
        changes: every field that gets another value.
    """

    students: list[Student]
    new: list[str]
    changes: list[Change]

    @classmethod
    def of(cls, known: Mapping[str, Student], listed: Iterable[Student], *, split_names: bool = True) -> "RosterUpdate":
        """What these lines of a roster do.

        Args:
            known: the students in the gradebook, by id.
            listed: those in the file; a field that is "" stays as it is, and one that is "-" is emptied.
            split_names: whether the file says where a first name ends.
        """
        pairs = [(known.get(student.id), student) for student in listed]
        students = [_merged(before or Student(now.id), now, split_names=split_names) for before, now in pairs]
        changes = [
            change
            for (before, _), after in zip(pairs, students, strict=True)
            if before is not None
            for change in _changes(before, after)
        ]
        return cls(students, [student.id for before, student in pairs if before is None], changes)

    @property
    def changed(self) -> list[str]:
        """The ids of known students of whom something changes."""
        return list(dict.fromkeys(change.student for change in self.changes))

    @property
    def losses(self) -> list[Change]:
        """The changes by which a value is lost."""
        return [change for change in self.changes if change.before]

    @property
    def filled_in(self) -> dict[str, int]:
        """How many students get a value where there was none, by field."""
        fields = [change.field for change in self.changes if not change.before]
        return {field: fields.count(field) for field in dict.fromkeys(fields)}


def _merged(before: Student, now: Student, *, split_names: bool) -> Student:
    said = {field: getattr(now, field) for field in FIELDS if getattr(now, field)}
    same_name = sorted(words(f"{before.first} {before.last}")) == sorted(words(f"{now.first} {now.last}"))
    if same_name and not split_names:
        said |= {"first": before.first, "last": before.last}  # which part is which was known better before
    elif "first" in said or "last" in said:
        said |= {"first": now.first, "last": now.last}  # a name is one value
    return replace(before, **{field: "" if value == NOTHING else value for field, value in said.items()})


def _changes(before: Student, after: Student) -> Sequence[Change]:
    return [
        Change(before.id, what, getattr(before, field), getattr(after, field))
        for field, what in FIELDS.items()
        if getattr(before, field) != getattr(after, field)
    ]
