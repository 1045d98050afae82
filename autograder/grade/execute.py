"""Runs a repaired notebook: the student's cells in their own process, the test cells in the judge.

A cell that raises or runs too long fails alone. One that ends the process is left out: a new process runs all cells
before it again, without judging them again, and then goes on behind it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import perf_counter

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.grade.judge import CheckResult, Judge, valid_outcome
from autograder.grade.library import Library
from autograder.grade.limits import Limits
from autograder.grade.student_process import Connection, EndedError, StudentProcess
from qlab.cells import is_test
from qlab.check.outcome import Outcome

Connect = Callable[[Limits, Library], Connection]


@dataclass(frozen=True)
class Plan:
    """How a notebook is run.

    Attributes:
        files: the files beside it, by path.
        skip: ids of cells that are not run.
        untouched: ids of unchanged provided cells, which get more time, and whose time is not the student's.
        limits: see `Limits`.
    """

    files: Mapping[str, bytes]
    skip: frozenset[str]
    untouched: frozenset[str]
    limits: Limits


@dataclass
class ExecutionResult:
    """What running a notebook gave, by cell id.

    Attributes:
        outcomes: what each check said; missing for a check that did not finish, and then one of the next three or
            `stopped` says why.
        missing: the name that the student did not define.
        broken: the exception in which the check itself ended.
        stopped: why a cell or a check was stopped.
        seconds: wall time of cells and checks.
        remarks: what a person should know about the run as a whole.
        waited_out: whether a limit of wall time was reached with processor time left, which may be the machine's fault.
        scratch: bytes of files that the submission wrote.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    waited_out: bool = False
    scratch: int = 0


def execute(notebook: NotebookNode, plan: Plan, judge: Judge, connect: Connect) -> ExecutionResult:
    """Run all code cells; the outputs of the student's cells are written into the notebook.

    Args:
        notebook: repaired, with hidden tests.
        plan: how to run it.
        judge: judging this submission.
        connect: gives a new process.

    Raises:
        ForkServerGoneError: no process could be started.
    """
    return _Execution(notebook, plan, judge).run(connect)


class _Execution:
    def __init__(self, notebook: NotebookNode, plan: Plan, judge: Judge):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
        self.plan = plan
        self.judge = judge
        self.result = ExecutionResult()
        self.checked: dict[str, CheckResult] = {}
        # By cell, of processor and of wall time; those of provided cells do not count.
        self.computed: dict[str, float] = {}
        self.waited: dict[str, float] = {}
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None

    def run(self, connect: Connect) -> ExecutionResult:
        left_out: set[str] = set(self.plan.skip)
        for _ in range(self.plan.limits.restarts + 1):
            connection = connect(self.plan.limits, self.judge.library)
            process = StudentProcess(connection, self.plan.limits, self.plan.files, self.judge.library.served)
            try:
                culprit = self._run_cells(process, left_out)
            finally:
                self.result.waited_out |= process.waited_out
                process.close()
            if not culprit:
                return self.result
            left_out.add(culprit)
        self.result.remarks.append("too many cells ended the Python process: the cells after them were not run")
        return self.result

    def _run_cells(self, process: StudentProcess, left_out: Collection[str]) -> str:
        """Run all cells once; return the id of the one that ended the process, or "" if none did."""
        executed: list[str] = []
        computed = process.processor_seconds()
        for cell in self.cells:
            # A check that ended the process is not run again, but later cells may need its verdict.
            if cell.id in left_out and cell.id not in self.checked:
                continue
            if self._seconds_left() <= 0 or self._wall_seconds_left() <= 0:
                self._out_of_time()
                break
            started = perf_counter()
            try:
                if is_test(cell):
                    self._check(cell, executed, process)
                else:
                    executed.append(cell.source)
                    self._run_cell(cell, process)
            except EndedError as error:
                self.result.stopped[cell.id] = str(error)
                return str(cell.id)
            finally:
                self.result.seconds[cell.id] = round(perf_counter() - started, 3)
                before, computed = computed, process.processor_seconds()
                if cell.id not in self.plan.untouched:
                    self.computed[cell.id] = computed - before
                    self.waited[cell.id] = perf_counter() - started
        self.result.scratch = process.used()
        return ""

    def _run_cell(self, cell: NotebookNode, process: StudentProcess) -> None:
        provided = cell.id in self.plan.untouched
        seconds = self.plan.limits.provided_seconds if provided else self._cell_seconds()
        cell_run = process.run_cell(cell.source, seconds, provided=provided)
        cell.outputs = [nbformat.from_dict(output) for output in cell_run.outputs]
        if cell_run.stopped:
            self.result.stopped[cell.id] = cell_run.stopped

    def _check(self, cell: NotebookNode, executed: list[str], process: StudentProcess) -> None:
        if cell.id not in self.checked:
            check = self.judge.check(cell.source, executed, process, self._cell_seconds())
            self.checked[cell.id] = check
            outcome = valid_outcome(check.outcome, float(cell.metadata.nbgrader["points"]))
            if outcome is not None:
                self.result.outcomes[cell.id] = outcome
            if check.stopped:
                self.result.stopped[cell.id] = check.stopped
            if check.broken:
                self.result.broken[cell.id] = check.broken
            if check.missing:
                self.result.missing[cell.id] = check.missing
            if check.ended:
                raise EndedError(check.ended)
        for name, verdict in self.checked[cell.id].verdicts.items():
            process.show_verdict(name, verdict)

    def _out_of_time(self) -> None:
        waited = self._seconds_left() > 0
        self.result.waited_out |= waited
        limit = self.plan.limits.wall_seconds if waited else self.plan.limits.submission_seconds
        self.result.remarks.append(f"it took more than {limit:g} seconds: the cells after that were not run")

    def _cell_seconds(self) -> float:
        """How long the next cell may take."""
        return max(0.1, min(self.plan.limits.question_seconds, self._seconds_left()))

    def _seconds_left(self) -> float:
        """How much is left of the student's processor time."""
        return self.plan.limits.submission_seconds - sum(self.computed.values())

    def _wall_seconds_left(self) -> float:
        """How much is left of the wall time."""
        return self.plan.limits.wall_seconds - sum(self.waited.values())
