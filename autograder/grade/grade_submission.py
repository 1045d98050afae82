"""One submission to its marks: a function of (submission, lab, limits, seed), wherever it runs."""

import re
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.grade.execute import Connect, Plan, Run, run
from autograder.grade.judge import Judge
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.limits import Limits
from autograder.grade.record import CellGrade, Record
from autograder.grade.student_process import TOO_LONG
from autograder.grade.submission import Submission
from qlab.check.outcome import Outcome
from qlab.check.render import notebook_data
from qlab.notebook import NotebookError, grade_id, is_answer, is_test, parse, repair

CELL_NAME = re.compile(r"<ipython-input-[^>]*>, |\x1b\[[0-9;]*m")  # and a terminal's colours
LONGEST_MESSAGE = 300  # characters of a student's exception that feedback quotes


@dataclass(frozen=True)
class Graded:
    """The record, and the notebook as graders and feedback show it; None where the file could not be read."""

    record: Record
    notebook: NotebookNode | None


def grade_submission(
    submission: Submission, lab: GradedLab, limits: Limits, seed: int, connect: Connect, judge: Judge
) -> Graded:
    """Read, repair, run, mark. Whatever was handed in, there is a record at the end, with marks or with the reason.

    Args:
        submission: what was handed in.
        lab: what it is graded with.
        limits: what it may use.
        seed: of the random cases.
        connect: gives a process for the student's cells.
        judge: of this lab.

    Raises:
        WarmProcessGoneError: no process could be had; nothing that the student did.
    """
    release, version = lab.stamp.get("release", ""), lab.stamp.get("version", "")
    record = Record(submission.student, lab.name, submission.sha256, seed, release, version, limits=limits.plain())
    if submission.reason:
        return Graded(_with(record, reason=submission.reason), None)
    try:
        submitted, odd = parse(submission.content)
    except NotebookError as error:
        return Graded(_with(record, reason=str(error)), None)
    stamp = submitted.metadata.get("qlab", {}).get("release", "")
    mended = repair(submitted, lab.graded)
    files = {**submission.files, **lab.files}  # what the lab has too is the lab's
    plan = Plan(files, lab.not_run(mended.notebook), lab.untouched(mended.notebook), limits)
    with judge.submission(seed):
        done = run(mended.notebook, plan, judge, connect)
    order = lab.order
    graded = sorted(filter(_is_graded, mended.notebook.cells), key=lambda cell: order.index(grade_id(cell)))
    cells = tuple(_grade(cell, mended.notebook, lab, done) for cell in graded)
    remarks = (*submission.remarks, *odd, *_release_remarks(str(stamp), record.release), *mended.remarks)
    record = _with(
        record,
        submitted_release=str(stamp),
        cells=cells,
        remarks=(*remarks, *done.remarks, *_crashes(mended.notebook, done)),
        seconds=done.seconds,
        scratch=done.scratch,
    )
    return Graded(record, _as_released(mended.notebook, lab, record))


def _with(record: Record, **changes: Any) -> Record:
    return Record(**{**record.__dict__, **changes})


def _release_remarks(stamp: str, release: str) -> list[str]:
    if stamp == release:
        return []
    if not stamp:
        return ["the notebook carries no release stamp; it was graded with the checks of the current release"]
    return [
        f"the notebook is of an older release ({stamp}); it was graded with the checks of the current one ({release})"
    ]


def _is_graded(cell: NotebookNode) -> bool:
    return bool(grade_id(cell)) and bool(cell.metadata.nbgrader.get("grade"))


def _grade(cell: NotebookNode, notebook: NotebookNode, lab: GradedLab, done: Run) -> CellGrade:
    name, out_of = grade_id(cell), float(cell.metadata.nbgrader["points"])
    question = question_of(name)
    if not is_test(cell):
        answered = cell.metadata.nbgrader.get("checksum") != compute_checksum(cell) or _written_below(
            cell, notebook, lab
        )
        return CellGrade(name, question, None if answered else 0.0, out_of, answered)
    outcome = done.outcomes.get(cell.id) or _not_finished(cell, question, out_of, notebook, done)
    return CellGrade(name, question, outcome.points, out_of, True, outcome)


def _written_below(cell: NotebookNode, notebook: NotebookNode, lab: GradedLab) -> bool:
    """Whether a text stands in a cell of the student's own right below the one that was meant for it."""
    below = notebook.cells[notebook.cells.index(cell) + 1 :][:1]
    of_the_lab = {original.id for original in lab.released.cells}
    return any(c.cell_type == "markdown" and c.source.strip() and c.id not in of_the_lab for c in below)


def _not_finished(cell: NotebookNode, question: str, out_of: float, notebook: NotebookNode, done: Run) -> Outcome:
    """The outcome of a check that did not come to its end: no points, and why."""
    answer = _answer_above(cell, notebook)
    for culprit, what in ((answer, "your answer cell"), (cell, "the check of your answer")):
        if culprit is not None and culprit.id in done.stopped:
            return _stopped(question, out_of, what, done.stopped[culprit.id])
    if answer is not None and (error := _error(answer)):
        step = "run the cell by itself and mend the line it names"
        return _told(question, out_of, f"your answer cell stops with {error}", f"raises {error.split(':')[0]}", step)
    if cell.id in done.missing:
        told = f"there is no {done.missing[cell.id]}: no cell above defines it"
        return _told(question, out_of, told, "the answer is not defined", "keep the name that the first line gives")
    if cell.id in done.broken:
        told = f"the check could not look at your answer ({done.broken[cell.id][:LONGEST_MESSAGE]})"
        return _told(question, out_of, told, "no result", "show this to whoever grades: the check should have coped")
    return _told(
        question, out_of, "the check did not finish", "no result", "run the answer cell, then the check below it"
    )


def _stopped(question: str, out_of: float, what: str, reason: str) -> Outcome:
    told = f"{what} was stopped: {reason}"
    if reason.startswith(TOO_LONG):
        return _told(question, out_of, told, "does not end", "which condition ends your loop, and can it become true?")
    return _told(question, out_of, told, "ends the Python process", "which line ends Python, or asks for all memory?")


def _told(question: str, out_of: float, fails: str, mistake: str, step: str) -> Outcome:
    mistakes = (mistake,) if mistake else ()
    return Outcome(question, "", 0, out_of, fails=(fails,), mistakes=mistakes, cause=mistake, next=step)


def _answer_above(cell: NotebookNode, notebook: NotebookNode) -> NotebookNode | None:
    question = question_of(grade_id(cell))
    answers = [
        c for c in notebook.cells if is_answer(c) and c.cell_type == "code" and question_of(grade_id(c)) == question
    ]
    return answers[0] if answers else None


def _error(cell: NotebookNode) -> str:
    """The exception that a cell ended in, in a line without the terminal's colours; "" if it ended well."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            first = str(output.get("evalue", "")).strip().splitlines()
            text = f"{output.get('ename', 'an error')}: {first[0] if first else ''}"
            return CELL_NAME.sub("", text).rstrip(": ")[:LONGEST_MESSAGE]
    return ""


def _crashes(notebook: NotebookNode, done: Run) -> list[str]:
    """Cells outside of the checks that ended badly; each may explain what failed after it."""
    found = [f"the check {cell} failed by itself: {told}" for cell, told in done.broken.items()]
    for cell in notebook.cells:
        if cell.cell_type != "code" or is_test(cell):
            continue
        if cell.id in done.stopped:
            found.append(f"the cell {cell.id} was stopped: {done.stopped[cell.id]}")
        elif error := _error(cell):
            found.append(f"the cell {cell.id} ended with {error}")
    return found


def _as_released(notebook: NotebookNode, lab: GradedLab, record: Record) -> NotebookNode:
    """The notebook with outputs; its test cells are as students got them, with the judge's outcome: nothing hidden."""
    released = {grade_id(cell): cell.source for cell in lab.released.cells if is_test(cell)}
    outcomes = {grade.cell: grade.outcome for grade in record.cells}
    for cell in notebook.cells:
        if (name := grade_id(cell)) in released:
            cell.source = released[name]
            outcome = outcomes.get(name)
            cell.outputs = [_output(outcome)] if outcome is not None else []
    return nbformat.from_dict(notebook)


def _output(outcome: Outcome) -> NotebookNode:
    return nbformat.v4.new_output("execute_result", data=notebook_data(outcome), execution_count=None)
