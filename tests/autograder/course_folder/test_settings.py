"""A course's settings: defaults, and one clear sentence for what cannot be understood."""

from decimal import Decimal

import pytest

from autograder.course_folder.settings import CourseSettings
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
