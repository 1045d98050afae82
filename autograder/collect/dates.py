"""Which times can be those of a submission: none that is still to come, and none from before there were notebooks."""

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # programs that know no time write 1970 or 1980
ROUNDING = timedelta(seconds=2)  # a zip stores every other second, and some programs round up


def now() -> datetime:
    """This machine's time, in UTC."""
    return datetime.now(UTC)


def problem(time: datetime) -> str:
    """Why this cannot be the time of a submission; "" if it can."""
    if time > now() + ROUNDING:
        return "is still to come"
    return "cannot be right" if time < EARLIEST else ""


def plausible(time: datetime | None) -> datetime | None:
    """The time, if it can be that of a submission; else None."""
    return None if time is None or problem(time) else time
