"""The time of uploads: it goes on evenly, even if somebody sets this machine's clock."""

import time
from datetime import UTC, datetime, timedelta

JUMP = timedelta(seconds=5)


class Clock:
    """A clock that is set once, when it is made; a machine that sleeps does not stop it."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC)
        self._counter = _counter()

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._started + timedelta(seconds=_counter() - self._counter)

    @property
    def problem(self) -> str:
        """In one sentence, that this machine's clock was set since; "" if it was not."""
        ahead = datetime.now(UTC) - self.now()
        if abs(ahead) <= JUMP:
            return ""
        direction = "forward" if ahead > timedelta() else "back"
        return (
            f"this machine's clock was set {direction} by {abs(ahead).total_seconds():.0f} s while the server ran: "
            "uploads are still dated by the time since it started; restart the server if the clock is right now."
        )


def _counter() -> float:
    """Seconds that pass evenly, also while the machine sleeps where the system counts those."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
