"""The limits of a lab: what its grading.toml may say, and what would cost everyone all points."""

import math
from dataclasses import asdict

import pytest

from autograder.errors import UserError
from autograder.grade.limits import MB, Limits
from autograder.release.build import _limits


def test_the_default_limits_apply():
    limits = Limits.of({})
    assert (limits.question_seconds, limits.submission_seconds, limits.memory) == (10, 60, 2048 * MB)
    assert limits == Limits()


def test_a_lab_can_change_single_limits():
    limits = Limits.of({"question_seconds": 30, "provided_seconds": 600.5, "memory": 4096 * MB, "restarts": 0})
    assert (
        asdict(limits)
        == limits.plain()
        == asdict(Limits())
        | {
            "question_seconds": 30,
            "provided_seconds": 600.5,
            "memory": 4096 * MB,
            "restarts": 0,
        }
    )
    assert Limits.of(limits.plain()) == limits  # a record's limits are read back for a replay


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("question_seconds", value) for value in (-1, 0, math.nan, math.inf, "10", True, None, [1])),
        *(("memory", value) for value in (2.5e9, 4096, -1, True)),  # 4096 bytes were meant as megabytes
        *(("processes", value) for value in (0, 2.5, "64")),
        *(("scratch", value) for value in (0, 1.5)),
        ("restarts", -1),
        ("open_files", 3),
        ("output", math.inf),
        ("cell_seconds", 5),
    ],
)
def test_limits_with_which_nothing_could_run_are_refused(name, value):
    with pytest.raises(UserError, match=name):
        Limits.of({name: value})


def test_a_labs_limits_are_read_and_checked(tmp_path):
    file = tmp_path / "grading.toml"
    assert _limits(file) == {}
    file.write_text("question_seconds = 20\nmemory = 3_000_000_000\n")
    assert _limits(file) == {"question_seconds": 20, "memory": 3_000_000_000}
    file.write_text("question_seconds = nan")
    with pytest.raises(UserError, match="question_seconds"):
        _limits(file)
    file.write_text("question_seconds = ")
    with pytest.raises(UserError, match=r"grading\.toml"):
        _limits(file)
