"""A warm process for all tests that run students' cells, in the sandbox where there is one and without."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autograder.grade.limits import MB, Limits
from autograder.grade.sandbox import WarmProcess
from autograder.grade.student_process import CellRun, StudentProcess
from tests.conftest import missing

LIMITS = Limits(memory=1536 * MB, processes=32, scratch=16 * MB, open_files=64)


def warm(isolated: bool) -> Iterator[WarmProcess]:
    if isolated and shutil.which("bwrap") is None:
        missing("sandbox", "apt-get install bubblewrap")
    process = WarmProcess(isolated=isolated)
    try:
        process.wait()
        yield process
    finally:
        process.close()


@pytest.fixture(scope="session")
def sandboxed() -> Iterator[WarmProcess]:
    """A warm process in the sandbox."""
    yield from warm(True)


@pytest.fixture(scope="session")
def unsandboxed() -> Iterator[WarmProcess]:
    """A warm process with the rights of whoever runs the tests."""
    yield from warm(False)


@pytest.fixture(params=["sandboxed", "unsandboxed"])
def either(request: pytest.FixtureRequest) -> WarmProcess:
    """A warm process of each kind."""
    process: WarmProcess = request.getfixturevalue(request.param)
    return process


@pytest.fixture
def start() -> Iterator[Callable[..., "Student"]]:
    """Starts a student's process, which ends with the test."""
    started: list[Student] = []

    def start(process: WarmProcess, limits: Limits = LIMITS, **files: bytes) -> Student:
        started.append(Student(process.connect(limits), limits, files))
        return started[-1]

    yield start
    for one in started:
        one.close()


class Student(StudentProcess):
    """A student's process with the shortcuts that tests want."""

    def run(self, source: str, seconds: float = 5.0) -> CellRun:
        """Run a cell."""
        return self.run_cell(source, seconds)

    def text(self, source: str) -> str:
        """What a cell prints and shows, as text."""
        found = self.run(source).outputs
        return "".join(
            str(one.get("text") or one.get("data", {}).get("text/plain") or one.get("evalue")) for one in found
        )

    def value(self, source: str) -> Any:
        """The value of a cell's last line, which Python can read again."""
        import ast

        return ast.literal_eval(self.text(source))
