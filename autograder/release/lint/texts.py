"""Texts: rating lines, hints, rubrics, figures, how to hand in."""

import re
from collections.abc import Iterator

from autograder.release.lint.lab_source import LabSource
from qlab.cells import grade_id, is_answer
from qlab.check import Question

HINTS = 3
SHORTEST_STEP = 16  # characters of a mistake's next step; a shorter one says nothing
RATING = re.compile(r"difficulty [1-5]/5 · importance [1-5]/5 · (?:about )?\d+ minutes?")
FIGURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
HAND_IN = "qlab submit"
# What says how a text is marked; a question that gives its points to everybody who answers says that instead.
RUBRIC = re.compile(r"rubric|any sincere answer", re.IGNORECASE)


def lacks(lab: LabSource) -> Iterator[str]:
    """What the texts lack."""
    for question in lab.questions:
        yield from _exercise(lab, question)
        yield from _next_steps(question)
    yield from _rubrics(lab)
    yield from _figures(lab)
    if not any(HAND_IN in cell.source for cell in lab.cells if cell.cell_type == "markdown"):
        yield f"no text says how to hand in: add a section that names {HAND_IN} {lab.name.split('_')[0]}."


def _exercise(lab: LabSource, question: Question) -> Iterator[str]:
    text = next((c.source for c in lab.cells if c.cell_type == "markdown" and f"### {question.id} ·" in c.source), None)
    if text is None:
        yield f"{question.id}: no text has the heading “### {question.id} · …”: add it."
        return
    exercise = text[text.index(f"### {question.id} ·") :]
    if not RATING.search(exercise):
        yield (
            f"{question.id}: the rating line is missing: write *difficulty 2/5 · importance 4/5 · 10 minutes · "
            f"{question.points:g} points* below its heading."
        )
    hints = exercise.count("<details><summary>Hint")
    if hints != HINTS:
        wanted = "a question, the equation, the shape of the code"
        yield f"{question.id}: its text has {hints} folded hints, not {HINTS}: {wanted}."


def _next_steps(question: Question) -> Iterator[str]:
    if len(question.next.strip()) < SHORTEST_STEP:
        yield f"{question.id}: it has no next step for an answer whose mistake has no name: give the question next=."
    for mistake in question.mistakes:
        if len(mistake.next.strip()) < SHORTEST_STEP:
            yield f"{question.id}: the mistake “{mistake.name}” has no next step: say what to try, best as a question."


def _rubrics(lab: LabSource) -> Iterator[str]:
    """An answer that a person reads has its rubric above it, after the previous such answer."""
    above: list[str] = []
    for cell in lab.cells:
        if is_answer(cell) and cell.cell_type == "markdown":
            if not RUBRIC.search("\n".join(above)):
                yield f"{grade_id(cell)}: the text above it has no rubric: say what earns how many points."
            above = []
        elif cell.cell_type == "markdown":
            above.append(cell.source)


def _figures(lab: LabSource) -> Iterator[str]:
    for cell in lab.cells:
        for alternative, path in FIGURE.findall(cell.source) if cell.cell_type == "markdown" else ():
            if path.startswith(("http:", "https:", "attachment:")):
                continue
            if not path.startswith("figures/") or not path.endswith(".png"):
                yield f"{cell.id}: the picture {path} is not released: put a PNG into figures/."
            elif not (lab.folder / path).is_file():
                yield f"{cell.id}: the picture {path} is missing."
            if not alternative.strip():
                yield f"{cell.id}: the picture {path} has no text for people who cannot see it: write one in its [ ]."
