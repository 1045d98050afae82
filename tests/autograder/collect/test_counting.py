"""Which of a student's submissions counts, in one download and from one collection to the next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.collect.counting import Count, CountingRule, Dated

DUE = datetime(2026, 10, 12, 23, 59, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEWEST = CountingRule(Count.NEWEST, DUE)
IN_TIME = CountingRule(Count.IN_TIME, DUE, {"extended": DUE + 7 * 24 * HOUR})
TIMES = st.lists(st.integers(-500, 500), min_size=1, max_size=8, unique=True)


def counted(rule, dates, student="S1"):
    return max(dates, key=lambda date: rule.rank(student, date))


@given(TIMES)
def test_newest_is_the_newest_and_in_time_the_last_in_time_or_else_the_first_late_one(hours):
    dates = [Dated(DUE + hour * HOUR) for hour in hours]
    assert counted(NEWEST, dates).when == DUE + max(hours) * HOUR
    in_time = [hour for hour in hours if hour <= 0]
    assert counted(IN_TIME, dates).when == DUE + (max(in_time) if in_time else min(hours)) * HOUR


@given(TIMES)
def test_what_is_collected_in_several_runs_ends_like_what_is_collected_in_one(hours):
    for rule in (NEWEST, IN_TIME):
        kept = None
        for date in (Dated(DUE + hour * HOUR) for hour in hours):
            kept = date if kept is None or rule.replaces("S1", date, kept) else kept
        assert kept == counted(rule, [Dated(DUE + hour * HOUR) for hour in hours])


def test_the_very_second_of_the_deadline_is_in_time():
    assert counted(IN_TIME, [Dated(DUE), Dated(DUE - HOUR), Dated(DUE + timedelta(seconds=1))]).when == DUE


def test_an_extension_moves_the_deadline_of_one_student():
    dates = [Dated(DUE - HOUR), Dated(DUE + 24 * HOUR)]
    assert counted(IN_TIME, dates).when == DUE - HOUR
    assert counted(IN_TIME, dates, "extended").when == DUE + 24 * HOUR


def test_unknown_is_never_late_and_loses_only_to_what_is_known_to_be_in_time():
    unknown, told_late, late, early = Dated(), Dated(late=True), Dated(DUE + HOUR), Dated(DUE - HOUR)
    assert counted(IN_TIME, [unknown, late]) == unknown and counted(IN_TIME, [unknown, early]) == early
    assert counted(IN_TIME, [told_late, unknown]) == unknown and counted(NEWEST, [unknown, late]) == late


@pytest.mark.parametrize(("new", "old", "replaces"), [
    (Dated(made=DUE), Dated(made=DUE - HOUR), True),
    (Dated(made=DUE - HOUR), Dated(made=DUE), False),
    (Dated(made=DUE), Dated(made=DUE), True),
    (Dated(), Dated(made=DUE), True),  # the date was to come, and is not believed
    (Dated(made=DUE - HOUR, lms="Moodle"), Dated(made=DUE), True),  # a download's date is not a student's
    (Dated(made=DUE - HOUR, lms="Moodle"), Dated(made=DUE, lms="Moodle"), False),  # an older download
    (Dated(made=DUE - HOUR), Dated(DUE), True),  # whoever collects it now has a reason
    (Dated(DUE), Dated(), True),
])  # fmt: skip
def test_without_times_the_date_of_the_file_decides_between_files_of_one_kind(new, old, replaces):
    assert NEWEST.replaces("S1", new, old) == IN_TIME.replaces("S1", new, old) == replaces
