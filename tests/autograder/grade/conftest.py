"""Fork servers for all tests that run students' cells: in the sandbox, if there is one, and without."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autograder.grade.library import Library
from autograder.grade.limits import MB, Limits
from autograder.grade.student_process import CellRun, StudentProcess
from autograder.grade.zygote import ForkServer
from tests.conftest import missing

LIMITS = Limits(memory=1536 * MB, processes=32, scratch=16 * MB, open_files=64)


def started(isolated: bool) -> Iterator[ForkServer]:
    if isolated and shutil.which("bwrap") is None:
        missing("sandbox", "apt-get install bubblewrap")
    server = ForkServer(isolated=isolated)
    try:
        server.prepare(Library.whole())
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def sandboxed() -> Iterator[ForkServer]:
    """A fork server in the sandbox."""
    yield from started(True)


@pytest.fixture(scope="session")
def unsandboxed() -> Iterator[ForkServer]:
    """A fork server with the rights of whoever runs the tests."""
    yield from started(False)


@pytest.fixture(params=["sandboxed", "unsandboxed"])
def either(request: pytest.FixtureRequest) -> ForkServer:
    """Each of the two fork servers."""
    server: ForkServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def start() -> Iterator[Callable[..., "Student"]]:
    """Starts students' processes, which end with the test."""
    students: list[Student] = []

    def start(server: ForkServer, limits: Limits = LIMITS, **files: bytes) -> Student:
        students.append(Student(server.connect(limits), limits, files))
        return students[-1]

    yield start
    for student in students:
        student.close()


class Student(StudentProcess):
    """A student's process with shortcuts for tests."""

    def run(self, source: str, seconds: float = 5.0) -> CellRun:
        """Run a cell."""
        return self.run_cell(source, seconds)

    def text(self, source: str) -> str:
        """What a cell prints and displays, as text."""
        outputs = self.run(source).outputs
        return "".join(
            str(output.get("text") or output.get("data", {}).get("text/plain") or output.get("evalue"))
            for output in outputs
        )

    def value(self, source: str) -> Any:
        """The value of a cell's last line, read back from its text."""
        import ast

        return ast.literal_eval(self.text(source))
