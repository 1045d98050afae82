"""Running a repaired notebook: the student's cells in their process, the test cells in the judge, each for itself.

A cell that raises or runs too long costs only itself. One that ends the process is left out, and a new process runs
what came before it once more, without judging it again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import perf_counter

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.grade.judge import Found, Judge, granted
from autograder.grade.limits import Limits
from autograder.grade.student_process import EndedError, StudentProcess
from autograder.grade.wire import Channel
from qlab.check.outcome import Outcome
from qlab.notebook import is_test

Connect = Callable[[Limits], Channel]


@dataclass(frozen=True)
class Plan:
    """How a notebook is run.

    Attributes:
        files: what lies beside it, by path.
        skip: ids of cells that are not run.
        untouched: ids of provided cells, which get more time, and whose time is not the student's.
        limits: see `Limits`.
    """

    files: Mapping[str, bytes]
    skip: frozenset[str]
    untouched: frozenset[str]
    limits: Limits


@dataclass
class Run:
    """How it went, by cell id.

    Attributes:
        outcomes: what the judge granted; a check that did not come to its end is missing.
        missing: the name that the student did not define, by the check that asks for it.
        broken: the exception that a check itself ended in.
        seconds: wall time of cells and checks.
        stopped: the cells that were stopped and why.
        remarks: what a person should know of the run as a whole.
        scratch: bytes of files that the submission wrote.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    scratch: int = 0


def run(notebook: NotebookNode, plan: Plan, judge: Judge, connect: Connect) -> Run:
    """Run all code cells in place; outputs of the student's cells are written into the notebook.

    Args:
        notebook: repaired, with hidden tests.
        plan: see `Plan`.
        judge: judging this submission.
        connect: gives a new process.

    Raises:
        WarmProcessGoneError: no process could be had.
    """
    return _Runner(notebook, plan, judge).run(connect)


class _Runner:
    def __init__(self, notebook: NotebookNode, plan: Plan, judge: Judge):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
        self.plan = plan
        self.judge = judge
        self.done = Run()
        self.found: dict[str, Found] = {}
        self.own: dict[str, float] = {}  # seconds of the student's own, by cell
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None

    def run(self, connect: Connect) -> Run:
        left_out: set[str] = set(self.plan.skip)
        for _ in range(self.plan.limits.restarts + 1):
            process = StudentProcess(connect(self.plan.limits), self.plan.limits, self.plan.files)
            try:
                culprit = self._pass(process, left_out)
            finally:
                process.close()
            if not culprit:
                return self.done
            left_out.add(culprit)
        self.done.remarks.append("too many cells ended the Python process: what comes after them was not run")
        return self.done

    def _pass(self, process: StudentProcess, left_out: Collection[str]) -> str:
        """Run all cells once; the id of the one that ended the process, "" where the end was reached."""
        executed: list[str] = []
        for cell in self.cells:
            if cell.id in left_out and cell.id not in self.found:
                continue
            if self._left() <= 0:
                most = self.plan.limits.submission_seconds
                self.done.remarks.append(f"it took more than {most:g} seconds: what comes after them was not run")
                break
            started, waited = perf_counter(), process.waited
            try:
                if is_test(cell):
                    self._check(cell, executed, process)
                else:
                    executed.append(cell.source)
                    self._run_cell(cell, process)
            except EndedError as error:
                self.done.stopped[cell.id] = str(error)
                return str(cell.id)
            finally:
                self.done.seconds[cell.id] = round(perf_counter() - started, 3)
                if cell.id not in self.plan.untouched:
                    self.own[cell.id] = process.waited - waited
        self.done.scratch = process.used()
        return ""

    def _run_cell(self, cell: NotebookNode, process: StudentProcess) -> None:
        limits = self.plan.limits
        provided = cell.id in self.plan.untouched
        went = process.run_cell(cell.source, limits.provided_seconds if provided else self._most())
        cell.outputs = [nbformat.from_dict(output) for output in went.outputs]
        if went.stopped:
            self.done.stopped[cell.id] = went.stopped

    def _check(self, cell: NotebookNode, executed: list[str], process: StudentProcess) -> None:
        if cell.id not in self.found:
            found = self.judge.check(cell.source, executed, process, self._most())
            self.found[cell.id] = found
            outcome = granted(found.outcome, float(cell.metadata.nbgrader["points"]))
            if outcome is not None:
                self.done.outcomes[cell.id] = outcome
            if found.stopped:
                self.done.stopped[cell.id] = found.stopped
            if found.broken:
                self.done.broken[cell.id] = found.broken
            if found.missing:
                self.done.missing[cell.id] = found.missing
            if found.ended:
                raise EndedError(found.ended)
        for name, verdict in self.found[cell.id].verdicts.items():
            process.show_verdict(name, verdict)

    def _most(self) -> float:
        return max(0.1, min(self.plan.limits.question_seconds, self._left()))

    def _left(self) -> float:
        """Seconds of the student's own that are left."""
        return self.plan.limits.submission_seconds - sum(self.own.values())
