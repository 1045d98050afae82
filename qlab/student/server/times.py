"""Spans of time in words."""

import math
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def span(seconds: float) -> str:
    """A span in its largest whole unit, rounded up: 61 seconds are "2 minutes"."""
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    number = max(1, math.ceil(seconds / size))
    return f"{number} {unit}{'' if number == 1 else 's'}"


def saved(modified: float) -> str:
    """When a file was saved: how long ago, or the day if that was before today's last 24 hours."""
    seconds = time.time() - modified
    moment = datetime.fromtimestamp(modified).astimezone()
    if not 0 <= seconds < UNITS[0][0]:
        return f"saved on {moment:%Y-%m-%d at %H:%M}"
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    number = int(seconds // size)
    return f"saved {number} {unit}{'' if number == 1 else 's'} ago, at {moment:%H:%M}"


def retry_after(header: str) -> float | None:
    """The seconds in a header Retry-After, which has seconds or a date; None if it has neither."""
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
