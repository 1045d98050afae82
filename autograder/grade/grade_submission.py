"""Grades one submission: a function of (submission, lab, limits, seed), wherever it runs."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.grade.execute import Connect, ExecutionResult, Plan, execute
from autograder.grade.job import Reseed
from autograder.grade.judge import Judge
from autograder.grade.lab import GradedLab, question_of
from autograder.grade.limits import Limits
from autograder.grade.record import CellGrade, GradingRecord
from autograder.grade.student_process import TOO_LONG, WAITED
from autograder.grade.submission import Submission
from autograder.grade.unusual_code import OwnCell, unusual_code
from qlab.cells import grade_id, is_answer, is_test
from qlab.check.outcome import Outcome
from qlab.check.render import notebook_data
from qlab.notebook import NotebookError, Repaired, parse, repair

NOISE = re.compile(r"<ipython-input-[^>]*>, |\x1b\[[0-9;]*m")  # IPython's names of cells, and terminal colours
LOST = (
    "its cells have lost their names, and no answer to {} is found by its text: a person has to look for it, or the "
    "student copies the answers into the released notebook."
)
MAX_SOURCE = 100_000  # characters of a cell's code that the graded notebook shows
MAX_QUOTE = 300  # characters of an exception that feedback quotes


@dataclass(frozen=True)
class GradedSubmission:
    """A graded submission.

    Attributes:
        record: with the marks.
        notebook: as graders and feedback show it; None if the file could not be read.
        waited_out: see `ExecutionResult`.
    """

    record: GradingRecord
    notebook: NotebookNode | None
    waited_out: bool = False


def grade_submission(
    submission: Submission,
    lab: GradedLab,
    limits: Limits,
    seed: int,
    connect: Connect,
    judge: Judge,
    reseed: Reseed | None = None,
) -> GradedSubmission:
    """Read, repair, run and mark. Whatever was submitted, there is a record, with marks or with the reason for none.

    Args:
        submission: what was submitted.
        lab: what it is graded with.
        limits: what it may use.
        seed: of the random test cases.
        connect: gives a process for the student's cells.
        judge: of this lab.
        reseed: the seed instead, if the answers have changed.

    Raises:
        ForkServerGoneError: no process could be started, which is not the student's fault.
    """
    release, version = lab.stamp.get("release", ""), lab.stamp.get("version", "")
    record = GradingRecord(
        submission.student, lab.name, submission.sha256, seed, release, version, limits=limits.plain()
    )
    if submission.reason:
        return GradedSubmission(replace(record, reason=submission.reason), None)
    try:
        submitted, odd = parse(submission.content)
    except NotebookError as error:
        return GradedSubmission(replace(record, reason=str(error)), None)
    stamp = submitted.metadata.get("qlab", {}).get("release", "")
    repaired = repair(submitted, lab.graded)
    # The lab's file counts, if a student submitted one of that name.
    files = {**submission.files, **lab.files, **judge.library.files}
    if lost := sorted(name for name in repaired.lost if _is_code(name, lab)):
        return GradedSubmission(replace(record, reason=LOST.format(", ".join(lost))), None)
    answers = answers_hash(repaired.notebook)
    if reseed is not None and reseed.answers != answers:
        seed = reseed.seed
    plan = Plan(files, lab.not_run(repaired.notebook), lab.untouched(repaired.notebook), limits)
    with judge.submission(seed):
        result = execute(repaired.notebook, plan, judge, connect)
    order = lab.order
    graded = sorted(filter(_is_graded, repaired.notebook.cells), key=lambda cell: order.index(grade_id(cell)))
    cells = tuple(_grade(cell, repaired, lab, result) for cell in graded)
    remarks = (*submission.remarks, *odd, *_release_remarks(str(stamp), record.release), *repaired.remarks)
    record = replace(
        record,
        seed=seed,
        answers=answers,
        submitted_release=str(stamp),
        cells=cells,
        unusual=unusual_code(_own_cells(repaired.notebook, lab)),
        remarks=(*remarks, *result.remarks, *_crashes(repaired.notebook, result)),
        seconds=result.seconds,
        scratch=result.scratch,
    )
    return GradedSubmission(record, _as_released(repaired.notebook, lab, record), result.waited_out)


def _own_cells(notebook: NotebookNode, lab: GradedLab) -> Iterator[OwnCell]:
    released = {cell.id: cell.source for cell in lab.released.cells}
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_test(cell) and cell.source != released.get(cell.id):
            yield OwnCell(question_of(grade_id(cell)) or "another cell", cell.source, released.get(cell.id, ""))


def answers_hash(notebook: NotebookNode) -> str:
    """A hash of all answers that are checked; a change in any other cell leaves it as it is."""
    answers = sorted(
        (grade_id(cell), cell.source) for cell in notebook.cells if is_answer(cell) and cell.cell_type == "code"
    )
    return hashlib.sha256(json.dumps(answers).encode()).hexdigest()[:16]


def _release_remarks(stamp: str, release: str) -> list[str]:
    if stamp == release:
        return []
    if not stamp:
        return ["the notebook has no release stamp; it was graded with the checks of the current release"]
    return [
        f"the notebook is from an older release ({stamp}); it was graded with the checks of the current one ({release})"
    ]


def _is_graded(cell: NotebookNode) -> bool:
    return bool(grade_id(cell)) and bool(cell.metadata.nbgrader.get("grade"))


def _is_code(name: str, lab: GradedLab) -> bool:
    return any(grade_id(cell) == name and cell.cell_type == "code" for cell in lab.released.cells)


def _grade(cell: NotebookNode, repaired: Repaired, lab: GradedLab, result: ExecutionResult) -> CellGrade:
    name, out_of, notebook = grade_id(cell), float(cell.metadata.nbgrader["points"]), repaired.notebook
    question = question_of(name)
    if not is_test(cell):
        changed = cell.metadata.nbgrader.get("checksum") != compute_checksum(cell)
        answered = changed or name in repaired.lost or _written_below(cell, notebook, lab)
        return CellGrade(name, question, None if answered else 0.0, out_of, answered)
    outcome = result.outcomes.get(cell.id) or _not_finished(cell, question, out_of, notebook, result)
    return CellGrade(name, question, outcome.points, out_of, True, outcome)


def _written_below(cell: NotebookNode, notebook: NotebookNode, lab: GradedLab) -> bool:
    """Whether the student wrote the text into a new cell right below the one that was meant for it."""
    below = notebook.cells[notebook.cells.index(cell) + 1 :][:1]
    lab_ids = {original.id for original in lab.released.cells}
    return any(c.cell_type == "markdown" and c.source.strip() and c.id not in lab_ids for c in below)


def _not_finished(
    cell: NotebookNode, question: str, out_of: float, notebook: NotebookNode, result: ExecutionResult
) -> Outcome:
    """The outcome of a check that did not finish: no points, and why."""
    answer = _answer_above(cell, notebook)
    for culprit, what in ((answer, "your answer cell"), (cell, "the check of your answer")):
        if culprit is not None and culprit.id in result.stopped:
            return _stopped(question, out_of, what, result.stopped[culprit.id])
    if answer is not None and (error := _error(answer)):
        step = "run the cell by itself and fix the line that it names"
        return _failure(question, out_of, f"your answer cell stops with {error}", f"raises {error.split(':')[0]}", step)
    if cell.id in result.missing:
        fails = f"there is no {result.missing[cell.id]}: no cell above defines it"
        step = "keep the name that the first line of the cell gives"
        return _failure(question, out_of, fails, "the answer is not defined", step)
    if cell.id in result.broken:
        fails = f"the check could not examine your answer ({result.broken[cell.id][:MAX_QUOTE]})"
        step = "show this to your TA: the check should have handled it"
        return _failure(question, out_of, fails, "no result", step)
    step = "run the answer cell, then the check below it"
    return _failure(question, out_of, "the check did not finish", "no result", step)


def _stopped(question: str, out_of: float, what: str, reason: str) -> Outcome:
    fails = f"{what} was stopped: {reason}"
    if reason.startswith(TOO_LONG):
        step = "which condition ends your loop, and can it become true?"
        return _failure(question, out_of, fails, "does not end", step)
    if reason.startswith(WAITED):
        step = "what does it wait for? Grading has no input and no network"
        return _failure(question, out_of, fails, "does not end", step)
    step = "which line ends Python, or asks for all the memory?"
    return _failure(question, out_of, fails, "ends the Python process", step)


def _failure(question: str, out_of: float, fails: str, mistake: str, step: str) -> Outcome:
    mistakes = (mistake,) if mistake else ()
    return Outcome(question, "", 0, out_of, fails=(fails,), mistakes=mistakes, cause=mistake, next=step)


def _answer_above(cell: NotebookNode, notebook: NotebookNode) -> NotebookNode | None:
    question = question_of(grade_id(cell))
    answers = [
        c for c in notebook.cells if is_answer(c) and c.cell_type == "code" and question_of(grade_id(c)) == question
    ]
    return answers[0] if answers else None


def _error(cell: NotebookNode) -> str:
    """The exception in which a cell ended, as one line without terminal colours; "" if there was none."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            first = str(output.get("evalue", "")).strip().splitlines()
            text = f"{output.get('ename', 'an error')}: {first[0] if first else ''}"
            return NOISE.sub("", text).rstrip(": ")[:MAX_QUOTE]
    return ""


def _crashes(notebook: NotebookNode, result: ExecutionResult) -> list[str]:
    """Remarks on checks and cells that ended badly; each may explain what failed after it."""
    # class_report and regrade recognize these remarks by how they begin.
    remarks = [f"the check {cell} failed by itself: {error}" for cell, error in result.broken.items()]
    for cell in notebook.cells:
        if cell.cell_type != "code" or is_test(cell):
            continue
        if cell.id in result.stopped:
            remarks.append(f"the cell {cell.id} was stopped: {result.stopped[cell.id]}")
        elif error := _error(cell):
            remarks.append(f"the cell {cell.id} ended with {error}")
    return remarks


def _as_released(notebook: NotebookNode, lab: GradedLab, record: GradingRecord) -> NotebookNode:
    """The notebook with outputs; its test cells are as students got them, without hidden tests, with the outcomes.

    Code that nobody would read is cut.
    """
    released = {grade_id(cell): cell.source for cell in lab.released.cells if is_test(cell)}
    outcomes = {grade.cell: grade.outcome for grade in record.cells}
    for cell in notebook.cells:
        if (name := grade_id(cell)) in released:
            cell.source = released[name]
            outcome = outcomes.get(name)
            cell.outputs = [_output(outcome)] if outcome is not None else []
        elif cell.cell_type == "code" and len(cell.source) > MAX_SOURCE:
            cell.source = f"{cell.source[:MAX_SOURCE]}\n# … {len(cell.source) - MAX_SOURCE:,} more characters"
    return nbformat.from_dict(notebook)


def _output(outcome: Outcome) -> NotebookNode:
    return nbformat.v4.new_output("execute_result", data=notebook_data(outcome), execution_count=None)
