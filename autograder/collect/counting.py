"""Which of a student's submissions counts: the newest, or the last one that was in time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

NEVER = datetime.min.replace(tzinfo=UTC)


class Count(StrEnum):
    """Which submission counts."""

    NEWEST = "newest"
    IN_TIME = "in-time"


@dataclass(frozen=True)
class Dated:
    """What is known of when something was submitted.

    Attributes:
        when: what an LMS says; None if none does.
        made: the date of the file in its archive or on the disk, which decides only if no LMS says anything.
        lms: the LMS that named it; "" if none did. Dates in an LMS's download are those of the download.
        late: whether the LMS calls it late.
    """

    when: datetime | None = None
    made: datetime | None = None
    lms: str = ""
    late: bool = False


@dataclass(frozen=True)
class CountingRule:
    """Which of several submissions counts.

    Attributes:
        count: the newest, or the last before the deadline and, if there is none, the first after it.
        due: the deadline; None if there is none.
        extended: the deadlines of students who have their own.
    """

    count: Count = Count.NEWEST
    due: datetime | None = None
    extended: Mapping[str, datetime] = field(default_factory=dict)

    def deadline(self, student: str) -> datetime | None:
        """The student's own deadline, or else the lab's."""
        return self.extended.get(student, self.due)

    def rank(self, student: str, dated: Dated) -> tuple[int, float, datetime]:
        """Of submissions that were read together, the greatest counts."""
        made = dated.made or NEVER
        seconds = (dated.when or NEVER).timestamp() if dated.when else float("-inf")
        due = self.deadline(student)
        if self.count is Count.NEWEST or due is None:
            return 0, seconds, made
        if dated.when is None:
            # Unknown is never late, unless the LMS calls it so.
            return (0 if dated.late else 1), seconds, made
        return (2, seconds, made) if dated.when <= due else (0, -seconds, made)

    def replaces(self, student: str, new: Dated, old: Dated) -> bool:
        """Whether a submission counts instead of one that was collected earlier."""
        if new.when is not None and old.when is not None:
            return self.rank(student, new) >= self.rank(student, old)
        if new.when is None and old.when is None and new.lms == old.lms and new.made and old.made:
            return new.made >= old.made
        # Whoever collects it now has a reason, and what it replaces is kept.
        return True
