"""Dates that lie within minutes of each other are those of a download or of a copy, and collect says so."""

from datetime import UTC, datetime, timedelta

from autograder.collect import clustered
from autograder.course_folder.settings import Timezone

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def said(*minutes, download="all.zip"):
    dated = [(download, NOON + timedelta(minutes=minute)) for minute in minutes]
    return list(clustered.notes(dated, Timezone("UTC")))


def test_most_within_minutes_are_said_to_be_the_downloads():
    (note,) = said(0, 0, 1, 2, 5000)
    assert "4 of 5 files in all.zip" in note and "2 min of each other (2026-11-01 12:00)" in note
    assert "when the download was made" in note
    (note,) = said(0, 0)
    assert "the same minute" in note


def test_scattered_dates_and_a_single_file_say_nothing():
    assert said(0, 60, 120, 180) == [] and said(0, 1, 100, 200, 300) == [] and said(0) == [] and said() == []


def test_each_download_by_itself():
    dated = [("a", NOON), ("b", NOON), ("a", NOON), ("b", NOON + timedelta(days=1))]
    assert len(list(clustered.notes(dated, Timezone("UTC")))) == 1
