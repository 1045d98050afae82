"""Dates of files that lie close together: those of a download or of a copy, and no students'."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from autograder.course_folder.settings import Timezone

CLOSE = timedelta(minutes=10)


def notes(dated: Iterable[tuple[str, datetime]], timezone: Timezone) -> Iterator[str]:
    """A sentence for each download of which most files have dates within a few minutes of each other.

    Args:
        dated: the download and the date of each file of which no LMS says when it was handed in.
        timezone: in which to show times.
    """
    groups: defaultdict[str, list[datetime]] = defaultdict(list)
    for download, date in dated:
        groups[download].append(date)
    for download, dates in groups.items():
        close = _closest(sorted(dates))
        if len(close) > 1 and 2 * len(close) > len(dates):
            minutes = (close[-1] - close[0]).total_seconds() / 60
            span = "the same minute" if minutes < 1 else f"{minutes:.0f} min of each other"
            yield (
                f"{len(close)} of {len(dates)} files in {download} have dates within {span} "
                f"({timezone.show(close[0])[:-3]}): that is when the download was made or the files were copied, not "
                "when they were handed in, so no times are taken from it"
            )


def _closest(dates: list[datetime]) -> list[datetime]:
    """The most dates, in order, that lie close together."""
    best: list[datetime] = []
    start = 0
    for end, date in enumerate(dates):
        while date - dates[start] > CLOSE:
            start += 1
        if end + 1 - start > len(best):
            best = dates[start : end + 1]
    return best
