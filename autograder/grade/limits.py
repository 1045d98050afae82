"""What a submission may use while it is graded; a lab sets its own in its grading.toml."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from autograder.errors import UserError

MB = 2**20
PICTURE_SHARE = 100  # a character of a picture counts a hundredth of a printed one


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
            UserError: there is no limit of a name, or what is given is no number that anything could run with.
        """
        known = {field.name: field.default for field in fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise UserError(f"{name} is no limit of grading; there are {', '.join(sorted(known))}.")
            whole = isinstance(known[name], int)
            if type(value) not in ((int,) if whole else (int, float)) or not 0 <= value < math.inf:
                wanted = "a whole number" if whole else "a number"
                raise UserError(f"{name} = {value!r} is no limit of grading: it has to be {wanted} from 0.")
            least = LEAST.get(name, 0)
            if value < least:
                raise UserError(f"{name} = {value!r}: it has to be {least:g} at least.")
        return cls(**given)


# Below these nothing runs: the limit would be a mistake in writing it down, and cost everyone all points.
LEAST = {
    "question_seconds": 0.1,
    "provided_seconds": 0.1,
    "submission_seconds": 1.0,
    "memory": 1024 * MB,  # in bytes; torch alone takes more than half of it
    "processes": 4,
    "open_files": 32,
    "scratch": MB,
}
