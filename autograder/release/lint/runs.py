"""Runs: what grading makes of the stub, the solution and the sample class, and how the notebook runs for a student."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.notebooknode import NotebookNode

from autograder.collect.sample_class import answers_in, essays_in, submission
from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.grade import worker
from autograder.grade.job import Job, pack
from autograder.grade.lab import GradedLab
from autograder.grade.record import GradingRecord
from autograder.grade.submission import Submission
from autograder.grade.zygote import close_fork_server
from autograder.release.build import release
from autograder.release.lint.lab_source import LabSource
from qlab.cells import OUTCOME_TYPE, grade_id, is_answer, is_test
from qlab.check.outcome import Outcome

LONGEST_CHECK = 2.0  # seconds of a test cell
LONGEST_NOTEBOOK = 60.0  # seconds of the whole notebook, solved
CELL_TIMEOUT = 120  # seconds after which a cell is interrupted
SEED = 1


def lacks(lab: LabSource, progress: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """What only a run shows; the lab is released into a course that lasts as long as this."""
    with tempfile.TemporaryDirectory(prefix="lint-") as scratch:
        course = Course.at(Path(scratch) / "course")
        progress("release")
        try:
            release(lab.name, course, source=lab.folder)
        except UserError as error:
            yield str(error)
            return
        graded = GradedLab.of(lab.name, course)
        progress("grading")
        yield from grading_lacks(lab, graded)
        for solved in (True, False):
            progress("the notebook, solved" if solved else "the notebook as it is handed out")
            notebook = solution(lab, graded.released) if solved else graded.released
            done = run(notebook, course.release(lab.name))
            yield from run_lacks(done, solved=solved)
            if solved:
                yield from over_time(done)


def solution(lab: LabSource, released: NotebookNode) -> NotebookNode:
    """A released notebook with the lab's own answers in it."""
    answers = {grade_id(cell): cell.source for cell in lab.cells if is_answer(cell)}
    notebook = _copy(released)
    for cell in notebook.cells:
        if grade_id(cell) in answers:
            lines = answers[grade_id(cell)].splitlines()
            cell.source = "\n".join(line for line in lines if "### " not in line and not line.strip().startswith("#|"))
    return notebook


def _copy(notebook: NotebookNode) -> NotebookNode:
    copy: NotebookNode = nbformat.from_dict(json.loads(json.dumps(notebook)))
    return copy


# Grading --------------------------------------------------------------------------------------------------------------


def grading_lacks(lab: LabSource, graded: GradedLab) -> Iterator[str]:
    """What the judge gives the stub, the solution and the sample class."""
    try:
        yield from _stub_lacks(_graded("stub", nbformat.writes(graded.released).encode(), graded))
        yield from _solution_lacks(
            _graded("solution", nbformat.writes(solution(lab, graded.released)).encode(), graded)
        )
        answers = {(answer.question, answer.name): answer.source for answer in answers_in(lab.folder)}
        for student in lab.students:
            try:
                content = submission(student, graded, answers, essays_in(lab.folder))
            except UserError as error:
                yield str(error)
                continue
            for difference in differences(student, _graded(student["id"], content, graded)):
                yield f"class.toml, {student['id']}: {difference}."
    finally:
        close_fork_server(sandboxed=False)


def _graded(name: str, content: bytes, lab: GradedLab) -> GradingRecord:
    job = Job(Submission(name, content), pack(lab), lab.limits, SEED, sandboxed=False)
    return worker.grade(job).record


def _stub_lacks(record: GradingRecord) -> Iterator[str]:
    for grade in record.cells:
        if grade.points:
            yield (
                f"{grade.question}: the stub gets {grade.points:g} of {grade.out_of:g} points in {grade.cell}: leave a "
                "blank in each line that earns them."
            )


def _solution_lacks(record: GradingRecord) -> Iterator[str]:
    if record.reason:
        yield f"the solution gets no mark: {record.reason}"
    for grade in record.cells:
        if grade.points is not None and grade.points < grade.out_of:
            # A check that failed by itself has left a remark, which says more than the card that is not there.
            remarks = [remark for remark in record.remarks if grade.cell in remark]
            why = (grade.outcome.fails if grade.outcome else ()) or remarks or ("its check granted nothing",)
            yield f"{grade.question}: the solution gets {grade.points:g} of {grade.out_of:g} points: {why[0]}."


def differences(student: dict[str, Any], record: GradingRecord) -> Iterator[str]:
    """Where grading gives a student of the sample class something other than class.toml says.

    Args:
        student: an entry of class.toml.
        record: what grading gave.
    """
    marks = record.marks()
    due = student.get("marks", {})
    for cell in sorted(marks.keys() | due.keys()):
        points = marks.get(cell) or 0
        if points != due.get(cell, 0):
            yield f"{cell} gets {points:g} points, not {due.get(cell, 0):g}"
    by_hand = [cell for cell, points in marks.items() if points is None]
    if by_hand != student.get("read_by_hand", []):
        expected = ", ".join(student.get("read_by_hand", [])) or "nothing"
        yield f"{', '.join(by_hand) or 'nothing'} is to be graded by hand, not {expected}"
    for question, name in student.get("mistakes", {}).items():
        called = "; and ".join(record.mistakes.get(question, ())) or "nothing"
        if record.mistakes.get(question) != (name,):
            yield f"the mistake in {question} is called “{called}”, not “{name}”"
    if student.get("remark", "") not in "; ".join(record.remarks):
        yield f"no remark says “{student['remark']}”"
    if student.get("reason", "") not in record.reason or bool(student.get("reason")) != bool(record.reason):
        yield f"the reason for no mark is “{record.reason}”, not “{student.get('reason', '')}”"


# A student's run ------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """A notebook that has run in a kernel of its own.

    Attributes:
        notebook: with outputs.
        seconds: of each code cell, by id.
        total: seconds from the start of the kernel to its end.
        ended: the cell in which the kernel died; "" if it did not.
    """

    notebook: NotebookNode
    seconds: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    ended: str = ""

    @property
    def outcomes(self) -> dict[str, Outcome | None]:
        """What each test cell says, by grade_id."""
        return {grade_id(cell): _outcome(cell) for cell in self.notebook.cells if is_test(cell)}


def run(notebook: NotebookNode, folder: Path) -> Run:
    """Run all cells as Jupyter does, in the folder of a released lab; an exception does not stop it."""
    done = Run(_copy(notebook))
    began: dict[str, float] = {}

    def begin(cell: NotebookNode, **_: Any) -> None:
        began[cell.id] = time.perf_counter()

    def end(cell: NotebookNode, **_: Any) -> None:
        done.seconds[cell.id] = time.perf_counter() - began[cell.id]

    client = NotebookClient(
        done.notebook,
        timeout=CELL_TIMEOUT,
        interrupt_on_timeout=True,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=begin,
        on_cell_executed=end,
    )
    started = time.perf_counter()
    try:
        client.execute(stderr=subprocess.DEVNULL)  # the kernel's own; what cells write is in their outputs
    except DeadKernelError:
        done.ended = list(began)[-1] if began else "the first cell"
    done.total = time.perf_counter() - started
    return done


def _outcome(cell: NotebookNode) -> Outcome | None:
    shown = [output.data for output in cell.outputs if output.output_type == "execute_result"]
    return Outcome.from_json(shown[0][OUTCOME_TYPE]) if shown and OUTCOME_TYPE in shown[0] else None


def run_lacks(done: Run, *, solved: bool) -> Iterator[str]:
    """Exceptions, what goes to stderr, and checks that say something other than they should."""
    how = "with its solutions" if solved else "as it is handed out"
    if done.ended:
        yield f"{done.ended}: in the notebook {how} it ends the kernel, so nothing below it runs."
        return
    for cell in done.notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"{cell.id}: in the notebook {how} it raises {output.ename}: {output.evalue}."
            elif output.output_type == "stream" and output.name == "stderr" and "IPKernelApp" not in output.text:
                yield f"{cell.id}: in the notebook {how} it writes to stderr: “{output.text.strip().splitlines()[-1]}”."
    for name, outcome in done.outcomes.items():
        if outcome is None:
            yield f"{name}: in the notebook {how} it shows no card: end it with the check."
        elif solved and not outcome.right:
            yield f"{name}: in the notebook {how} it fails: {outcome.fails[0]}."
        elif not solved and outcome.points:
            yield f"{name}: in the notebook {how} the stub gets {outcome.points:g} points."


def over_time(done: Run) -> Iterator[str]:
    """The test cells and the notebook that take too long on this machine."""
    for cell in done.notebook.cells:
        seconds = done.seconds.get(cell.id, 0.0)
        if is_test(cell) and seconds > LONGEST_CHECK:
            yield f"{cell.id}: the test cell takes {seconds:.1f} s, more than {LONGEST_CHECK:g} s: use smaller cases."
    if done.total > LONGEST_NOTEBOOK:
        took = f"{done.total:.0f} s, more than {LONGEST_NOTEBOOK:g} s"
        yield f"the notebook with its solutions takes {took}: train less, or load trained weights."
