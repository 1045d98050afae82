"""What the checks say of the answers on file: marked once per lab and seed, because several tests look at it."""

import functools

import pytest

from autograder.course_folder.layout import SOLUTIONS, lab_names
from autograder.release.lint.answers import check_written
from autograder.release.lint.lab_source import opened
from qlab.check.outcome import Outcome
from qlab.check.question import SEED_VARIABLE

# One process runs the tests of a lab that need them.
every_lab = pytest.mark.parametrize(
    "lab",
    [pytest.param(lab, marks=[pytest.mark.xdist_group(f"answers of {lab}"), pytest.mark.slow]) for lab in lab_names()],
)


@functools.cache
def outcomes(lab: str, seed: int) -> dict[tuple[str, str], Outcome | None]:
    """The outcome of each answer, with hidden cases, by its question and its name."""
    with pytest.MonkeyPatch.context() as patch, opened(SOLUTIONS / lab) as source:
        patch.setenv(SEED_VARIABLE, str(seed))
        return {(answer.question, answer.name): check_written(source, answer) for answer in source.answers}
