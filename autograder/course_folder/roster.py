"""Who is in the course, and whom a text such as a file name means."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


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
        if is_cjk((self.last + self.first)[:1]):
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
        together: whether it means all of them, who are in one group, rather than one of them.
    """

    students: frozenset[str] = frozenset()
    doubt: str = ""
    partial: bool = False
    together: bool = False

    @property
    def only(self) -> str:
        """The student, if it is exactly one and there is no doubt; else ""."""
        return next(iter(self.students)) if len(self.students) == 1 and not self.doubt else ""


# What a text is searched for: words in a row, and the students whom they mean.
Index = Mapping[tuple[str, ...], set[str]]
SHORTEST_GROUP = 4  # characters of a group's name that is looked for inside a text, where "A" or "12" may mean anything


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
        self._groups: defaultdict[str, set[str]] = defaultdict(set)
        for student in self.students.values():
            if squeeze(student.group):
                self._groups[squeeze(student.group)].add(student.id)

    def _add(self, student: Student) -> None:
        for code in (tuple(words(student.id)), tuple(words(student.email))):
            if code:
                distinctive = len(code) > 2 or any(map(str.isdigit, "".join(code)))
                (self._codes if distinctive else self._word_codes)[code].add(student.id)
        for name in (student.lms_id, student.email.partition("@")[0]):
            if name:
                self._lms_ids[squeeze(name)].add(student.id)
        spaced = f"{student.first} {student.last}"
        for text in {student.name, spaced, without_accents(spaced)}:
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

    def members(self, group: str) -> tuple[str, ...]:
        """The ids of the students in a group of this name, sorted; none if there is no such group."""
        return tuple(sorted(self._groups.get(squeeze(group), ())))

    def partners(self, student: str) -> tuple[str, ...]:
        """The ids of the other students in somebody's group, sorted."""
        group = self.students[student].group if student in self.students else ""
        return tuple(member for member in self.members(group) if member != student)

    def group_of(self, students: Iterable[str]) -> str:
        """The name of the group in which all of these students are; "" if they are in none or in several."""
        names = [self.students[student].group if student in self.students else "" for student in sorted(students)]
        return names[0] if names and len({squeeze(name) for name in names}) == 1 else ""

    def _inside(self, text: str, word_codes: Index) -> Match:
        """Numbers are ids. A word may be an id or somebody's name, so it counts only if nothing else matches."""
        text_words = words(text)
        ids = _search(self._codes, text_words)
        names = {**_search(self._names, text_words), **self._names_without_spaces(text_words)}
        if not ids and not names:
            ids = _search(word_codes, text_words)
        by_id, by_name = _all(ids.values()), _all(names.values())
        if ids and names and not by_id & by_name:
            people = " and ".join(sorted({*map(self.display_name, by_id), *map(self.display_name, by_name)}))
            return Match(by_id | by_name, f"the id and the name in it belong to {people}")
        # Those whom it names one by one, not those among whom a name leaves the choice.
        named = _all(owners for owners in (*ids.values(), *names.values()) if len(owners) == 1)
        named |= self._group_inside(text_words, named, frozenset().union(*ids, *names))
        if len(named) > 1 and self.group_of(named):
            return Match(named, together=True)
        return Match((by_id & by_name if ids and names else by_id | by_name) or named, partial=not ids)

    def _group_inside(self, text_words: Sequence[str], named: frozenset[str], used: frozenset[int]) -> frozenset[str]:
        """The members of the group whose name is in the text beside `used` words, if nobody else is in it too."""
        ends = range(len(text_words) + 1)
        runs = {"".join(text_words[i:j]) for i in ends for j in ends[i + 1 :] if not used.issuperset(range(i, j))}
        groups = [self._groups[name] for name in runs & self._groups.keys() if _is_distinctive(name)]
        return frozenset(groups[0]) if len(groups) == 1 and named <= groups[0] else frozenset()

    def _names_without_spaces(self, text_words: Sequence[str]) -> dict[frozenset[int], frozenset[str]]:
        """As `_search`, for Chinese, Japanese or Korean names inside a longer word: 王小明作业."""
        places = {
            name: frozenset(number for number, word in enumerate(text_words) if name in word)
            for name in self._squeezed_names
            if len(name) > 1 and is_cjk(name[0])
        }
        found = [name for name, place in places.items() if place]
        longest = [name for name in found if not any(name != other and name in other for other in found)]
        # Several names may be in one word: 王小明陈静.
        return {
            frozenset((*places[name], -1 - i)): frozenset(self._squeezed_names[name]) for i, name in enumerate(longest)
        }

    def closest(self, text: str) -> str:
        """Id and name of the student, or the group, whose name is most like this; "" if none is."""
        from difflib import get_close_matches

        matches = get_close_matches(squeeze(text), [*self._squeezed_names, *self._groups], 1, 0.75)
        if not matches:
            return ""
        if students := self._squeezed_names.get(matches[0]):
            return self.display_name(min(students))
        return f"the group {self.group_of(self._groups[matches[0]])}"


def _search(index: Index, text_words: Sequence[str]) -> dict[frozenset[int], frozenset[str]]:
    """The students whose words are in the text, in a row, by the numbers of these words.

    Words inside a longer match do not count again.
    """
    longest = max(map(len, index), default=0)
    found: dict[frozenset[int], frozenset[str]] = {}
    for length in range(min(longest, len(text_words)), 0, -1):
        for start in range(len(text_words) - length + 1):
            span = frozenset(range(start, start + length))
            free = not any(span & other for other in found)
            if free and (owners := index.get(tuple(text_words[start : start + length]))):
                found[span] = frozenset(owners)
    return found


def _all(matches: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*matches)


def _is_distinctive(name: str) -> bool:
    """Whether a group's squeezed name can be looked for in any text; "lab1" and "2026" cannot."""
    return len(name) >= SHORTEST_GROUP and not re.fullmatch(r"(lab)?\d+", name)


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
        previous, kind = kind, "cjk" if is_cjk(character) else "word"
        if kind == previous:
            result[-1] += character
        else:
            result.append(character)
    return result


def is_cjk(character: str) -> bool:
    """Whether a character is Chinese, Japanese or Korean."""
    return bool(character) and (
        "\u3040" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af" or character >= "\U00020000"
    )


def without_accents(text: str) -> str:
    """Text as some LMSs write names."""
    return "".join(
        character for character in unicodedata.normalize("NFKD", text) if not unicodedata.combining(character)
    )
