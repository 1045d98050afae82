"""The rules for a course's total: what they mean, and one clear sentence for what makes no sense."""

import re
import tomllib
from decimal import Decimal

import pytest

from autograder.course_folder.grading_rules import BestOf, GradingRules, Rounding
from autograder.errors import UserError
from tests.conftest import REPOSITORY

LABS = ("lab1_one", "lab2_two", "lab3_three", "lab10_ten")


def rules(text: str) -> GradingRules:
    return GradingRules.parse(tomllib.loads(text, parse_float=Decimal), LABS)


def test_without_entries_the_labs_count_by_their_points():
    assert rules("") == GradingRules() and not rules("").has_weights and rules("").labs == ()


def test_all_entries():
    read = rules("""
        weights = {lab1 = 33.5, lab10_ten = 16.5}
        bonus = {}
        best = [{labs = ["lab2", "lab3_three"], count = 1, weight = 50}]
        total = {rounding = "half even", decimals = 0, maximum = 100}
        grades = {A = 89.5, B = 60, F = 0}
    """)
    assert read == GradingRules(
        {"lab1_one": Decimal("33.5"), "lab10_ten": Decimal("16.5")},
        (BestOf(("lab2_two", "lab3_three"), 1, Decimal(50)),),
        {},
        Rounding.HALF_EVEN,
        0,
        Decimal(100),
        {"A": Decimal("89.5"), "B": Decimal(60), "F": Decimal(0)},
    )
    assert read.best[0].name == "best 1 of lab2 lab3"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[weights]\nlab9 = 100", r"\[weights\] names lab9, which is no lab of this course: choose from lab1_one"),
        ("[weights]\nlab = 100", "may mean lab1_one, lab2_two"),
        ("[weights]\nlab1 = 50\nlab1_one = 50", "names lab1_one twice"),
        ("[weights]\nlab1 = 50\nlab2 = 49.9", r"add up to 99\.9"),
        ("[weights]\nlab1 = 0.2\nlab2 = 0.8", r"add up to 1\.0: they are percentages"),
        ("[weights]\nlab1 = 0\nlab2 = 100", "lab1 = 0 must be a number above 0"),
        ("[weights]\nlab1 = -5\nlab2 = 105", "lab1 = -5 must be a number above 0"),
        ("[weights]\nlab1 = nan", "must be a number above 0"),
        ("[weights]\nlab1 = inf", "must be a number above 0"),
        ("[weights]\nlab1 = true", "must be a number above 0"),
        ('[weights]\nlab1 = "100"', 'lab1 = "100" must be a number above 0'),
        ("[weights.lab1]\nx = 1", "must be a number above 0"),
        ("weights = 5", r"\[weights\] must list labs"),
        (
            '[[best]]\nlabs = ["lab1", "lab2"]\ncount = 3\nweight = 100',
            "the best 3 of 2 labs: count must be from 1 to 2",
        ),
        ('[[best]]\nlabs = ["lab1", "lab2"]\ncount = 0\nweight = 100', "count must be from 1 to 2"),
        ('[[best]]\nlabs = ["lab1", "lab2"]\ncount = 1.0\nweight = 100', "count must be from 1 to 2"),
        ('[[best]]\nlabs = ["lab1", "lab1_one"]\ncount = 1\nweight = 100', "lab1_one has a weight or bonus more than"),
        ('[[best]]\nlabs = ["lab1", "lab9"]\ncount = 1\nweight = 100', r"\[\[best\]\] names lab9"),
        ('[[best]]\nlabs = ["lab1", 2]\ncount = 1\nweight = 100', r"\[\[best\]\] names 2"),
        ("[[best]]\nlabs = []\ncount = 1\nweight = 100", "must be a list of labs"),
        ('[[best]]\nlabs = ["lab1"]\ncount = 1', "has no weight: it needs labs, count and weight"),
        ('[[best]]\nlabs = ["lab1"]\ncount = 1\nweight = 100\nof = 2', "of is not a setting"),
        ('[best]\nlabs = ["lab1"]', r"written as \[\[best\]\]"),
        ("[weights]\nlab1 = 100\n[bonus]\nlab1 = 5", "lab1_one has a weight or bonus more than once"),
        ("[bonus]\nlab9 = 5", r"\[bonus\] names lab9"),
        ("[bonus]\nlab1 = -5", "must be a number above 0"),
        ('[total]\nrounding = "up"', 'rounding = "up" must be "half up" or "half even"'),
        ("[total]\nrounding = [1]", "rounding = .* must be"),
        ("[total]\ndecimals = 1.5", "decimals = 1.5 must be a whole number from 0 to 6"),
        ("[total]\ndecimals = -1", "must be a whole number"),
        ("[total]\ndecimals = true", "must be a whole number"),
        ("[total]\nmaximum = 0", "maximum = 0 must be a number above 0"),
        ("[total]\nround = 1", r"\[total\] round is not a setting; the settings there are rounding, decimals"),
        ("total = 100", "total must be a table"),
        ("[grades]\nA = 90\nB = 90\nF = 0", "B = 90 is not below A = 90"),
        ("[grades]\nF = 0\nA = 90", "A = 90 is not below F = 0: list the grades from the best"),
        ("[grades]\nA = 90\nB = 80", "ends with B = 80: give the last grade 0"),
        ("[grades]\nA = 90\nF = -1", "F = -1 must be a number, 0 or above"),
        ('[grades]\nA = "90"\nF = 0', 'A = "90" must be a number'),
        ("[grades]\nA = nan\nF = 0", "must be a number"),
        ("[grades]\nA = 101\nF = 0", "A = 101 is beyond the highest total, 100"),
        ("[bonus]\nlab1 = 5\n[grades]\nA = 105.5\nF = 0", "beyond the highest total, 105"),
        ("grades = 5", r"\[grades\] must list grades"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(text, says):
    with pytest.raises(UserError, match=says) as error:
        rules(text)
    assert "\n" not in str(error.value)


def test_a_bonus_lifts_the_highest_total():
    assert rules("[bonus]\nlab1 = 5\n[grades]\nA = 104\nF = 0").grades["A"] == 104


def test_the_example_in_the_docs_is_understood():
    page = (REPOSITORY / "docs" / "teaching-assistants.md").read_text("utf-8")
    (example,) = (text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "[weights]" in text)
    read = GradingRules.parse(tomllib.loads(example, parse_float=Decimal), [f"lab{number}" for number in range(1, 8)])
    assert read.has_weights and read.best[0].count == 3 and read.bonus and read.maximum == 100 and len(read.grades) == 4
