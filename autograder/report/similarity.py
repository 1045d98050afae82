"""Pairs of submissions that share more than starter code and solution explain: for a person to judge, never a mark.

copydetect compares fingerprints of code (winnowing, Schleimer et al. 2003), in which names and layout make no
difference. We first remove what the starter code, the solution and the right answers on file contain, and what a good
part of the class wrote. If nothing of an answer is left, such as blanks filled in the obvious way, it is like nobody's.
"""

import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from pathlib import Path

from copydetect import CodeFingerprint, compare_files
from markupsafe import Markup, escape
from nbformat.notebooknode import NotebookNode

from autograder import gradebook
from autograder.collect.sample_class import WrittenAnswer
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import squeeze
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.shared import partners
from autograder.grade.student_answers import answers_in
from autograder.pages import render_page
from autograder.report.feedback import lab_title
from qlab.cells import grade_id, is_answer

# What is in more than this share of the answers, and in more than this many, is an obvious way to do it.
COMMON_SHARE, COMMON_MIN = 0.25, 6
# Answers that share a run are compared each with each if they are so few, else each with the next in the list. So the
# number of comparisons grows with the length of the texts, and a ring of copies still hangs together.
RARE = 8
MAX_PAIRS = 100  # on the page


@dataclass(frozen=True)
class SimilarityThreshold:
    """From when on two answers count as similar.

    Attributes:
        run: the length of the fingerprinted runs, in characters; in code a name counts as one character.
        shared: the fewest characters that the answers have to share.
        share: the smallest part of one answer's own text that the other has to have, from 0 to 1.
    """

    run: int
    shared: int
    share: float


# Chosen on the right answers on file, which were written differently on purpose: of 1,184 pairs of answers to the same
# question, 6 are reported. Of 290 copies with other names, layout and comments, 254 are, and 224 if brackets and quotes
# differ too; the others are too short or too close to the solution. No two of the texts on file share a run.
CODE = SimilarityThreshold(run=20, shared=40, share=0.75)
TEXT = SimilarityThreshold(run=40, shared=80, share=0.25)


@dataclass(frozen=True)
class SimilarAnswers:
    """Two similar answers to a question.

    Attributes:
        cell, question: the cell's grade_id and its question.
        shared: how many characters they share beyond starter code and solution; see `SimilarityThreshold`.
        shares: which part of each one's own text that is, from 0 to 1.
        texts: the answers with what they share highlighted, as safe HTML.
    """

    cell: str
    question: str
    shared: int
    shares: tuple[float, float]
    texts: tuple[Markup, Markup]


@dataclass(frozen=True)
class Pair:
    """Two students and their similar answers, the most similar first."""

    students: tuple[str, str]
    answers: tuple[SimilarAnswers, ...]

    @property
    def score(self) -> tuple[int, int]:
        """Greater for what to look at first: the number of similar answers, then how much they share."""
        return len(self.answers), sum(answers.shared for answers in self.answers)


def similar(
    course: Course,
    lab: GradedLab,
    solution: NotebookNode,
    on_file: Iterable[WrittenAnswer] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Pair]:
    """The pairs that a person should look at, those that share the most first.

    Of a cluster in which everybody is like everybody, only enough pairs are listed to connect all: see `clusters`.
    Members of a group work together, so they are no pair, and what they handed in together is compared once.

    Args:
        course, lab: whose answers.
        solution: the lab's source, with its answers.
        on_file: answers written by others; what several people came up with, anybody may.
        progress: called with the name of each cell that is compared.
    """
    right = [answer for answer in on_file if answer.right]
    groups = {student.id: squeeze(student.group) for student in gradebook.roster_in_lab(course, lab.name)}
    by_students: defaultdict[tuple[str, str], list[SimilarAnswers]] = defaultdict(list)
    for cell, answers in _by_cell(course, lab).items():
        code = lab_cell(lab.released, cell).cell_type == "code"
        explained = [text for notebook in (lab.released, solution) for text in _shown_texts(notebook, cell, code)]
        explained += [answer.source for answer in right if answer.question == cell]
        for students, similar_answers in compare(
            cell, answers, explained, CODE if code else TEXT, code=code, groups=groups
        ):
            by_students[students].append(similar_answers)
        progress(cell)
    pairs = [
        Pair(students, tuple(sorted(similar_answers, key=lambda answers: -answers.shared)))
        for students, similar_answers in by_students.items()
    ]
    return sorted(pairs, key=lambda pair: pair.score, reverse=True)


def clusters(pairs: Iterable[Pair]) -> list[tuple[str, ...]]:
    """Groups of three or more students whom pairs connect, the largest first."""
    group_of: dict[str, set[str]] = {}
    for pair in pairs:
        first, second = (group_of.setdefault(student, {student}) for student in pair.students)
        if first is not second:
            small, large = sorted((first, second), key=len)
            large |= small
            group_of |= dict.fromkeys(small, large)
    groups = {id(group): group for group in group_of.values() if len(group) > 2}
    return sorted((tuple(sorted(group)) for group in groups.values()), key=lambda group: (-len(group), group))


def lab_cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """A lab's cell by its grade_id."""
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def _by_cell(course: Course, lab: GradedLab) -> dict[str, dict[str, str]]:
    """Every student's answers: by cell, then by student."""
    cells: dict[str, dict[str, str]] = {
        grade_id(cell): {} for cell in lab.released.cells if grade_id(cell) and is_answer(cell)
    }
    together = partners(course, lab.name)
    for student in course.submitted(lab.name):
        if student > min(together.get(student, (student,))):
            continue
        for name, answer in answers_in(course.autograded(lab.name, student)).items():
            if name in cells:
                cells[name][student] = answer.source
    return cells


def _shown_texts(notebook: NotebookNode, name: str, code: bool) -> Iterator[str]:
    """What anybody's answer may contain: the cell itself, and all provided cells of its type."""
    for cell in notebook.cells:
        if grade_id(cell) == name or (not is_answer(cell) and (cell.cell_type == "code") == code):
            yield cell.source


def compare(
    cell: str,
    answers: Mapping[str, str],
    explained: Iterable[str],
    threshold: SimilarityThreshold,
    *,
    code: bool,
    groups: Mapping[str, str] | None = None,
) -> Iterator[tuple[tuple[str, str], SimilarAnswers]]:
    """The pairs of answers to one cell that reach the threshold, beyond what is explained.

    Args:
        cell: its grade_id.
        answers: texts, by student.
        explained: texts that everybody has: starter code, solution.
        threshold: from when on a pair is reported.
        code: whether the answers are Python, not prose.
        groups: the group of each student who is in one; members of a group are no pair.
    """
    groups = groups or {}
    fingerprints = {student: _fingerprint(text, threshold, code) for student, text in sorted(answers.items())}
    common = {run for text in explained for run in _runs(text, threshold, code)}
    counts = Counter(run for fingerprint in fingerprints.values() for run in fingerprint.hashes)
    limit = max(COMMON_MIN, COMMON_SHARE * len(fingerprints))
    common |= {run for run, count in counts.items() if count > limit}
    for fingerprint in fingerprints.values():
        _remove(fingerprint, common)
    for students in _candidates(fingerprints):
        first, second = (fingerprints[student] for student in students)
        if len({groups.get(student) or student for student in students}) == 1:
            continue
        shared, shares, slices = compare_files(first, second)
        if shared >= threshold.shared and max(shares) >= threshold.share:
            texts = (_highlight(answers[students[0]], slices[0]), _highlight(answers[students[1]], slices[1]))
            clipped = (min(1.0, float(shares[0])), min(1.0, float(shares[1])))
            yield students, SimilarAnswers(cell, question_of(cell), int(shared), clipped, texts)


def _fingerprint(text: str, threshold: SimilarityThreshold, code: bool) -> CodeFingerprint:
    # A window of 1 keeps every run: answers are short, and a class still takes only seconds.
    text = text if code else text.lower()
    return CodeFingerprint("answer.py", threshold.run, 1, filter=code, language="python", fp=io.StringIO(text))


@lru_cache(maxsize=4096)  # what is explained is the same text for many cells
def _runs(text: str, threshold: SimilarityThreshold, code: bool) -> frozenset[int]:
    return frozenset(_fingerprint(text, threshold, code).hashes)


def _remove(fingerprint: CodeFingerprint, runs: set[int]) -> None:
    """Remove these runs. copydetect could do so itself, but then it loses runs that an answer contains twice."""
    fingerprint.hashes -= runs
    for run in runs & fingerprint.hash_idx.keys():
        del fingerprint.hash_idx[run]
    starts = [start for places in fingerprint.hash_idx.values() for start in places]
    fingerprint.token_coverage = len({start + offset for start in starts for offset in range(fingerprint.k)})


def _candidates(fingerprints: Mapping[str, CodeFingerprint]) -> list[tuple[str, str]]:
    """The pairs that are worth a comparison, sorted; in a large class those are few of all pairs."""
    students_by_run: defaultdict[int, list[str]] = defaultdict(list)
    for student, fingerprint in fingerprints.items():
        for run in fingerprint.hashes:
            students_by_run[run].append(student)
    pairs: Counter[tuple[str, str]] = Counter()
    for students in students_by_run.values():
        pairs.update(combinations(students, 2) if len(students) <= RARE else pairwise(students))
    return sorted(pair for pair, runs in pairs.items() if runs > 1)  # one run is shorter than what has to be shared


def _highlight(text: str, slices: Iterable[Iterable[int]]) -> Markup:
    """The text with these slices highlighted; `slices` are all their starts, then all their ends."""
    starts, ends = ([int(place) for place in row] for row in slices)
    position, parts = 0, list[Markup]()
    for start, end in zip(starts, ends, strict=True):
        start, end = max(start, position), min(end, len(text))
        if start < end:
            parts += [escape(text[position:start]), Markup("<mark>{}</mark>").format(text[start:end])]
            position = end
    return Markup("").join([*parts, escape(text[position:])])


def write_page(course: Course, lab: GradedLab, pairs: list[Pair]) -> Path:
    """Write the pairs, side by side, as one self-contained HTML page."""
    path = course.similarity_report(lab.name)
    left = max(0, len(pairs) - MAX_PAIRS)
    groups = clusters(pairs)
    page = render_page("similarity.html", title=lab_title(lab), pairs=pairs[:MAX_PAIRS], left=left, groups=groups)
    write_atomic(path, page)
    return path
