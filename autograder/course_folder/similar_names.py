"""Students who are easily taken for one another: same or nearly the same names, the same email or LMS number."""

from collections.abc import Callable, Iterator, Sequence, Set
from itertools import combinations

from autograder.course_folder.roster import Student, is_cjk, squeeze, without_accents, words

BY_WHAT = "their files need the id, the email or the LMS's number"
SHORTEST = 6  # letters: in a shorter name one letter is a large part, and most pairs would be told


def confusable(students: Sequence[Student], listed: Set[str]) -> Iterator[str]:
    """A sentence for each pair of students whom a person or a file name may confuse.

    Args:
        students: everybody in the course.
        listed: the ids of those whom this is about; of each pair, at least one is among them.
    """
    for what, key in (("email", _email), ("LMS number", _lms_id)):
        for first, second in _equal(students, key):
            if {first.id, second.id} & listed:
                yield f"{first.display_name} and {second.display_name} have the same {what}: one of them is wrong"
    for first, second, distance in _near(students):
        if not {first.id, second.id} & listed:
            continue
        pair = f"{first.display_name} and {second.display_name}"
        if squeeze(first.name) == squeeze(second.name):
            yield f"{first.id} and {second.id} have the same name: {BY_WHAT}"
        elif not distance:
            yield f"{pair} have nearly the same name: {BY_WHAT}"
        else:
            yield f"{pair} differ by one letter: make sure that they are two people"


def _email(student: Student) -> str:
    return student.email.casefold()


def _lms_id(student: Student) -> str:
    return squeeze(student.lms_id)


def _equal(students: Sequence[Student], key: Callable[[Student], str]) -> Iterator[tuple[Student, Student]]:
    groups: dict[str, list[Student]] = {}
    for student in students:
        if key(student):
            groups.setdefault(key(student), []).append(student)
    return (pair for group in groups.values() for pair in combinations(group, 2))


def _near(students: Sequence[Student]) -> Iterator[tuple[Student, Student, int]]:
    """Pairs of nearly equal names, and by how many letters they differ: 0 if only by order, case or accents, else 1."""
    import numpy as np
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    named = [student for student in students if squeeze(student.name)]
    keys = ["".join(sorted(words(without_accents(f"{each.first} {each.last}")))) for each in named]
    distances = process.cdist(keys, keys, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8)
    for first, second in np.argwhere(np.triu(distances <= 1, 1)):
        distance = int(distances[first, second])
        long = min(len(keys[first]), len(keys[second])) >= SHORTEST and not is_cjk(keys[first][0])
        if distance == 0 or long:
            yield named[first], named[second], distance
