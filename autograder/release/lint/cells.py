"""Cells: names, places, points."""

import itertools
from collections import Counter
from collections.abc import Iterator

from nbformat.notebooknode import NotebookNode

from autograder.release.lint.lab_source import LabSource, check_of
from qlab.cells import count_blanks, grade_id, is_answer, is_test
from qlab.check.answer import defines


def lacks(lab: LabSource) -> Iterator[str]:
    """What is wrong with names, places and points of cells."""
    yield from _names(lab)
    yield from _places(lab)
    yield from _points(lab)


def _names(lab: LabSource) -> Iterator[str]:
    for cell in lab.written:
        if "nbgrader" in cell.metadata and not grade_id(cell):
            yield f"the cell that begins with “{_beginning(cell)}” has nbgrader metadata and no grade_id: give it one."
    named = [name for cell in lab.cells if (name := grade_id(cell))]
    for name, count in Counter(named).items():
        if count > 1:
            yield f"{count} cells have the grade_id {name}: rename all but one."
    for cell, written in zip(lab.cells, lab.written, strict=True):
        if not grade_id(cell) and not written.metadata.get("id") and "nbgrader" not in written.metadata:
            yield f"the cell that begins with “{_beginning(cell)}” has no name: add id= to its header."
    # As they are written: when a source is read, the second of two cells with the same id gets a new one.
    ids = Counter(grade_id(cell) or cell.metadata.get("id", "") for cell in lab.written)
    for name, count in ids.items():
        if name and count > 1 and named.count(name) <= 1:
            yield f"{count} cells have the id {name}: rename all but one."


def _beginning(cell: NotebookNode) -> str:
    lines = [line for line in cell.source.splitlines() if line.strip()]
    return lines[0][:40] if lines else ""


def _places(lab: LabSource) -> Iterator[str]:
    """Each answer has its test cell right below, and each question its two cells."""
    for above, cell in itertools.pairwise(lab.cells):
        if is_test(cell) and grade_id(cell) != f"{grade_id(above)}-check":
            wanted = grade_id(cell).removesuffix("-check")
            yield f"the test cell {grade_id(cell)} is not right below the answer {wanted}: move it there."
    names = {grade_id(cell) for cell in lab.cells}
    for asked in lab.questions:
        for name in (asked.id.lower(), check_of(asked)):
            if name not in names:
                yield f"{asked.id}: there is no cell with the grade_id {name}: add it."
    for cell in lab.cells:
        if is_answer(cell) and cell.cell_type == "code" and f"{grade_id(cell)}-check" not in names:
            yield f"the answer {grade_id(cell)} has no test cell: add {grade_id(cell)}-check right below."
    yield from _solutions(lab)


def _solutions(lab: LabSource) -> Iterator[str]:
    asked = {question.id.lower(): question for question in lab.questions}
    for cell in lab.cells:
        question = asked.get(grade_id(cell))
        if question is None:
            continue
        if count_blanks(cell.source):
            yield f"{question.id}: the solution has a blank in it: fill it in."
        elif missing := [name for name in question.names if not defines(cell.source, name)]:
            yield f"{question.id}: the answer cell does not define {' and '.join(missing)}, which its check asks for."


def _points(lab: LabSource) -> Iterator[str]:
    graded = [cell for cell in lab.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    points = {grade_id(cell): float(cell.metadata.nbgrader.get("points", 0)) for cell in graded}
    for question in lab.questions:
        given = points.get(check_of(question), question.points)
        if given != question.points:
            yield (
                f"{question.id}: its test cell gives {given:g} points, but its parts add up to {question.points:g}: "
                "make them equal, or grading grants nothing."
            )
    by_hand = sum(points[grade_id(cell)] for cell in graded if is_answer(cell))
    if by_hand != lab.lab.by_hand:
        yield (
            f"the cells graded by hand have {by_hand:g} points in all, but checks/ says by_hand={lab.lab.by_hand:g}: "
            "make them equal."
        )
