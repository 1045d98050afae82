"""One submission to its marks: a function of (submission, lab, limits, seed) and of nothing else."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.grade.lab import GradedLab, question_of
from autograder.grade.record import CellGrade, Record
from autograder.grade.run import Limits, Place, Run, run
from qlab.check.outcome import Outcome
from qlab.check.render import OUTCOME_TYPE
from qlab.notebook import NotebookError, grade_id, is_answer, is_test, read, repair

LONGEST_OUTPUT = 20_000  # characters of a print that a graded notebook keeps
LONGEST_MESSAGE = 300  # characters of a student's exception that feedback quotes


@dataclass(frozen=True)
class Graded:
    """The record, and the notebook as graders and feedback show it; None where the file could not be read."""

    record: Record
    notebook: NotebookNode | None


def grade_submission(student: str, path: Path, lab: GradedLab, limits: Limits, seed: int) -> Graded:
    """Read, repair, run, mark. Whatever the file holds, there is a record at the end, with marks or with the reason."""
    record = Record(
        student, lab.name, file_hash(path), seed, lab.stamp.get("release", ""), lab.stamp.get("version", "")
    )
    try:
        submitted, odd = read(path)
    except NotebookError as error:
        return Graded(_with(record, reason=str(error)), None)
    stamp = submitted.metadata.get("qlab", {}).get("release", "")
    remarks = [*odd, *_release_remarks(str(stamp), record.release)]
    mended = repair(submitted, lab.graded)
    place = Place(lab.release, path.parent, lab.not_run(mended.notebook), lab.untouched(mended.notebook))
    done = run(mended.notebook, place, seed, limits)
    order = [grade_id(cell) for cell in lab.released.cells]
    graded = sorted(filter(_is_graded, mended.notebook.cells), key=lambda cell: order.index(grade_id(cell)))
    cells = tuple(_grade(cell, mended.notebook, lab, done) for cell in graded)
    record = _with(
        record,
        submitted_release=str(stamp),
        cells=cells,
        remarks=(*remarks, *mended.remarks, *_crashes(mended.notebook, done)),
        seconds=done.seconds,
    )
    return Graded(record, _as_released(mended.notebook, lab))


def file_hash(path: Path) -> str:
    """The sha256 of a file, "" where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


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
    outcome = outcome_of(cell, out_of) or _not_finished(cell, question, out_of, notebook, done)
    return CellGrade(name, question, outcome.points, out_of, True, outcome)


def _written_below(cell: NotebookNode, notebook: NotebookNode, lab: GradedLab) -> bool:
    """Whether a text stands in a cell of the student's own right below the one that was meant for it."""
    below = notebook.cells[notebook.cells.index(cell) + 1 :][:1]
    of_the_lab = {original.id for original in lab.released.cells}
    return any(c.cell_type == "markdown" and c.source.strip() and c.id not in of_the_lab for c in below)


def outcome_of(cell: NotebookNode, out_of: float) -> Outcome | None:
    """What the check in a cell ended in; None where it did not finish or did not say."""
    if any(output.output_type == "error" for output in cell.outputs):
        return None
    for output in cell.outputs:
        if output.output_type == "execute_result" and OUTCOME_TYPE in output.data:
            try:
                outcome = Outcome.from_json(output.data[OUTCOME_TYPE])
            except (TypeError, KeyError, ValueError, AttributeError):
                return None
            # not (a <= b <= c) is also true for NaN
            return outcome if outcome.out_of == out_of and 0 <= outcome.points <= out_of else None
    return None


def _not_finished(cell: NotebookNode, question: str, out_of: float, notebook: NotebookNode, done: Run) -> Outcome:
    """The outcome of a check that did not come to its end: no points, and why."""
    answer = _answer_above(cell, notebook)
    for culprit, what in ((answer, "your answer cell"), (cell, "the check of your answer")):
        if culprit is not None and culprit.id in done.stopped:
            told = f"{what} was stopped: {done.stopped[culprit.id]}"
            return _told(
                question, out_of, told, "does not end", "which condition ends your loop, and can it become true?"
            )
    for culprit, what in ((answer, "your answer cell stops with"), (cell, "the check stops with")):
        if culprit is not None and (error := _error(culprit)):
            name = error.split(":")[0]
            return _told(
                question,
                out_of,
                f"{what} {error}",
                f"raises {name}",
                "run the cell by itself and mend the line it names",
            )
    return _told(
        question, out_of, "the check did not finish", "no result", "run the answer cell, then the check below it"
    )


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
            return re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip(": ")[:LONGEST_MESSAGE]
    return ""


def _crashes(notebook: NotebookNode, done: Run) -> list[str]:
    """Cells outside of the checks that ended badly; each may explain what failed after it."""
    found = [] if done.complete else ["too many cells ended the Python process: what comes after them was not run"]
    for cell in notebook.cells:
        if cell.cell_type != "code" or is_test(cell):
            continue
        if cell.id in done.stopped:
            found.append(f"the cell {cell.id} was stopped: {done.stopped[cell.id]}")
        elif error := _error(cell):
            found.append(f"the cell {cell.id} ended with {error}")
    return found


def _as_released(notebook: NotebookNode, lab: GradedLab) -> NotebookNode:
    """The notebook with outputs, and the test cells as students got them: no hidden test can be seen in it."""
    released = {grade_id(cell): cell.source for cell in lab.released.cells if is_test(cell)}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and len(output.text) > LONGEST_OUTPUT:
                output.text = output.text[:LONGEST_OUTPUT] + "\n… cut off here\n"
        if grade_id(cell) in released:
            cell.source = released[grade_id(cell)]
            cell.outputs = [_without_hidden(output) for output in cell.outputs]
    return nbformat.from_dict(notebook)


def _without_hidden(output: NotebookNode) -> NotebookNode:
    """An exception's traceback quotes the test cell's source, hidden lines included: keep its last line only."""
    if output.output_type == "error":
        return nbformat.v4.new_output(
            "error", ename=output.ename, evalue=output.evalue, traceback=[f"{output.ename}: {output.evalue}"]
        )
    return output
