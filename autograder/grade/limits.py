"""What a submission may use while it is graded; a lab sets its own in its grading.toml."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from autograder.errors import UserError

MB = 2**20


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        question_seconds: wall time of a cell that the student wrote, and of all calls of a check together.
        provided_seconds: wall time of a provided cell as the lab gave it; one that trains takes its time.
        submission_seconds: wall time of all cells that the student wrote and all checks.
        memory: bytes of all its processes together.
        processes: how many at a time, threads included.
        open_files: of each process.
        scratch: bytes of files it may write.
        output: characters that a cell may print; pictures count a hundredth.
        restarts: how often a submission whose process died is started anew, without the cell that did it.
    """

    question_seconds: float = 10.0
    provided_seconds: float = 60.0
    submission_seconds: float = 60.0
    memory: int = 2048 * MB
    processes: int = 64
    open_files: int = 256
    scratch: int = 256 * MB
    output: int = 20_000
    restarts: int = 3

    def plain(self) -> dict[str, Any]:
        """As a dictionary of numbers."""
        return asdict(self)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Limits":
        """These limits; what is not named stays as it is by default.

        Raises:
            UserError: there is no limit of a name, or what is given is no positive number.
        """
        known = {field.name for field in fields(cls)}
        for name, value in given.items():
            if name not in known or type(value) not in (int, float) or value < 0:
                raise UserError(f"{name} = {value!r} is no limit of grading; there are {', '.join(sorted(known))}.")
        return cls(**given)
