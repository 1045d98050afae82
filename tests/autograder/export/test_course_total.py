"""The total of a course is exact, decimal, and rounded once, as the rules say."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.course_folder.grading_rules import BestOf, GradingRules, Rounding
from autograder.export.course_total import CourseTotal, exact_points, plain, rounded

HUNDRED = {lab: Fraction(100) for lab in ("lab1", "lab2", "lab3")}


def points(*values):
    return {f"lab{number}": Fraction(str(value)) for number, value in enumerate(values, 1)}


@given(st.decimals(0, 1000, places=4), st.integers(0, 3))
def test_rounding_is_that_of_decimal_numbers(value, decimals):
    step = Decimal(1).scaleb(-decimals)
    assert rounded(Fraction(value), decimals) == value.quantize(step, ROUND_HALF_UP)
    assert rounded(Fraction(value), decimals, Rounding.HALF_EVEN) == value.quantize(step, ROUND_HALF_EVEN)


@pytest.mark.parametrize(
    ("value", "half_up", "half_even"),
    [("2.5", "3", "2"), ("3.5", "4", "4"), ("0.5", "1", "0"), ("2.4999", "2", "2"), ("2.5001", "3", "3")],
)
def test_halfway(value, half_up, half_even):
    assert rounded(Fraction(value), 0) == Decimal(half_up)
    assert rounded(Fraction(value), 0, Rounding.HALF_EVEN) == Decimal(half_even)


def test_a_binary_number_is_taken_for_the_fraction_that_was_meant():
    # In binary, 73 less a tenth of it is just below 65.7, and 2.675 is just below itself.
    assert exact_points(73 - 0.1 * 73) == Fraction("65.7") and 0.1 + 0.2 != 0.3
    assert exact_points(0.1 + 0.2) == Fraction("0.3") and exact_points(10 / 3) == Fraction(10, 3)
    assert rounded(exact_points(2.675), 2) == Decimal("2.68") and round(2.675, 2) == 2.67
    assert [f"{plain(Decimal(text)):f}" for text in ("100.000", "1E+2", "-0.0", "0.5")] == ["100", "100", "0", "0.5"]


@given(st.integers(0, 100), st.integers(1, 997), st.floats(0, 1000))
def test_a_share_is_found_and_no_number_changes(whole, share, points):
    assert exact_points(whole / share) == Fraction(whole, share)
    assert abs(float(exact_points(points)) - points) < 1e-9


def test_without_rules_the_labs_count_by_their_points():
    total = CourseTotal(GradingRules(), {"lab1": Fraction(100), "lab2": Fraction(50)}).of(points(100, 0))
    assert total.exact == Decimal("66.666666667") and total.rounded == Decimal("66.67") and total.grade == ""


def test_weights_best_bonus_maximum_and_grades():
    rules = GradingRules(
        weights={"lab1": Decimal(40)},
        best=(BestOf(("lab2", "lab3"), 1, Decimal(60)),),
        bonus={"lab4": Decimal(10)},
        decimals=0,
        maximum=Decimal(100),
        grades={"A": Decimal(90), "B": Decimal(70), "F": Decimal(0)},
    )
    course = CourseTotal(rules, {**HUNDRED, "lab4": Fraction(50)})
    total = course.of(points(50, 20, 80))
    assert total.best == (80,) and total.exact == 68 and total.grade == "F"
    assert course.of(points(50, 20, 80, 5)).grade == "F" and course.of(points(50, 20, 80, 10)).grade == "B"
    assert course.of(points(100, 20, 100, 50)).exact == 100
    assert course.of({}).rounded == 0 and course.of({}).grade == "F"


def test_a_grade_is_that_of_the_rounded_total():
    rules = GradingRules({"lab1": Decimal(100)}, decimals=0, grades={"A": Decimal(90), "F": Decimal(0)})
    course = CourseTotal(rules, HUNDRED)
    assert [course.of(points(value)).grade for value in ("89.5", "89.4999")] == ["A", "F"]
    half_even = CourseTotal(
        GradingRules({"lab1": Decimal(100)}, decimals=0, rounding=Rounding.HALF_EVEN, grades=rules.grades), HUNDRED
    )
    assert [half_even.of(points(value)).rounded for value in ("88.5", "89.5")] == [88, 90]


def test_three_thirds_are_a_whole():
    rules = GradingRules(best=(BestOf(("lab1", "lab2", "lab3"), 3, Decimal(100)),), decimals=6)
    course = CourseTotal(rules, {lab: Fraction(3) for lab in HUNDRED})
    assert course.of(points(1, 1, 1)).rounded == Decimal("33.333333") and course.of(points(3, 3, 3)).exact == 100
    # Two of the three percentages are 100/3, which no decimal number is; their mean is exactly 33.35 all the same.
    assert course.of(points("1.0015", 1, 1)).exact == Decimal("33.35")


def test_a_lab_whose_points_are_not_known_gives_nothing():
    rules = GradingRules({"lab1": Decimal(50), "lab2": Decimal(50)})
    assert CourseTotal(rules, {"lab1": Fraction(100), "lab2": Fraction()}).of(points(100)).exact == 50
    assert CourseTotal(GradingRules(), {}).of({}).rounded == 0
