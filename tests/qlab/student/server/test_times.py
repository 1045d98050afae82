import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from qlab.student.server.times import retry_after, saved, span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 second"), (1.2, "2 seconds"), (60, "1 minute"), (61, "2 minutes"), (7_000, "2 hours"), (90_000, "2 days")],
)
def test_a_span_is_rounded_up(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("ago", "words"), [(0, "0 seconds"), (59, "59 seconds"), (260, "4 minutes"), (7_000, "1 hour")]
)
def test_saved_says_how_long_ago_and_when(ago, words):
    moment = time.time() - ago - 0.1
    assert saved(moment) == f"saved {words} ago, at {datetime.fromtimestamp(moment):%H:%M}"


@pytest.mark.parametrize("ago", [90_000, -500])
def test_long_ago_and_the_future_are_dates(ago):
    moment = datetime.now() - timedelta(seconds=ago)
    assert saved(moment.timestamp()) == f"saved on {moment:%Y-%m-%d at %H:%M}"


def test_retry_after_has_seconds_or_a_date_or_neither():
    assert retry_after("120") == 120 and retry_after("soon") is None and retry_after("") is None
    later = datetime.now(UTC) + timedelta(hours=1)
    assert retry_after(format_datetime(later, usegmt=True)) == pytest.approx(3_600, abs=5)
    assert retry_after("Mon, 01 Jan 2001 00:00:00 GMT") == 0
