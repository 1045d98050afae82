"""Pairs of submissions that are closer than starter code and solution explain: for a person to judge, never a mark.

copydetect compares fingerprints of code (Schleimer et al. 2003, winnowing) in which names and layout make no
difference. What the starter code, the solution and the right answers on file hold is taken out first, and so is what a
good part of the class has found: an answer with nothing left, such as blanks filled in the obvious way, is like
nobody's.
"""

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import jinja2
from copydetect import CodeFingerprint, compare_files
from markupsafe import Markup, escape
from nbformat.notebooknode import NotebookNode

from autograder.collect.sample_class import WrittenAnswer
from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.student_answers import answers_in
from autograder.report.marks import lab_title
from qlab.notebook import grade_id, is_answer

COMMON_SHARE, COMMON_LEAST = 0.25, 6  # what more than these of the answers hold is an obvious way, too
MOST_PAIRS = 100  # that a person is shown


@dataclass(frozen=True)
class Measure:
    """How answers of a kind are compared.

    Attributes:
        run: length of what is compared: signs of code in which a name is one sign, or letters of a text.
        shared: the least that two answers have to share, in the same unit.
        share: the least part of one answer's own that the other one has, from 0 to 1.
    """

    run: int
    shared: int
    share: float


# Set by the right answers on file, which were written differently on purpose: of 1,184 pairs to a question 6 come out,
# of 290 copies with other names, layout and comments 254, and 224 where brackets and quotes differ, too; the others are
# too short or too near to the solution. Of the texts on file no two share a run.
CODE = Measure(run=20, shared=40, share=0.75)
TEXT = Measure(run=40, shared=80, share=0.25)


@dataclass(frozen=True)
class Likeness:
    """Two answers to a question.

    Attributes:
        cell, question: the cell's grade_id and its question.
        shared: how much they share beyond starter code and solution, in signs; see `Measure`.
        shares: the part of each one's own that this is, from 0 to 1.
        texts: the answers, with what they share marked; safe to stand in a page.
    """

    cell: str
    question: str
    shared: int
    shares: tuple[float, float]
    texts: tuple[Markup, Markup]


@dataclass(frozen=True)
class Pair:
    """Two students and the answers in which they are alike, the most alike first."""

    students: tuple[str, str]
    answers: tuple[Likeness, ...]

    @property
    def weight(self) -> tuple[int, int]:
        """What to look at first is the largest: the number of answers, then how much they share."""
        return len(self.answers), sum(one.shared for one in self.answers)


def similar(
    course: Course, lab: GradedLab, solution: NotebookNode, on_file: Iterable[WrittenAnswer] = ()
) -> list[Pair]:
    """The pairs that a person should look at, those first that share the most.

    Args:
        course, lab: see there.
        solution: the lab's source, with its answers.
        on_file: answers that others wrote: what they found, anybody may find.
    """
    ways = [answer for answer in on_file if answer.right]
    found: defaultdict[tuple[str, str], list[Likeness]] = defaultdict(list)
    for cell, answers in _by_cell(course, lab).items():
        code = lab_cell(lab.released, cell).cell_type == "code"
        explained = [text for one in (lab.released, solution) for text in _explaining(one, cell, code)]
        explained += [answer.source for answer in ways if answer.question == cell]
        for students, likeness in compare(cell, answers, explained, CODE if code else TEXT, code=code):
            found[students].append(likeness)
    pairs = [Pair(two, tuple(sorted(alike, key=lambda one: -one.shared))) for two, alike in found.items()]
    return sorted(pairs, key=lambda pair: pair.weight, reverse=True)


def lab_cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """A lab's cell by its grade_id."""
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def _by_cell(course: Course, lab: GradedLab) -> dict[str, dict[str, str]]:
    """Every student's answer, by cell."""
    cells: dict[str, dict[str, str]] = {
        grade_id(cell): {} for cell in lab.released.cells if grade_id(cell) and is_answer(cell)
    }
    for student in course.submitted(lab.name):
        for name, answer in answers_in(course.autograded(lab.name, student)).items():
            if name in cells:
                cells[name][student] = answer.source
    return cells


def _explaining(notebook: NotebookNode, name: str, code: bool) -> Iterator[str]:
    """What an answer may hold without being anybody's own: the cell as it was, and what the lab shows of its kind."""
    for cell in notebook.cells:
        if grade_id(cell) == name or (not is_answer(cell) and (cell.cell_type == "code") == code):
            yield cell.source


def compare(
    cell: str, answers: Mapping[str, str], explained: Iterable[str], measure: Measure, *, code: bool
) -> Iterator[tuple[tuple[str, str], Likeness]]:
    """The pairs of answers to one cell that share as much as `measure` says, beyond what is explained.

    Args:
        cell: its grade_id.
        answers: texts, by student.
        explained: texts that everybody has: starter code, solution.
        measure: see there.
        code: whether they are Python, not prose.
    """
    prints = {student: _fingerprint(text, measure, code) for student, text in sorted(answers.items())}
    known = {sign for text in explained for sign in _fingerprint(text, measure, code).hashes}
    holders = Counter(sign for one in prints.values() for sign in one.hashes)
    most = max(COMMON_LEAST, COMMON_SHARE * len(prints))
    known |= {sign for sign, count in holders.items() if count > most}
    for one in prints.values():
        _take_out(one, known)
    for two in _candidates(prints):
        first, second = (prints[student] for student in two)
        shared, shares, places = compare_files(first, second)
        if shared >= measure.shared and max(shares) >= measure.share:
            texts = (_marked(answers[two[0]], places[0]), _marked(answers[two[1]], places[1]))
            likeness = (min(1.0, float(shares[0])), min(1.0, float(shares[1])))
            yield two, Likeness(cell, question_of(cell), int(shared), likeness, texts)


def _fingerprint(text: str, measure: Measure, code: bool) -> CodeFingerprint:
    # Every run counts (a window of 1): answers are short, and a class is compared in seconds.
    text = text if code else text.lower()
    return CodeFingerprint("answer.py", measure.run, 1, filter=code, language="python", fp=io.StringIO(text))


def _take_out(one: CodeFingerprint, known: set[int]) -> None:
    """Forget what is explained. copydetect could do that itself, but loses runs that stand in an answer twice."""
    one.hashes -= known
    for sign in known & one.hash_idx.keys():
        del one.hash_idx[sign]
    starts = [start for places in one.hash_idx.values() for start in places]
    one.token_coverage = len({start + more for start in starts for more in range(one.k)})


def _candidates(prints: Mapping[str, CodeFingerprint]) -> list[tuple[str, str]]:
    """Pairs that share anything at all, sorted: in a large class few of all pairs do."""
    holders: defaultdict[int, list[str]] = defaultdict(list)
    for student, one in prints.items():
        for sign in one.hashes:
            holders[sign].append(student)
    return sorted({two for students in holders.values() for two in combinations(students, 2)})


def _marked(text: str, places: Iterable[Iterable[int]]) -> Markup:
    """The text with these places marked."""
    starts, ends = ([int(place) for place in row] for row in places)
    done, pieces = 0, list[Markup]()
    for start, end in zip(starts, ends, strict=True):
        start, end = max(start, done), min(end, len(text))
        if start < end:
            pieces += [escape(text[done:start]), Markup("<mark>{}</mark>").format(text[start:end])]
            done = end
    return Markup("").join([*pieces, escape(text[done:])])


def write_page(course: Course, lab: GradedLab, pairs: list[Pair]) -> Path:
    """Write the pairs, side by side, as one HTML page that needs nothing else."""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (Path(__file__).parent / "similarity.html").read_text("utf-8")
    )
    path = course.similar(lab.name)
    shown, left = pairs[:MOST_PAIRS], max(0, len(pairs) - MOST_PAIRS)
    write_atomic(path, template.render(title=lab_title(lab), pairs=shown, left=left))
    return path
