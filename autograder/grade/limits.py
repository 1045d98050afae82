"""What a submission may use while it is graded; a lab can set its own limits in grading.toml."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from autograder.errors import UserError

MB = 2**20
PICTURE_SHARE = 100  # so many characters of a picture count as one printed character


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        question_seconds: processor time, of all its processes together, of one cell that the student wrote, or of all
            calls of one check.
        provided_seconds: processor time of an unchanged provided cell; some of them train.
        submission_seconds: processor time of all cells that the student wrote and of all checks.
        wall_factor: wall time may be so many times longer, because others may be busy on the machine.
        memory: bytes, for all its processes together.
        processes: how many at a time, threads included.
        open_files: per process.
        scratch: bytes of files that it may write.
        output: characters that a cell may print; those of pictures count one hundredth.
        notebook_output: the same for all cells together.
        judge_seconds: processor time of everything outside of its own processes: reading it, checking its answers,
            naming its mistakes, writing the graded notebook.
        judge_memory: bytes that all this may take.
        restarts: how often a submission whose process died is run again, without the cell that killed it.
    """

    question_seconds: float = 10.0
    provided_seconds: float = 60.0
    submission_seconds: float = 60.0
    wall_factor: float = 3.0
    memory: int = 2048 * MB
    processes: int = 64
    open_files: int = 256
    scratch: int = 256 * MB
    output: int = 20_000
    notebook_output: int = 100_000
    judge_seconds: float = 30.0
    judge_memory: int = 2048 * MB
    restarts: int = 3

    @property
    def wall_seconds(self) -> float:
        """Wall time of all cells that the student wrote and of all checks."""
        return self.submission_seconds * self.wall_factor

    def plain(self) -> dict[str, Any]:
        """The limits as a dictionary of numbers."""
        return asdict(self)

    @classmethod
    def of(cls, limits: Mapping[str, Any]) -> "Limits":
        """These limits; those that are not named have their defaults.

        Raises:
            UserError: there is no limit of a name, or nothing could run with a value.
        """
        defaults = {field.name: field.default for field in fields(cls)}
        for name, value in limits.items():
            if name not in defaults:
                raise UserError(f"{name} is not a grading limit; the limits are {', '.join(sorted(defaults))}.")
            whole = isinstance(defaults[name], int)
            if type(value) not in ((int,) if whole else (int, float)) or not 0 <= value < math.inf:
                kind = "a whole number" if whole else "a number"
                raise UserError(f"{name} = {value!r} is not a valid limit: it must be {kind} of at least 0.")
            minimum = MINIMUM.get(name, 0)
            if value < minimum:
                raise UserError(f"{name} = {value!r} is too small: it must be at least {minimum:g}.")
        return cls(**limits)


# Nothing runs with less. Such a limit can only be a typing mistake, and it would cost everyone all points.
MINIMUM = {
    "question_seconds": 0.1,
    "provided_seconds": 0.1,
    "submission_seconds": 1.0,
    "wall_factor": 1.0,
    "judge_seconds": 5.0,
    "judge_memory": 256 * MB,
    "memory": 1024 * MB,  # in bytes; torch alone takes more than half of it
    "processes": 4,
    "open_files": 32,
    "scratch": MB,
}
