"""A course's settings: defaults, and one clear sentence for what cannot be understood."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from autograder.course_folder.settings import CourseSettings, Timezone
from autograder.errors import UserError
from tests.autograder.conftest import LAB


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("missing_screenshot = 101", "a percentage, from 0 to 100"),
        ('missing_screenshot = "5"', "a percentage, from 0 to 100"),
        ("missing_screenshot = true", "a percentage, from 0 to 100"),
        ("[screenshots]\nlab1 = -1", "how many each needs"),
        ("screenshots = 3", "how many each needs"),
        ('timezone = "Mars"', "is not a time zone"),
        ("timezone = 8", "must be a name"),
        ("late = 5", "late is not a setting"),
        ("= 5", "cannot be read"),
    ],
)
def test_settings_that_cannot_be_understood(text, says, tmp_path):
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(UserError, match=says):
        CourseSettings.of(tmp_path)


def test_a_course_without_rules_toml_has_the_defaults(tmp_path):
    settings = CourseSettings.of(tmp_path)
    assert settings.missing_screenshot == 0 and settings.screenshots_of(LAB) == 0 and settings.timezone.name == ""


def test_weights_are_read_as_the_decimal_numbers_that_the_file_has(tmp_path):
    (tmp_path / "rules.toml").write_text("[weights]\nlab1 = 33.4\nlab2 = 33.3\nlab3 = 33.3\n")
    weights = CourseSettings.of(tmp_path).grading.weights
    assert weights[LAB] == Decimal("33.4") and sum(weights.values()) == 100


BERLIN = Timezone("Europe/Berlin")


@pytest.mark.parametrize(("time", "earlier", "later"), [
    (datetime(2026, 10, 12, 23, 59), "21:59", "21:59"),
    (datetime(2026, 12, 12, 23, 59), "22:59", "22:59"),
    (datetime(2026, 10, 25, 2, 30), "00:30", "01:30"),  # the hour that comes twice
    (datetime(2026, 3, 29, 2, 30), "00:30", "01:30"),  # the hour that does not come
    (datetime(2026, 10, 25, 2, 30, tzinfo=UTC), "02:30", "02:30"),
])  # fmt: skip
def test_a_doubt_about_summer_time_is_to_the_students_favour(time, earlier, later):
    assert f"{BERLIN.utc(time):%H:%M}" == earlier and f"{BERLIN.utc(time, latest=True):%H:%M}" == later
    if time.tzinfo is None:
        assert f"{BERLIN.parse(time.isoformat()):%H:%M}" == later


def test_a_deadline_without_a_time_is_the_end_of_the_day():
    for text in ("2026-10-12", "20261012", " 2026-10-12 "):
        assert BERLIN.parse(text) == datetime(2026, 10, 12, 21, 59, 59, tzinfo=UTC)
    assert BERLIN.parse("2026-10-12 00:00") == datetime(2026, 10, 11, 22, tzinfo=UTC)


def test_a_zones_own_names():
    assert BERLIN.names(datetime(2026, 7, 1)) == {"cest"} and BERLIN.names(datetime(2026, 12, 1)) == {"cet"}
    assert BERLIN.names(datetime(2026, 10, 25, 2, 30)) == {"cest", "cet"}
    assert BERLIN.place == "Europe/Berlin" and Timezone().place in Timezone().display_name
