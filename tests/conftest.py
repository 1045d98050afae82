"""What the tests share: real data where it is, and skips that are counted."""

import os

# Tests run beside each other: more threads than cores make torch wait for itself. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

from tests import warm

REPOSITORY = Path(__file__).resolve().parents[1]

# The examples are drawn the same way in every run: a failure here is a failure everywhere.
settings.register_profile("qlab", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("qlab")
torch.set_num_threads(1)


def required() -> set[str]:
    """What may not be missing here: QLAB_REQUIRE, separated by commas."""
    return set(filter(None, os.environ.get("QLAB_REQUIRE", "").split(",")))


def missing(what: str, how: str) -> None:
    """Skip the test for want of something, or fail where QLAB_REQUIRE says that it has to be there."""
    if what in required():
        pytest.fail(f"QLAB_REQUIRE names {what}, but it is missing: {how}")
    pytest.skip(f"{what} is missing: {how}")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; the test is skipped where QLAB_DATA does not name one."""
    if not os.environ.get("QLAB_DATA"):
        missing("data", "set QLAB_DATA to a folder with FashionMNIST, MNIST and cifar10_lossless_part.npz")
    return Path(os.environ["QLAB_DATA"]).resolve()


# Everything is tested in the sandbox where there is one; QLAB_REQUIRE=sandbox says that there has to be.
SANDBOXED = shutil.which("bwrap") is not None


@pytest.fixture(scope="session")
def grade_one() -> Iterator[Callable[..., Any]]:
    """Grades one submission: of a student, in a file, with a lab, limits and a seed; gives what a worker gives."""
    from autograder.grade import worker
    from autograder.grade.job import Job, JobResult, pack
    from autograder.grade.limits import Limits
    from autograder.grade.submission import Submission
    from autograder.grade.zygote import close_fork_server

    if not SANDBOXED and "sandbox" in required():
        missing("sandbox", "apt-get install bubblewrap")
    usual = Limits(question_seconds=3.0)

    def graded(
        student: str, path: Path, lab: Any, limits: Limits = usual, seed: int = 1, reseed: Any = None
    ) -> JobResult:
        submission = Submission.read(student, path)
        return worker.grade(Job(submission, pack(lab), limits, seed, SANDBOXED, reseed))

    yield graded
    close_fork_server(SANDBOXED)


def pytest_configure(config: pytest.Config) -> None:
    """One warm Python for all workers: the process that starts them starts it too."""
    if not hasattr(config, "workerinput"):
        stack = ExitStack()
        config.add_cleanup(stack.close)
        stack.enter_context(warm.running())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines: how many tests were skipped, by reason."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])
    )
    terminalreporter.section("skipped, by reason")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:4d}  {reason}")
    if not reasons:
        terminalreporter.line("   0")
