"""Who is in the course, and whom a text such as a file name means."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Student:
    """One line of a roster.

    Attributes:
        id: what the gradebook calls the student, and the name of the student's folders.
        first, last: names; a name that is not split is all in last.
        email: or "".
        lms_id: what the LMS calls the student, if that is not the id.
        group: the name of the group that the student works in, or "".
        section: the tutorial, class or section that the student attends, or "".
    """

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    lms_id: str = ""
    group: str = ""
    section: str = ""

    @property
    def name(self) -> str:
        """The name as people write it: the family name comes first if it is Chinese, Japanese or Korean."""
        if _is_cjk((self.last + self.first)[:1]):
            return self.last + self.first
        return f"{self.first} {self.last}".strip()

    @property
    def display_name(self) -> str:
        """Id and name, for a table."""
        return f"{self.id} {self.name}".strip()


@dataclass(frozen=True)
class Match:
    """Whom a text means: nobody, one student, or perhaps several.

    Attributes:
        students: their ids.
        doubt: why it does not simply mean them; "" if it does.
        partial: whether only a name inside the text says so, and no id.
    """

    students: frozenset[str] = frozenset()
    doubt: str = ""
    partial: bool = False

    @property
    def only(self) -> str:
        """The student, if it is exactly one and there is no doubt; else ""."""
        return next(iter(self.students)) if len(self.students) == 1 and not self.doubt else ""


# What a text is searched for: words in a row, and the students whom they mean.
Index = Mapping[tuple[str, ...], set[str]]


class Roster:
    """The students of a course, found by id, email, the LMS's id or name."""

    def __init__(self, students: Iterable[Student]):
        self.students = {student.id: student for student in students}
        # Ids and emails. Those without a digit are kept apart, because they may also be words of somebody's name.
        self._codes: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        self._word_codes: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        self._lms_ids: defaultdict[str, set[str]] = defaultdict(set)
        self._names: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for student in self.students.values():
            self._add(student)
        self._squeezed_names: defaultdict[str, set[str]] = defaultdict(set)
        for name, owners in self._names.items():
            self._squeezed_names["".join(name)] |= owners

    def _add(self, student: Student) -> None:
        for code in (tuple(words(student.id)), tuple(words(student.email))):
            if code:
                distinctive = len(code) > 2 or any(map(str.isdigit, "".join(code)))
                (self._codes if distinctive else self._word_codes)[code].add(student.id)
        for name in (student.lms_id, student.email.partition("@")[0]):
            if name:
                self._lms_ids[squeeze(name)].add(student.id)
        spaced = f"{student.first} {student.last}"
        for text in {student.name, spaced, _without_accents(spaced)}:
            name_words = words(text)
            # Every rotation: given name first, family name first, and whatever "van der" does to the order.
            for start in range(len(name_words)):
                self._names[(*name_words[start:], *name_words[:start])].add(student.id)

    def __len__(self) -> int:
        return len(self.students)

    def display_name(self, student: str) -> str:
        """Id and name."""
        return self.students[student].display_name if student in self.students else student

    def exact(self, name: str, number: str = "") -> Match:
        """Whom an LMS means by a user name or full name, or by a number of its own."""
        for owners in (
            self._lms_ids.get(squeeze(number)) if number else None,
            self._codes.get(tuple(words(name))),
            self._word_codes.get(tuple(words(name))),
            self._lms_ids.get(squeeze(name)),
            self._squeezed_names.get(squeeze(name)),
        ):
            if owners:
                return Match(frozenset(owners))
        return Match()

    def sender(self, name: str, number: str = "") -> Match:
        """As `exact`; failing that, whoever's name or numeric id is inside it: Ada Lovelace in Ada Lovelace King.

        A word of a name that happens to be somebody's id counts for nothing: Ada King is not the student with id ada.
        """
        match = self.exact(name, number)
        return match if match.students else self._inside(name, {})

    def inside(self, text: str) -> Match:
        """Whom a freely chosen file name means, judged by the ids and names inside it.

        An id and a name of two different students are a doubt, which a person has to settle.
        """
        return self._inside(text, self._word_codes)

    def _inside(self, text: str, word_codes: Index) -> Match:
        """Numbers are ids. A word may be an id or somebody's name, so it counts only if nothing else matches."""
        text_words = words(text)
        by_id = _search(self._codes, text_words)
        by_name = _search(self._names, text_words) | self._names_without_spaces(text_words)
        if not by_id and not by_name:
            by_id = _search(word_codes, text_words)
        if by_id and by_name:
            if not by_id & by_name:
                people = " and ".join(sorted({*map(self.display_name, by_id), *map(self.display_name, by_name)}))
                return Match(by_id | by_name, f"the id and the name in it belong to {people}")
            return Match(by_id & by_name)
        return Match(by_id or by_name, partial=not by_id)

    def _names_without_spaces(self, text_words: Sequence[str]) -> frozenset[str]:
        """Students whose Chinese, Japanese or Korean name is part of a longer word of the same script: 王小明作业."""
        names = {
            name: owners
            for name, owners in self._squeezed_names.items()
            if len(name) > 1 and _is_cjk(name[0]) and any(name in word for word in text_words)
        }
        longest = [name for name in names if not any(name != other and name in other for other in names)]
        return frozenset(student for name in longest for student in names[name])

    def closest(self, text: str) -> str:
        """Id and name of the student whose name is most like this; "" if none is."""
        from difflib import get_close_matches

        matches = get_close_matches(squeeze(text), list(self._squeezed_names), 1, 0.75)
        return self.display_name(sorted(self._squeezed_names[matches[0]])[0]) if matches else ""


def _search(index: Index, text_words: Sequence[str]) -> frozenset[str]:
    """The students whose words are in the text, in a row; words inside a longer match do not count again."""
    longest = max(map(len, index), default=0)
    used: set[int] = set()
    students: set[str] = set()
    for length in range(min(longest, len(text_words)), 0, -1):
        for start in range(len(text_words) - length + 1):
            span = set(range(start, start + length))
            if not span & used and (owners := index.get(tuple(text_words[start : start + length]))):
                students |= owners
                used |= span
    return frozenset(students)


def same_names(students: Sequence[Student]) -> list[tuple[Student, Student]]:
    """Pairs of students whose names cannot be told apart."""
    named = (student for student in students if student.name)
    ordered = sorted(named, key=lambda student: (squeeze(student.name), student.id))
    return [(first, second) for first, second in pairwise(ordered) if squeeze(first.name) == squeeze(second.name)]


def squeeze(text: str) -> str:
    """Text without case, width, spaces and punctuation, for comparing."""
    return "".join(words(text))


def words(text: str) -> list[str]:
    """The words of a text without case and width; switching to or from Chinese, Japanese or Korean ends a word."""
    result: list[str] = []
    kind = ""
    for character in unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()):
        # Combining marks (category M), such as the vowels of Devanagari, belong to the word.
        if not (character.isalnum() or unicodedata.category(character)[0] == "M"):
            kind = ""
            continue
        previous, kind = kind, "cjk" if _is_cjk(character) else "word"
        if kind == previous:
            result[-1] += character
        else:
            result.append(character)
    return result


def _is_cjk(character: str) -> bool:
    return bool(character) and (
        "\u3040" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af" or character >= "\U00020000"
    )


def _without_accents(text: str) -> str:
    """As some LMSs write names."""
    return "".join(
        character for character in unicodedata.normalize("NFKD", text) if not unicodedata.combining(character)
    )
